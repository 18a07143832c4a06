// SPDX-License-Identifier: MPL-2.0

package session

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/simnet"
)

// TestStopDrains: what is queued goes out before the end, at the reader's pace.
func TestStopDrains(t *testing.T) {
	for _, binds := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			n := &network{options: simnet.Options{Buffer: 100, Latency: time.Millisecond}}
			push, pull := newSocket(t), newSocket(t)
			e, _ := pair(t, n, push, pull, binds)
			want := numbers(0, 2000)
			for _, m := range want {
				push.send(m)
			}
			stopped := make(chan struct{})
			go func() {
				e.Stop(context.Background())
				close(stopped)
			}()
			pull.want(want...)
			<-stopped
			push.gone()
			if push.counts.SentMessages != 2000 || push.counts.Unsent != 0 {
				t.Errorf("counts %+v", push.counts)
			}
		})
	}
}

// pair connects two sockets; pushBinds says which of them binds. The first endpoint is push's.
func pair(t *testing.T, n *network, push, pull *socket, pushBinds bool) (p, q Endpoint) {
	out, in := push.config("PUSH", n), pull.config("PULL", n)
	if pushBinds {
		p, q = bind(t, out, somewhere), connect(t, in, somewhere)
	} else {
		q, p = bind(t, in, somewhere), connect(t, out, somewhere)
	}
	time.Sleep(time.Second)
	return p, q
}

// TestStopInTime: ctx ends the waiting, and what is left is counted.
func TestStopInTime(t *testing.T) {
	for _, binds := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			n := &network{options: simnet.Options{Buffer: 2000}}
			push, pull := newSocket(t), newSocket(t)
			e, _ := pair(t, n, push, pull, binds)
			push.send("first")
			synctest.Wait()
			n.last().Stall(true)
			for range 1000 {
				push.send("0123456789")
			}
			began := time.Now()
			e.Stop(within(t, 3*time.Second))
			if took := time.Since(began); took != 3*time.Second {
				t.Errorf("Stop took %v", took)
			}
			c := push.counts
			if c.SentMessages+c.Unsent != 1001 || c.Unsent < 700 {
				t.Errorf("counts %+v", c)
			}
			push.gone()
		})
	}
}

// TestStopAnywhere ends a connecting endpoint wherever it is.
func TestStopAnywhere(t *testing.T) {
	dialling := func(ctx context.Context) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	silent := func(context.Context) (net.Conn, error) {
		nc, _ := simnet.Pair(simnet.Options{})
		return nc, nil
	}
	for name, test := range map[string]struct {
		dial   func(context.Context) (net.Conn, error)
		linger time.Duration
		events string
	}{
		"dialling":               {dialling, 0, ""},
		"dialling, lingering":    {dialling, 5 * time.Second, ""},
		"pausing":                {(&network{}).dial, 0, "delayed, retried"},
		"in the handshake":       {silent, 0, "connected, closed"},
		"in the handshake, long": {silent, 5 * time.Second, "connected, closed"},
	} {
		for _, immediate := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newSocket(t)
					cfg := s.config("PUSH", nil)
					cfg.Dial, cfg.Immediate, cfg.ReconnectInterval = test.dial, immediate, time.Minute
					e := connect(t, cfg, somewhere)
					queued := s.try("x")
					synctest.Wait()
					began := time.Now()
					e.Stop(within(t, test.linger))
					want := test.linger
					if immediate {
						want = 0 // nothing is queued
					}
					if took := time.Since(began); took != want || queued == immediate {
						t.Errorf("Stop took %v, queued %v", took, queued)
					}
					s.wantEvents(test.events)
					s.gone()
					if queued && s.counts.Unsent != 1 {
						t.Errorf("counts %+v", s.counts)
					}
				})
			})
		}
	}
}

// TestStopGoesOnDialling: what is queued for a peer that comes back in time gets there.
func TestStopGoesOnDialling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, push, pull := &network{}, newSocket(t), newSocket(t)
		c := connect(t, push.config("PUSH", n), somewhere)
		push.send("kept")
		time.AfterFunc(3*time.Second, func() { bind(t, pull.config("PULL", n), somewhere) })
		c.Stop(within(t, 10*time.Second))
		pull.want("kept")
		if push.counts.Unsent != 0 {
			t.Errorf("counts %+v", push.counts)
		}
		if push.try("late") {
			t.Error("a stopped endpoint takes messages")
		}
	})
}

// TestStopAtTheMark: a reader at its mark does not hold Stop up, nor one with messages to send.
func TestStopAtTheMark(t *testing.T) {
	for _, unsent := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			n := &network{options: simnet.Options{Buffer: 100}}
			a, b := newSocket(t), newSocket(t)
			in := b.config("DEALER", n)
			in.Limits = func() pipe.Limits { return pipe.Limits{Recv: 1} }
			e := bind(t, in, somewhere)
			connect(t, a.config("DEALER", n), somewhere)
			for range 1000 {
				a.send("0123456789")
			}
			time.Sleep(time.Second)
			if unsent {
				n.last().Stall(true)
				for range 100 {
					b.send("0123456789")
				}
			}
			began := time.Now()
			e.Stop(within(t, time.Second))
			if took := time.Since(began); took > time.Second+250*time.Millisecond {
				t.Errorf("Stop took %v", took)
			}
			b.gone()
		})
	}
}

// TestStopTwice: the second one waits for the first, or finds nothing to do.
func TestStopTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, push, pull := &network{}, newSocket(t), newSocket(t)
		p, q := pair(t, n, push, pull, false)
		var wait sync.WaitGroup
		for _, e := range []Endpoint{p, q} {
			for range 3 {
				wait.Go(func() { e.Stop(over()) })
			}
		}
		wait.Wait()
		push.gone()
		pull.gone()
		if stays := p.Withdraw(over()); stays {
			t.Error("a stopped endpoint stays")
		}
	})
}

// TestStopBoth: both ends at once, again and again, with traffic.
func TestStopBoth(t *testing.T) {
	for round := range 40 {
		synctest.Test(t, func(t *testing.T) {
			n := &network{options: simnet.Options{Buffer: 500}}
			a, b := newSocket(t), newSocket(t)
			p := bind(t, a.config("DEALER", n), somewhere)
			q := connect(t, b.config("DEALER", n), somewhere)
			for range round * 3 {
				b.send("0123456789")
				a.try("9876543210")
			}
			if round%3 > 0 {
				synctest.Wait()
			}
			var wait sync.WaitGroup
			wait.Go(func() { p.Stop(within(t, time.Duration(round%2)*time.Second)) })
			wait.Go(func() { q.Stop(within(t, time.Duration(round%5)*time.Second)) })
			wait.Wait()
			a.gone()
			b.gone()
		})
	}
}

// late is an Acceptor that still has a connection when it is closed.
type late struct {
	place
	deliver chan struct{}
	nc      net.Conn
}

func (l *late) Accept() (net.Conn, error) {
	<-l.deliver
	if nc := l.nc; nc != nil {
		l.nc = nil
		return nc, nil
	}
	return nil, net.ErrClosed
}

func (l *late) Close() error { return nil }

// TestAcceptedWhileStopping: a connection that comes too late has its events, too.
func TestAcceptedWhileStopping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pull := newSocket(t)
		nc, peer := simnet.Pair(simnet.Options{})
		l := &late{deliver: make(chan struct{}), nc: nc}
		cfg := pull.config("PULL", nil)
		cfg.Listen = func() (Acceptor, error) { return l, nil }
		b := bind(t, cfg, somewhere)
		stopped := make(chan struct{})
		go func() {
			b.Stop(over())
			close(stopped)
		}()
		synctest.Wait()
		close(l.deliver)
		<-stopped
		pull.wantEvents("listening, closed, accepted, closed")
		if b, err := io.ReadAll(peer); len(b) > 0 || err != nil {
			t.Errorf("the peer was told %q, %v", b, err)
		}
		pull.gone()
	})
}

// TestDialledWhileStopping is the same for the other end.
func TestDialledWhileStopping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSocket(t)
		cfg := s.config("PUSH", nil)
		cfg.Dial = func(ctx context.Context) (net.Conn, error) {
			<-ctx.Done()
			time.Sleep(time.Second) // shut has looked by then
			nc, _ := simnet.Pair(simnet.Options{})
			return nc, nil
		}
		c := connect(t, cfg, somewhere)
		c.Stop(over())
		s.wantEvents("connected, closed")
		s.gone()
	})
}
