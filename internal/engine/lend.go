// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
)

// lookBack is how often the connection's own goroutine looks whether anybody has used the right to
// read while it lies idle. It bounds how late a PING, a close or a message is noticed that comes
// while nobody is in Recv. Measured in bench/: every 2 ms disturbs a round trip, every 20 ms does not.
const lookBack = 20 * time.Millisecond

// readRight says who may read a connection. A goroutine that waits in Recv for one message at a time
// is faster when it reads the connection itself: to hand the message over would wake a second
// thread for each.
//
//	own --the read served one Recv with one message--> idle
//	idle --Recv--> lent --its message is there--> idle
//	idle, lent --unused for a while, more to read, closing, the pipe is not alone--> own
type readRight struct {
	state atomic.Uint32
	uses  atomic.Uint32 // counts the loans
	deep  atomic.Bool   // the own goroutine sleeps without a timer, as long as a Recv reads

	wake  chan struct{} // capacity 1: for the own goroutine
	timer *time.Timer   // owned by the own goroutine

	mu          sync.Mutex // held over setting a deadline, which does not block
	interrupted bool       // guarded by mu: the deadline is in the past, on purpose

	err error // how Serve found the connection; owned by the holder of the right
}

const (
	rightOwn uint32 = iota
	rightIdle
	rightLent
)

func (r *readRight) init() { r.wake = make(chan struct{}, 1) }

// call wakes the own goroutine if it sleeps.
func (r *readRight) call() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// lendOut leaves the right to whoever comes, and takes it back when nobody does.
func (c *Conn) lendOut() error {
	r := &c.right
	used := r.uses.Load()
	r.state.Store(rightIdle)
	if c.eng.pipe.Wanted() && r.state.CompareAndSwap(rightIdle, rightOwn) {
		return nil
	}
	timer := r.timer
	if timer == nil {
		timer = time.NewTimer(lookBack)
		r.timer = timer
	} else {
		timer.Reset(lookBack)
	}
	defer timer.Stop()
	for {
		tick := timer.C
		if r.deep.Load() {
			tick = nil
		}
		unused := false
		select {
		case <-r.wake:
		case <-tick:
			unused = r.uses.Load() == used
		}
		if r.state.Load() == rightOwn {
			err := r.err
			r.err = nil
			return err
		}
		if (unused || c.over()) && r.state.CompareAndSwap(rightIdle, rightOwn) {
			return nil // if it is over, the next read says why
		}
		used = r.uses.Load()
		// While a Recv reads there is nothing to look after; it says when it leaves.
		r.deep.Store(true)
		if r.state.Load() != rightLent {
			r.deep.Store(false)
			timer.Reset(lookBack)
		}
	}
}

// over reports whether the connection is at its end, so that its own goroutine has to see to it.
func (c *Conn) over() bool { return c.closing.Load() || c.Err() != nil }

// Lend implements pipe.Lender.
func (c *Conn) Lend() bool {
	r := &c.right
	if !r.state.CompareAndSwap(rightIdle, rightLent) {
		// The right must not lie idle while this Recv waits: set before a second look at state,
		// and looked at after state was set to idle.
		c.eng.pipe.Want()
		if !r.state.CompareAndSwap(rightIdle, rightLent) {
			return false
		}
	}
	r.uses.Add(1)
	return true
}

// Serve implements pipe.Lender.
func (c *Conn) Serve(ctx context.Context, limit time.Duration) pipe.Outcome {
	var end time.Time
	limited := false // the read deadline is this call's, and earlier than the clock's
	if limit >= 0 {
		end = time.Now().Add(limit)
		defer func() {
			if limited {
				c.setDeadline(c.next)
			}
		}()
	}
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, c.Interrupt)
		defer stop()
	}
	for {
		switch {
		case ctx.Err() != nil:
			return pipe.Cancelled
		case !end.IsZero() && !time.Now().Before(end):
			return pipe.TimedOut
		}
		// Each look at the clock has set the deadline anew.
		if !end.IsZero() && (c.next.IsZero() || end.Before(c.next)) {
			limited = true
			c.setDeadline(end)
		}
		err := c.readOnce()
		if err == nil && c.eng.Rearmed() {
			err = c.tick()
		}
		if c.eng.pipe.Served() != 0 && err == nil || err == errInterrupted {
			return pipe.Signalled
		}
		if err != nil {
			c.right.err = err
			return pipe.Signalled
		}
	}
}

// Leave implements pipe.Lender.
func (c *Conn) Leave(keep bool) {
	r := &c.right
	c.calm()
	if keep && r.err == nil && !c.over() && c.quiet() {
		r.state.Store(rightIdle)
		if c.eng.pipe.Wanted() {
			c.Reclaim()
		}
		if c.over() || r.deep.CompareAndSwap(true, false) {
			r.call()
		}
		return
	}
	r.deep.Store(false)
	r.state.Store(rightOwn)
	r.call()
}

// quiet reports whether nothing that was read waits here, so that the right may lie idle.
func (c *Conn) quiet() bool {
	plain, ok := c.feed.(*plainReader)
	return !(ok && len(plain.extra) > 0) && !c.eng.pipe.Blocked() && c.eng.pipe.ServedOne()
}

// Interrupt implements pipe.Lender. An interrupt that comes too late does no harm: whoever reads
// looks again.
func (c *Conn) Interrupt() {
	c.right.mu.Lock()
	c.right.interrupted = true
	c.nc.SetReadDeadline(past)
	c.right.mu.Unlock()
}

// calm undoes an interrupt, and reports whether there was one.
func (c *Conn) calm() bool {
	c.right.mu.Lock()
	defer c.right.mu.Unlock()
	if !c.right.interrupted {
		return false
	}
	c.right.interrupted = false
	if !c.closing.Load() {
		c.nc.SetReadDeadline(c.next)
	}
	return true
}

// Reclaim implements pipe.Lender.
func (c *Conn) Reclaim() {
	if c.right.state.CompareAndSwap(rightIdle, rightOwn) {
		c.right.call()
	}
}
