// SPDX-License-Identifier: MPL-2.0

package route

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
)

// receiver is one call of Recv and what came of it.
type receiver struct {
	cancel context.CancelFunc
	result atomic.Pointer[result] // nil: it waits
}

type result struct {
	body string
	err  error
}

// recv calls Recv on a goroutine of its own, inside a bubble, and returns when it waits.
func recv(q *FairQueue, limit time.Duration) *receiver {
	ctx, cancel := context.WithCancel(context.Background())
	r := &receiver{cancel: cancel}
	go func() {
		defer cancel()
		var m pipe.Message
		err := q.Recv(ctx, Limit{Duration: limit}, &m, false)
		r.result.Store(&result{string(m.Part(0)), err})
	}()
	synctest.Wait()
	return r
}

func (r *receiver) over() bool { return r.result.Load() != nil }

// body is the message; empty while it waits.
func (r *receiver) body() string {
	if !r.over() {
		return ""
	}
	return r.result.Load().body
}

func (r *receiver) err() error {
	if !r.over() {
		return nil
	}
	return r.result.Load().err
}

func (r *receiver) String() string {
	return fmt.Sprintf("%q, error %v, over %v", r.body(), r.err(), r.over())
}

// TestFirstComeFirstServed: of those that wait the first gets the message.
func TestFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewFairQueue()
		s, _ := source(q)
		p := conn(q)
		var all [6]*receiver
		for i := range all {
			all[i] = recv(q, -1)
		}
		for i, r := range all {
			body := fmt.Sprint(i)
			if i%2 == 0 {
				send(t, s, body)
			} else {
				arrive(p, body)
			}
			synctest.Wait()
			if !r.over() || r.body() != body {
				t.Errorf("receiver %d: %v", i, r)
			}
			if i+1 < len(all) && all[i+1].over() {
				t.Errorf("receiver %d is over, too: %v", i+1, all[i+1])
			}
		}
	})
}

// TestOneReadForMany: one read that brings several messages wakes as many receivers.
func TestOneReadForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewFairQueue()
		p := conn(q)
		var all [4]*receiver
		for i := range all {
			all[i] = recv(q, -1)
		}
		arrive(p, "1", "2", "3")
		synctest.Wait()
		over := 0
		for _, r := range all {
			over += len(r.body())
		}
		if over != 3 {
			t.Errorf("%d have a message: %v", over, all)
		}
		arrive(p, "4")
	})
}

// TestLinkedWakesAll: a sender within the process tells of its first message only. Whoever takes
// that sees to it that the others are woken for those that followed.
func TestLinkedWakesAll(t *testing.T) {
	for range 300 {
		synctest.Test(t, func(t *testing.T) {
			q := NewFairQueue()
			s, _ := source(q)
			var all [3]*receiver
			for i := range all {
				all[i] = recv(q, time.Hour)
			}
			for range all {
				send(t, s, "x")
			}
			synctest.Wait()
			for i, r := range all {
				if !r.over() || r.err() != nil {
					t.Fatalf("receiver %d waits, and there is a message: %v", i, r)
				}
			}
		})
		if t.Failed() {
			return
		}
	}
}

// TestLinkedWakesForTheRest is the same for one that takes a message without having waited.
func TestLinkedWakesForTheRest(t *testing.T) {
	for way, take := range ways {
		synctest.Test(t, func(t *testing.T) {
			q := NewFairQueue()
			s, _ := source(q)
			send(t, s, "1", "2", "3")
			take(q)
			q.mu.Lock()
			w := q.waiters.Add() // it came just when the queue was empty
			q.mu.Unlock()
			var woken atomic.Bool
			go func() {
				w.Wait(context.Background(), -1)
				woken.Store(true)
			}()
			take(q)
			synctest.Wait()
			if !woken.Load() {
				t.Errorf("%s: nobody is woken for the message that is left", way)
				w.Signal()
			}
		})
	}
}

// TestGiveUp: whoever gives up in the moment in which it is woken passes that on.
func TestGiveUp(t *testing.T) {
	for _, how := range []string{"cancelled", "timed out"} {
		synctest.Test(t, func(t *testing.T) {
			q := NewFairQueue()
			p := pipe.New(&owner{}, pipe.Limits{}, false) // its owner only publishes
			p.StartReading(deaf{})
			q.Attach(p)
			a := recv(q, time.Second)
			b := recv(q, time.Hour)
			// As Delivered does, but the signal takes its time.
			q.mu.Lock()
			arrive(p, "x")
			q.list.activate(p)
			w := q.waiters.Pop()
			q.mu.Unlock()
			if how == "cancelled" {
				a.cancel()
			} else {
				time.Sleep(2 * time.Second)
			}
			synctest.Wait()
			if a.over() || b.over() {
				t.Fatalf("over before the signal: %v, %v", a, b)
			}
			w.Signal()
			synctest.Wait()
			if want := map[string]error{"cancelled": context.Canceled, "timed out": ErrTimeout}[how]; a.err() != want || a.body() != "" {
				t.Errorf("%s: %v", how, a)
			}
			if b.body() != "x" {
				t.Errorf("%s: the other one has not got the message: %v", how, b)
			}
		})
	}
}

// TestRecvEnds: a wait ends by its context, by its limit, which counts from the first wait on, or by
// Close; and loses nothing.
func TestRecvEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewFairQueue()
		s, _ := source(q)
		ended, timed, stays := recv(q, -1), recv(q, time.Minute), recv(q, -1)
		start := time.Now()
		ended.cancel()
		synctest.Wait()
		if ended.err() != context.Canceled || timed.over() {
			t.Errorf("%v, %v", ended, timed)
		}
		time.Sleep(40 * time.Second)
		q.Kick() // it wakes, finds nothing and waits for the rest of its time
		synctest.Wait()
		time.Sleep(19 * time.Second)
		synctest.Wait()
		if timed.over() {
			t.Errorf("over after %v: %v", time.Since(start), timed)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if timed.err() != ErrTimeout || stays.over() {
			t.Errorf("%v, %v", timed, stays)
		}
		errOver := errors.New("over")
		more := recv(q, time.Hour)
		q.Close(errOver)
		synctest.Wait()
		if stays.err() != errOver || more.err() != errOver {
			t.Errorf("after Close: %v, %v", stays, more)
		}
		if late := recv(q, 0); late.err() != errOver && late.err() != ErrTimeout {
			t.Errorf("no time, after Close: %v", late)
		}
		send(t, s, "x")
	})
}

// TestNoTime: a limit of nothing never waits.
func TestNoTime(t *testing.T) {
	q := NewFairQueue()
	var m pipe.Message
	if err := q.Recv(context.Background(), Limit{}, &m, false); err != ErrTimeout {
		t.Errorf("%v", err)
	}
}

// TestKick: whoever waits looks again, and so does one that has looked before.
func TestKick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewFairQueue()
		seen := q.Generation()
		var over atomic.Int32
		for range 3 {
			go func() {
				limit := Limit{Duration: -1}
				if err := q.Wait(context.Background(), &limit, seen); err != nil {
					t.Error(err)
				}
				over.Add(1)
			}()
			synctest.Wait()
		}
		q.Kick()
		synctest.Wait()
		if over.Load() != 3 {
			t.Errorf("%d of 3 woken", over.Load())
		}
		limit := Limit{Duration: time.Second}
		if err := q.Wait(context.Background(), &limit, seen); err != nil {
			t.Errorf("%v: it has not seen the Kick", err)
		}
		limit = Limit{Duration: time.Second}
		if err := q.Wait(context.Background(), &limit, q.Generation()); err != ErrTimeout {
			t.Errorf("%v: there was nothing", err)
		}
	})
}

// TestWokenByRest: what ends a linked pipe brings messages, too.
func TestWokenByRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewFairQueue()
		s, p := link(&owner{}, &owner{}, 0, 0) // nobody is told of a delivery
		q.Attach(p)
		a := recv(q, -1)
		send(t, s, "x")
		q.TakeRest(p)
		synctest.Wait()
		if a.body() != "x" {
			t.Errorf("%v", a)
		}
		b := recv(q, -1)
		s, p = link(&owner{}, &owner{}, 0, 0)
		send(t, s, "y")
		q.Attach(p)
		synctest.Wait()
		if b.body() != "y" {
			t.Errorf("%v", b)
		}
	})
}
