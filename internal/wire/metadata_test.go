// SPDX-License-Identifier: MPL-2.0

package wire

import (
	"bytes"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestMetadataBytes(t *testing.T) {
	dealer := Metadata{{PropertySocketType, "DEALER"}, {PropertyIdentity, ""}}
	want := fromHex(t, "04 29 05 5245414459"+
		"0b 536f636b65742d54797065 00000006 4445414c4552"+
		"08 4964656e74697479 00000000")
	if got := AppendReady(nil, dealer); !bytes.Equal(got, want) {
		t.Errorf("got  % x\nwant % x", got, want)
	}
	if got := AppendReadyBody(nil, dealer); !bytes.Equal(got, want[2:]) {
		t.Errorf("the body is % x, want % x", got, want[2:])
	}
	if got := AppendMetadata([]byte("x"), dealer); !bytes.Equal(got[1:], want[8:]) {
		t.Errorf("the metadata is % x, want % x", got[1:], want[8:])
	}
	// A READY that is too long for a short header.
	long := Metadata{{"X-Long", strings.Repeat("v", 300)}}
	flags, b := body(t, AppendReady(nil, long))
	if flags != FlagCommand || !bytes.Equal(b, AppendReadyBody(nil, long)) {
		t.Errorf("a long READY has flags %#x and %d bytes", flags, len(b))
	}
}

func TestMetadataRoundTrip(t *testing.T) {
	for _, m := range []Metadata{
		nil,
		{{"a", ""}},
		{{PropertySocketType, "PUSH"}},
		{{"X-+._-09azAZ", "\x00\xff"}, {"x", "1"}, {"x", "2"}},
		{{strings.Repeat("n", 255), strings.Repeat("v", 70000)}, {"z", "end"}},
	} {
		b := AppendMetadata(nil, m)
		got, err := ParseMetadata(lent(b))
		if err != nil || !slices.Equal(got, m) {
			t.Errorf("%.60q: got %.60q, %v", m, got, err)
		}
		clear(b)
		if !slices.Equal(got, m) {
			t.Errorf("%.60q lies in the bytes that were lent", m)
		}
	}
}

func TestMetadataGet(t *testing.T) {
	m := Metadata{{"Socket-Type", "REQ"}, {"X-a", ""}, {"x-A", "second"}}
	for _, tt := range []struct {
		name, value string
		ok          bool
	}{
		{"Socket-Type", "REQ", true},
		{"socket-type", "REQ", true},
		{"SOCKET-TYPE", "REQ", true},
		{"X-A", "", true}, // the first of a name
		{"Socket", "", false},
		{"", "", false},
	} {
		if value, ok := m.Get(tt.name); value != tt.value || ok != tt.ok {
			t.Errorf("Get(%q) = %q, %v", tt.name, value, ok)
		}
	}
}

func TestParseMetadataRefuses(t *testing.T) {
	good := string(AppendMetadata(nil, Metadata{{"a", "b"}}))
	tests := []struct{ name, in string }{
		{"an empty name", "\x00\x00\x00\x00\x00"},
		{"only a length of a name", "\x01"},
		{"a name cut off", "\x05abc"},
		{"no length of a value", "\x01a"},
		{"a length cut off", "\x01a\x00\x00\x00"},
		{"a value cut off", "\x01a\x00\x00\x00\x02v"},
		{"a value that is not there", "\x01a\x7f\xff\xff\xff"},
		{"a value of 2 to the 31", "\x01a\x80\x00\x00\x00"},
		{"a value of all ones", "\x01a\xff\xff\xff\xff"},
		{"a blank in a name", "\x03a b\x00\x00\x00\x00"},
		{"a zero in a name", "\x01\x00\x00\x00\x00\x00"},
		{"a colon in a name", "\x03X:a\x00\x00\x00\x00"},
		{"a high byte in a name", "\x01\xe4\x00\x00\x00\x00"},
		{"one byte behind", good + "\x01"},
		{"a second that is bad", good + "\x00\x00\x00\x00\x00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := ParseMetadata(lent([]byte(tt.in)))
			wantCode(t, err, CodeInvalidMetadata)
			if m != nil {
				t.Errorf("%q with an error", m)
			}
		})
	}
}

// Cut anywhere but between two properties, metadata is refused.
func TestMetadataByteByByte(t *testing.T) {
	m := Metadata{{PropertySocketType, "DEALER"}, {PropertyIdentity, "me"}, {"X-empty", ""}}
	whole := AppendMetadata(nil, m)
	ends := map[int]int{} // where properties end, and how many there are by then
	for i := range len(m) + 1 {
		ends[len(AppendMetadata(nil, m[:i]))] = i
	}
	for cut := range len(whole) + 1 {
		got, err := ParseMetadata(lent(whole[:cut]))
		n, between := ends[cut]
		if !between {
			wantCode(t, err, CodeInvalidMetadata)
		} else if err != nil || !slices.Equal(got, m[:n]) {
			t.Fatalf("%d bytes: %q, %v", cut, got, err)
		}
	}
}

// Whatever was announced or came before the fault, metadata that is bad at its end costs one error.
// Kept too early, the properties here would cost 32 bytes each, and their text 7.
func TestBadMetadataCostsLittle(t *testing.T) {
	const runs, properties = 20, 5000
	b := bytes.Repeat(AppendMetadata(nil, Metadata{{"a", "b"}}), properties)
	b = append(b, "\x01a\x7f\xff\xff\xff"...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		if _, err := ParseMetadata(b); err == nil {
			t.Fatal("accepted")
		}
	}
	runtime.ReadMemStats(&after)
	if cost := (after.TotalAlloc - before.TotalAlloc) / runs; cost > properties {
		t.Errorf("a refusal costs %d bytes", cost)
	}
}

func FuzzMetadata(f *testing.F) {
	f.Add([]byte{})
	f.Add(AppendMetadata(nil, Metadata{{PropertySocketType, "REP"}, {PropertyIdentity, ""}}))
	f.Add([]byte("\x01a\x7f\xff\xff\xff"))
	f.Add([]byte("\x01a\x00\x00\x00\x01v\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseMetadata(lent(b))
		if err != nil {
			wantCode(t, err, CodeInvalidMetadata)
			return
		}
		if got := AppendMetadata(nil, m); !bytes.Equal(got, b) {
			t.Fatalf("%q became %q", b, got)
		}
		for _, p := range m {
			if _, ok := m.Get(strings.ToUpper(p.Name)); !ok {
				t.Fatalf("%q is not found in upper case", p.Name)
			}
		}
	})
}
