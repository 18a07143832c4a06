// SPDX-License-Identifier: MPL-2.0

package pipe

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/gzmq/zmq/internal/wire"
)

// outbox is the out-queue: what Send framed and no writer has taken yet.
type outbox struct {
	mu sync.Mutex // held for a copy into a slab, never over a system call or a call upward

	// What follows is guarded by mu.

	head, tail *Slab
	msgs       int   // whole messages queued; counts against hwm
	bytes      int   // queued
	hwm        int   // 0: no limit
	want       int   // size of the next slab, after what the last batch held
	spare      *Slab // one drained slab kept for the next message
	linked     bool  // the other end is within this process
	dead       bool
	keep       bool // survives connections
	writing    bool // somebody has the right to write, or the linked reader knows of messages
	sink       Sink
	tries      bool   // the sink can write without waiting
	up         bool   // the handshake is over: messages may be taken
	reset      func() // gives a linked pipe another far end
	ctl        []byte // commands, whole frames, written between messages
	ctlRaw     int    // leading bytes of ctl that belong to the handshake and are never sealed
	pong       []byte // the PONG that waits, replaced by the next one: no flood can pile up

	// full says that a sender was refused: Writable is due. A linked reader looks at it unlocked.
	full atomic.Bool

	accepted uint64 // messages taken by Send
	finished uint64 // of these: written, handed over or dropped
	flushers Waiters
	pacers   Waiters
	idlers   Waiters // for the end of writing
	unpaced  bool    // a pause ended without progress: do not pause before the next completed write

	// Guarded by the right to write.

	batch Batch
	flush func() // sink.Flush, stored so that go allocates nothing

	// lastStart is when a flusher or a sender last began to write, on the clock of this package.
	lastStart atomic.Int64
}

func (o *outbox) init(hwm int, keep bool) {
	o.hwm, o.keep, o.want = hwm, keep, SmallSlab
}

// Result is what became of a message.
type Result uint8

const (
	// Sent: the queue has it.
	Sent Result = iota
	// Paced: the queue has it, and a sender that may wait should call Pace.
	Paced
	// Full: the queue is at its mark.
	Full
	// Dead: the pipe is.
	Dead
)

const (
	// paceAt is how many bytes wait before a sender pauses for the writer. More would fall out of
	// the cache before it is written, less makes the writer and the sender wait for each other:
	// DESIGN.md, "Pacing".
	paceAt = 512 << 10
	// leeway is how many bytes may wait above the mark while there is a connection.
	leeway = 128 << 10
	// sparse is the silence since the last start of a write after which a sender writes by itself,
	// without a flusher. A round trip takes longer, dense traffic comes far more often.
	sparse = 10 * time.Microsecond
)

// epoch is where the clock of this package starts: time.Since of it reads one clock, not two.
var epoch = time.Now()

// Send frames one message into the queue: head, whole frames with MORE set, and then parts, of
// which there is at least one. It never keeps or changes the bytes of parts, and it never waits.
func (p *Pipe) Send(head []byte, parts [][]byte) Result {
	if len(parts) != 1 || len(head) != 0 || len(parts[0]) >= Own {
		return p.sendMany(head, parts, nil)
	}
	// The common case: one part, copied into the tail.
	o, part := &p.out, parts[0]
	o.mu.Lock()
	if o.dead || o.linked || o.msgs >= o.hwm && o.hwm > 0 && !(o.up && o.lenient()) {
		if r := p.refuse(); r != Sent {
			o.mu.Unlock()
			return r
		}
	}
	s := o.tail
	if s == nil || len(s.buf)-s.end < wire.MaxHeader+len(part) { // a large one has no room at all
		s = o.grow(wire.MaxHeader + len(part))
	}
	b := s.buf[s.end:]
	n := wire.PutHeader(b, 0, len(part))
	n += copy(b[n:], part)
	s.end += n
	s.msgs++
	o.msgs++
	o.accepted++
	o.bytes += n
	if o.writing && o.bytes <= paceAt {
		o.mu.Unlock()
		return Sent
	}
	return p.sent()
}

// refuse reports why no message can be queued now. The lock is held.
func (p *Pipe) refuse() Result {
	o := &p.out
	if o.dead {
		return Dead
	}
	if p.atMark() {
		// Set before the second look: a linked reader stores its count and then looks at full.
		o.full.Store(true)
		if p.atMark() {
			return Full
		}
	}
	return Sent
}

// atMark reports whether the queue is full. Linked pipes have one mark, the sum of both sides', for
// what waits at either end. The lock is held.
func (p *Pipe) atMark() bool {
	o := &p.out
	if o.hwm <= 0 {
		return false
	}
	mate := p.mate.Load()
	if mate == nil {
		return o.msgs >= o.hwm && !(o.up && o.lenient())
	}
	other := mate.in.hwm.Load()
	return other > 0 && o.msgs+int(mate.in.waiting.Load()) >= o.hwm+int(other)
}

// lenient reports whether a connection takes messages above the mark. What a writer takes in its
// next go is on its way to the kernel already; with short messages a thousand of them would make
// that go a short one, and waiting for each of these costs more than sending. Small marks, which
// somebody has chosen, are kept. The lock is held, and there is a connection.
func (o *outbox) lenient() bool { return o.bytes < leeway && o.hwm >= fewMessages }

// CanSend reports whether Send would take a message now.
func (p *Pipe) CanSend() bool {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	return p.refuse() == Sent
}

// sent unlocks after a message was queued and sees to it that somebody writes it.
func (p *Pipe) sent() Result {
	o := &p.out
	mate := p.mate.Load()
	start := !o.writing && (o.up || mate != nil)
	if start {
		o.writing = true
	}
	bytes := o.bytes
	pace := bytes > paceAt && o.writing && !o.unpaced
	o.mu.Unlock()
	if start {
		p.start(mate, bytes)
	}
	if pace {
		return Paced
	}
	return Sent
}

// start gets the first bytes in an idle queue moving. The caller has given itself the right to
// write, which keeps the sink in its place. bytes is how much waits.
func (p *Pipe) start(mate *Pipe, bytes int) {
	if mate != nil {
		mate.owner.Delivered(mate)
		return
	}
	o := &p.out
	now := int64(time.Since(epoch))
	quiet := now-o.lastStart.Swap(now) > int64(sparse)
	if !quiet || !o.tries {
		go o.flush()
		return
	}
	o.sink.TryFlush()
	if bytes >= longFrame {
		// Such a write takes as long as the silence, which begins behind it: who sends the next
		// one without a pause is not sparse. Behind a short write it does not, since the peer's
		// answer may be here before the write has returned.
		o.lastStart.Store(int64(time.Since(epoch)))
	}
}

// grow appends a slab with room for need bytes. The lock is held.
func (o *outbox) grow(need int) *Slab {
	s := o.spare
	if s != nil && len(s.buf) >= need {
		o.spare = nil
	} else {
		switch {
		case o.tail == nil:
		case o.tail.large:
			o.want = SmallSlab // what stands between large bodies is short
		case o.want < BigSlab:
			o.want = min(BigSlab, o.want*8) // one was not enough
		}
		s = NewSlab(max(o.want, need), nil)
	}
	o.link(s)
	return s
}

func (o *outbox) link(s *Slab) {
	if o.tail == nil {
		o.head = s
	} else {
		o.tail.next = s
	}
	o.tail = s
}
