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

// The tests of this file are about Request: its attempts, its turns, and peers that die under it.

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
