// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

// The tests of this file are about requests that are not answered: REQ_RELAXED, REQ_CORRELATE,
// Request with its timeout and retries, peers that die, and replies that come late.

// ZMQ_REQ_RELAXED: a second Send is allowed, and gives up the first request.
func TestRelaxed(t *testing.T) {
	for _, correlate := range []bool{false, true} {
		t.Run(fmt.Sprint("correlate=", correlate), func(t *testing.T) {
			eachTransport(t, func(a *arena, endpoint string) {
				rep := a.rep()
				bound := a.bind(rep, endpoint)
				req := a.req(Options{ReqRelaxed: true, ReqCorrelate: correlate})
				a.connect(req, bound)
				for n := range 5 {
					a.send(req, fmt.Sprint("given up ", n))
					a.recv(rep, fmt.Sprint("given up ", n))
					a.send(req, fmt.Sprint("asked ", n))
					a.send(rep, fmt.Sprint("late ", n))
					a.recv(rep, fmt.Sprint("asked ", n))
					a.send(rep, fmt.Sprint("answer ", n))
					a.recv(req, fmt.Sprint("answer ", n))
				}
				a.wantError("nothing is asked", req.RecvInto(a.ctx, new(Message)), ErrFSM)
			})
		})
	}
}

// ZMQ_REQ_CORRELATE: four bytes before the delimiter, different for each request; a reply with
// another number is dropped, without a fault of the peer's.
func TestCorrelateOnTheWire(t *testing.T) {
	a := newArena(t)
	req := a.req(Options{ReqCorrelate: true})
	peer := a.dialRaw(a.bind(req, "tcp://127.0.0.1:0")).shake(ROUTER)
	seen := make(map[string]bool)
	last := "none"
	for n := range 10 {
		a.send(req, "question", "of two")
		got := peer.message()
		if len(got) != 4 || len(got[0]) != 4 || got[1] != "" || seen[got[0]] {
			t.Fatalf("on the wire %q", got)
		}
		seen[got[0]] = true
		if n > 0 {
			peer.write(frames(last, "", "late"))
		}
		peer.write(frames(got[0], "", "answer", fmt.Sprint(n)))
		a.recv(req, "answer", fmt.Sprint(n))
		last = got[0]
	}
	if s := req.Stats(); s.ProtocolErrors != 0 || len(s.Peers) != 1 {
		t.Errorf("%d protocol errors, %d peers", s.ProtocolErrors, len(s.Peers))
	}
}

// A reply with the wrong envelope is a fault: with numbers asked for one without, and the reverse.
func TestCorrelateWithoutANumber(t *testing.T) {
	a := newArena(t)
	req := a.req(Options{ReqCorrelate: true})
	peer := a.dialRaw(a.bind(req, "tcp://127.0.0.1:0")).shake(REP)
	a.send(req, "question")
	peer.message()
	peer.write(frames("", "answer"))
	_, err := req.Recv(a.ctx)
	a.wantError("Recv", err, ErrPeerGone)
	peer.closed()
}

// A request that is given up is never answered by the late reply to it, whether it is told by its
// number or the connection is made anew; and the late reply is never another request's.
func TestLateRepliesAnswerNothing(t *testing.T) {
	for _, correlate := range []bool{false, true} {
		t.Run(fmt.Sprint("correlate=", correlate), func(t *testing.T) {
			eachTransport(t, func(a *arena, endpoint string) {
				rep := a.rep()
				bound := a.bind(rep, endpoint)
				req := a.req(Options{ReqCorrelate: correlate})
				a.connect(req, bound)
				for n := range 20 {
					// The reply comes while, before or after the request is given up.
					ctx, cancel := context.WithCancel(a.ctx)
					result := together(1, func(int) error {
						m, err := req.Request(ctx, []byte("slow"))
						if err == nil && string(m.Bytes()) != fmt.Sprint("slow ", n) {
							err = fmt.Errorf("received %q", m.Bytes())
						}
						return err
					})
					a.recv(rep, "slow")
					switch n % 3 {
					case 0:
						cancel()
						if err := a.result(result); err != context.Canceled {
							t.Fatal(err)
						}
						a.send(rep, fmt.Sprint("slow ", n))
					case 1:
						a.send(rep, fmt.Sprint("slow ", n))
						cancel()
						if err := a.result(result); err != nil && err != context.Canceled {
							t.Fatal(err)
						}
					case 2:
						go cancel()
						a.send(rep, fmt.Sprint("slow ", n))
						if err := a.result(result); err != nil && err != context.Canceled {
							t.Fatal(err)
						}
					}
					cancel()
					asked := together(1, func(int) error {
						m, err := req.Request(a.ctx, []byte("next"))
						if err == nil && string(m.Bytes()) != fmt.Sprint("next ", n) {
							err = fmt.Errorf("received %q", m.Bytes())
						}
						return err
					})
					a.recv(rep, "next")
					a.send(rep, fmt.Sprint("next ", n))
					a.all(asked, 1)
				}
			})
		})
	}
}

// A request that nobody has taken yet goes with the call that is given up: a peer that comes later is
// not asked.
func TestRequestGivenUpBeforeItWasTaken(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		endpoint = a.unused(endpoint)
		req := a.req(Options{RequestTimeout: time.Millisecond})
		a.connect(req, endpoint)
		_, err := req.Request(a.ctx, []byte("for nobody"))
		a.wantError("Request", err, ErrTimeout)
		if err := req.SetOption("REQUEST_TIMEOUT", "-1"); err != nil {
			t.Fatal(err)
		}
		rep := a.rep()
		a.bind(rep, endpoint)
		result := together(1, func(int) error { _, err := req.Request(a.ctx, []byte("question")); return err })
		a.recv(rep, "question")
		a.send(rep, "answer")
		a.all(result, 1)
	})
}

// When the peer that was asked dies, Recv and Request say so at once, and the next Send is allowed.
func TestPeerGone(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		rep, req := a.rep(), a.req()
		bound := a.join(rep, req, endpoint)
		a.send(req, "question")
		a.recv(rep, "question")
		waits := together(1, func(int) error { _, err := req.Recv(a.ctx); return err })
		drop(rep)
		a.wantError("Recv", a.result(waits), ErrPeerGone)
		_, err := req.TryRecv()
		a.wantError("Recv again", err, ErrFSM)

		second := a.rep()
		a.bind(second, bound)
		a.peers(req, 1)
		result := together(1, func(int) error { _, err := req.Request(a.ctx, []byte("question")); return err })
		a.recv(second, "question")
		drop(second)
		a.wantError("Request", a.result(result), ErrPeerGone)

		third := a.rep()
		a.bind(third, bound)
		a.answer(third, func(s string) string { return "re " + s })
		m, err := req.Request(a.ctx, []byte("now"))
		if err != nil || string(m.Bytes()) != "re now" {
			t.Fatalf("%q, %v", m.Bytes(), err)
		}
	})
}

// A reply that came before its peer died is a reply.
func TestPeerGoneAfterItsReply(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		rep, req := a.rep(), a.req()
		a.join(rep, req, endpoint)
		a.send(req, "question")
		a.recv(rep, "question")
		a.send(rep, "answer")
		if err := rep.Close(); err != nil {
			t.Fatal(err)
		}
		a.gone(req, 0)
		a.recv(req, "answer")
		_, err := req.TryRecv()
		a.wantError("once", err, ErrFSM)
	})
}

// The peer that dies was not the one that was asked: nothing happens.
func TestAnotherPeerGone(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		req := a.req()
		asked, other := a.rep(), a.rep()
		a.connect(req, a.bind(asked, endpoint))
		a.peers(req, 1)
		a.send(req, "question")
		a.recv(asked, "question")
		a.connect(req, a.bind(other, anotherEndpoint(a, endpoint)))
		a.peers(req, 2)
		drop(other)
		a.gone(req, 1)
		a.nothing(req)
		a.send(asked, "answer")
		a.recv(req, "answer")
	})
}

// Each attempt has its time, and goes to the next peer; a peer that dies ends its attempt at once.
func TestRequestRetries(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		req := a.req(Options{RequestTimeout: 20 * time.Millisecond, RequestRetries: 3})
		silent, good := a.rep(), a.rep()
		a.connect(req, a.bind(silent, endpoint))
		a.peers(req, 1)
		a.connect(req, a.bind(good, anotherEndpoint(a, endpoint)))
		a.peers(req, 2)
		var answered atomic.Int32
		a.answer(good, func(s string) string { answered.Add(1); return "re " + s })
		for n := range 4 { // the silent one is asked before, or not at all
			m, err := req.Request(a.ctx, fmt.Append(nil, n))
			if err != nil || string(m.Bytes()) != fmt.Sprint("re ", n) {
				t.Fatalf("%q, %v", m.Bytes(), err)
			}
		}
		if got := answered.Load(); got != 4 {
			t.Errorf("answered %d times", got)
		}
		if n := silent.Stats().RecvMessages; n < 1 && endpoint[0] != 'i' {
			t.Errorf("the silent peer got %d requests", n)
		}
	})
}

// With nobody who answers, all attempts are made and the last one's error is told.
func TestRequestRunsOutOfAttempts(t *testing.T) {
	a := newArena(t)
	const retries = 4
	req := a.req(Options{RequestTimeout: 5 * time.Millisecond, RequestRetries: retries, ReqCorrelate: true})
	peer := a.dialRaw(a.bind(req, "tcp://127.0.0.1:0")).shake(REP)
	_, err := req.Request(a.ctx, []byte("question"))
	a.wantError("Request", err, ErrTimeout)
	for range 1 + retries {
		if got := peer.message(); got[2] != "question" {
			t.Fatalf("%q", got)
		}
	}
	if err := req.TrySend([]byte("the next is allowed")); err != nil {
		t.Error(err)
	}
	if got := peer.message(); got[2] != "the next is allowed" {
		t.Fatalf("%q", got)
	}
	peer.nc.Close()
	_, err = req.Recv(a.ctx)
	a.wantError("Recv", err, ErrPeerGone)
	_, err = req.Request(a.ctx, []byte("nobody is there"))
	a.wantError("Request", err, ErrTimeout)
	endless := a.req(Options{RequestTimeout: time.Hour, RequestRetries: 1000})
	a.bind(endless, "tcp://127.0.0.1:0")
	ctx, cancel := context.WithTimeout(a.ctx, time.Millisecond)
	defer cancel()
	if _, err := endless.Request(ctx, []byte("x")); err != context.DeadlineExceeded {
		t.Errorf("the caller's own context: %v", err)
	}
}

// Callers of Request take turns, and each gets the reply to its own request.
func TestRequestsTakeTurns(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		req, rep := a.req(), a.rep()
		a.join(rep, req, endpoint)
		a.answer(rep, func(s string) string { return "re " + s })
		const callers, each = 8, 50
		results := together(callers, func(i int) error {
			for n := range each {
				text := fmt.Sprintf("%d %d", i, n)
				m, err := req.Request(a.ctx, []byte(text))
				if err != nil {
					return err
				}
				if string(m.Bytes()) != "re "+text {
					return fmt.Errorf("asked %q, answered %q", text, m.Bytes())
				}
			}
			return nil
		})
		a.all(results, callers)
	})
}

// One who waits for its turn can be cancelled, and the others go on.
func TestRequestCancelledBeforeItsTurn(t *testing.T) {
	a := newArena(t)
	req, rep := a.req(), a.rep()
	a.join(rep, req, "inproc://x")
	first := together(1, func(int) error { _, err := req.Request(a.ctx, []byte("first")); return err })
	a.recv(rep, "first")
	ctx, cancel := context.WithCancel(a.ctx)
	second := together(1, func(int) error { _, err := req.Request(ctx, []byte("second")); return err })
	third := together(1, func(int) error { _, err := req.Request(a.ctx, []byte("third")); return err })
	cancel()
	if err := a.result(second); err != context.Canceled {
		t.Fatal(err)
	}
	a.send(rep, "1")
	a.all(first, 1)
	a.recv(rep, "third")
	a.send(rep, "3")
	a.all(third, 1)
}

// A Send and a Recv in goroutines of their own: the reply may be there before Send has returned.
func TestReqFromTwoGoroutines(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		req, rep := a.req(), a.rep()
		a.join(rep, req, endpoint)
		a.answer(rep, func(s string) string { return s })
		const rounds = 100
		received := together(1, func(int) error {
			for n := 0; n < rounds; {
				m, err := req.Recv(a.ctx)
				if errors.Is(err, ErrFSM) {
					continue // not sent yet
				}
				if err != nil || string(m.Bytes()) != fmt.Sprint(n) {
					return fmt.Errorf("%d: %q, %v", n, m.Bytes(), err)
				}
				n++
			}
			return nil
		})
		for n := 0; n < rounds; {
			if err := req.Send(a.ctx, fmt.Append(nil, n)); err == nil {
				n++
			} else if !errors.Is(err, ErrFSM) {
				t.Fatal(err)
			} else {
				time.Sleep(time.Microsecond) // there are few processors
			}
		}
		a.all(received, 1)
	})
}

// Peers that come and go at any moment: each Request is answered in the end, by its own reply.
func TestRequestsWhilePeersDie(t *testing.T) {
	for _, correlate := range []bool{false, true} {
		t.Run(fmt.Sprint("correlate=", correlate), func(t *testing.T) {
			eachTransport(t, func(a *arena, endpoint string) {
				endpoint = a.unused(endpoint)
				req := a.req(Options{RequestRetries: 1 << 20, ReqCorrelate: correlate})
				a.connect(req, endpoint)
				const rounds = 300
				serving, done := context.WithCancel(a.ctx)
				result := together(1, func(int) error {
					defer done()
					for n := range rounds {
						m, err := req.Request(a.ctx, fmt.Append(nil, n))
						if err != nil || string(m.Bytes()) != fmt.Sprint("re ", n) {
							return fmt.Errorf("%d: %q, %v", n, m.Bytes(), err)
						}
					}
					return nil
				})
				for life := 0; serving.Err() == nil; life++ {
					rep := a.rep()
					a.bind(rep, endpoint)
					for n := 0; n < 5+life%20; n++ {
						m, err := rep.Recv(serving)
						if err != nil {
							break
						}
						if n == 4+life%20 && life%2 == 0 {
							break // it dies with the request in its hands
						}
						a.send(rep, "re "+string(m.Bytes()))
					}
					drop(rep)
				}
				a.all(result, 1)
			})
		})
	}
}
