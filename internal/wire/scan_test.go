// SPDX-License-Identifier: MPL-2.0

package wire

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"
)

// seen is what a whole stream was found to be: offsets are from its beginning.
type seen struct {
	ends     []int  // of whole messages
	commands []int  // where command frames begin
	large    []int  // where frames with large bodies begin
	middle   bool   // the stream ends inside a message
	err      string // what ended it early
}

func (s seen) String() string {
	return fmt.Sprintf("messages end at %v, commands at %v, large at %v, middle %v, error %q",
		s.ends, s.commands, s.large, s.middle, s.err)
}

func (s seen) equal(o seen) bool { return s.String() == o.String() }

// scanAll drives a Scanner as a reader does; cut says how many of the left bytes arrive next.
func scanAll(s Scanner, stream []byte, cut func(left int) int) (got seen) {
	base, have := 0, 0 // the scanner's next byte, and how many bytes of the stream there are
	for skip := 0; have < len(stream); {
		have += cut(len(stream) - have)
		for {
			if skip > 0 { // a large frame: header and body pass by the scanner
				n := min(skip, have-base)
				base, skip = base+n, skip-n
				if skip > 0 {
					break
				}
				if last := len(got.large) - 1; stream[got.large[last]]&FlagMore == 0 {
					got.ends = append(got.ends, base)
				}
			}
			f, err := s.Scan(lent(stream[base:have]))
			got.note(stream, base, f)
			if err != nil {
				got.err, got.middle = err.Error(), false
				return got
			}
			got.middle = f.Middle
			base += f.N
			switch f.Stop {
			case StopCommand:
				got.commands = append(got.commands, base)
				base += f.Header + f.Body
				continue
			case StopLarge:
				got.large = append(got.large, base)
				got.middle = f.Flags&FlagMore != 0
				// A body longer than any stream goes on to its end.
				skip = f.Header + min(f.Body, math.MaxInt/2)
				continue
			}
			break
		}
	}
	return got
}

// note finds the ends of f.Messages messages, the last of which has to be at f.End.
func (s *seen) note(stream []byte, base int, f Found) {
	end := base
	for range f.Messages {
		for more := true; more; {
			flags, n, size, _ := ParseHeader(stream[end:])
			end += size + n
			more = flags&FlagMore != 0
		}
		s.ends = append(s.ends, end)
	}
	if f.Messages > 0 && end != base+f.End {
		s.ends = append(s.ends, -f.End) // not equal to anything
	}
}

// judgeAll says what a Scanner has to find, frame by frame.
func judgeAll(s Scanner, b []byte) (want seen) {
	var parts int
	var size int64
	for off := 0; off+2 <= len(b); {
		flags, n, head, err := ParseHeader(b[off:])
		if err == nil && head == 0 {
			break
		}
		command := flags&FlagCommand != 0
		switch {
		case err != nil:
		case command && n > MaxCommand:
			err = Errorf(CodeMalformedCommand, "command of %d bytes, the limit is %d", n, MaxCommand)
		case command:
		case s.MaxSize >= 0 && int64(n) > s.MaxSize-size:
			err = Errorf(CodeMalformedMessage, "frame of %d bytes behind %d of the same message, the limit is %d", n, size, s.MaxSize)
		case parts == s.MaxParts:
			err = Errorf(CodeMalformedMessage, "message of more than %d parts", s.MaxParts)
		}
		if err != nil {
			want.err, want.middle = err.Error(), false
			return want
		}
		whole := n <= len(b)-off-head
		if command && whole {
			want.commands = append(want.commands, off)
		}
		if command {
			if !whole {
				return want
			}
			off += head + n
			continue
		}
		if n >= s.Large {
			want.large = append(want.large, off)
			want.middle = flags&FlagMore != 0
		}
		if !whole {
			return want
		}
		off += head + n
		if want.middle = flags&FlagMore != 0; want.middle {
			parts, size = parts+1, size+int64(n)
		} else {
			parts, size = 0, 0
			want.ends = append(want.ends, off)
		}
	}
	return want
}

func frameOf(flags byte, n int) []byte {
	return append(AppendHeader(nil, flags, n), bytes.Repeat([]byte{7}, n)...)
}

func join(frames ...[]byte) []byte { return slices.Concat(frames...) }

var longZero = []byte{FlagLong, 0, 0, 0, 0, 0, 0, 0, 0} // nine bytes where two would do

func TestScan(t *testing.T) {
	lax := Scanner{MaxSize: -1, MaxParts: 8, Large: 1000}
	strict := Scanner{MaxSize: 300, MaxParts: 3, Large: 1000}
	a, more := frameOf(0, 3), frameOf(FlagMore, 3)
	ping := frameOf(FlagCommand, 9)
	tests := []struct {
		name   string
		s      Scanner
		stream []byte
		want   seen
	}{
		{"nothing", lax, nil, seen{}},
		{"one byte", lax, []byte{0}, seen{}},
		{"empty message", lax, []byte{0, 0}, seen{ends: []int{2}}},
		{"three messages", lax, join(a, []byte{0, 0}, a), seen{ends: []int{5, 7, 12}}},
		{"half a message behind one", lax, join(a, a[:4]), seen{ends: []int{5}}},
		{"two parts", lax, join(more, a), seen{ends: []int{10}}},
		{"a part", lax, more, seen{middle: true}},
		{"a part behind a message", lax, join(a, more, a[:2]), seen{ends: []int{5}, middle: true}},
		{"long header, short body", lax, join(longZero, a), seen{ends: []int{9, 14}}},
		{"256 bytes", lax, frameOf(0, 256), seen{ends: []int{265}}},
		{"command first", lax, join(ping, a), seen{ends: []int{16}, commands: []int{0}}},
		{"command between parts", lax, join(more, ping, a), seen{ends: []int{21}, commands: []int{5}}},
		{"half a command", lax, join(a, ping[:5]), seen{ends: []int{5}}},
		{"large", lax, join(frameOf(0, 1000), a), seen{ends: []int{1009, 1014}, large: []int{0}}},
		{"large part", lax, join(frameOf(FlagMore, 1000), a), seen{ends: []int{1014}, large: []int{0}}},
		{"large behind a part, cut off", lax, join(more, frameOf(0, 1000)[:20]), seen{large: []int{5}}},
		{"just not large", lax, frameOf(0, 999), seen{ends: []int{1008}}},
		{"limit of bytes", strict, join(frameOf(FlagMore, 100), frameOf(0, 200)), seen{ends: []int{304}}},
		{"limit of parts", strict, join(more, more, a), seen{ends: []int{15}}},
		{"a message at each limit", strict, join(more, more, a, frameOf(0, 300)), seen{ends: []int{15, 324}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, cut := range splits(1) {
				if got := scanAll(tt.s, tt.stream, cut); !got.equal(tt.want) {
					t.Errorf("%s:\n got %v\nwant %v", name, got, tt.want)
				}
			}
		})
	}
}

// TestScanRefuses: what came before the wrong frame still counts, and the frame is refused on its
// header.
func TestScanRefuses(t *testing.T) {
	strict := Scanner{MaxSize: 300, MaxParts: 3, Large: 1000}
	tiny := Scanner{MaxSize: 10, MaxParts: 3, Large: 1000}
	none := Scanner{MaxSize: 0, MaxParts: 3, Large: 1000}
	most := Scanner{MaxSize: math.MaxInt, MaxParts: 3, Large: 1000}
	a, more := frameOf(0, 3), frameOf(FlagMore, 3)
	tests := []struct {
		name   string
		s      Scanner
		before []byte // passes
		frame  []byte // does not
		code   Code
	}{
		{"reserved bit", strict, a, []byte{8, 0}, CodeMalformedMessage},
		{"reserved bit first", strict, nil, []byte{0x80, 0}, CodeMalformedMessage},
		{"command with MORE", strict, a, []byte{5, 0}, CodeMalformedCommand},
		{"63 bits and more", strict, a, fromHex(t, "02 80 00 00 00 00 00 00 00"), CodeMalformedMessage},
		{"one byte too many", strict, a, AppendHeader(nil, 0, 301), CodeMalformedMessage},
		{"parts together", strict, join(a, frameOf(FlagMore, 100)), AppendHeader(nil, 0, 201), CodeMalformedMessage},
		{"large frame", strict, a, AppendHeader(nil, 0, 1000), CodeMalformedMessage},
		{"too many parts", strict, join(more, more, more), []byte{0, 0}, CodeMalformedMessage},
		{"a limit that a short frame meets", tiny, frameOf(0, 10), []byte{0, 11}, CodeMalformedMessage},
		{"nothing but empty messages", none, []byte{0, 0}, []byte{0, 1}, CodeMalformedMessage},
		{"the sum of two announcements", most, more, AppendHeader(nil, 0, math.MaxInt), CodeMalformedMessage},
		{"long command", strict, a, AppendHeader(nil, FlagCommand, MaxCommand+1), CodeMalformedCommand},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, cut := range splits(2) {
				before := scanAll(tt.s, tt.before, cut)
				if before.err != "" {
					t.Fatalf("%s: refused too early: %s", name, before.err)
				}
				got := scanAll(tt.s, join(tt.before, tt.frame), cut)
				if got.err == "" || !slices.Equal(got.ends, before.ends) {
					t.Errorf("%s: got %v, want an error behind %v", name, got, before.ends)
				}
			}
			s := tt.s
			f, err := s.Scan(lent(tt.before))
			if err == nil {
				_, err = s.Scan(lent(join(tt.before[f.N:], tt.frame)))
			}
			wantCode(t, err, tt.code)
		})
	}
}

// TestScanJudgesEarly: room is made for what Found announces, so its lengths must be within the
// limits as soon as they are there.
func TestScanJudgesEarly(t *testing.T) {
	s := Scanner{MaxSize: 500, MaxParts: 3, Large: 400}
	stream := join(frameOf(FlagMore, 300), frameOf(0, 200))
	for n := range len(stream) {
		s := s
		f, err := s.Scan(lent(stream[:n]))
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if f.Header > 0 && f.Stop == StopShort && f.N+f.Header+f.Body <= n {
			t.Fatalf("%d bytes: %+v is short and has all it needs", n, f)
		}
		if f.N == 0 && n >= MaxHeader && (f.Header != MaxHeader || f.Body != 300) {
			t.Fatalf("%d bytes: %+v does not know the frame", n, f)
		}
	}
}

// TestScanLargeMiddle: at a large frame Found says whether a message has begun before it.
func TestScanLargeMiddle(t *testing.T) {
	large := AppendHeader(nil, 0, 5000)
	for _, tt := range []struct {
		before []byte
		want   bool
	}{
		{nil, false},
		{frameOf(0, 3), false},
		{frameOf(FlagMore, 3), true},
		{join(frameOf(FlagMore, 3), frameOf(0, 3)), false},
		{join(frameOf(0, 3), frameOf(FlagMore, 3)), true},
	} {
		s := Scanner{MaxSize: -1, MaxParts: 8, Large: 1000}
		f, err := s.Scan(join(tt.before, large))
		if err != nil || f.Stop != StopLarge || f.N != len(tt.before) || f.Body != 5000 || f.Middle != tt.want {
			t.Errorf("behind % x: %+v, %v", tt.before, f, err)
		}
	}
}

// TestCount judges frames that come sealed as Scan does those that come plain.
func TestCount(t *testing.T) {
	s := Scanner{MaxSize: 10, MaxParts: 2, Large: 1000}
	steps := []struct {
		flags byte
		n     int
		ok    bool
	}{
		{FlagMore, 4, true}, {0, 6, true}, {0, 10, true}, {0, 11, false},
		{FlagMore, 0, true}, {FlagMore, 0, true}, {0, 0, false},
	}
	for i, st := range steps {
		if err := s.Count(st.flags, st.n); (err == nil) != st.ok {
			t.Errorf("step %d: %v", i, err)
		}
	}
}
