// SPDX-License-Identifier: MPL-2.0

package route

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/gzmq/zmq/internal/pipe"
)

// LoadBalancer hands each message to the next pipe that takes one: round robin over those that are
// neither full nor dead.
type LoadBalancer struct {
	// only is the one pipe that is usable, nil when there are several or none: with one peer no
	// lock is needed to know whose turn it is. Written under mu.
	only atomic.Pointer[pipe.Pipe]

	mu sync.Mutex // never held over a copy

	// Guarded by mu.

	list    places
	waiters pipe.Waiters
	closed  error
}

// NewLoadBalancer returns one without pipes.
func NewLoadBalancer() *LoadBalancer {
	return &LoadBalancer{list: places{slot: sendSlot}}
}

// Attach adds a pipe that takes messages from now on.
func (b *LoadBalancer) Attach(p *pipe.Pipe) {
	b.mu.Lock()
	if b.closed == nil && !b.list.has(p) {
		b.list.add(p)
		b.list.activate(p)
		b.changed()
	}
	w := b.waiters.Pop()
	b.mu.Unlock()
	w.Signal()
}

// Detach removes a pipe.
func (b *LoadBalancer) Detach(p *pipe.Pipe) {
	b.mu.Lock()
	b.list.remove(p)
	b.changed()
	b.mu.Unlock()
}

// Writable says that p may have room again.
func (b *LoadBalancer) Writable(p *pipe.Pipe) {
	b.mu.Lock()
	var w *pipe.Waiter
	if b.list.has(p) {
		b.list.activate(p)
		b.changed()
		w = b.waiters.Pop()
	}
	b.mu.Unlock()
	w.Signal()
}

// Pause takes p out of the turn until Writable; for a pipe that must not get messages although its
// queue would take them.
func (b *LoadBalancer) Pause(p *pipe.Pipe) {
	b.mu.Lock()
	b.list.deactivate(p)
	b.changed()
	b.mu.Unlock()
}

// Next is the pipe whose turn it is; nil when none takes messages. After Close it answers the
// error.
func (b *LoadBalancer) Next() (*pipe.Pipe, error) {
	if p := b.only.Load(); p != nil {
		return p, nil
	}
	return b.next()
}

func (b *LoadBalancer) next() (*pipe.Pipe, error) {
	b.mu.Lock()
	p, err := b.list.next(), b.closed
	b.mu.Unlock()
	return p, err
}

// changed sets only after the list or closed has changed. The lock is held.
func (b *LoadBalancer) changed() {
	if b.list.active == 1 && b.closed == nil {
		b.only.Store(b.list.pipes[0])
	} else {
		b.only.Store(nil)
	}
}

// Refused says that p, which Next returned, did not take the message. A full pipe comes back with
// Writable.
func (b *LoadBalancer) Refused(p *pipe.Pipe, r pipe.Result) {
	b.mu.Lock()
	if r == pipe.Dead {
		b.list.remove(p)
	} else if b.list.deactivate(p); p.CanSend() {
		// It was emptied between its refusal and the lock, and has said so already. When it is
		// emptied from now on it says so again.
		b.list.activate(p)
	}
	b.changed()
	b.mu.Unlock()
}

// Wait blocks until a pipe may take a message. It answers the error of ctx or of Close, or
// ErrTimeout when limit, unless negative, is over.
func (b *LoadBalancer) Wait(ctx context.Context, limit *Limit) error {
	left, err := limit.left()
	if err != nil {
		return err
	}
	b.mu.Lock()
	if b.closed != nil || b.list.active > 0 {
		err := b.closed
		b.mu.Unlock()
		return err
	}
	w := b.waiters.Add()
	b.mu.Unlock()
	outcome := w.Wait(ctx, left)
	b.mu.Lock()
	var next *pipe.Waiter
	if outcome != pipe.Signalled {
		if b.waiters.Done(w) {
			b.mu.Unlock()
			w.Take()
			b.mu.Lock()
			next = b.passOn()
		}
	} else {
		next = b.passOn()
	}
	b.waiters.Free(w)
	err = b.closed
	b.mu.Unlock()
	next.Signal()
	return waitError(ctx, outcome, err)
}

// passOn wakes the next waiter while there are pipes for it: a pipe with room for many messages
// wakes only one. The lock is held.
func (b *LoadBalancer) passOn() *pipe.Waiter {
	if b.list.active == 0 {
		return nil
	}
	return b.waiters.Pop()
}

// Len is the number of pipes, usable or not.
func (b *LoadBalancer) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.list.pipes)
}

// Close ends all waiting, now and later, with err.
func (b *LoadBalancer) Close(err error) {
	b.mu.Lock()
	if b.closed == nil {
		b.closed = err
	}
	b.changed()
	waiters := b.waiters.PopAll()
	b.mu.Unlock()
	waiters.SignalAll()
}

// Clear removes all pipes.
func (b *LoadBalancer) Clear() {
	b.mu.Lock()
	for len(b.list.pipes) > 0 {
		b.list.remove(b.list.pipes[len(b.list.pipes)-1])
	}
	b.changed()
	b.mu.Unlock()
}
