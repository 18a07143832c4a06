// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// The tests of this file are about requests that are not answered: REQ_RELAXED, REQ_CORRELATE,
// peers that die, and replies that come late.

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
