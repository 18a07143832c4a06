// SPDX-License-Identifier: MPL-2.0

package wire

import (
	"bytes"
	"errors"
	"testing"
)

// appendGreeting is a whole greeting, as the stages send it one after the other.
func appendGreeting(b []byte, g Greeting) []byte {
	return AppendRest(AppendVersion(AppendSignature(b)), g)
}

// edited returns a NULL greeting with the bytes from at on replaced.
func edited(at int, with ...byte) []byte {
	b := appendGreeting(nil, Greeting{Mechanism: "NULL"})
	copy(b[at:], with)
	return b
}

func TestGreetingBytes(t *testing.T) {
	got := appendGreeting(nil, Greeting{Mechanism: "CURVE", AsServer: true})
	want := fromHex(t, "ff 00000000 00000001 7f 03 01"+
		"4355525645 000000000000000000000000000000 01"+
		"00000000000000000000000000000000000000000000000000000000000000")
	if !bytes.Equal(got, want) {
		t.Errorf("got  % x\nwant % x", got, want)
	}
	// A name that is too long must not run into the next field.
	got = appendGreeting(nil, Greeting{Mechanism: "ABCDEFGHIJKLMNOPQRSTUVWXYZ"})
	if len(got) != greetingLen || got[asServerAt] != 0 {
		t.Errorf("% x", got)
	}
}

func TestGreetingReader(t *testing.T) {
	null := Greeting{Major: 3, Minor: 1, Mechanism: "NULL"}
	tests := []struct {
		name string
		in   []byte
		want Greeting
	}{
		{"ours", edited(0), null},
		{"zero padding", edited(1, 0, 0, 0, 0, 0, 0, 0, 0), null},
		{"any padding", edited(1, 1, 0xFF, 3, 0xFE, 0x7F, 6, 7, 8), null},
		{"any odd end of the signature", edited(9, 0x01), null},
		{"3.0", edited(minorAt, 0), Greeting{3, 0, "NULL", false}},
		{"3.9", edited(minorAt, 9), Greeting{3, 9, "NULL", false}},
		{"a later major", edited(majorAt, 4, 0), Greeting{4, 0, "NULL", false}},
		{"the last major", edited(majorAt, 255, 255), Greeting{255, 255, "NULL", false}},
		{"server", edited(asServerAt, 1), Greeting{3, 1, "NULL", true}},
		{"a filler of later versions", edited(33, 1, 2, 3), null},
		{"every other character", edited(mechanismAt, []byte("Z-0_9.+A")...), Greeting{3, 1, "Z-0_9.+A", false}},
		{"a name of 20 bytes", edited(mechanismAt, []byte("ABCDEFGHIJ0123456789")...),
			Greeting{3, 1, "ABCDEFGHIJ0123456789", false}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r GreetingReader
			n, err := r.Feed(append(tt.in, "next"...))
			if err != nil || n != greetingLen || r.Stage() != StageDone {
				t.Fatalf("took %d, stage %d, error %v", n, r.Stage(), err)
			}
			if got := r.Greeting(); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if n, err := r.Feed([]byte("more")); n != 0 || err != nil {
				t.Errorf("took %d bytes more, error %v", n, err)
			}
		})
	}
}

func TestGreetingReaderRefuses(t *testing.T) {
	tests := []struct {
		name  string
		in    []byte
		taken int // up to and with the byte that showed it
		stage int // what was shown before
		major int // of a VersionError, else
		code  Code
	}{
		{"1.0, anonymous", []byte{1, 0}, 1, StageStart, 1, 0},
		{"1.0, a long identity", edited(9, 0), 10, StageStart, 1, 0},
		{"an even end of the signature", edited(9, 0x7E), 10, StageStart, 1, 0},
		{"no ZMTP at all", []byte("GET / HTTP/1.1\r\n"), 1, StageStart, 1, 0},
		{"greets like 2.0, frames like 1.0", edited(majorAt, 0), 11, StageSignature, 1, 0},
		{"2.0", edited(majorAt, 1), 11, StageSignature, 2, 0},
		{"2.0 by its other number", edited(majorAt, 2), 11, StageSignature, 2, 0},
		{"no mechanism", edited(mechanismAt, 0, 0, 0, 0), 32, StageMajor, 0, CodeMechanismMismatch},
		{"lower case", edited(mechanismAt, 'n'), 32, StageMajor, 0, CodeMechanismMismatch},
		{"a blank", edited(mechanismAt+4, ' '), 32, StageMajor, 0, CodeMechanismMismatch},
		{"a high byte", edited(mechanismAt+2, 0xC3), 32, StageMajor, 0, CodeMechanismMismatch},
		{"a name behind the name", edited(mechanismAt+19, 'X'), 32, StageMajor, 0, CodeMechanismMismatch},
		{"as-server 2", edited(asServerAt, 2), 33, StageMajor, 0, CodeUnspecified},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r GreetingReader
			n, err := r.Feed(tt.in)
			if n != tt.taken || r.Stage() != tt.stage {
				t.Errorf("took %d, stage %d; want %d, %d", n, r.Stage(), tt.taken, tt.stage)
			}
			if v := (*VersionError)(nil); errors.As(err, &v) {
				if v.Major != tt.major || v.Minor != 0 {
					t.Errorf("version %d.%d, want %d.0", v.Major, v.Minor, tt.major)
				}
			} else {
				wantCode(t, err, tt.code)
			}
			if n, again := r.Feed(edited(0)); n != 0 || again != err {
				t.Errorf("then took %d, error %v", n, again)
			}
		})
	}
}

func TestGreetingByteByByte(t *testing.T) {
	want := Greeting{Major: 3, Minor: 1, Mechanism: "PLAIN", AsServer: true}
	in := appendGreeting(nil, want)
	var r GreetingReader
	for i := range in {
		if n, err := r.Feed(in[i : i+1]); n != 1 || err != nil {
			t.Fatalf("byte %d: took %d, error %v", i, n, err)
		}
		stage := StageStart
		switch have := i + 1; {
		case have == 64:
			stage = StageDone
		case have >= 11:
			stage = StageMajor
		case have >= 10:
			stage = StageSignature
		}
		if r.Stage() != stage {
			t.Fatalf("after %d bytes: stage %d, want %d", i+1, r.Stage(), stage)
		}
	}
	if got := r.Greeting(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestGreetingSplitAnywhere(t *testing.T) {
	in := edited(0)
	for cut := range len(in) + 1 {
		var r GreetingReader
		n, err1 := r.Feed(in[:cut])
		m, err2 := r.Feed(in[cut:])
		if n != cut || m != len(in)-cut || err1 != nil || err2 != nil || r.Stage() != StageDone {
			t.Fatalf("cut at %d: took %d and %d, errors %v and %v, stage %d", cut, n, m, err1, err2, r.Stage())
		}
	}
}

func FuzzGreeting(f *testing.F) {
	f.Add([]byte{}, 0)
	f.Add([]byte{1, 0}, 1)
	f.Add(edited(0), 10)
	f.Add(edited(majorAt, 1), 11)
	f.Add(edited(mechanismAt, []byte("a b")...), 12)
	f.Add(append(edited(asServerAt, 1), 4, 5), 63)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		var whole, split GreetingReader
		n, err := whole.Feed(b)
		cut = min(max(cut, 0), len(b))
		m, err2 := split.Feed(b[:cut])
		if err2 == nil {
			var more int
			more, err2 = split.Feed(b[cut:])
			m += more
		}
		if n != m || whole.Stage() != split.Stage() || whole.Greeting() != split.Greeting() ||
			(err == nil) != (err2 == nil) || err != nil && err.Error() != err2.Error() {
			t.Fatalf("cut at %d: took %d or %d, stage %d or %d, %v or %v",
				cut, n, m, whole.Stage(), split.Stage(), err, err2)
		}
		if err == nil && n != min(len(b), greetingLen) {
			t.Fatalf("took %d of %d without an error", n, len(b))
		}
		if whole.Stage() != StageDone {
			return
		}
		g := whole.Greeting()
		var again GreetingReader
		if _, err := again.Feed(appendGreeting(nil, g)); err != nil {
			t.Fatalf("%+v is refused: %v", g, err)
		}
		if got := again.Greeting(); got.Mechanism != g.Mechanism || got.AsServer != g.AsServer {
			t.Fatalf("%+v became %+v", g, got)
		}
	})
}
