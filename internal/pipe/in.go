// SPDX-License-Identifier: MPL-2.0

package pipe

import (
	"sync/atomic"

	"github.com/gzmq/zmq/internal/wire"
)

const (
	// maxAtOnce is how much of a large body gets memory before any of it has arrived.
	maxAtOnce = 1 << 20
	// fewMessages is the mark below which a read is short, so that one read does not overshoot it
	// by much.
	fewMessages = 100
	shortRead   = 8 << 10
	// longFrame is a frame that it is worth ending a read behind.
	longFrame = 8 << 10
	// nearlyFull is the free end for which it is not worth reading into a slab any more.
	nearlyFull = 256
)

// inbox is the in-queue: what was read and not cut yet.
type inbox struct {
	hwm     atomic.Int64         // whole messages; 0: no limit
	waiting atomic.Int64         // whole messages, kept for linked pipes only: their sender counts them
	blocked atomic.Bool          // at the mark: the reader waits for Room
	sink    atomic.Pointer[Sink] // who reads, and hears of room; an earlier one may have set blocked

	wanted atomic.Bool // see Want

	// parked is a slab that an idle reader left while there was something in it. Whoever empties
	// it takes it away; the reader that comes back takes it out of here, or finds it gone.
	parked atomic.Pointer[Slab]

	reader // owned by the holder of the right to read

	// What follows is guarded by the lock of the fair queue that the pipe is in.

	head, tail *Slab
	count      int   // whole messages
	drained    *Slab // an empty slab for the sender of a linked pipe
	watched    int   // at this count or below somebody waits for room, or may; -1: nobody
	ending     bool  // the pipe leaves the fair queue with its last message
	closed     bool  // nothing will be published any more
}

// reader is the in-queue's far end: what the connection reads into.
type reader struct {
	slab      *Slab
	wasParked bool // slab may have been taken away: see parked

	used    int // bytes read into slab
	done    int // of these, in frames that were passed
	whole   int // of these, in messages that were passed
	need    int // bytes of the frame at done, with its header; 0 when not known yet
	typical int // bytes of the last long frame that was not whole; 0 when it was not long
	want    int // size of the next slab

	msgs   int     // messages that wait for Publish
	bytes  int     // and their bytes
	begun  int     // bytes of the message that has begun
	middle bool    // a message has begun and not ended
	left   []*Slab // slabs before this one that hold the message that has begun

	large     *Slab // a large body that is being read
	largeSize int
	largeUsed int

	served, lastServed int // see Served
}

// StartReading says whose bytes come from now on. The caller holds the right to read.
func (p *Pipe) StartReading(sink Sink) {
	p.in.sink.Store(&sink)
	p.in.want = SmallSlab
}

// Buffer returns where the next bytes go: the free end of a slab, or of a large body's memory.
func (p *Pipe) Buffer() []byte {
	in := &p.in
	if in.large != nil {
		return in.largeBuffer()
	}
	in.unpark()
	s := in.slab
	switch {
	case s == nil:
		s = in.fresh(in.want)
	case in.used == in.done && !in.middle && in.msgs == 0 && s.Sole():
		in.restart()
		if len(s.buf) < in.want || len(s.buf) > 4*in.want {
			s.Release()
			s = in.fresh(in.want)
		}
	case in.used > in.done:
		if in.need > len(s.buf)-in.done || len(s.buf) == in.used {
			s = p.move(max(in.need, wire.MaxHeader))
		}
	case len(s.buf)-in.used < nearlyFull || in.want > len(s.buf) || in.want == BigSlab && in.used > BigSlab/2:
		s = p.move(0)
	}
	b := s.buf[in.used:in.fit(len(s.buf))]
	if hwm := in.hwm.Load(); hwm > 0 && hwm < fewMessages && len(b) > shortRead && in.need < shortRead {
		b = b[:shortRead]
	}
	return b
}

// fit is where a read should end, at most at end: behind a whole number of frames of the length that
// the last long one had. What is left of a frame at the end of a slab has to be copied to the next.
func (in *inbox) fit(end int) int {
	if in.typical == 0 {
		return end
	}
	if whole := end - (end-in.done)%in.typical; whole > in.used {
		return whole
	}
	return end
}

// Space returns n free bytes in a row, for a frame that was opened from elsewhere.
func (p *Pipe) Space(n int) []byte {
	in := &p.in
	in.unpark()
	s := in.slab
	switch {
	case s == nil:
		s = in.fresh(max(in.want, n))
	case !in.middle && in.msgs == 0 && s.Sole() && len(s.buf) >= n:
		in.restart()
	case len(s.buf)-in.used < n:
		s = p.move(n)
	}
	return s.buf[in.used : in.used+n]
}

// fresh begins a slab.
func (in *inbox) fresh(size int) *Slab {
	in.slab = NewSlab(size, nil)
	in.restart()
	return in.slab
}

// restart begins again at the front of a slab that nobody else looks at.
func (in *inbox) restart() {
	in.slab.read, in.slab.end = 0, 0
	in.used, in.done, in.whole, in.need = 0, 0, 0, 0
}

// move leaves the slab for another one, takes the frame that has begun along and makes room for
// need bytes of it.
func (p *Pipe) move(need int) *Slab {
	in := &p.in
	old, done, used := in.slab, in.done, in.used
	in.slab = nil
	s := NewSlab(max(in.want, need), nil)
	n := copy(s.buf, old.buf[done:used])
	in.slab = old
	p.leave()
	in.slab = s
	in.restart()
	in.used, in.need = n, need
	return s
}

// leave gives up the slab. What it holds of a message that has begun is kept until that ends.
func (p *Pipe) leave() {
	in := &p.in
	p.Deliver()
	s := in.slab
	in.slab = nil
	if in.middle && in.done > in.whole {
		s.filled = in.done
		if s.peer == nil { // not published yet
			s.peer = p.peer.Load()
		}
		in.left = append(in.left, s)
		return
	}
	s.Release()
}

// Fed says that n bytes were read into Buffer, or opened into Space.
func (p *Pipe) Fed(n int) {
	in := &p.in
	if in.large != nil {
		in.largeUsed += n
		return
	}
	full := in.used+n == len(in.slab.buf)
	in.used += n
	switch { // the next slab is as large as this read could have filled
	case full && in.want < BigSlab:
		in.want = min(BigSlab, in.want*8)
	case in.want > SmallSlab && n < in.want/16:
		in.want /= 4
		if in.want < MidSlab {
			in.want = SmallSlab
		}
	}
}

// Unscanned is what was read and not passed. It begins at a frame.
func (p *Pipe) Unscanned() []byte {
	in := &p.in
	if in.slab == nil {
		return nil
	}
	return in.slab.buf[in.done:in.used]
}

// Pass says what the scanner found at the front of Unscanned: f.N bytes of whole message frames.
func (p *Pipe) Pass(f *wire.Found) {
	in := &p.in
	if f.Messages > 0 {
		in.whole = in.done + f.End
		in.msgs += f.Messages
		in.bytes += in.begun + f.End
		in.begun = -f.End
	}
	in.begun += f.N
	in.done += f.N
	in.need = 0
	if f.Stop == wire.StopShort && f.Header > 0 {
		in.need = f.Header + f.Body
		if in.typical = in.need; in.need < longFrame {
			in.typical = 0
		}
	}
	in.middle = f.Middle
}

// Skip passes a command frame. Its bytes stay where they are; who cuts messages goes over them.
func (p *Pipe) Skip(n int) { p.in.done += n }

// Deliver tells the owner of messages that were passed; it calls Publish.
func (p *Pipe) Deliver() {
	if p.in.msgs > 0 {
		p.owner.Delivered(p)
	}
}

// Blocked reports whether the in-queue is at its mark, so that nothing more may be read.
func (p *Pipe) Blocked() bool { return p.in.blocked.Load() }

// Idle says that nothing more has arrived: the slab is given back, or left to be taken away by the
// one who empties it.
func (p *Pipe) Idle() {
	in := &p.in
	s := in.slab
	if s == nil || in.large != nil || in.used > in.done || in.middle || in.msgs > 0 {
		return
	}
	if in.wasParked {
		return
	}
	in.wasParked = true
	in.parked.Store(s)
	if s.Sole() && in.parked.CompareAndSwap(s, nil) { // emptied since the reader looked
		in.wasParked = false
		in.slab = nil
		s.Release()
	}
}

// unpark takes back the slab that Idle left behind, or forgets it if it was taken away.
func (in *inbox) unpark() {
	if in.wasParked {
		in.wasParked = false
		if !in.parked.CompareAndSwap(in.slab, nil) {
			in.slab = nil
		}
	}
}

// let drops a reference to a slab of the queue. A slab that an idle reader has parked goes with
// the last one.
func (in *inbox) let(s *Slab) {
	s.Release()
	if in.parked.Load() == s && s.Sole() && in.parked.CompareAndSwap(s, nil) {
		s.Release()
	}
}
