// SPDX-License-Identifier: MPL-2.0

package pipe

import (
	"bytes"
	"runtime"
	"testing"
)

// partSink writes like a connection whose kernel takes n bytes and no more.
type partSink struct {
	*fakeSink
	p       *Pipe
	n       int
	written []byte
}

func (s *partSink) TryFlush() {
	b := s.p.Take()
	if b == nil {
		return
	}
	all := bytes.Join(b.AppendTo(nil), nil)
	n := min(s.n, len(all))
	s.written = append(s.written, all[:n]...)
	if n == len(all) {
		s.p.Wrote(n, 0, nil)
		s.p.Take() // empty: the right to write is given up
		return
	}
	b.Own()
	s.fakeSink.flush = func() { // later, from elsewhere
		all := bytes.Join(b.AppendTo(nil), nil)
		s.written = append(s.written, all[n:]...)
		s.p.Wrote(len(all), 0, nil)
		s.p.Take()
	}
}

func lender(n int) (*Pipe, *partSink) {
	p := New(&fakeOwner{}, Limits{}, true)
	s := &partSink{fakeSink: newSink(), p: p, n: n}
	p.Connect(s, true)
	p.Open()
	return p, s
}

// TestBorrowed: a large body is written from the caller's memory, and what the kernel does not take
// is not the caller's any more when Send returns.
func TestBorrowed(t *testing.T) {
	m := message{body(1, Large), body(2, 7), body(3, Large+5)}
	want := m.frames()
	for _, n := range append(boundaries([]message{m}, 0), 1000, Large/2, len(want)) {
		if n < 0 {
			continue
		}
		p, s := lender(n)
		mine := message{bytes.Clone(m[0]), bytes.Clone(m[1]), bytes.Clone(m[2])}
		if r := p.Send(nil, mine); r != Sent {
			t.Fatal(r)
		}
		for _, part := range mine {
			clear(part)
		}
		if n < len(want) {
			s.Flush()
		}
		if !bytes.Equal(s.written, want) {
			t.Fatalf("%d bytes at once: what the caller wrote later went out", n)
		}
		if p.Unsent() != 0 {
			t.Fatalf("%d unsent", p.Unsent())
		}
	}
}

// TestBorrowedIsNotRecycled: the queue never gives away what it has borrowed.
func TestBorrowedIsNotRecycled(t *testing.T) {
	_, size := bodyClass(Large)
	p, _ := lender(1 << 30)
	mine := body(1, size) // as if it came from the pool
	p.Send(nil, message{mine})
	p.Discard()
	p.Send(nil, message{mine}) // dead
	if !bytes.Equal(mine, body(1, size)) {
		t.Fatal("the caller's memory was recycled")
	}
}

// borrowedLeft reports whether what is queued, or about to be written, is a caller's memory.
func borrowedLeft(p *Pipe) bool {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	for _, head := range []*Slab{p.out.head, p.out.batch.head} {
		for s := head; s != nil; s = s.next {
			if s.borrowed {
				return true
			}
		}
	}
	return false
}

// TestBorrowedWhileConnectionFalls: the connection falls between the look at the queue and the
// write. The message waits for the next connection, without the caller's memory.
func TestBorrowedWhileConnectionFalls(t *testing.T) {
	p, sink, _ := connected(Limits{}, true)
	gone := make(chan struct{})
	sink.tryFlush = func() {
		go func() {
			p.Disconnect() // as the reader does; it waits for whoever writes
			close(gone)
		}()
		wait(t, "the fall", func() bool {
			p.out.mu.Lock()
			defer p.out.mu.Unlock()
			return !p.out.up
		})
		if p.Take() != nil {
			t.Error("a batch for a connection that is gone")
		}
	}
	m := message{body(1, 5), body(2, Large)}
	want := m.frames()
	if r := p.Send(nil, m); r != Sent {
		t.Fatal(r)
	}
	<-gone
	if borrowedLeft(p) {
		t.Error("Send has returned, and the queue holds its caller's memory")
	}
	clear(m[1])
	p.Connect(newSink(), true)
	p.Open()
	if _, got := drain(p); !bytes.Equal(got, want) {
		t.Error("the next connection gets what the caller wrote later")
	}
}

// TestBorrowedBrokenWrite: the caller's own write fails. The message waits for the next connection,
// without the caller's memory.
func TestBorrowedBrokenWrite(t *testing.T) {
	p, sink, _ := connected(Limits{}, true)
	sink.tryFlush = func() {
		p.Take()
		p.Wrote(0, 0, errBroken)
	}
	m := message{body(1, Large)}
	want := m.frames()
	p.Send(nil, m)
	clear(m[0])
	p.Disconnect()
	p.Connect(newSink(), true)
	p.Open()
	if _, got := drain(p); !bytes.Equal(got, want) {
		t.Error("the next connection gets what the caller wrote later")
	}
}

// TestBorrowedBehindOthers: others send while a message with a large body is on its way into the
// queue, more than one write takes. The write that its caller sees to is not its own.
func TestBorrowedBehindOthers(t *testing.T) {
	p, sink, _ := connected(Limits{}, true)
	big := make(message, 1<<21) // it takes its time to go over so many parts
	big[len(big)-1] = body(1, Large)
	before := 0
	sink.tryFlush = func() {
		b := p.Take()
		before = b.msgs
		b.Own() // the kernel took nothing
	}
	others := make(chan struct{})
	go func() {
		defer close(others)
		for writing := false; !writing; runtime.Gosched() {
			p.out.mu.Lock()
			writing = p.out.writing
			p.out.mu.Unlock()
		}
		for range 2 * batchCap / Large {
			p.Send(nil, message{body(2, Large-1)})
		}
	}()
	p.Send(nil, big)
	<-others
	if borrowedLeft(p) {
		t.Errorf("Send has returned behind %d others, and the queue holds its caller's memory", before)
	}
}

// TestSendMessage: a message that is given away arrives as it is, and leaves nothing behind.
func TestSendMessage(t *testing.T) {
	var small, mixed, one Message
	small.Append([]byte("a"))
	small.Append(nil)
	one.appendLarge(NewBody(Large))
	mixed.Append([]byte("b"))
	mixed.appendLarge(NewBody(Large + 1))
	mixed.Append(body(3, Large+2)) // large, but in the message's own memory
	mixed.appendLarge(NewBody(Own))
	for _, m := range []*Message{&small, &one, &mixed} {
		for i := range m.Len() {
			copy(m.Part(i), body(i, len(m.Part(i))))
		}
		want := message(partsOf(m)).frames()
		p, _, _ := connected(Limits{Send: 1}, true)
		p.out.writing = true
		if r := p.SendMessage(nil, m, nil); r != Sent {
			t.Fatal(r)
		}
		if m.Len() != 0 || m.Size() != 0 || m.Part(0) != nil {
			t.Errorf("%d parts of %d bytes left", m.Len(), m.Size())
		}
		if _, got := drain(p); !bytes.Equal(got, want) {
			t.Errorf("%d bytes went out, want %d, and the same", len(got), len(want))
		}
	}
}

// TestSendMessageRefused: one that is not taken is not touched.
func TestSendMessageRefused(t *testing.T) {
	for _, dead := range []bool{false, true} {
		p := New(&fakeOwner{}, Limits{Send: 1}, true)
		p.Send(nil, message{nil})
		if dead {
			p.End()
		}
		var m Message
		m.Append([]byte("a"))
		m.appendLarge(NewBody(Large))
		copy(m.Part(1), body(1, Large))
		if r := p.SendMessage(nil, &m, nil); r != Full && r != Dead {
			t.Fatal(r)
		}
		if m.Len() != 2 || !bytes.Equal(m.Part(1), body(1, Large)) {
			t.Error("the message changed")
		}
	}
}

// TestGivenForGood: the memory of a message that was its receiver's for good may be held by anybody
// still, so that it is not recycled when the message has been sent on.
func TestGivenForGood(t *testing.T) {
	_, size := bodyClass(Large)
	held := body(1, size)
	var m Message
	m.Use(nil)
	m.appendLarge(held)
	p, _, _ := connected(Limits{}, true)
	p.out.writing = true
	p.SendMessage(nil, &m, nil)
	drain(p)
	if !bytes.Equal(held, body(1, size)) {
		t.Error("recycled after the write")
	}

	a, b := linked(Limits{}, Limits{})
	m.Use(nil)
	m.appendLarge(held)
	a.SendMessage(nil, &m, nil)
	var got Message
	if !receive(b, &got) || !bytes.Equal(got.Part(0), held) {
		t.Fatal("not received")
	}
	got.Reset()
	if !bytes.Equal(held, body(1, size)) {
		t.Error("recycled by the receiver")
	}
}
