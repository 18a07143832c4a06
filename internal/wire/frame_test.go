// SPDX-License-Identifier: MPL-2.0

package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"
)

// fromHex reads hex digits with blanks wherever they please the eye.
func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatalf("hex %q: %v", s, err)
	}
	return b
}

// wantCode fails the test unless err is an *Error of that code.
func wantCode(t testing.TB, err error, code Code) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want code %#x", err, int(code))
	}
	if e.Code != code {
		t.Fatalf("error %v of code %#x, want %#x", err, int(e.Code), int(code))
	}
}

// lent returns a copy of b without spare capacity, so that a parser that reads on panics.
func lent(b []byte) []byte { return bytes.Clone(b)[:len(b):len(b)] }

func TestPutHeader(t *testing.T) {
	tests := []struct {
		flags byte
		n     int
		want  string
	}{
		{0, 0, "00 00"},
		{FlagMore, 1, "01 01"},
		{FlagCommand, 255, "04 ff"},
		{0, 256, "02 00 00 00 00 00 00 01 00"},
		{FlagMore, 65536, "03 00 00 00 00 00 01 00 00"},
		{FlagCommand, 256, "06 00 00 00 00 00 00 01 00"},
		{FlagLong, 7, "00 07"}, // the length decides, not the caller's flag
		{FlagLong | FlagMore, 7, "01 07"},
	}
	for _, tt := range tests {
		want := fromHex(t, tt.want)
		dst := bytes.Repeat([]byte{0xAA}, MaxHeader+1)
		n := PutHeader(dst, tt.flags, tt.n)
		if !bytes.Equal(dst[:n], want) {
			t.Errorf("PutHeader(%#x, %d) = % x, want % x", tt.flags, tt.n, dst[:n], want)
		}
		if rest := dst[n:]; len(bytes.Trim(rest, "\xAA")) > 0 {
			t.Errorf("PutHeader(%#x, %d) wrote beyond the header: % x", tt.flags, tt.n, rest)
		}
		if n != HeaderLen(tt.n) {
			t.Errorf("HeaderLen(%d) = %d, want %d", tt.n, HeaderLen(tt.n), n)
		}
		got := AppendHeader([]byte("x"), tt.flags, tt.n)
		if !bytes.Equal(got, append([]byte("x"), want...)) {
			t.Errorf("AppendHeader(x, %#x, %d) = % x", tt.flags, tt.n, got)
		}
	}
}

func TestParseHeader(t *testing.T) {
	tests := []struct {
		name  string
		in    string
		flags byte
		n     int
		size  int
	}{
		{"nothing", "", 0, 0, 0},
		{"flags alone", "00", 0, 0, 0},
		{"long flags alone", "02", 0, 0, 0},
		{"command flags alone", "04", 0, 0, 0},
		{"long, one byte short", "02 00 00 00 00 00 00 01", 0, 0, 0},
		{"empty", "00 00", 0, 0, 2},
		{"more", "01 05", FlagMore, 5, 2},
		{"command", "04 ff", FlagCommand, 255, 2},
		{"body behind", "00 03 61 62 63", 0, 3, 2},
		{"long", "02 00 00 00 00 00 01 00 00", FlagLong, 65536, 9},
		{"long and more", "03 00 00 00 00 00 00 01 00", FlagLong | FlagMore, 256, 9},
		{"long command", "06 00 00 00 00 00 00 01 00", FlagLong | FlagCommand, 256, 9},
		{"long though short would do", "02 00 00 00 00 00 00 00 07", FlagLong, 7, 9},
		{"largest of 32 bits", "02 00 00 00 00 7f ff ff ff", FlagLong, math.MaxInt32, 9},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			flags, n, size, err := ParseHeader(lent(fromHex(t, tt.in)))
			if err != nil {
				t.Fatal(err)
			}
			if size != tt.size || flags != tt.flags && size > 0 || n != tt.n && size > 0 {
				t.Errorf("flags %#x, length %d, size %d; want %#x, %d, %d",
					flags, n, size, tt.flags, tt.n, tt.size)
			}
		})
	}
}

func TestParseHeaderRefuses(t *testing.T) {
	tests := []struct {
		name string
		in   string
		code Code
	}{
		{"bit 3", "08 00", CodeMalformedMessage},
		{"bit 7", "80 00", CodeMalformedMessage},
		{"reserved bits without a length yet", "f8", CodeMalformedMessage},
		{"reserved bits in a long header", "12 00", CodeMalformedMessage},
		{"command with more", "05", CodeMalformedCommand},
		{"long command with more", "07 00", CodeMalformedCommand},
		{"2 to the 63", "02 80 00 00 00 00 00 00 00", CodeMalformedMessage},
		{"all ones", "06 ff ff ff ff ff ff ff ff", CodeMalformedMessage},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, n, size, err := ParseHeader(lent(fromHex(t, tt.in)))
			wantCode(t, err, tt.code)
			if n != 0 || size != 0 {
				t.Errorf("length %d and size %d with an error", n, size)
			}
		})
	}
}

// What fits into an int depends on the machine; 4 GiB show it.
func TestParseHeaderFitsInt(t *testing.T) {
	_, n, size, err := ParseHeader(fromHex(t, "02 00 00 00 01 00 00 00 00"))
	if math.MaxInt == math.MaxInt32 {
		wantCode(t, err, CodeMalformedMessage)
		return
	}
	if err != nil || uint64(n) != 1<<32 || size != MaxHeader {
		t.Errorf("length %d, size %d, error %v", n, size, err)
	}
}

func TestHeaderRoundTrip(t *testing.T) {
	for _, flags := range []byte{0, FlagMore, FlagCommand} {
		for _, n := range []int{0, 1, 2, 127, 128, 254, 255, 256, 257, 65535, 65536, 1 << 20, math.MaxInt32, math.MaxInt} {
			b := AppendHeader(nil, flags, n)
			for cut := range b { // one byte at a time: nothing is said before the last one
				if _, _, size, err := ParseHeader(lent(b[:cut])); size != 0 || err != nil {
					t.Fatalf("%d of % x: size %d, error %v", cut, b, size, err)
				}
			}
			got, length, size, err := ParseHeader(lent(b))
			if err != nil || got&^FlagLong != flags || length != n || size != len(b) {
				t.Errorf("% x: flags %#x, length %d, size %d, error %v", b, got, length, size, err)
			}
			if long := got&FlagLong != 0; long != (n > 255) {
				t.Errorf("%d bytes: long is %v", n, long)
			}
		}
	}
}

func TestHeaderAllocatesNothing(t *testing.T) {
	dst := make([]byte, MaxHeader)
	sum := 0
	if n := testing.AllocsPerRun(100, func() {
		for _, n := range []int{8, 256, 1 << 20} {
			PutHeader(dst, FlagMore, n)
			_, length, _, _ := ParseHeader(dst)
			dst = AppendHeader(dst[:0], FlagCommand, n)
			_, size, _, _ := ParseHeader(dst)
			dst = dst[:MaxHeader]
			sum += length + size
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if sum == 0 {
		t.Error("nothing was parsed")
	}
}

func FuzzHeader(f *testing.F) {
	for _, s := range []string{
		"", "00", "00 00", "01 05", "04 ff", "05 01", "08 00",
		"02 00 00 00 00 00 01 00 00", "06 00 00 00 00 00 00 00 05", "03 80 00 00 00 00 00 00 00",
	} {
		f.Add(fromHex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		flags, n, size, err := ParseHeader(lent(b))
		if err != nil || size == 0 {
			if n != 0 || size != 0 {
				t.Fatalf("length %d, size %d, error %v", n, size, err)
			}
			return
		}
		if n < 0 || size > len(b) || flags != b[0] {
			t.Fatalf("flags %#x, length %d, size %d of % x", flags, n, size, b)
		}
		again := AppendHeader(nil, flags, n)
		if len(again) == size && !bytes.Equal(again, b[:size]) {
			t.Fatalf("% x became % x", b[:size], again)
		}
		// A long header may hold what fits a short one; what it says must survive all the same.
		flags2, n2, _, err := ParseHeader(again)
		if err != nil || n2 != n || (flags2^flags)&^FlagLong != 0 {
			t.Fatalf("% x became % x: flags %#x, length %d, error %v", b[:size], again, flags2, n2, err)
		}
	})
}
