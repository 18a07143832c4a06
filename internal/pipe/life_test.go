// SPDX-License-Identifier: MPL-2.0

package pipe

import (
	"context"
	"errors"
	"testing"
)

// TestDrain: it waits for what was sent before it, and no longer than its context.
func TestDrain(t *testing.T) {
	p := New(&fakeOwner{}, Limits{}, true)
	if err := p.Drain(context.Background()); err != nil {
		t.Fatal("nothing to wait for:", err)
	}
	p.Send(nil, message{{1}})
	ctx, cancel := context.WithCancel(context.Background())
	errs := make(chan error)
	go func() { errs <- p.Drain(ctx) }()
	wait(t, "Drain to wait", func() bool { return flushersOf(p) == 1 })
	cancel()
	if err := <-errs; !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	if flushersOf(p) != 0 {
		t.Error("one that does not wait is in the list")
	}
	ends := map[string]func(p *Pipe){
		"written": func(p *Pipe) { newWriter(p, 0, true) },
		"dropped": (*Pipe).Discard,
		"purged":  (*Pipe).Purge,
		"far end": func(p *Pipe) { Link(p, New(&fakeOwner{}, Limits{}, false), &Peer{}, &Peer{}) },
	}
	for name, end := range ends {
		p := New(&fakeOwner{}, Limits{}, true)
		p.Send(nil, message{{1}})
		p.End() // what is queued is still written
		go func() { errs <- p.Drain(context.Background()) }()
		wait(t, "Drain to wait", func() bool { return flushersOf(p) == 1 })
		end(p)
		if err := <-errs; err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if p.Mate() == nil {
			waitIdle(t, p)
		}
	}
}

func flushersOf(p *Pipe) (n int) {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	for w := p.out.flushers.first; w != nil; w = w.next {
		n++
	}
	return n
}

// TestDiscard: what is queued is counted as lost; what is being written is not.
func TestDiscard(t *testing.T) {
	p, _, _ := connected(Limits{}, true)
	p.Send(nil, message{{1}})
	p.Take()
	sendAll(t, p, randomMessages(1, 4, 10))
	p.Discard()
	p.Wrote(3, 0, nil)
	if c := p.Counts(); c.Unsent != 4 || c.SentMessages != 1 || p.Unsent() != 0 {
		t.Errorf("counts %+v, %d unsent", c, p.Unsent())
	}
	if r := p.Send(nil, message{{1}}); r != Dead {
		t.Errorf("Send: %v", r)
	}
	if p.Take() != nil {
		t.Error("there is something to write")
	}
}

// TestDisconnect: it waits for the one that writes, and the commands of the connection go with it.
func TestDisconnect(t *testing.T) {
	for _, keep := range []bool{true, false} {
		p, _, _ := connected(Limits{}, keep)
		p.Send(nil, message{{1}})
		p.Take()
		sendAll(t, p, randomMessages(1, 2, 10))
		p.Control([]byte("old"))
		p.Pong([]byte("old"))
		done := make(chan struct{})
		go func() { p.Disconnect(); close(done) }()
		wait(t, "Disconnect to wait", func() bool {
			p.out.mu.Lock()
			defer p.out.mu.Unlock()
			return !p.out.idlers.Empty()
		})
		select {
		case <-done:
			t.Fatal("Disconnect has not waited")
		default:
		}
		p.Wrote(0, 0, errBroken)
		<-done
		p.Control([]byte("nobody's"))
		p.Connect(newSink(), true)
		p.Open()
		ctl, msgs := drain(p)
		if len(ctl) != 0 {
			t.Errorf("%q for another connection", ctl)
		}
		if n := len(parse(t, msgs)); keep && n != 3 || !keep && n != 0 {
			t.Errorf("keep %v: %d messages for another connection", keep, n)
		}
	}
}

// TestRenew: the connection is gone when it returns, and so is what waited for it.
func TestRenew(t *testing.T) {
	p := New(&fakeOwner{}, Limits{Send: 3}, true)
	p.Renew(errBroken) // without one there is nothing to wait for
	w := newWriter(p, 0, true)
	w.mu.Lock()
	w.held = true
	w.mu.Unlock()
	fill(p, message{{1}}, 3)
	p.Renew(errBroken)
	if err := <-w.closed; err != errBroken {
		t.Errorf("closed with %v", err)
	}
	p.Fail(errBroken) // nobody to hear it
	if len(w.closed) != 0 {
		t.Error("the old connection is still there")
	}
	if n := p.Unsent(); n != 0 {
		t.Errorf("%d messages wait for the next connection", n)
	}
	<-w.gone // the next connection is made by who was this one's reader
	if n := fill(p, message{{2}}, 5); n != 3 {
		t.Errorf("room for %d", n)
	}
	next := newWriter(p, 0, true)
	p.Drain(context.Background())
	waitIdle(t, p)
	wantMessages(t, parse(t, next.got), []message{{{2}}, {{2}}, {{2}}})
	p.Fail(errBroken)
	<-next.closed
	<-next.gone
}

// TestRenewLinked: a linked pipe gets another far end, and what was queued for the old one is gone.
func TestRenewLinked(t *testing.T) {
	a, b := linked(Limits{}, Limits{})
	resets := 0
	a.SetReset(func() { resets++; a.Unlink() })
	sendAll(t, a, randomMessages(1, 3, 10))
	receiveAll(b)
	sendAll(t, a, randomMessages(1, 2, 10))
	a.Renew(errBroken)
	if c := a.Counts(); resets != 1 || c.Unsent != 2 {
		t.Errorf("%d resets, counts %+v", resets, c)
	}
	a.Drop()
	if c := a.Counts(); c.Unsent != 3 {
		t.Errorf("a dropped message does not count: %+v", c)
	}
}
