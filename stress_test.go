// SPDX-License-Identifier: MPL-2.0

package zmq

import (
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
		for range 8 {
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
						if err = push.state(); err == nil && len(push.Stats().Peers) > 0 {
							err = push.Disconnect(bound)
						}
						if errors.Is(err, ErrNoEndpoint) {
							err = nil // Connect is not over yet
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
			a.until("it runs", func() bool { return push.Stats().SentMessages > 5 })
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
