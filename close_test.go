// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// The tests of this file are about the end of a socket: zmq_setsockopt(3), ZMQ_LINGER; zmq_close(3).

// What was accepted is sent before Close returns.
func TestCloseSendsWhatWasAccepted(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		for name, closing := range map[string]func(*Push) error{
			"Close":                  func(p *Push) error { return p.Close() },
			"CloseContext":           func(p *Push) error { return p.CloseContext(a.ctx) },
			"CloseContext, Forever":  func(p *Push) error { p.SetOption("LINGER", "-1"); return p.CloseContext(a.ctx) },
			"LINGER -1":              func(p *Push) error { p.SetOption("LINGER", "-1"); return p.Close() },
			"CloseContext, not over": func(p *Push) error { p.SetOption("LINGER", "0"); return p.CloseContext(a.ctx) },
		} {
			pull, push := a.pull(), a.push()
			a.join(pull, push, anotherEndpoint(a, endpoint))
			for n := range 500 {
				a.send(push, fmt.Sprint(n), strings.Repeat("x", n))
			}
			if err := closing(push); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for n := range 500 {
				a.recv(pull, fmt.Sprint(n), strings.Repeat("x", n))
			}
		}
	})
}

// Close goes on dialling for what is queued.
func TestCloseWaitsForAPeer(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		endpoint = a.unused(endpoint)
		push := a.push(Options{Linger: Forever})
		a.connect(push, endpoint)
		a.send(push, "late, but")
		a.send(push, "not lost")
		closed := together(1, func(int) error { return push.Close() })
		a.until("Close has begun", func() bool { return push.state() != nil })
		pull := a.pull()
		a.bind(pull, endpoint)
		a.all(closed, 1)
		a.recv(pull, "late, but")
		a.recv(pull, "not lost")
	})
}

// Whatever is not taken within LINGER is dropped, and Close says how much that was.
func TestCloseSaysWhatItDropped(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		over, cancel := context.WithCancel(a.ctx)
		cancel()
		for name, c := range map[string]struct {
			linger time.Duration
			close  func(*Push) error
		}{
			"NoWait":              {NoWait, func(p *Push) error { return p.Close() }},
			"a time":              {5 * time.Millisecond, func(p *Push) error { return p.Close() }},
			"Forever and context": {Forever, func(p *Push) error { return p.CloseContext(over) }},
			"Term":                {NoWait, func(p *Push) error { return p.ctx.Term(a.ctx) }},
			"Term in haste":       {Forever, func(p *Push) error { return p.ctx.Term(over) }},
		} {
			push := a.push(Options{Linger: c.linger, Context: NewContext(ContextOptions{})})
			a.connect(push, a.unused(endpoint))
			for range 7 {
				a.send(push, "to nobody", "in two parts")
			}
			err := c.close(push)
			if !errors.Is(err, ErrUnsent) || !strings.Contains(err.Error(), "7") {
				t.Errorf("%s: %v, want ErrUnsent with the number 7", name, err)
			}
			if s := push.Stats(); s.Dropped != 7 || s.SendQueue != 0 || s.SentMessages != 0 {
				t.Errorf("%s: %+v", name, s.Counters)
			}
			if err := push.Close(); err != nil {
				t.Errorf("%s: the second Close: %v", name, err)
			}
		}
	})
}

// The counters of a closed socket are what they were.
func TestStatsAfterClose(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		pull, push := a.pull(), a.push()
		a.join(pull, push, endpoint)
		for range 10 {
			a.send(push, "12345678")
			a.recv(pull, "12345678")
		}
		a.until("10 are sent", func() bool { return push.Stats().SentMessages == 10 })
		for _, s := range []Socket{push, pull} {
			before := s.Stats().Counters
			before.Reconnects = 0
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			after := s.Stats()
			after.Reconnects = 0
			if after.Counters != before || len(after.Peers) != 0 {
				t.Errorf("%s: %+v\nafter Close %+v, %d peers", s.Type(), before, after.Counters, len(after.Peers))
			}
		}
	})
}

// blocked are calls that wait for what does not come.
func blocked(a *arena) map[string]func() (Socket, func() error) {
	nobody := a.unused("tcp://127.0.0.1:0")
	full := func() *Push {
		s := a.push(Options{SendHWM: 1, Linger: NoWait})
		a.connect(s, nobody)
		a.send(s, "fills it")
		return s
	}
	asked := func() *Req {
		s := a.req(Options{Linger: NoWait})
		a.connect(s, nobody)
		return s
	}
	return map[string]func() (Socket, func() error){
		"Send": func() (Socket, func() error) {
			s := a.push()
			return s, func() error { return s.Send(a.ctx, []byte("x")) }
		},
		"Send at the mark": func() (Socket, func() error) {
			s := full()
			return s, func() error { return s.Send(a.ctx, []byte("x")) }
		},
		"SendMessage": func() (Socket, func() error) {
			s := a.push()
			return s, func() error {
				var m Message
				m.Append([]byte("x"))
				return s.SendMessage(a.ctx, &m)
			}
		},
		"Recv": func() (Socket, func() error) {
			s := a.pull()
			return s, func() error { _, err := s.Recv(a.ctx); return err }
		},
		"RecvInto": func() (Socket, func() error) {
			s := a.pull()
			return s, func() error { var m Message; return s.RecvInto(a.ctx, &m) }
		},
		"Messages": func() (Socket, func() error) {
			s := a.pull()
			return s, func() error {
				for _, err := range s.Messages(a.ctx) {
					return err
				}
				return nil
			}
		},
		"Recv of a REP": func() (Socket, func() error) {
			s := a.rep()
			return s, func() error { _, err := s.Recv(a.ctx); return err }
		},
		"Send of a REQ": func() (Socket, func() error) {
			s := a.req()
			return s, func() error { return s.Send(a.ctx, []byte("x")) }
		},
		"Recv of a REQ": func() (Socket, func() error) {
			s := asked()
			a.send(s, "x")
			return s, func() error { _, err := s.Recv(a.ctx); return err }
		},
		"Request": func() (Socket, func() error) {
			s := asked()
			return s, func() error { _, err := s.Request(a.ctx, []byte("x")); return err }
		},
		"WaitConnected": func() (Socket, func() error) {
			s := a.push()
			return s, func() error { return s.WaitConnected(a.ctx, 1) }
		},
		"Flush": func() (Socket, func() error) {
			s := full()
			return s, func() error { return s.Flush(a.ctx) }
		},
	}
}

// Close while calls wait: they return ErrClosed. Shutdown and Term: ErrTerm. So do calls after it.
func TestCloseEndsCallsThatWait(t *testing.T) {
	ends := map[string]struct {
		end  func(Socket) error
		want error
	}{
		"Close":    {func(s Socket) error { return s.Close() }, ErrClosed},
		"Shutdown": {func(s Socket) error { s.base().ctx.Shutdown(); return nil }, ErrTerm},
		"Term":     {func(s Socket) error { return s.base().ctx.Term(context.Background()) }, ErrTerm},
	}
	for end, e := range ends {
		t.Run(end, func(t *testing.T) {
			a := newArena(t)
			for name, prepare := range blocked(a) {
				a.zctx = NewContext(ContextOptions{})
				s, call := prepare()
				callers := 3
				if name == "Send of a REQ" {
					callers = 1 // one at a time may
				}
				results := together(callers, func(int) error { return call() })
				if err := e.end(s); err != nil && !errors.Is(err, ErrUnsent) {
					t.Errorf("%s: %s: %v", name, end, err)
				}
				for range callers {
					if err := a.result(results); !errors.Is(err, e.want) || !errors.Is(err, net.ErrClosed) {
						t.Errorf("%s: %v, want %v", name, err, e.want)
					}
				}
				if err := call(); !errors.Is(err, e.want) {
					t.Errorf("%s after it: %v, want %v", name, err, e.want)
				}
			}
		})
	}
}

// Of calls that are made after Close each says so.
func TestCallsAfterClose(t *testing.T) {
	a := newArena(t)
	for _, s := range []Socket{a.push(), a.pull(), a.req(), a.rep()} {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		_, bindErr := s.Bind("inproc://x")
		errs := map[string]error{
			"Bind": bindErr, "Connect": s.Connect("inproc://x"), "Unbind": s.Unbind("inproc://x"),
			"Disconnect": s.Disconnect("inproc://x"), "SetOption": s.SetOption("SNDHWM", "1"), "Flush": s.Flush(a.ctx),
			"SetOptions": s.SetOptions(func(*Options) {}), "WaitConnected": s.WaitConnected(a.ctx, 1),
		}
		if s, ok := s.(Sender); ok {
			errs["Send"], errs["TrySend"] = s.Send(a.ctx, nil), s.TrySend(nil)
		}
		if s, ok := s.(Receiver); ok {
			_, errs["Recv"] = s.Recv(a.ctx)
			_, errs["TryRecv"] = s.TryRecv()
		}
		for what, err := range errs {
			a.wantError(fmt.Sprintf("%s of a closed %s", what, s.Type()), err, ErrClosed)
		}
		if _, err := s.Option("LINGER"); err != nil {
			t.Errorf("Option of a closed socket: %v", err)
		}
	}
}

// A second Close waits for the first. One with less time, or Term, shortens it.
func TestCloseInHaste(t *testing.T) {
	for name, haste := range map[string]func(*Push, context.Context) error{
		"CloseContext": func(p *Push, ctx context.Context) error { return p.CloseContext(ctx) },
		"Term":         func(p *Push, ctx context.Context) error { return p.ctx.Term(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			a := newArena(t)
			push := a.push(Options{Linger: Forever})
			a.connect(push, "inproc://nobody")
			a.send(push, "x")
			first := together(1, func(int) error { return push.Close() })
			a.until("Close has begun", func() bool { return push.state() != nil })
			second := together(1, func(int) error { return push.Close() })
			ctx, cancel := context.WithCancel(a.ctx)
			third := together(1, func(int) error { return haste(push, ctx) })
			select {
			case err := <-first:
				t.Fatal("the first Close did not linger: ", err)
			case err := <-second:
				t.Fatal("the second Close did not wait: ", err)
			case err := <-third:
				t.Fatal("the third did not wait: ", err)
			default:
			}
			cancel()
			a.wantError("the first Close", a.result(first), ErrUnsent)
			a.all(second, 1)
			a.all(third, 1)
		})
	}
}

// Disconnect and Unbind linger too, and a Close with less time does not wait for them.
func TestCloseWhileDisconnectLingers(t *testing.T) {
	a := newArena(t)
	push := a.push(Options{Linger: Forever})
	nobody := a.unused("tcp://127.0.0.1:0")
	a.connect(push, nobody)
	a.send(push, "x")
	gone := together(1, func(int) error { return push.Disconnect(nobody) })
	a.until("Disconnect has begun", func() bool { return len(push.Stats().Endpoints) == 0 })
	over, cancel := context.WithCancel(a.ctx)
	cancel()
	closed := together(1, func(int) error { return push.CloseContext(over) })
	a.wantError("Close", a.result(closed), ErrUnsent)
	a.all(gone, 1)
}
