// SPDX-License-Identifier: MPL-2.0

package pipe

import (
	"encoding/binary"
	"math"

	"github.com/gzmq/zmq/internal/wire"
)

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
