// SPDX-License-Identifier: MPL-2.0

package route

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
)

// dealer is a socket that only sends.
func dealer() (*LoadBalancer, *owner) {
	b := NewLoadBalancer()
	return b, &owner{lb: b}
}

// target is a pipe of the balancer that takes n messages, and what receives from it.
func target(o *owner, n int) (s *pipe.Pipe, q *FairQueue) {
	q = NewFairQueue()
	s, r := link(o, &owner{fq: q}, n-1, 1)
	q.Attach(r)
	o.lb.Attach(s)
	return s, q
}

// sendNext sends to the pipe whose turn it is, as Send does without waiting.
func sendNext(b *LoadBalancer, body string) (*pipe.Pipe, error) {
	for {
		p, err := b.Next()
		if p == nil || err != nil {
			return nil, err
		}
		r := p.Send(nil, [][]byte{[]byte(body)})
		if r == pipe.Sent || r == pipe.Paced {
			return p, nil
		}
		b.Refused(p, r)
	}
}

// targets sends n messages and says which pipes they went to, by their places in all; '-' is none.
func targets(t *testing.T, b *LoadBalancer, all []*pipe.Pipe, n int) string {
	t.Helper()
	var s strings.Builder
	for range n {
		p, err := sendNext(b, "x")
		if err != nil {
			t.Fatal(err)
		}
		if i := slices.Index(all, p); i < 0 {
			s.WriteByte('-')
		} else {
			s.WriteByte("abcdefgh"[i])
		}
	}
	return s.String()
}

// TestRoundRobin: each pipe in turn; full ones are skipped and come back.
func TestRoundRobin(t *testing.T) {
	b, o := dealer()
	if p, err := b.Next(); p != nil || err != nil {
		t.Fatal("a pipe where there is none")
	}
	a, _ := target(o, 100)
	all := []*pipe.Pipe{a}
	if got := targets(t, b, all, 3); got != "aaa" {
		t.Errorf("one pipe: %s", got)
	}
	full, q := target(o, 2)
	c, _ := target(o, 100)
	all = append(all, full, c)
	if got := targets(t, b, all, 6); !inTurn(got, "abc") {
		t.Errorf("three pipes: %s", got)
	}
	if got := targets(t, b, all, 6); !inTurn(got, "ac") {
		t.Errorf("one is full: %s", got)
	}
	for range 2 {
		ways["TryRecv"](q)
	}
	if got := targets(t, b, all, 6); !inTurn(got, "abc") {
		t.Errorf("it has room again: %s", got)
	}
}

// inTurn reports whether got is made of the letters of set, round by round, in any order that
// stays.
func inTurn(got, set string) bool {
	for i := range got {
		if i >= len(set) && got[i] != got[i-len(set)] || !strings.Contains(set, got[i:i+1]) {
			return false
		}
		if i < len(set) && strings.Count(got[:len(set)], got[i:i+1]) != 1 {
			return false
		}
	}
	return true
}

// TestFullThenRoom: of several full pipes the one that has room gets the message.
func TestFullThenRoom(t *testing.T) {
	b, o := dealer()
	var all []*pipe.Pipe
	var qs []*FairQueue
	for range 4 {
		p, q := target(o, 2)
		all, qs = append(all, p), append(qs, q)
	}
	if got := targets(t, b, all, 9); !strings.HasSuffix(got, "-") || strings.Count(got, "-") != 1 {
		t.Fatalf("room for %s", got)
	}
	for _, i := range []int{2, 0, 3, 3, 1} {
		ways["TryRecv"](qs[i])
		ways["TryRecv"](qs[i])
		if got := targets(t, b, all, 3); got != strings.Repeat(string(rune('a'+i)), 2)+"-" {
			t.Errorf("pipe %c has room, and the messages go to %s", 'a'+i, got)
		}
	}
}

// TestRoomWhileRefused: a pipe that has room again before its refusal is told comes back at once,
// since it will not say so again.
func TestRoomWhileRefused(t *testing.T) {
	b, o := dealer()
	p, q := target(o, 2)
	for range 2 {
		targets(t, b, []*pipe.Pipe{p}, 1)
	}
	r := p.Send(nil, [][]byte{{1}})
	if r != pipe.Full {
		t.Fatal(r)
	}
	for range 2 {
		ways["TryRecv"](q)
	}
	b.Refused(p, r)
	if next, _ := b.Next(); next != p {
		t.Error("it is out of the turn")
	}
}

// TestDeadPipes leave the turn, by Refused as by Detach.
func TestDeadPipes(t *testing.T) {
	b, o := dealer()
	var all []*pipe.Pipe
	for range 3 {
		p, _ := target(o, 100)
		all = append(all, p)
	}
	all[1].End()
	if got := targets(t, b, all, 4); !inTurn(got, "ac") || b.Len() != 2 {
		t.Errorf("%s, %d pipes", got, b.Len())
	}
	b.Writable(all[1]) // too late
	b.Detach(all[2])
	b.Detach(all[2])
	if got := targets(t, b, all, 3); got != "aaa" || b.Len() != 1 {
		t.Errorf("%s, %d pipes", got, b.Len())
	}
	b.Pause(all[0])
	if got := targets(t, b, all, 1); got != "-" || b.Len() != 1 {
		t.Errorf("paused: %s, %d pipes", got, b.Len())
	}
	b.Writable(all[0])
	if got := targets(t, b, all, 1); got != "a" {
		t.Errorf("back: %s", got)
	}
	b.Clear()
	if got := targets(t, b, all, 1); got != "-" || b.Len() != 0 {
		t.Errorf("after Clear: %s, %d pipes", got, b.Len())
	}
}

// TestLoadBalancerClose: no pipe after Close, and no new one.
func TestLoadBalancerClose(t *testing.T) {
	b, o := dealer()
	target(o, 10)
	errOver := errors.New("over")
	b.Close(errOver)
	b.Close(errors.New("again"))
	if _, err := b.Next(); err != errOver {
		t.Errorf("Next: %v", err)
	}
	if p, _ := target(o, 10); p.SendSlot != -1 {
		t.Error("a pipe was attached after Close")
	}
	if err := b.Wait(context.Background(), &Limit{Duration: -1}); err != errOver {
		t.Errorf("Wait: %v", err)
	}
	if err := b.Wait(context.Background(), &Limit{}); err != ErrTimeout && err != errOver {
		t.Errorf("Wait without time: %v", err)
	}
}

// waiting is one call of Wait, inside a bubble.
type waiting struct {
	cancel context.CancelFunc
	result atomic.Pointer[error] // nil: it waits
}

func waitFor(b *LoadBalancer, limit time.Duration) *waiting {
	ctx, cancel := context.WithCancel(context.Background())
	w := &waiting{cancel: cancel}
	go func() {
		defer cancel()
		err := b.Wait(ctx, &Limit{Duration: limit})
		w.result.Store(&err)
	}()
	synctest.Wait()
	return w
}

// is reports whether it is over, with err.
func (w *waiting) is(err error) bool { return w.over() && *w.result.Load() == err }

func (w *waiting) over() bool { return w.result.Load() != nil }

func (w *waiting) String() string {
	if !w.over() {
		return "waits"
	}
	return fmt.Sprint("over, ", *w.result.Load())
}

// TestWaitForRoom: whoever waits is woken by a new pipe or by room in an old one; all are, while
// there is room.
func TestWaitForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, o := dealer()
		first, second := waitFor(b, -1), waitFor(b, -1)
		p, q := target(o, 2)
		synctest.Wait()
		if !first.is(nil) || !second.is(nil) {
			t.Errorf("a new pipe: %v, %v", first, second)
		}
		if w := waitFor(b, -1); !w.is(nil) {
			t.Error("a wait while there is room")
		}
		if got := targets(t, b, []*pipe.Pipe{p}, 3); got != "aa-" {
			t.Fatal(got)
		}
		third := waitFor(b, -1)
		ways["TryRecv"](q)
		ways["TryRecv"](q)
		synctest.Wait()
		if !third.is(nil) {
			t.Errorf("room: %v", third)
		}
	})
}

// TestWaitEnds: by its context, its limit or Close.
func TestWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := dealer()
		cancelled, timed, stays := waitFor(b, -1), waitFor(b, time.Minute), waitFor(b, -1)
		cancelled.cancel()
		synctest.Wait()
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if !cancelled.is(context.Canceled) || timed.over() {
			t.Errorf("%v, %v", cancelled, timed)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !timed.is(ErrTimeout) || stays.over() {
			t.Errorf("%v, %v", timed, stays)
		}
		errOver := errors.New("over")
		b.Close(errOver)
		synctest.Wait()
		if !stays.is(errOver) {
			t.Errorf("%v", stays)
		}
	})
}

// TestGiveUpSending: whoever gives up in the moment in which it is woken passes that on.
func TestGiveUpSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, o := dealer()
		p, _ := target(o, 5)
		b.Pause(p)
		first, second := waitFor(b, -1), waitFor(b, -1)
		b.mu.Lock() // as Writable does, but the signal takes its time
		b.list.activate(p)
		b.changed()
		w := b.waiters.Pop()
		b.mu.Unlock()
		first.cancel()
		synctest.Wait()
		if first.over() || second.over() {
			t.Fatalf("over before the signal: %v, %v", first, second)
		}
		w.Signal()
		synctest.Wait()
		if !first.is(context.Canceled) || !second.is(nil) {
			t.Errorf("%v, %v", first, second)
		}
	})
}
