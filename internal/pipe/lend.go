// SPDX-License-Identifier: MPL-2.0

package pipe

import (
	"context"
	"time"
)

// Lender is a connection that can lend its right to read to a goroutine that waits in Recv: it
// reads for itself then, and no other goroutine has to hand the message over. DESIGN.md, "Who
// reads".
type Lender interface {
	// Lend gives the caller the right to read, if nobody has it. It never blocks and is called
	// under the fair queue's lock.
	Lend() bool
	// Serve reads until a message was delivered to the waiter, Interrupt, the end of ctx or, when
	// limit is not negative, of the limit. The caller has the right to read.
	Serve(ctx context.Context, limit time.Duration) Outcome
	// Leave gives the right back: to nobody, so that the next Recv can have it, or with keep
	// unset to the connection's own goroutine.
	Leave(keep bool)
	// Interrupt ends Serve early.
	Interrupt()
	// Reclaim makes the connection's own goroutine read again, if nobody does.
	Reclaim()
}

// SetLender says who lends the right to read, nil for nobody.
func (p *Pipe) SetLender(l Lender) {
	if l == nil {
		p.lender.Store(nil)
		return
	}
	p.lender.Store(&l)
}

// Lender is the connection that lends the right to read; nil for none.
func (p *Pipe) Lender() Lender {
	if l := p.lender.Load(); l != nil {
		return *l
	}
	return nil
}

// Serving says that w reads p itself, by way of l: a delivery from p is its own, and a signal has
// to interrupt it. The lock of its list is held.
func (w *Waiter) Serving(p *Pipe, l Lender) { w.reads, w.lender = p, l }

// Serves reports whether w itself delivers what p delivers now. It is noted, so that Left answers
// true. The lock of the list is held, and w was popped.
func (w *Waiter) Serves(p *Pipe) bool {
	if w == nil || w.reads != p {
		return false
	}
	w.served = true
	return true
}

// Left reports whether what ended the reading was its own delivery. The lock of the list is held.
func (w *Waiter) Left() (served bool) { return w.served }

// Alone says that w does not read any more, once nobody can signal it.
func (w *Waiter) Alone() { w.reads, w.lender, w.served = nil, nil, false }

// Served is, once, how many messages were there after the last delivery that woke a Recv of a pipe
// that is alone, 0 for no such delivery, and one more if others wait. The caller holds the right to
// read.
func (p *Pipe) Served() int {
	n := p.in.served
	p.in.served, p.in.lastServed = 0, n
	return n
}

// ServedOne reports whether what Served answered last was one message: its Recv took all there was.
func (p *Pipe) ServedOne() bool { return p.in.lastServed == 1 }

// SetServed is called with the fair queue's lock held, by whoever publishes. others says that more
// receivers wait.
func (p *Pipe) SetServed(others bool) {
	p.in.served = p.in.count
	if others {
		p.in.served++
	}
	p.in.wanted.Store(false)
}

// Want notes that a Recv waits that has found the right to read taken. The fair queue's lock is held.
func (p *Pipe) Want() { p.in.wanted.Store(true) }

// Wanted reports, once, whether a Recv has come to wait since the last delivery that woke one: the
// right to read must not lie idle then.
func (p *Pipe) Wanted() bool { return p.in.wanted.Load() && p.in.wanted.Swap(false) }
