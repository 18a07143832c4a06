// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// The tests of this file are about endpoints: zmq_bind(3), zmq_connect(3), zmq_unbind(3),
// zmq_disconnect(3).

// zmq_connect(3): the order of Bind and Connect does not matter.
func TestConnectBeforeBind(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		endpoint = a.unused(endpoint)
		push, req := a.push(), a.req()
		a.connect(push, endpoint)
		a.send(push, "early")
		if s := push.Stats().Endpoints; len(s) != 1 || s[0].Bound || s[0].Connections != 0 {
			t.Errorf("endpoints %+v", s)
		}
		pull := a.pull()
		a.bind(pull, endpoint)
		a.recv(pull, "early")
		a.peers(push, 1)
		if s := push.Stats().Endpoints; s[0].Connections != 1 || s[0].Err != nil {
			t.Errorf("endpoints %+v", s)
		}

		other := a.unused(anotherEndpoint(a, endpoint))
		a.connect(req, other)
		a.send(req, "early")
		rep := a.rep()
		a.bind(rep, other)
		a.recv(rep, "early")
		a.send(rep, "answer")
		a.recv(req, "answer")
	})
}

// What is queued on a connecting endpoint survives one restart of its peer after the other, and goes
// on in order.
func TestServerRestarts(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		push := a.push()
		endpoint = a.unused(endpoint)
		a.connect(push, endpoint)
		next := 0
		for range 5 {
			for n := range 20 { // while nobody is there
				a.send(push, fmt.Sprint(next+n))
			}
			pull := a.pull()
			a.bind(pull, endpoint)
			for n := range 20 {
				a.recv(pull, fmt.Sprint(next+n))
			}
			next += 20
			if err := pull.Close(); err != nil {
				t.Fatal(err)
			}
			a.gone(push, 0)
		}
		if s := push.Stats(); s.Dropped != 0 || s.SentMessages != 100 {
			t.Errorf("%+v", s.Counters)
		}
	})
}

// A socket has any number of endpoints of both kinds, and the same one twice is two peers.
func TestManyEndpoints(t *testing.T) {
	a := newArena(t)
	pull := a.pull()
	bound := make([]string, 0, 8)
	for _, i := range mainTransports {
		bound = append(bound, a.bind(pull, transports[i].fresh(a)), a.bind(pull, transports[i].fresh(a)))
	}
	push := a.push()
	a.connect(push, bound...)
	a.connect(push, bound[0])
	a.peers(pull, len(bound)+1)
	far := a.push()
	a.connect(pull, a.bind(far, "tcp://127.0.0.1:0"))
	a.peers(pull, len(bound)+2)
	for n := range 3 * (len(bound) + 1) {
		a.send(push, fmt.Sprint(n))
	}
	a.send(far, "far")
	seen := make(map[string]bool)
	for range 3*(len(bound)+1) + 1 {
		m, err := pull.Recv(a.ctx)
		if err != nil {
			t.Fatal(err)
		}
		seen[string(m.Bytes())] = true
	}
	if len(seen) != 3*(len(bound)+1)+1 || !seen["far"] {
		t.Errorf("received %d different messages", len(seen))
	}
	if s := pull.Stats(); len(s.Endpoints) != len(bound)+1 || len(s.Peers) != len(bound)+2 {
		t.Errorf("%d endpoints, %d peers", len(s.Endpoints), len(s.Peers))
	}
}

// zmq_unbind(3): nobody comes in any more, and who came by this endpoint is gone. Within the process
// who is connected stays so.
func TestUnbind(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		pull, push := a.pull(), a.push()
		bound := a.join(pull, push, endpoint)
		other := a.bind(pull, anotherEndpoint(a, endpoint))
		a.wantError("Disconnect of what was bound", pull.Disconnect(bound), ErrNoEndpoint)
		a.wantError("Unbind of what was connected", push.Unbind(bound), ErrNoEndpoint)
		a.send(push, "1")
		a.recv(pull, "1")
		if err := pull.Unbind(bound); err != nil {
			t.Fatal(err)
		}
		a.wantError("Unbind again", pull.Unbind(bound), ErrNoEndpoint)
		if strings.HasPrefix(bound, "inproc:") {
			a.send(push, "stays")
			a.recv(pull, "stays")
		} else {
			a.gone(pull, 0)
			a.gone(push, 0)
		}
		second := a.pull() // the endpoint is free
		a.bind(second, bound)
		late := a.push()
		a.connect(late, bound, other)
		a.send(late, "x")
		a.send(late, "x")
		a.recv(second, "x")
		a.recv(pull, "x")
	})
}

// An endpoint within the process that was withdrawn is kept as long as somebody is connected, no
// longer, and Close ends what is left.
func TestUnbindKeepsNothing(t *testing.T) {
	a := newArena(t)
	pull := a.pull()
	kept := func() int { return len(pull.all()) }
	for range 5 {
		push := a.push()
		a.join(pull, push, "inproc://name")
		if err := pull.Unbind("inproc://name"); err != nil {
			t.Fatal(err)
		}
		a.send(push, "x")
		a.recv(pull, "x")
		if n := kept(); n != 1 {
			t.Errorf("%d endpoints are kept, want 1", n)
		}
		drop(push)
	}
	a.bind(pull, "inproc://name")
	if err := pull.Unbind("inproc://name"); err != nil || kept() != 0 {
		t.Errorf("%v, %d endpoints are kept", err, kept())
	}
	push := a.push()
	a.join(pull, push, "inproc://name")
	if err := pull.Unbind("inproc://name"); err != nil {
		t.Fatal(err)
	}
	if err := pull.Close(); err != nil {
		t.Fatal(err)
	}
	a.gone(push, 0)
}

// zmq_disconnect(3): what waits is still sent as long as LINGER allows; then the peer is gone.
func TestDisconnect(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		pull, push := a.pull(), a.push()
		bound := a.join(pull, push, endpoint)
		for n := range 100 {
			a.send(push, fmt.Sprint(n))
		}
		if err := push.Disconnect(bound); err != nil {
			t.Fatal(err)
		}
		a.wantError("Disconnect again", push.Disconnect(bound), ErrNoEndpoint)
		a.wantError("without a peer", push.TrySend([]byte("x")), ErrAgain)
		for n := range 100 {
			a.recv(pull, fmt.Sprint(n))
		}
		a.gone(pull, 0)
		a.connect(push, bound)
		a.send(push, "again")
		a.recv(pull, "again")
		if err := push.SetOption("LINGER", "0"); err != nil {
			t.Fatal(err)
		}
		nobody := a.unused(anotherEndpoint(a, endpoint))
		drop(pull)
		a.gone(push, 0)
		a.connect(push, nobody)
		a.send(push, "for two")
		a.send(push, "for two")
		if err := push.Disconnect(nobody); err != nil {
			t.Fatal(err)
		}
		if got := push.Stats().Dropped; got != 1 {
			t.Errorf("Dropped %d, want 1", got)
		}
	})
}

// RFC 37: types that do not go together do not talk, and the one that connects goes on looking.
func TestIncompatiblePeers(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		endpoint = a.unused(endpoint)
		push := a.push()
		wrong := a.rep()
		a.bind(wrong, endpoint)
		a.connect(push, endpoint)
		a.until("it is noticed", func() bool { return push.Stats().ProtocolErrors > 0 && wrong.Stats().ProtocolErrors > 0 })
		if len(push.Stats().Peers)+len(wrong.Stats().Peers) != 0 {
			t.Error("a PUSH and a REP have found each other")
		}
		a.until("it is known why", func() bool { return push.Stats().Endpoints[0].Err != nil })
		drop(wrong)
		right := a.pull()
		a.bind(right, endpoint)
		a.send(push, "x")
		a.recv(right, "x")
	})
}

// The same within the process when the wrong one comes later.
func TestIncompatibleBinderComesLater(t *testing.T) {
	a := newArena(t)
	push, wrong, right := a.push(), a.rep(), a.pull()
	a.connect(push, "inproc://name")
	a.send(push, "x")
	a.bind(wrong, "inproc://name")
	if err := wrong.Unbind("inproc://name"); err != nil {
		t.Fatal(err)
	}
	a.bind(right, "inproc://name")
	a.recv(right, "x")
}

// ZMQ_IMMEDIATE: no queue without a connection, and it ends with the connection.
func TestImmediate(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		endpoint = a.unused(endpoint)
		push := a.push(Options{Immediate: true})
		a.connect(push, endpoint)
		a.wantError("nobody is there", push.TrySend([]byte("x")), ErrAgain)
		for range 3 {
			pull := a.pull()
			a.bind(pull, endpoint)
			a.peers(push, 1)
			if err := push.TrySend([]byte("now")); err != nil {
				t.Fatalf("with a peer: %v", err)
			}
			a.recv(pull, "now")
			drop(pull)
			a.gone(push, 0)
			a.until("the queue is gone too", func() bool { return errors.Is(push.TrySend([]byte("x")), ErrAgain) })
		}
		ctx, cancel := context.WithTimeout(a.ctx, time.Millisecond)
		defer cancel()
		a.wantError("Send", push.Send(ctx, []byte("x")), context.DeadlineExceeded)
	})
}

// A peer that is there can be sent to: WaitConnected is not early.
func TestWaitConnectedMeansReady(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		push := a.push()
		endpoint = a.bind(push, endpoint)
		for range 50 {
			pull := a.pull()
			a.connect(pull, endpoint)
			a.peers(push, 1)
			if err := push.TrySend([]byte("x")); err != nil {
				t.Fatal(err)
			}
			a.recv(pull, "x")
			drop(pull)
			a.gone(push, 0)
		}
	})
}
