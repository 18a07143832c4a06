// SPDX-License-Identifier: MPL-2.0

package pipe

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestWaiters: first come, first served, whoever leaves the list and however.
func TestWaiters(t *testing.T) {
	for seed := range uint64(100) {
		rnd := rand.New(rand.NewPCG(seed, 11))
		var l Waiters
		var model []*Waiter
		for range 300 {
			switch rnd.IntN(6) {
			case 0, 1, 2:
				w := l.Add()
				if slices.Contains(model, w) {
					t.Fatalf("seed %d: one that waits was given out again", seed)
				}
				model = append(model, w)
			case 3:
				w := l.Pop()
				if len(model) == 0 && w != nil || len(model) > 0 && w != model[0] {
					t.Fatalf("seed %d: not the first", seed)
				}
				if w != nil {
					model = model[1:]
					w.Signal()
					if w.Wait(context.Background(), -1) != Signalled || !l.Done(w) {
						t.Fatalf("seed %d: one that was popped was not signalled", seed)
					}
					l.Free(w)
				}
			case 4:
				if len(model) > 0 {
					i := rnd.IntN(len(model))
					if l.Done(model[i]) {
						t.Fatalf("seed %d: one that waited was popped", seed)
					}
					l.Free(model[i])
					model = slices.Delete(model, i, i+1)
				}
			case 5:
				if rnd.IntN(10) == 0 {
					l.PopAll().SignalAll()
					for _, w := range model {
						w.Take()
						l.Free(w)
					}
					model = nil
				}
			}
			if l.Empty() != (len(model) == 0) {
				t.Fatalf("seed %d: empty %v with %d", seed, l.Empty(), len(model))
			}
		}
	}
	(*Waiter)(nil).Signal() // nobody
}

// TestWaiterOutcomes: the same waiter, again and again, ends each wait by what has happened.
func TestWaiterOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Waiters
		for range 3 {
			for _, limit := range []time.Duration{-1, time.Minute} {
				ctx, cancel := context.WithCancel(context.Background())
				w := l.Add()
				go func() { time.Sleep(time.Second); l.Pop().Signal() }()
				if got := w.Wait(ctx, limit); got != Signalled {
					t.Errorf("signal, limit %v: %v", limit, got)
				}
				l.Free(w)
				w = l.Add()
				go func() { time.Sleep(time.Second); cancel() }()
				if got := w.Wait(ctx, limit); got != Cancelled || l.Done(w) {
					t.Errorf("end of the context, limit %v: %v", limit, got)
				}
				l.Free(w)
			}
			w := l.Add()
			start := time.Now()
			if got := w.Wait(context.Background(), time.Minute); got != TimedOut || l.Done(w) || time.Since(start) != time.Minute {
				t.Errorf("time limit: %v after %v", got, time.Since(start))
			}
			l.Free(w)
		}
	})
}
