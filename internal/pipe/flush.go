// SPDX-License-Identifier: MPL-2.0

package pipe

import (
	"context"
	"time"

	"github.com/gzmq/zmq/internal/wire"
)

// batchCap ends a batch at the next message boundary: what is written at once should still be in
// the cache.
const batchCap = 256 << 10

// A Batch is what the holder of the right to write is about to write.
type Batch struct {
	Ctl []byte // whole command frames, or bytes of the handshake; first on the wire
	Raw int    // leading bytes of Ctl that belong to the handshake

	head  *Slab
	msgs  int
	bytes int
}

// Empty reports whether the batch holds no messages.
func (b *Batch) Empty() bool { return b.head == nil }

// AppendTo appends the messages of the batch, as they stand on the wire, to bufs.
func (b *Batch) AppendTo(bufs [][]byte) [][]byte {
	for s := b.head; s != nil; s = s.next {
		if s.large {
			bufs = append(bufs, s.head[:s.headLen], s.buf[:s.end])
		} else {
			bufs = append(bufs, s.buf[s.read:s.end])
		}
	}
	return bufs
}

// Frames calls f for each frame of the batch, in order.
func (b *Batch) Frames(f func(flags byte, body []byte)) {
	for s := b.head; s != nil; s = s.next {
		if s.large {
			flags, _, _, _ := wire.ParseHeader(s.head[:s.headLen])
			f(flags, s.buf[:s.end])
			continue
		}
		for off := s.read; off < s.end; {
			flags, n, size, _ := wire.ParseHeader(s.buf[off:s.end])
			off += size
			f(flags, s.buf[off:off+n])
			off += n
		}
	}
}

// Own replaces memory that a caller lent by copies. The holder of the right to write calls it
// before it leaves that caller's goroutine with the batch unwritten.
func (b *Batch) Own() { ownChain(b.head) }

func ownChain(s *Slab) {
	for ; s != nil; s = s.next {
		if s.borrowed {
			body := NewBody(len(s.buf))
			copy(body, s.buf)
			s.buf, s.borrowed = body, false
		}
	}
}

// Take gives the holder of the right to write the next batch, valid until Wrote. When there is
// nothing to write it returns nil, and the right is given up.
func (p *Pipe) Take() *Batch {
	o := &p.out
	b := &o.batch
	o.mu.Lock()
	b.Ctl, o.ctl = o.ctl, b.Ctl[:0]
	b.Raw, o.ctlRaw = o.ctlRaw, 0
	if len(o.pong) > 0 {
		b.Ctl = append(b.Ctl, o.pong...)
		o.pong = o.pong[:0]
	}
	if o.up && o.head != nil {
		o.takeSlabs(b)
	} else {
		ownChain(o.head) // the connection falls while a caller is about to write what it lent
		if len(b.Ctl) == 0 {
			o.rest()
			spare := o.spare // a pipe that has nothing to write holds no memory
			o.spare = nil
			o.mu.Unlock()
			if spare != nil {
				spare.Release()
			}
			return nil
		}
	}
	writable := o.full.Load() && !p.atMark() && !o.dead
	if writable {
		o.full.Store(false)
	}
	o.unpaced = false
	pacers := o.pacers.PopAll()
	o.mu.Unlock()
	pacers.SignalAll()
	if writable {
		p.owner.Writable(p)
	}
	return b
}

// takeSlabs moves slabs from the queue to the batch, up to a message boundary.
func (o *outbox) takeSlabs(b *Batch) {
	b.head = o.head
	last := (*Slab)(nil)
	small := 0
	for s := o.head; s != nil; s = s.next {
		last = s
		b.msgs += s.msgs
		b.bytes += s.size()
		if !s.large {
			small += s.size()
		}
		if b.bytes >= batchCap && !s.open {
			break
		}
	}
	o.head = last.next
	if o.head == nil {
		o.tail = nil
	}
	last.next = nil
	o.msgs -= b.msgs
	o.bytes -= b.bytes
	o.resize(small)
}

// resize makes the next slab as large as what was just taken would have needed.
func (o *outbox) resize(taken int) {
	switch {
	case taken > MidSlab/2:
		o.want = BigSlab
	case taken > SmallSlab/2:
		o.want = MidSlab
	default:
		o.want = SmallSlab
	}
}

// size is how many bytes of the slab wait to be written.
func (s *Slab) size() int {
	if s.large {
		return int(s.headLen) + s.end
	}
	return s.end - s.read
}

// rest gives up the right to write. The lock is held.
func (o *outbox) rest() {
	o.writing = false
	if !o.idlers.Empty() {
		o.idlers.PopAll().SignalAll() // never blocks: each has room for its signal
	}
}

// Wrote says what became of the batch: n bytes of its messages reached the kernel, counted with
// overhead bytes more in each frame's body than Take gave. After an error the right to write is
// given up, and no message is taken before the next Open.
func (p *Pipe) Wrote(n, overhead int, err error) {
	o := &p.out
	b := &o.batch
	if err != nil {
		p.putBack(n, overhead)
		return
	}
	p.sentMessages.Add(uint64(b.msgs))
	p.sentBytes.Add(uint64(b.bytes))
	spare := b.release()
	o.mu.Lock()
	o.finished += uint64(b.msgs)
	b.msgs, b.bytes = 0, 0
	if spare != nil && o.spare == nil && len(spare.buf) <= o.want {
		o.spare, spare = spare, nil
	}
	var waiters *Waiter
	if !o.flushers.Empty() {
		waiters = o.flushers.PopAll()
	}
	o.mu.Unlock()
	waiters.SignalAll()
	if spare != nil {
		spare.Release()
	}
}

// release lets go of the written slabs, but for one that the next messages may fill.
func (b *Batch) release() (spare *Slab) {
	for s := b.head; s != nil; {
		next := s.next
		s.next = nil
		if spare == nil && !s.large && !s.foreign {
			s.read, s.end, s.msgs, s.open = 0, 0, 0, false
			spare = s
		} else {
			s.Release()
		}
		s = next
	}
	b.head = nil
	return spare
}

// Control queues a command, or bytes of the handshake, for the present connection.
func (p *Pipe) Control(frames []byte) {
	o := &p.out
	o.mu.Lock()
	if o.sink == nil {
		o.mu.Unlock()
		return
	}
	o.ctl = append(o.ctl, frames...)
	p.controlled()
}

// Pong queues the answer to a PING. It replaces one that waits, since the newest answer says all
// that its peer wants to know.
func (p *Pipe) Pong(frame []byte) {
	o := &p.out
	o.mu.Lock()
	if o.sink == nil {
		o.mu.Unlock()
		return
	}
	o.pong = append(o.pong[:0], frame...)
	p.controlled()
}

// controlled unlocks and starts the writing of control bytes.
func (p *Pipe) controlled() {
	o := &p.out
	if !o.up {
		o.ctlRaw = len(o.ctl)
	}
	start := !o.writing
	if start {
		o.writing = true
	}
	o.mu.Unlock()
	if start {
		if o.tries {
			o.sink.TryFlush()
		} else {
			go o.flush()
		}
	}
}

// Pace waits until a writer takes what is queued, as long as the writer makes progress: a courtesy
// that keeps what is written in the cache. It returns early when ctx ends or limit is over.
func (p *Pipe) Pace(ctx context.Context, limit time.Duration) {
	o := &p.out
	o.mu.Lock()
	if o.bytes <= paceAt || !o.writing || o.unpaced || o.dead {
		o.mu.Unlock()
		return
	}
	w := o.pacers.Add()
	o.mu.Unlock()
	if limit < 0 || limit > time.Millisecond {
		limit = time.Millisecond
	}
	outcome := w.Wait(ctx, limit)
	o.mu.Lock()
	if outcome != Signalled {
		o.unpaced = outcome == TimedOut
		if o.pacers.Done(w) {
			o.mu.Unlock()
			w.Take()
			o.mu.Lock()
		}
	}
	o.pacers.Free(w)
	o.mu.Unlock()
}
