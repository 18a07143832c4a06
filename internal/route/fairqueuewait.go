// SPDX-License-Identifier: MPL-2.0

package route

import (
	"context"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
)

// Recv waits for a message and takes it; the caller has tried. It answers the error of ctx or of
// Close, or ErrTimeout when the limit is over; m is empty then.
func (q *FairQueue) Recv(ctx context.Context, clock Limit, m *pipe.Message, fresh bool) error {
	r := Request{Fresh: fresh}
	for seen := uint64(0); ; seen = q.Generation() {
		if err := q.Wait(ctx, &clock, seen); err != nil {
			return err
		}
		ok, err := q.TryRecv(m, &r)
		if ok || err != nil {
			return err
		}
	}
}

// Generation counts the Kicks. Who looks at something else besides the queue before it waits reads
// it first.
func (q *FairQueue) Generation() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.kicks
}

// Kick ends all waiting without an error: there is something else to look at.
func (q *FairQueue) Kick() {
	q.mu.Lock()
	q.kicks++
	waiters := q.waiters.PopAll()
	q.mu.Unlock()
	waiters.SignalAll()
}

// Wait blocks until a pipe may have a message, or there was a Kick since generation.
func (q *FairQueue) Wait(ctx context.Context, limit *Limit, generation uint64) error {
	left, err := limit.left()
	if err != nil {
		q.Missed()
		return err
	}
	q.mu.Lock()
	if q.closed != nil || q.list.active > 0 || q.kicks != generation {
		err := q.closed
		q.mu.Unlock()
		return err
	}
	alone := q.waiters.Empty() && len(q.list.pipes) == 1
	w := q.waiters.Add()
	if alone {
		p := q.list.pipes[0]
		if l := p.Lender(); l != nil && l.Lend() {
			w.Serving(p, l)
			q.mu.Unlock()
			return q.serve(ctx, left, w, l)
		}
	}
	q.mu.Unlock()
	return q.wait(ctx, left, w)
}

// serve is the wait of one that reads its connection itself.
func (q *FairQueue) serve(ctx context.Context, left time.Duration, w *pipe.Waiter, l pipe.Lender) error {
	outcome := l.Serve(ctx, left)
	q.mu.Lock()
	popped := q.waiters.Done(w)
	served := w.Left()
	// With others waiting the connection's own goroutine reads for all of them.
	keep := len(q.list.pipes) == 1 && q.waiters.Empty()
	q.mu.Unlock()
	if popped && !served {
		w.Take() // and its interrupt is over
	}
	w.Alone()
	l.Leave(keep)
	return q.waited(ctx, w, outcome, popped)
}

// wait is the wait of any other.
func (q *FairQueue) wait(ctx context.Context, left time.Duration, w *pipe.Waiter) error {
	outcome := w.Wait(ctx, left)
	popped := outcome == pipe.Signalled
	if !popped {
		q.mu.Lock()
		popped = q.waiters.Done(w)
		q.mu.Unlock()
		if popped {
			w.Take()
		}
	}
	return q.waited(ctx, w, outcome, popped)
}

// waited ends the wait of one that is in no list any more. One that was woken for a message, and
// does not take it or leaves more, wakes the next.
func (q *FairQueue) waited(ctx context.Context, w *pipe.Waiter, outcome pipe.Outcome, popped bool) error {
	q.mu.Lock()
	var next *pipe.Waiter
	if popped && !q.waiters.Empty() {
		n := q.ready()
		if outcome == pipe.Signalled {
			n-- // the caller's
		}
		if n > 0 {
			next = q.waiters.Pop()
		}
	}
	q.waiters.Free(w)
	err := q.closed
	q.mu.Unlock()
	next.Signal()
	return waitError(ctx, outcome, err)
}

// ready counts the messages that are there, up to two. Pipes that were read empty leave the turn:
// nobody is woken in vain, which would cost him his place among those that wait. The lock is held.
func (q *FairQueue) ready() (n int) {
	for i := 0; i < q.list.active && n < 2; {
		p := q.list.pipes[i]
		if !p.HasMessage() {
			q.empty(p)
			continue // another one has its place
		}
		n += p.Count()
		i++
	}
	return n
}

// Missed says that somebody looked for a message and does not wait for it: what is on its way has
// to be read by the connection's own goroutine.
func (q *FairQueue) Missed() {
	q.mu.Lock()
	var lender pipe.Lender
	if len(q.list.pipes) == 1 {
		lender = q.list.pipes[0].Lender()
	}
	q.mu.Unlock()
	if lender != nil {
		lender.Reclaim()
	}
}
