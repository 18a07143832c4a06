// SPDX-License-Identifier: MPL-2.0

package pipe

import "math"

// Publish makes the messages that were passed visible to Cut. The caller holds the right to read
// and the lock of the fair queue.
func (p *Pipe) Publish() {
	in := &p.in
	if in.closed {
		p.unread.Add(uint64(in.msgs))
		in.msgs, in.bytes = 0, 0
		in.releaseLeft()
		return
	}
	for i, s := range in.left {
		s.end = s.filled
		in.link(s)
		s.Release() // the reader has left it
		in.left[i] = nil
	}
	in.left = in.left[:0]
	if s := in.slab; s != nil && in.whole > s.end {
		s.end = in.whole
		if s.peer == nil {
			s.peer = p.peer.Load()
		}
		in.link(s)
	}
	in.count += in.msgs
	p.recvMessages.Add(uint64(in.msgs))
	p.recvBytes.Add(uint64(in.bytes))
	in.msgs, in.bytes = 0, 0
	if hwm := in.hwm.Load(); hwm > 0 && in.count >= int(hwm) {
		in.blocked.Store(true)
		in.watched = int(hwm+1) / 2
	}
}

// link appends s to the in-queue, which gets a reference; a slab that is in it stays where it is.
func (in *inbox) link(s *Slab) {
	if s.linked {
		return
	}
	s.refs.Add(1)
	s.linked = true
	if in.tail == nil {
		in.head = s
	} else {
		in.tail.next = s
	}
	in.tail = s
}

// unlink removes the head, which was cut to its end.
func (p *Pipe) unlink() {
	in := &p.in
	s := in.head
	in.head = s.next
	if in.head == nil {
		in.tail = nil
	}
	s.next, s.linked = nil, false
	if in.drained == nil && !s.large && !s.foreign && p.mate.Load() != nil && s.Sole() {
		s.read, s.end, s.msgs, s.peer = 0, 0, 0, nil
		in.drained = s
		return
	}
	in.let(s)
}

// HasMessage reports whether there is a message to cut; it takes over what the other end of a
// linked pipe has sent. The fair queue's lock is held for this and all that follows.
func (p *Pipe) HasMessage() bool {
	return p.in.head != nil || p.mate.Load() != nil && p.takeOver()
}

// Count is how many whole messages can be cut without a look at the other end.
func (p *Pipe) Count() int { return p.in.count }

// takeOver moves what the other end of a linked pipe has queued to this in-queue. The other end
// tells the owner of the next message only after this found nothing.
func (p *Pipe) takeOver() bool {
	mate := p.mate.Load()
	in, o := &p.in, &mate.out
	o.mu.Lock()
	if mate.mate.Load() != p || o.head == nil {
		if mate.mate.Load() == p {
			o.writing = false
		}
		o.mu.Unlock()
		return false
	}
	first := o.head
	if in.tail == nil {
		in.head = first
	} else {
		in.tail.next = first
	}
	in.tail = o.tail
	msgs, bytes := o.msgs, o.bytes
	o.head, o.tail, o.msgs, o.bytes = nil, nil, 0, 0
	o.finished += uint64(msgs)
	if o.spare == nil {
		o.spare, in.drained = in.drained, nil
	}
	o.resize(bytes)
	o.unpaced = false
	in.watched = math.MaxInt
	in.count += msgs
	in.waiting.Store(int64(in.count))
	pacers := o.pacers.PopAll()
	o.mu.Unlock()
	pacers.SignalAll()
	peer := p.peer.Load()
	for s := first; s != nil; s = s.next {
		s.linked, s.peer = true, peer
	}
	mate.sentMessages.Add(uint64(msgs))
	mate.sentBytes.Add(uint64(bytes))
	p.recvMessages.Add(uint64(msgs))
	p.recvBytes.Add(uint64(bytes))
	return true
}

// TakeRest takes over all that the other end of a linked pipe has sent before it ended.
func (p *Pipe) TakeRest() {
	if p.mate.Load() != nil {
		p.takeOver()
	}
}

// SetEnding says that nothing is delivered any more after what waits.
func (p *Pipe) SetEnding() { p.in.ending = true }

// Ending reports whether the pipe goes with its last message.
func (p *Pipe) Ending() bool { return p.in.ending }

// CloseIn ends the in-queue: what it holds is dropped, and nothing is published any more.
func (p *Pipe) CloseIn() {
	in := &p.in
	in.closed = true
	for in.head != nil {
		p.unlink()
	}
	if in.drained != nil {
		in.drained.Release()
		in.drained = nil
	}
	p.unread.Add(uint64(in.count))
	in.count = 0
	in.waiting.Store(0)
	in.blocked.Store(false)
}
