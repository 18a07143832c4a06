// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"testing"
)

// Sockets that are closed in the middle of everything: every call ends, and nothing is left.
func TestCloseInTheMiddle(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		for round := range 15 {
			endpoint := anotherEndpoint(a, endpoint)
			push, pull := a.push(Options{SendHWM: 10, Linger: NoWait}), a.pull(Options{RecvHWM: 10})
			a.join(pull, push, endpoint)
			const callers = 3
			calls := together(2*callers, func(i int) error {
				for n := 0; ; n++ {
					var err error
					if i < callers {
						err = push.Send(a.ctx, fmt.Append(nil, n), pattern(n%2000, i))
					} else {
						_, err = pull.Recv(a.ctx)
					}
					if err != nil {
						return err
					}
				}
			})
			a.until("it runs", func() bool { return pull.Stats().RecvMessages > 100 })
			ends := []func() error{push.Close, pull.Close}
			if round%2 == 0 {
				ends[0], ends[1] = ends[1], ends[0]
			}
			closed := together(2, func(i int) error {
				for range i * round * 10 {
					runtime.Gosched()
				}
				return ends[i]()
			})
			for range 2 {
				if err := a.result(closed); err != nil && !errors.Is(err, ErrUnsent) {
					t.Fatal(err)
				}
			}
			for range 2 * callers {
				if err := a.result(calls); !errors.Is(err, net.ErrClosed) {
					t.Fatal(err)
				}
			}
		}
	})
}

// The same for Term, with endpoints being made and withdrawn meanwhile.
func TestTermInTheMiddle(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		for range 4 {
			a.zctx = NewContext(ContextOptions{})
			pull, push := a.pull(), a.push(Options{Linger: NoWait})
			bound := a.bind(pull, anotherEndpoint(a, endpoint))
			other := anotherEndpoint(a, endpoint)
			const callers = 5
			calls := together(callers, func(i int) error {
				for {
					var err error
					switch i {
					case 0:
						if err = push.state(); err == nil && len(push.Stats().Endpoints) < 4 {
							err = push.Connect(bound)
						}
					case 1:
						if err = push.Disconnect(bound); errors.Is(err, ErrNoEndpoint) {
							err = nil
						}
					case 2:
						var name string
						if name, err = pull.Bind(other); err == nil {
							err = pull.Unbind(name)
						}
					case 3:
						if err = push.TrySend([]byte("x")); errors.Is(err, ErrAgain) {
							err = nil
						}
					case 4:
						_, err = pull.Recv(a.ctx)
					}
					if err != nil {
						return err
					}
					runtime.Gosched()
				}
			})
			a.until("it runs", func() bool { return push.Stats().SentMessages > 0 })
			if err := a.zctx.Term(a.ctx); err != nil && !errors.Is(err, ErrUnsent) {
				t.Fatal(err)
			}
			for range callers {
				a.wantError("a call", a.result(calls), ErrTerm)
			}
		}
	})
}

// Both sides of a name within the process, or of an address, come and go at any moment. Whoever is
// there in the end is connected.
func TestBindersAndConnectorsComeAndGo(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		endpoint = a.unused(endpoint)
		stays := a.push(Options{SendHWM: Unlimited})
		a.connect(stays, endpoint)
		const rounds = 60
		guests := together(2, func(int) error {
			for range rounds {
				guest, err := NewPush(a.options([]Options{{Linger: NoWait}}))
				if err != nil {
					return err
				}
				if err := guest.Connect(endpoint); err != nil {
					return err
				}
				guest.TrySend([]byte("guest"))
				runtime.Gosched()
				if err := guest.Close(); err != nil && !errors.Is(err, ErrUnsent) {
					return err
				}
			}
			return nil
		})
		hosts := together(1, func(int) error {
			for range rounds {
				host, err := NewPull(a.options(nil))
				if err != nil {
					return err
				}
				if _, err := host.Bind(endpoint); err != nil {
					return err
				}
				stays.TrySend([]byte("stays"))
				runtime.Gosched()
				if err := host.Close(); err != nil {
					return err
				}
			}
			return nil
		})
		a.all(guests, 2)
		a.all(hosts, 1)
		host := a.pull()
		a.bind(host, endpoint)
		a.peers(host, 1)
		a.peers(stays, 1)
		a.send(stays, "the last")
		for m, err := range host.Messages(a.ctx) {
			if err != nil {
				t.Fatal(err)
			}
			if string(m.Bytes()) == "the last" {
				break
			}
		}
		a.nothing(host)
	})
}

// Who waits for peers is woken by their coming, and by nothing else.
func TestWaitConnected(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		pull := a.pull()
		endpoint = a.bind(pull, endpoint)
		if err := pull.WaitConnected(a.ctx, 0); err != nil {
			t.Fatal(err)
		}
		waits := make([]<-chan error, 4)
		for n := range waits {
			waits[n] = together(1, func(int) error { return pull.WaitConnected(a.ctx, n) })
		}
		over, cancel := context.WithCancel(a.ctx)
		cancelled := together(1, func(int) error { return pull.WaitConnected(over, 1) })
		cancel()
		if err := a.result(cancelled); err != context.Canceled {
			t.Fatal(err)
		}
		a.all(waits[0], 1)
		for n := 1; n < len(waits); n++ {
			select {
			case err := <-waits[n]:
				t.Fatalf("%d peers were there too early: %v", n, err)
			default:
			}
			a.connect(a.push(), endpoint)
			a.all(waits[n], 1)
		}
	})
}

// What Stats and Message.Peer tell is what happened.
func TestStats(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		pull, push := a.pull(), a.push()
		bound := a.join(pull, push, endpoint)
		for range 10 {
			a.send(push, "1234", "5678")
		}
		a.until("all are there", func() bool { return waitingIn(pull) == 10 })
		for range 4 {
			if peer := a.recv(pull, "1234", "5678"); peer != pull.Stats().Peers[0].Peer {
				t.Error("the message's peer is not the one in Stats")
			}
		}
		const frameBytes = 10 * 2 * (2 + 4)
		sent, got := push.Stats(), pull.Stats()
		if sent.SentMessages != 10 || sent.SentBytes != frameBytes || sent.Dropped != 0 || sent.RecvMessages != 0 {
			t.Errorf("sender %+v", sent.Counters)
		}
		if got.RecvMessages != 10 || got.RecvBytes != frameBytes || got.RecvQueue != 6 || got.SentMessages != 0 {
			t.Errorf("receiver %+v", got.Counters)
		}
		for s, st := range map[Socket]Stats{push: sent, pull: got} {
			if len(st.Peers) != 1 || len(st.Endpoints) != 1 {
				t.Fatalf("%s: %d peers, %d endpoints", s.Type(), len(st.Peers), len(st.Endpoints))
			}
			p, e := st.Peers[0], st.Endpoints[0]
			if p.Counters.SentMessages != st.SentMessages || p.Counters.RecvMessages != st.RecvMessages || p.Since.IsZero() {
				t.Errorf("%s: peer %+v", s.Type(), p)
			}
			other := map[SocketType]SocketType{PUSH: PULL, PULL: PUSH}[s.Type()]
			if p.Peer.SocketType() != other || p.Peer.Mechanism() != "NULL" || p.Peer.Endpoint() != bound || p.Peer.RoutingID() != "" {
				t.Errorf("%s: %q %q %q", s.Type(), p.Peer.SocketType(), p.Peer.Mechanism(), p.Peer.Endpoint())
			}
			if value, ok := p.Peer.Property("socket-TYPE"); !ok || value != string(other) {
				t.Errorf("%s: Socket-Type %q, %v", s.Type(), value, ok)
			}
			if e.Endpoint != bound || e.Bound != (s == pull) || e.Connections != 1 || e.Err != nil {
				t.Errorf("%s: endpoint %+v", s.Type(), e)
			}
		}
		drop(push)
		a.gone(pull, 0)
		if after := pull.Stats(); after.RecvMessages != 10 || after.RecvBytes != frameBytes {
			t.Errorf("after the peer left: %+v", after.Counters)
		}
		for range 6 {
			a.recv(pull, "1234", "5678")
		}
	})
	var nobody *PeerInfo
	if nobody.SocketType() != "" || nobody.RemoteAddr() != nil || nobody.Endpoint() != "" || nobody.UserID() != "" {
		t.Error("a nil PeerInfo answers something")
	}
	if own := new(Message); own.Peer() != nil {
		t.Error("a message that was not received has a peer")
	}
}
