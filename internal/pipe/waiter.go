// SPDX-License-Identifier: MPL-2.0

package pipe

import (
	"context"
	"time"
)

// A Waiter is one blocked call. It is taken from and given back to the list that it waits in, so
// that blocking allocates nothing in the long run.
type Waiter struct {
	c      chan struct{}
	timer  *time.Timer
	next   *Waiter
	listed bool // guarded by the lock of the list

	// For one that reads in place of waiting; guarded by the lock of the list.

	reads  *Pipe
	lender Lender
	served bool
}

// Waiters is a list of blocked calls, first come first served. The lock of whatever they wait for
// guards it.
type Waiters struct {
	first, last *Waiter
	free        *Waiter
}

// Empty reports whether nobody waits.
func (l *Waiters) Empty() bool { return l.first == nil }

// Add appends a waiter.
func (l *Waiters) Add() *Waiter {
	w := l.free
	if w != nil {
		l.free = w.next
		w.next = nil
	} else {
		w = &Waiter{c: make(chan struct{}, 1)}
	}
	w.listed = true
	if l.last == nil {
		l.first = w
	} else {
		l.last.next = w
	}
	l.last = w
	return w
}

// Pop removes the first waiter, nil when there is none. The caller signals it after unlocking.
func (l *Waiters) Pop() *Waiter {
	w := l.first
	if w == nil {
		return nil
	}
	l.first = w.next
	if l.first == nil {
		l.last = nil
	}
	w.next, w.listed = nil, false
	return w
}

// PopAll removes all waiters and returns them as a chain for SignalAll.
func (l *Waiters) PopAll() *Waiter {
	w := l.first
	for v := w; v != nil; v = v.next {
		v.listed = false
	}
	l.first, l.last = nil, nil
	return w
}

// Done takes back a waiter whose wait is over. It reports whether the waiter had been popped: one
// that did not wait for the signal, because its context ended, then has to pass it on.
func (l *Waiters) Done(w *Waiter) (signalled bool) {
	if w.listed {
		l.remove(w)
	} else {
		signalled = true
	}
	return signalled
}

// Free keeps w for the next call. Only one whose signal was received, or never sent, may be freed.
func (l *Waiters) Free(w *Waiter) {
	w.next = l.free
	l.free = w
}

func (l *Waiters) remove(w *Waiter) {
	var prev *Waiter
	for v := l.first; v != w; v = v.next {
		prev = v
	}
	if prev == nil {
		l.first = w.next
	} else {
		prev.next = w.next
	}
	if l.last == w {
		l.last = prev
	}
	w.next, w.listed = nil, false
}

// Signal ends the wait of w; nil is nobody.
func (w *Waiter) Signal() {
	if w != nil {
		w.signal()
	}
}

func (w *Waiter) signal() {
	if w.lender != nil { // not changed before the signal was received
		w.lender.Interrupt()
	}
	w.c <- struct{}{} // capacity 1, and signalled once per Pop
}

// Take receives the signal of a waiter that was popped while it gave up.
func (w *Waiter) Take() { <-w.c }

// SignalAll ends the waits of a chain from PopAll.
func (w *Waiter) SignalAll() {
	for w != nil {
		next := w.next
		w.next = nil
		w.signal()
		w = next
	}
}

// Outcome is how a wait ended.
type Outcome uint8

// The outcomes.
const (
	Signalled Outcome = iota
	TimedOut
	Cancelled
)

// Wait blocks until the signal, the end of ctx or, when limit is not negative, the limit.
func (w *Waiter) Wait(ctx context.Context, limit time.Duration) Outcome {
	var done <-chan struct{}
	if ctx != nil {
		done = ctx.Done()
	}
	if limit < 0 {
		if done == nil {
			<-w.c
			return Signalled
		}
		select {
		case <-w.c:
			return Signalled
		case <-done:
			return Cancelled
		}
	}
	if w.timer == nil {
		w.timer = time.NewTimer(limit)
	} else {
		w.timer.Reset(limit)
	}
	defer w.timer.Stop()
	select {
	case <-w.c:
		return Signalled
	case <-done:
		return Cancelled
	case <-w.timer.C:
		return TimedOut
	}
}
