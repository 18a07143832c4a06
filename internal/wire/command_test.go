// SPDX-License-Identifier: MPL-2.0

package wire

import (
	"bytes"
	"strings"
	"testing"
)

// body cuts one whole frame, which must be all of b, and returns its flags and body.
func body(t testing.TB, b []byte) (flags byte, rest []byte) {
	t.Helper()
	flags, n, size, err := ParseHeader(b)
	if err != nil || size == 0 || size+n != len(b) {
		t.Fatalf("% x is not one frame: length %d, size %d, error %v", b, n, size, err)
	}
	return flags &^ FlagLong, b[size:]
}

func TestCommandBytes(t *testing.T) {
	long := bytes.Repeat([]byte("t"), 300)
	tests := []struct {
		name string
		got  []byte
		want string
	}{
		{"SUBSCRIBE", AppendSubscribe(nil, []byte("A")), "04 0b 09 535542534352494245 41"},
		{"SUBSCRIBE to all", AppendSubscribe(nil, nil), "04 0a 09 535542534352494245"},
		{"CANCEL", AppendCancel(nil, []byte("A")), "04 08 06 43414e43454c 41"},
		{"legacy subscription", AppendSubscribeLegacy(nil, []byte("A")), "00 02 01 41"},
		{"legacy cancellation", AppendCancelLegacy(nil, []byte("A")), "00 02 00 41"},
		{"PING without a ttl", AppendPing(nil, 0, nil), "04 07 04 50494e47 0000"},
		{"PING", AppendPing(nil, 0x1234, []byte("ctx")), "04 0a 04 50494e47 1234 637478"},
		{"PONG", AppendPong(nil, nil), "04 05 04 504f4e47"},
		{"PONG with context", AppendPong(nil, []byte("ctx")), "04 08 04 504f4e47 637478"},
		{"ERROR", AppendError(nil, "400"), "04 0a 05 4552524f52 03 343030"},
		{"JOIN", AppendJoin(nil, "g"), "04 06 04 4a4f494e 67"},
		{"LEAVE", AppendLeave(nil, "g"), "04 07 05 4c45415645 67"},
		{"another", AppendCommand(nil, "HELLO", []byte{1, 2}), "04 08 05 48454c4c4f 0102"},
		{"a body", AppendCommandBody(nil, "HELLO", []byte{1, 2}), "05 48454c4c4f 0102"},
		{"behind others", AppendPong([]byte{9}, nil), "09 04 05 04 504f4e47"},
		{"a long one", AppendCancel(nil, long)[:16], "06 0000000000000133 06 43414e43454c"},
	}
	for _, tt := range tests {
		if want := fromHex(t, tt.want); !bytes.Equal(tt.got, want) {
			t.Errorf("%s: got % x, want % x", tt.name, tt.got, want)
		}
	}
}

// The byte in front of a legacy topic counts: with it, 255 bytes no longer fit a short header.
func TestLegacySubscriptionLengths(t *testing.T) {
	for _, n := range []int{0, 253, 254, 255, 256, 70000} {
		topic := bytes.Repeat([]byte("t"), n)
		for first, b := range [][]byte{AppendCancelLegacy(nil, topic), AppendSubscribeLegacy(nil, topic)} {
			flags, got := body(t, b)
			if flags != 0 || got[0] != byte(first) || !bytes.Equal(got[1:], topic) {
				t.Errorf("%d bytes: flags %#x, first byte %d, %d bytes", n, flags, got[0], len(got)-1)
			}
		}
	}
}

func TestKindOf(t *testing.T) {
	topic := bytes.Repeat([]byte("topic"), 60)
	tests := []struct {
		in   []byte
		kind Kind
		data string
	}{
		{AppendReady(nil, nil), KindReady, ""},
		{AppendError(nil, "no"), KindError, "\x02no"},
		{AppendPing(nil, 1, []byte("c")), KindPing, "\x00\x01c"},
		{AppendPong(nil, []byte("c")), KindPong, "c"},
		{AppendSubscribe(nil, topic), KindSubscribe, string(topic)},
		{AppendCancel(nil, topic), KindCancel, string(topic)},
		{AppendJoin(nil, "g"), KindJoin, "g"},
		{AppendLeave(nil, "g"), KindLeave, "g"},
		{AppendCommand(nil, "HELLO", []byte("d")), KindOther, "d"},
		{AppendCommand(nil, "ping", nil), KindOther, ""}, // names are in upper case, and exact
		{AppendCommand(nil, "PINGS", nil), KindOther, ""},
		{AppendCommand(nil, strings.Repeat("N", 255), []byte("d")), KindOther, "d"},
	}
	for _, tt := range tests {
		flags, b := body(t, tt.in)
		kind, data, err := KindOf(lent(b))
		if err != nil || flags != FlagCommand || kind != tt.kind || string(data) != tt.data {
			t.Errorf("%q: %v with %q, flags %#x, error %v; want %v with %q",
				b, kind, data, flags, err, tt.kind, tt.data)
		}
		if kind != KindOther && kind.String() != string(b[1:1+b[0]]) {
			t.Errorf("%q is called %q", b, kind)
		}
	}
	if got := KindOther.String(); got != "other" {
		t.Errorf("KindOther is called %q", got)
	}
}

func TestParseCommandRefuses(t *testing.T) {
	for _, in := range []string{
		"", "\x00", "\x00PING", "\x01", "\x05PING", "\xffPING", "\x04PI G", "\x04PIN\x00", "\x04PIN7", "\x02\xc3\xa4",
	} {
		name, data, err := ParseCommand(lent([]byte(in)))
		wantCode(t, err, CodeMalformedCommand)
		if name != nil || data != nil {
			t.Errorf("%q: %q and %q with an error", in, name, data)
		}
		if kind, _, err := KindOf([]byte(in)); err == nil || kind != KindOther {
			t.Errorf("KindOf(%q) = %v, %v", in, kind, err)
		}
	}
}

// Before its last byte a command's body is short of a name or of data; it is never misread as a
// whole one that says something else.
func TestCommandByteByByte(t *testing.T) {
	_, whole := body(t, AppendPing(nil, 7, []byte("context")))
	for cut := range whole {
		kind, data, err := KindOf(lent(whole[:cut]))
		if cut < 5 {
			wantCode(t, err, CodeMalformedCommand)
			continue
		}
		if err != nil || kind != KindPing || !bytes.Equal(data, whole[5:cut]) {
			t.Fatalf("%d bytes: %v with %q, error %v", cut, kind, data, err)
		}
		ttl, context, err := ParsePing(lent(data))
		if cut < 7 {
			wantCode(t, err, CodeMalformedCommand)
		} else if err != nil || ttl != 7 || string(context) != "context"[:cut-7] {
			t.Fatalf("%d bytes: ttl %d, context %q, error %v", cut, ttl, context, err)
		}
	}
}

func TestPing(t *testing.T) {
	for _, ttl := range []uint16{0, 1, 256, 65535} {
		for _, context := range []string{"", "c", strings.Repeat("c", 16)} {
			_, b := body(t, AppendPing(nil, ttl, []byte(context)))
			_, data, _ := KindOf(b)
			gotTTL, got, err := ParsePing(data)
			if err != nil || gotTTL != ttl || string(got) != context {
				t.Errorf("ttl %d, context %q: got %d, %q, %v", ttl, context, gotTTL, got, err)
			}
		}
	}
	// What is sent keeps to 16 bytes; what is received must.
	over := []byte("0123456789abcdefX")
	_, ping := body(t, AppendPing(nil, 0, over))
	_, pong := body(t, AppendPong(nil, over))
	if !bytes.HasSuffix(ping, over[:16]) || !bytes.HasSuffix(pong, over[:16]) {
		t.Errorf("sent %q and %q", ping, pong)
	}
	for _, data := range []string{"", "\x00", "\x00\x00" + string(over)} {
		_, _, err := ParsePing([]byte(data))
		wantCode(t, err, CodeMalformedCommand)
	}
}

func TestError(t *testing.T) {
	for _, reason := range []string{"", "400", "Invalid socket type", strings.Repeat("r", 255)} {
		_, b := body(t, AppendError(nil, reason))
		_, data, _ := KindOf(b)
		if got, err := ParseError(data); err != nil || got != reason {
			t.Errorf("%q: got %q, %v", reason, got, err)
		}
	}
	_, b := body(t, AppendError(nil, strings.Repeat("r", 300)))
	_, data, _ := KindOf(b)
	if got, err := ParseError(data); err != nil || len(got) != 255 {
		t.Errorf("300 bytes: got %d, %v", len(got), err)
	}
	for _, data := range []string{"", "\x01", "\x04400", "\x02400", "\xff"} {
		_, err := ParseError([]byte(data))
		wantCode(t, err, CodeMalformedError)
	}
}

func TestGroup(t *testing.T) {
	for _, group := range []string{"", "g", "\x01\xff", strings.Repeat("g", 255)} {
		for _, b := range [][]byte{AppendJoin(nil, group), AppendLeave(nil, group)} {
			_, b = body(t, b)
			_, data, _ := KindOf(b)
			if got, err := ParseGroup(data); err != nil || string(got) != group {
				t.Errorf("%q: got %q, %v", group, got, err)
			}
		}
	}
	for _, data := range []string{"\x00", "a\x00b", strings.Repeat("g", 256)} {
		_, err := ParseGroup([]byte(data))
		wantCode(t, err, CodeMalformedCommand)
	}
}

func TestKindOfAllocatesNothing(t *testing.T) {
	_, ping := body(t, AppendPing(nil, 1, []byte("context")))
	_, other := body(t, AppendCommand(nil, "HELLO", nil))
	buf := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() {
		_, data, _ := KindOf(ping)
		_, context, _ := ParsePing(data)
		buf = AppendPong(buf[:0], context)
		_, _, _ = KindOf(other)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if want := AppendPong(nil, []byte("context")); !bytes.Equal(buf, want) {
		t.Errorf("answered % x, want % x", buf, want)
	}
}

func FuzzCommand(f *testing.F) {
	for _, b := range [][]byte{
		AppendPing(nil, 1, []byte("c")), AppendPong(nil, nil), AppendError(nil, "400"),
		AppendSubscribe(nil, []byte("t")), AppendCancel(nil, nil), AppendJoin(nil, "g"),
		AppendLeave(nil, "g"), AppendReady(nil, Metadata{{"Identity", ""}}), AppendCommand(nil, "X", nil),
	} {
		_, b = body(f, b)
		f.Add(b)
	}
	f.Add([]byte{})
	f.Add([]byte("\x05PING"))
	f.Fuzz(func(t *testing.T, b []byte) {
		b = lent(b)
		name, data, err := ParseCommand(b)
		kind, data2, err2 := KindOf(b)
		if (err == nil) != (err2 == nil) || !bytes.Equal(data, data2) {
			t.Fatalf("%q: %v and %v", b, err, err2)
		}
		if err != nil {
			return
		}
		if got := AppendCommandBody(nil, string(name), data); !bytes.Equal(got, b) {
			t.Fatalf("%q became %q", b, got)
		}
		var again []byte // what the parsed fields make when they are appended
		switch kind {
		case KindPing:
			if ttl, context, err := ParsePing(data); err == nil {
				again = AppendPing(nil, ttl, context)
			}
		case KindError:
			if reason, err := ParseError(data); err == nil {
				again = AppendError(nil, reason)
			}
		case KindJoin:
			if group, err := ParseGroup(data); err == nil {
				again = AppendJoin(nil, string(group))
			}
		case KindLeave:
			if group, err := ParseGroup(data); err == nil {
				again = AppendLeave(nil, string(group))
			}
		case KindSubscribe:
			again = AppendSubscribe(nil, data)
		case KindCancel:
			again = AppendCancel(nil, data)
		}
		if again == nil {
			return
		}
		if flags, got := body(t, again); flags != FlagCommand || !bytes.Equal(got, b) {
			t.Fatalf("%q became %q", b, got)
		}
	})
}
