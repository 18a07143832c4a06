// SPDX-License-Identifier: MPL-2.0

package pipe

import (
	"bytes"
	"testing"
)

// TestMessageParts: parts come back as they were appended, whatever their kinds and order.
func TestMessageParts(t *testing.T) {
	small, empty, large := []byte("small"), []byte{}, body(1, Large)
	tests := map[string]message{
		"none":         {},
		"one":          {small},
		"empty":        {empty},
		"large":        {large},
		"several":      {small, empty, small},
		"empties":      {empty, empty, empty},
		"large first":  {large, small, empty},
		"large last":   {small, large},
		"large middle": {empty, large, small},
		"all large":    {large, large},
	}
	var m Message // one after another in the same memory
	for round := range 2 {
		for name, want := range tests {
			size := 0
			for _, part := range want {
				size += len(part)
				if len(part) >= Large {
					m.appendLarge(append(NewBody(len(part))[:0], part...))
				} else {
					m.Append(part)
				}
			}
			if got := partsOf(&m); !equal(got, want) || m.Len() != len(want) || m.Size() != size {
				t.Errorf("round %d, %s: %s of %d bytes, want %s", round, name, short(got), m.Size(), short(want))
			}
			if m.Part(-1) != nil || m.Part(len(want)) != nil {
				t.Errorf("%s: a part that is not there", name)
			}
			m.Reset()
			if m.Len() != 0 || m.Size() != 0 || m.Part(0) != nil || m.Peer() != nil {
				t.Errorf("%s: %d parts of %d bytes after Reset", name, m.Len(), m.Size())
			}
		}
	}
}

// TestPartIsApart: to append to a part must not change its neighbour.
func TestPartIsApart(t *testing.T) {
	var m Message
	m.Append([]byte("one"))
	m.Append([]byte("two"))
	_ = append(m.Part(0), "XXX"...)
	if string(m.Part(1)) != "two" {
		t.Errorf("part 1 is %q", m.Part(1))
	}
	m.Reset()
	m.Append([]byte("one"))
	_ = append(m.Part(0), "XXX"...)
	m.Append([]byte("two"))
	if string(m.Part(0)) != "one" || string(m.Part(1)) != "two" {
		t.Errorf("parts %q and %q", m.Part(0), m.Part(1))
	}
}

// TestClone: a clone has memory of its own, for good.
func TestClone(t *testing.T) {
	for _, want := range []message{{}, {{1}}, {nil}, {body(1, Large)}, {{1}, nil, body(2, Large), {3}}} {
		var m Message
		m.Append([]byte("before"))
		m.Append([]byte("and more"))
		m.Reset() // what was there leaves no trace
		m.peer = &Peer{Endpoint: "there"}
		for _, part := range want {
			if len(part) >= Large {
				m.appendLarge(append(NewBody(len(part))[:0], part...))
			} else {
				m.Append(part)
			}
		}
		c := m.Clone()
		for i := range m.Len() {
			for j := range m.Part(i) {
				m.Part(i)[j] ^= 0xFF
			}
		}
		m.Reset()
		m.Append(bytes.Repeat([]byte{9}, 100))
		if got := partsOf(&c); !equal(got, want) || c.Peer() == nil {
			t.Errorf("clone %s, want %s", short(got), short(want))
		}
		held := partsOf(&c)
		mine := c.Part(0)
		c.Reset()
		c.Append([]byte("x"))
		if len(want) > 0 && !bytes.Equal(mine, held[0]) {
			t.Errorf("Reset has overwritten the parts of a clone")
		}
	}
}

// TestResetKeeps: memory that is the caller's for good is left alone, other memory is used again.
func TestResetKeeps(t *testing.T) {
	for _, keep := range []bool{false, true} {
		var m Message
		mem := make([]byte, 0, 64)
		_, size := bodyClass(Large)
		large := NewBody(size)
		if keep {
			m.Use(mem)
		} else {
			m.buf = mem
		}
		m.Append([]byte("hello"))
		m.appendLarge(large)
		copy(large, "large")
		first := m.Part(0)
		m.Reset()
		m.Append([]byte("12345"))
		if used := string(first) == "12345"; used == keep {
			t.Errorf("keep %v: memory used again %v", keep, used)
		}
		if recycled := string(large[:5]) != "large"; recycled == keep {
			t.Errorf("keep %v: body recycled %v", keep, recycled)
		}
	}
	var m Message
	m.SetFresh([]byte("fresh"), nil)
	fresh := m.Part(0)
	m.Reset()
	m.Append([]byte("other"))
	if string(fresh) != "fresh" {
		t.Error("SetFresh: the memory was used again")
	}
}

// TestEnvelope: what is before the first empty frame, and this frame, go to the envelope.
func TestEnvelope(t *testing.T) {
	long := body(1, Large)
	tests := []struct {
		name string
		sent message
		head int // parts of the envelope
		ok   bool
	}{
		{"REQ", message{nil, {1}, {2}}, 1, true},
		{"over two hops", message{body(1, 5), body(2, 300), nil, {1}}, 3, true},
		{"large address", message{long, nil, long, {1}}, 2, true},
		{"a later empty part", message{{9}, nil, nil, {1}}, 2, true},
		{"none", message{{1}, {2}}, 2, false},
		{"nothing behind it", message{{1}, nil}, 2, false},
		{"empty message", message{nil}, 1, false},
	}
	for _, tt := range tests {
		f := newFeeder(Limits{}, Large, tt.sent.frames())
		f.readAll(t, 1000)
		var c Cut
		if !f.p.Cut(&c) {
			t.Fatal(tt.name, "no message")
		}
		var m Message
		e := Envelope{}
		c.Copy(&m, &e)
		c.Release()
		if e.Whole != tt.ok {
			t.Errorf("%s: whole %v", tt.name, e.Whole)
			continue
		}
		if got := partsOf(&m); !equal(got, tt.sent[tt.head:]) {
			t.Errorf("%s: parts %s, want %s", tt.name, short(got), short(tt.sent[tt.head:]))
		}
		// The frames are as they were, so that a reply carries them back.
		want := tt.sent.frames()
		if want = want[:len(want)-len(tt.sent[tt.head:].frames())]; !bytes.Equal(e.Frames, want) {
			t.Errorf("%s: %d bytes of envelope, want %d", tt.name, len(e.Frames), len(want))
		}
	}
}

// TestBodyClasses: at most a fifth of a body's memory is unused, and what is given back is found
// again.
func TestBodyClasses(t *testing.T) {
	last := -1
	for n := Own; n <= maxBody; n += 1 + n/97 {
		for _, n := range []int{n, n + 1} {
			class, size := bodyClass(n)
			if n > maxBody {
				break
			}
			if size < n || size-n > size/5 {
				t.Fatalf("%d bytes for %d", size, n)
			}
			if back, same := bodyClass(size); back != class || same != size {
				t.Fatalf("%d bytes are of class %d, and of %d when they come back", n, class, back)
			}
			if class < last || class >= len(bodies) {
				t.Fatalf("%d bytes are of class %d after %d", n, class, last)
			}
			last = class
		}
	}
	if class, size := bodyClass(maxBody + 1); class != -1 || size != maxBody+1 {
		t.Errorf("the longest body and one byte more: class %d, %d bytes", class, size)
	}
	for _, n := range []int{0, 1, Own - 1, Own, Own + 1, Large, maxBody, maxBody + 1} {
		if b := NewBody(n); len(b) != n {
			t.Errorf("%d bytes, want %d", len(b), n)
		} else {
			FreeBody(b)
		}
	}
	other := make([]byte, Large-1)
	if FreeBody(other); other[0] != 0 {
		t.Error("memory of another size was taken")
	}
}
