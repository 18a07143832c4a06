// SPDX-License-Identifier: MPL-2.0

package session

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/security/securitytest"
	"github.com/gzmq/zmq/internal/simnet"
	"github.com/gzmq/zmq/internal/wire"
)

// TestBackoff measures the pauses while nobody listens.
func TestBackoff(t *testing.T) {
	for _, test := range []struct {
		name     string
		ivl, max time.Duration
		want     []time.Duration
	}{
		{"constant", 100, 0, []time.Duration{100, 100, 100, 100, 100}},
		{"growing", 100, 1000, []time.Duration{100, 200, 400, 800, 1000, 1000, 1000}},
		{"maximum below", 100, 50, []time.Duration{50, 50, 50}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, s := &network{}, newSocket(t)
				cfg := s.config("PUSH", n)
				cfg.ReconnectInterval, cfg.ReconnectMax = test.ivl*time.Millisecond, test.max*time.Millisecond
				c := connect(t, cfg, somewhere)
				time.Sleep(10 * time.Second)
				c.Stop(over())
				varied := false
				for i := 1; i < len(n.dials); i++ {
					want := test.want[min(i, len(test.want))-1] * time.Millisecond
					pause := n.dials[i].Sub(n.dials[i-1])
					if pause < want*3/4 || pause > want*5/4 {
						t.Errorf("pause %d is %v, want about %v", i, pause, want)
					}
					varied = varied || pause != want
				}
				if !varied || len(n.dials) < 8 {
					t.Errorf("%d goes, none of them off the beat: %v", len(n.dials), n.dials)
				}
			})
		})
	}
}

// TestBackoffResets: with a finished handshake, not with a connection.
func TestBackoffResets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, s := &network{}, newSocket(t)
		ln, _ := n.listen()
		var shake atomic.Bool
		go func() {
			for {
				nc, err := ln.Accept()
				if err != nil {
					return
				}
				if shake.Load() {
					greet(nc, "PULL")
				}
				nc.Close()
			}
		}()
		cfg := s.config("PUSH", n)
		cfg.ReconnectMax = 10 * time.Second
		c := connect(t, cfg, somewhere)
		time.Sleep(8 * time.Second)
		synctest.Wait()
		delays := func() (all []time.Duration) {
			for _, e := range s.told() {
				if e.Type == ConnectRetried {
					all = append(all, e.Delay)
				}
			}
			return all
		}
		grown := delays()
		if last := grown[len(grown)-1]; last < 2*time.Second {
			t.Errorf("without a handshake the pauses are %v", grown)
		}
		shake.Store(true)
		time.Sleep(30 * time.Second)
		reset := delays()
		if first, last := reset[0], reset[len(reset)-1]; first > 125*time.Millisecond || last > 125*time.Millisecond {
			t.Errorf("after a handshake the pauses are %v", reset)
		}
		c.Stop(over())
		ln.Close()
		synctest.Wait()
	})
}

// greet plays the peer's part of a handshake, and waits for the other's.
func greet(nc net.Conn, socketType string) {
	b := wire.AppendRest(wire.AppendVersion(wire.AppendSignature(nil)), wire.Greeting{Mechanism: "NULL"})
	nc.Write(wire.AppendReady(b, wire.Metadata{{Name: "Socket-Type", Value: socketType}}))
	io.ReadFull(nc, make([]byte, 64+len("\x04\x1a\x05READY\x0bSocket-Type....PUSH")))
}

// TestNoReconnect: with a negative interval the first fall is the end, and what waits is dropped.
func TestNoReconnect(t *testing.T) {
	for _, falls := range []string{"at once", "later"} {
		t.Run(falls, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, push, pull := &network{}, newSocket(t), newSocket(t)
				cfg := push.config("PUSH", n)
				cfg.ReconnectInterval = -1
				if falls == "later" {
					bind(t, pull.config("PULL", n), somewhere)
				}
				c := connect(t, cfg, somewhere)
				if falls == "later" {
					synctest.Wait()
					n.last().Cut()
				}
				synctest.Wait()
				if falls == "later" {
					push.wantEvents("connected, succeeded, disconnected")
				} else {
					push.wantEvents("delayed")
				}
				if push.try("x") {
					t.Error("an endpoint without a future takes messages")
				}
				push.gone()
				time.Sleep(time.Minute)
				began := time.Now()
				c.Stop(context.Background())
				if took := time.Since(began); took > 0 {
					t.Errorf("Stop took %v", took)
				}
				push.wantEvents("")
			})
		})
	}
}

// TestImmediate: no pipe without a connection, one for each.
func TestImmediate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, push, pull := &network{}, newSocket(t), newSocket(t)
		cfg := push.config("PUSH", n)
		cfg.Immediate = true
		c := connect(t, cfg, somewhere)
		synctest.Wait()
		if push.try("nobody is there") {
			t.Error("a message was taken without a connection")
		}
		bind(t, pull.config("PULL", n), somewhere)
		for range 3 {
			time.Sleep(time.Second)
			push.send("x")
			pull.want("x")
			n.last().Cut()
			synctest.Wait()
			if push.try("x") {
				t.Error("a message was taken after the fall")
			}
			push.gone()
		}
		c.Stop(over())
		push.gone()
	})
}

// TestReconnect cuts the connection again and again, anywhere: messages arrive whole, in order and at
// most once, and what is lost was handed to the network.
func TestReconnect(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			n := &network{options: simnet.Options{Buffer: 60, Latency: time.Millisecond}}
			push, pull := newSocket(t), newSocket(t)
			out, in := push.config("PUSH", n), pull.config("PULL", n)
			if sealed {
				out.Mechanism = &securitytest.Mechanism{Key: "k"}
				in.Mechanism = &securitytest.Mechanism{Key: "k", Server: true}
			}
			bind(t, in, somewhere)
			c := connect(t, out, somewhere)
			var got []string
			read := make(chan struct{})
			go func() { // at once: what two connections have left is taken in turn
				defer close(read)
				for {
					m, err := pull.receive()
					if err != nil {
						return
					}
					got = append(got, m)
				}
			}()
			const total = 3000
			body := string(make([]byte, 100))
			var want []string
			for i := range total {
				parts := []string{numbers(i, i+1)[0], body[:i%100], ""}
				push.send(parts...)
				want = append(want, parts[0]+"|"+parts[1]+"|")
			}
			random := rand.New(rand.NewPCG(1, 2))
			for range 60 {
				time.Sleep(90*time.Millisecond + time.Duration(random.IntN(60_000))*time.Microsecond)
				if nc := n.last(); nc != nil {
					nc.Cut()
				}
			}
			c.Stop(within(t, time.Hour))
			synctest.Wait()
			pull.fq.Close(io.EOF)
			<-read
			at := 0
			for _, m := range got {
				for at < total && want[at] != m {
					at++
				}
				if at == total {
					t.Fatalf("received %.30q out of order, twice or in pieces", m)
				}
				at++
			}
			lost := total - len(got)
			// A cut loses what is in the network and the batch that the writer had begun.
			if len(got) == 0 || push.counts.Unsent+push.counts.SentMessages != total || lost < int(push.counts.Unsent) {
				t.Errorf("%d received, counts %+v", len(got), push.counts)
			}
			if lost == 0 || lost > total/2 || got[len(got)-1] != want[total-1] {
				t.Errorf("%d are lost", lost)
			}
			push.gone()
		})
	}
}

// TestReconnectInHandshake: no message is lost to a connection that never was ready.
func TestReconnectInHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{options: simnet.Options{Latency: 10 * time.Millisecond, MaxRead: 16}}
		push, pull := newSocket(t), newSocket(t)
		b := bind(t, pull.config("PULL", n), somewhere)
		c := connect(t, push.config("PUSH", n), somewhere)
		want := numbers(0, 500)
		for i, m := range want {
			push.send(m)
			if i%10 == 0 {
				time.Sleep(time.Duration(i%45) * time.Millisecond / 4)
				if connections, _ := c.State(); connections == 0 && n.last() != nil {
					n.last().Cut()
				}
			}
		}
		pull.want(want...)
		c.Stop(within(t, time.Second))
		b.Stop(over())
		if push.counts.Unsent != 0 || push.counts.SentMessages != 500 {
			t.Errorf("counts %+v", push.counts)
		}
	})
}

// TestRenew ends the connection, drops what was queued for it, and dials again.
func TestRenew(t *testing.T) {
	for _, binds := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			n := &network{options: simnet.Options{Buffer: 1000, Latency: time.Millisecond}}
			a, b := newSocket(t), newSocket(t)
			l := bind(t, b.config("DEALER", n), somewhere)
			c := connect(t, a.config("DEALER", n), somewhere)
			renewed, renewer := Endpoint(c), a
			if binds {
				renewed, renewer = l, b
			}
			for i := range 5 {
				time.Sleep(time.Second)
				a.told()
				for range 200 {
					a.send("stale")
					b.send("stale")
				}
				reason := errors.New("given up")
				renewed.Pipes(func(p *pipe.Pipe) { p.Renew(reason) })
				if !binds {
					a.send(numbers(i, i+1)...) // at once: it is for the next connection
				}
				renewer.all()
				time.Sleep(time.Second)
				if e := a.wantEvents("disconnected, retried, connected, succeeded")[0]; !binds && e.Err != reason {
					t.Errorf("%+v", e)
				}
				if got := b.all(); !binds && !slices.Contains(got, numbers(i, i+1)[0]) {
					t.Errorf("the message for the next connection is not among %d", len(got))
				}
				if got := a.all(); !binds && len(got) > 0 {
					t.Errorf("%d messages from before are here", len(got))
				}
				b.all()
			}
		})
	}
}
