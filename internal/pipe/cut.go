// SPDX-License-Identifier: MPL-2.0

package pipe

import (
	"encoding/binary"
	"math"

	"github.com/gzmq/zmq/internal/wire"
)

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

// quickCopy is the longest body that is copied where the lock is held: to pin its slab costs as much
// as to copy this.
const quickCopy = 1 << 10

// quick is where the next message's body lies in the head, if the message has one part of at most
// quickCopy bytes; end is 0 otherwise.
func (in *inbox) quick() (body, end int) {
	s := in.head
	if s == nil || s.large {
		return 0, 0
	}
	switch b := s.buf[s.read:]; b[0] {
	case 0:
		body = s.read + 2
		return body, body + int(b[1])
	case wire.FlagLong:
		if n := binary.BigEndian.Uint64(b[1:]); n <= quickCopy {
			body = s.read + wire.MaxHeader
			return body, body + int(n)
		}
	}
	return 0, 0
}

// passed counts a message that was cut up to end. The slab goes when it is empty.
func (p *Pipe) passed(end int) {
	s := p.in.head
	s.read = end
	p.in.count--
	if end == s.end {
		p.unlink()
	}
}

// CutQuick cuts the next message into m if it has one small part and m has memory for it already:
// the common case, copied where the lock is held.
func (p *Pipe) CutQuick(m *Message) bool {
	body, end := p.in.quick()
	if n := end - body; end == 0 || n > cap(m.buf) || m.keep || m.hasLarge() {
		return false
	}
	s := p.in.head
	m.buf = m.buf[:end-body]
	copy(m.buf, s.buf[body:end])
	m.n, m.peer = 1, s.peer
	p.passed(end)
	return true
}

// CutFresh is CutQuick into chunk, memory that is the caller's for good. n is how much of chunk the
// body has taken, -1 when there is no such message. The message is not made here, but where it
// is returned: to write it through a pointer costs a write barrier while the collector is at work,
// and a program that receives this way keeps the collector busy.
func (p *Pipe) CutFresh(chunk []byte) (n int, peer *Peer) {
	body, end := p.in.quick()
	n = end - body
	if end == 0 || n > len(chunk) || n > ChunkBody {
		return -1, nil
	}
	s := p.in.head
	copy(chunk, s.buf[body:end])
	peer = s.peer
	p.passed(end)
	return n, peer
}

// WantsChunk reports whether CutFresh would take the next message if its chunk were longer.
func (p *Pipe) WantsChunk() bool {
	body, end := p.in.quick()
	return end != 0 && end-body <= ChunkBody
}

// ChunkBody is the longest body that CutFresh carves from a chunk. Longer ones get an allocation of
// their own, so that who keeps one does not keep its neighbours.
const ChunkBody = 128

// Watched reports whether AfterCut has something to look at.
func (p *Pipe) Watched() bool { return p.in.count <= p.in.watched }

// A Cut is a message that was taken out of the queue and not copied yet.
type Cut struct {
	Parts int
	Size  int // bytes of the bodies that have to be copied

	first [4]segment
	more  []segment // what first has no room for
	n     int       // segments
	pipe  *Pipe
}

// segment is a run of whole frames in a slab that is pinned, or a slab with a large body.
type segment struct {
	slab     *Slab
	off, end int
}

// at is segment i. The first ones lie in the struct, which stays on its owner's stack that way.
func (c *Cut) at(i int) *segment {
	if i < len(c.first) {
		return &c.first[i]
	}
	return &c.more[i-len(c.first)]
}

func (c *Cut) add(g segment) {
	if c.n < len(c.first) {
		c.first[c.n] = g
	} else {
		c.more = append(c.more, g)
	}
	c.n++
}

// Cut takes the next message out of the queue. Its bytes are pinned until Release, so that they
// can be copied after unlocking.
func (p *Pipe) Cut(c *Cut) bool {
	in := &p.in
	if in.head == nil {
		return false
	}
	c.pipe, c.Parts, c.Size = p, 0, 0
	c.n, c.more = 0, c.more[:0]
	for more := true; more; {
		s := in.head
		off := s.read
		if s.large {
			more = s.head[0]&wire.FlagMore != 0
			c.Parts++
			off = s.end
		}
		for more && off < s.end {
			flags, n, size, _ := wire.ParseHeader(s.buf[off:s.end])
			off += size + n
			if flags&wire.FlagCommand == 0 {
				more = flags&wire.FlagMore != 0
				c.Parts++
				c.Size += n
			}
		}
		s.refs.Add(1)
		c.add(segment{s, s.read, off})
		s.read = off
		if off == s.end {
			p.unlink()
		}
	}
	in.count--
	return true
}

// Copy copies the bodies to the end of m, which was Reset and has the memory it needs. With strip
// set, the frames up to and with the first empty one go to strip instead.
func (c *Cut) Copy(m *Message, strip *Envelope) {
	m.peer = c.first[0].slab.peer
	for i := range c.n {
		g := c.at(i)
		s := g.slab
		if s.large {
			if strip != nil && !strip.Whole {
				strip.add(s.head[:s.headLen], s.buf[:s.end])
				continue
			}
			m.appendLarge(s.buf[:s.end])
			m.more.held = m.more.held || s.foreign
			s.buf = nil // handed over; this was the only reference
			continue
		}
		for off := g.off; off < g.end; {
			flags, n, size, _ := wire.ParseHeader(s.buf[off:g.end])
			head := s.buf[off : off+size]
			body := s.buf[off+size : off+size+n]
			off += size + n
			switch {
			case flags&wire.FlagCommand != 0:
			case strip != nil && !strip.Whole:
				strip.add(head, body)
			default:
				m.Append(body)
			}
		}
	}
}

// Release lets go of the message's bytes.
func (c *Cut) Release() {
	for i := range c.n {
		g := c.at(i)
		c.pipe.in.let(g.slab)
		g.slab = nil
	}
}

// Envelope is what REQ and REP put before a message and take off again: whole frames with MORE set,
// the last of them empty.
type Envelope struct {
	Frames []byte
	Whole  bool // the empty frame was there
}

func (e *Envelope) add(head, body []byte) {
	e.Frames = append(append(e.Frames, head...), body...)
	e.Whole = len(body) == 0 && head[0]&wire.FlagMore != 0
}

// Wakes is who has to hear, after unlocking, that messages were cut.
type Wakes struct {
	room     *Pipe
	writable *Pipe
}

// AfterCut looks whether somebody waited for the room that a cut made.
func (p *Pipe) AfterCut() (w Wakes) {
	in := &p.in
	if in.blocked.Load() {
		if hwm := int(in.hwm.Load()); hwm <= 0 || in.count <= (hwm+1)/2 {
			in.blocked.Store(false)
			w.room = p
			if in.watched = -1; p.mate.Load() != nil {
				in.watched = math.MaxInt
			}
		}
	}
	// Before the look at mate: the next far end counts what the one before it has left here.
	in.waiting.Store(int64(in.count))
	if mate := p.mate.Load(); mate != nil {
		// The sender looks at waiting again after it has set full.
		if mate.out.full.Load() && in.count <= int(in.hwm.Load()+1)/2 {
			mate.out.full.Store(false)
			w.writable = mate
		}
	}
	return w
}

// Call tells them. No lock is held.
func (w *Wakes) Call() {
	if w.room != nil {
		if sink := w.room.in.sink.Load(); sink != nil {
			(*sink).Room()
		}
	}
	if w.writable != nil {
		w.writable.owner.Writable(w.writable)
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
