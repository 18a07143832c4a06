// SPDX-License-Identifier: MPL-2.0

package session

import (
	"errors"
	"sync"
	"syscall"
	"testing"

	"github.com/gzmq/zmq/internal/pipe"
)

// TestInprocRefused: what Up says ends the link; the connector waits for another binder.
func TestInprocRefused(t *testing.T) {
	for _, refuser := range []string{"binder", "connector"} {
		t.Run(refuser, func(t *testing.T) {
			var names Names
			push, pull, next := newSocket(t), newSocket(t), newSocket(t)
			refusal := errors.New("not you")
			if refuser == "binder" {
				pull.refuse = refusal
			} else {
				push.refuse = refusal
			}
			b := bind(t, pull.inproc("PULL", &names), room)
			c := connect(t, push.inproc("PUSH", &names), room)
			push.send("patient")
			if e := push.wantEvents("connected, refused")[1]; e.Err != refusal {
				t.Errorf("%+v", e)
			}
			pull.wantEvents("listening, accepted, refused")
			pull.gone()
			if n, err := c.State(); n != 0 || err != refusal {
				t.Errorf("state %d, %v", n, err)
			}
			if n, _ := b.State(); n != 0 {
				t.Errorf("the binder has %d", n)
			}
			b.Stop(over())
			push.refuse = nil
			bind(t, next.inproc("PULL", &names), room)
			next.want("patient")
			c.Stop(over())
			push.gone()
		})
	}
}

// TestInprocImmediate: no pipe without a binder.
func TestInprocImmediate(t *testing.T) {
	var names Names
	push := newSocket(t)
	cfg := push.inproc("PUSH", &names)
	cfg.Immediate = true
	c := connect(t, cfg, room)
	for range 3 {
		if push.try("x") {
			t.Error("taken without a binder")
		}
		pull := newSocket(t)
		b := bind(t, pull.inproc("PULL", &names), room)
		push.send("x")
		pull.want("x")
		b.Stop(over())
		push.gone()
		pull.gone()
	}
	c.Stop(over())
	push.gone()
	names.clean(t)
}

// TestInprocRenew: after a Renew from either end no message from before it arrives, and the link is
// there again.
func TestInprocRenew(t *testing.T) {
	for _, from := range []string{"binder", "connector"} {
		t.Run(from, func(t *testing.T) {
			var names Names
			a, b := newSocket(t), newSocket(t)
			l := bind(t, a.inproc("DEALER", &names), room)
			c := connect(t, b.inproc("DEALER", &names), room)
			e := c
			if from == "binder" {
				e = l
			}
			for i := range 5 {
				for range 3 {
					a.send("stale")
					b.send("stale")
				}
				a.told()
				b.told()
				e.Pipes(func(p *pipe.Pipe) { p.Renew(errors.New("given up")) })
				// The first of each was taken over at once.
				if m, n := len(a.all()), len(b.all()); m > 1 || n > 1 {
					t.Errorf("%d and %d stale messages were delivered", m, n)
				}
				b.wantEvents("disconnected, connected, succeeded")
				a.wantEvents("disconnected, accepted, succeeded")
				if n, _ := l.State(); n != 1 {
					t.Errorf("the binder has %d", n)
				}
				b.send(numbers(i, i+1)...)
				a.want(numbers(i, i+1)...)
				a.send(numbers(i, i+1)...)
				b.want(numbers(i, i+1)...)
			}
			c.Stop(over())
			l.Stop(over())
			a.gone()
			b.gone()
		})
	}
}

// TestInprocStorm lets binds, connects, sends, renewals and stops meet in any order.
func TestInprocStorm(t *testing.T) {
	for range 60 {
		var names Names
		sockets := make([]*socket, 6)
		var wait sync.WaitGroup
		for i := range sockets {
			s := newSocket(t)
			sockets[i] = s
			cfg := s.inproc("DEALER", &names)
			cfg.Immediate = i == 5
			wait.Go(func() {
				for range 4 {
					make := Connect
					if i < 2 {
						make = Bind
					}
					e, err := make(cfg, room)
					if err != nil {
						if !errors.Is(err, syscall.EADDRINUSE) {
							t.Error(err)
						}
						continue
					}
					s.try("x")
					if i%2 == 0 {
						e.Pipes(func(p *pipe.Pipe) { p.Renew(errors.New("given up")) })
					}
					s.all()
					s.try("y")
					if i == 1 {
						e.Withdraw(over())
					}
					e.Stop(over())
				}
			})
		}
		wait.Wait()
		for i, s := range sockets {
			s.gone()
			if s.lb.Len() > 0 || t.Failed() {
				t.Fatalf("socket %d still has %d pipes", i, s.lb.Len())
			}
		}
		names.clean(t)
	}
}

// TestInprocStopBoth: both ends at once. What the connector has queued and the binder has not taken
// waits for another binder, in vain.
func TestInprocStopBoth(t *testing.T) {
	for round := range 300 {
		var names Names
		a, b := newSocket(t), newSocket(t)
		l, c := bind(t, a.inproc("DEALER", &names), room), connect(t, b.inproc("DEALER", &names), room)
		for range round % 10 {
			a.send("x")
			b.send("x")
		}
		var wait sync.WaitGroup
		wait.Go(func() { l.Stop(over()) })
		wait.Go(func() { c.Stop(over()) })
		wait.Wait()
		a.gone()
		b.gone()
		names.clean(t)
	}
}
