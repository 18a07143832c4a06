// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"fmt"
	"strings"
	"testing"
)

// The tests of this file hold the sentences of 28/REQREP about REQ and REP.

// answer replies to each request with what f makes of it, until the socket closes.
func (a *arena) answer(rep *Rep, f func(request string) string) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for m, err := range rep.Messages(a.ctx) {
			if err != nil || rep.Send(a.ctx, []byte(f(string(m.Bytes())))) != nil {
				return
			}
		}
	}()
	a.Cleanup(func() {
		drop(rep)
		<-done
	})
}

// "SHALL send and then receive exactly one message at a time", and REP "SHALL receive and then send".
func TestReqAndRepAlternate(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		req, rep := a.req(), a.rep()
		a.join(rep, req, endpoint)
		states := func(when string, sockets map[string]error) {
			t.Helper()
			for what, err := range sockets {
				a.wantError(when+": "+what, err, ErrFSM)
			}
		}
		try := func(s Receiver) error { _, err := s.TryRecv(); return err }
		wait := func(s Receiver) error { _, err := s.Recv(a.ctx); return err }
		for range 3 {
			states("at rest", map[string]error{
				"Recv of REQ": wait(req), "TryRecv of REQ": try(req), "RecvInto of REQ": req.RecvInto(a.ctx, new(Message)),
				"Send of REP": rep.Send(a.ctx, []byte("x")), "TrySend of REP": rep.TrySend([]byte("x")),
			})
			a.send(req, "question", "with", "parts")
			a.nothing(req)
			states("asked", map[string]error{
				"Send of REQ": req.Send(a.ctx, []byte("x")), "TrySend of REQ": req.TrySend([]byte("x")),
			})
			_, err := req.Request(a.ctx, []byte("x"))
			a.wantError("Request of a REQ that has asked", err, ErrFSM)
			a.recv(rep, "question", "with", "parts")
			states("received", map[string]error{
				"Recv of REP": wait(rep), "TryRecv of REP": try(rep), "RecvInto of REP": rep.RecvInto(a.ctx, new(Message)),
			})
			a.send(rep, "answer", "", "too")
			a.recv(req, "answer", "", "too")
		}
	})
}

// "The request and reply messages SHALL have this format on the wire: a delimiter, consisting of an
// empty frame, added by the REQ socket; one or more data frames."
func TestReqOnTheWire(t *testing.T) {
	a := newArena(t)
	req := a.req()
	peer := a.dialRaw(a.bind(req, "tcp://127.0.0.1:0")).shake(REP)
	a.send(req, "a", "", "b")
	peer.wants("", "a", "", "b")
	peer.write(frames("", "c", "", "d"))
	a.recv(req, "c", "", "d")
}

// "SHALL remove and store the address envelope, including the delimiter"; "SHALL prepend the address
// envelope and delimiter", of any depth and with any bytes.
func TestRepReturnsTheEnvelope(t *testing.T) {
	a := newArena(t)
	rep := a.rep()
	peer := a.dialRaw(a.bind(rep, "tcp://127.0.0.1:0")).shake(DEALER)
	long := strings.Repeat("i", 300)
	for _, envelope := range [][]string{
		{}, {"id"}, {"\x00\x01\x02\x03\x04"}, {"far", "nearer", "near"}, {long, "x"}, {strings.Repeat("L", 70_000)},
		strings.Split(strings.Repeat("hop ", 100), " ")[:100],
	} {
		request := append(append([]string{}, envelope...), "", "question", "", "of three")
		peer.write(frames(request...))
		a.recv(rep, "question", "", "of three")
		a.send(rep, "answer", "")
		peer.wants(append(append([]string{}, envelope...), "", "answer", "")...)
	}
}

// REQ "SHALL route outgoing messages to connected peers using a round-robin strategy."
func TestReqGoesRound(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		req := a.req()
		const peers = 3
		for i := range peers {
			rep := a.rep()
			a.connect(req, a.bind(rep, anotherEndpoint(a, endpoint)))
			a.answer(rep, func(string) string { return fmt.Sprint("from ", i) })
			a.peers(req, i+1)
		}
		var order []string
		for range 3 * peers {
			m, err := req.Request(a.ctx, []byte("who?"))
			if err != nil {
				t.Fatal(err)
			}
			order = append(order, string(m.Bytes()))
		}
		for i, who := range order[peers:] {
			if who != order[i] {
				t.Fatalf("not in turn: %q", order)
			}
		}
	})
}

// "SHALL block on sending, or return a suitable error, when it has no connected peers"; "SHALL NOT
// discard messages that it cannot send to a connected peer."
func TestReqWithoutPeers(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		req := a.req()
		endpoint = a.bind(req, endpoint)
		a.wantError("no peer", req.TrySend([]byte("x")), ErrAgain)
		_, err := req.TryRecv()
		a.wantError("after a Send that failed nothing is asked", err, ErrFSM)
		sent := together(1, func(int) error { return req.Send(a.ctx, []byte("waits")) })
		rep := a.rep()
		a.connect(rep, endpoint)
		a.recv(rep, "waits")
		a.all(sent, 1)
		a.send(rep, "ok")
		a.recv(req, "ok")
	})
}

// REQ "SHALL accept an incoming message only from the last peer that it sent a request to"; "SHALL
// discard silently any messages received from other peers." libzmq's test of this is disabled.
func TestReqListensToThePeerItAsked(t *testing.T) {
	for _, correlate := range []bool{false, true} {
		t.Run(fmt.Sprint("correlate=", correlate), func(t *testing.T) {
			a := newArena(t)
			req := a.req(Options{ReqCorrelate: correlate})
			bound := a.bind(req, "tcp://127.0.0.1:0")
			var peers [3]*rawPeer
			for i := range peers {
				peers[i] = a.dialRaw(bound).shake(ROUTER)
				a.peers(req, i+1)
			}
			received := func() uint64 { return req.Stats().RecvMessages }
			for round := range 6 {
				asked := peers[round%len(peers)]
				a.send(req, fmt.Sprint("question ", round))
				envelope := asked.message()
				envelope = envelope[:len(envelope)-1]
				before := received()
				for _, other := range peers {
					if other != asked {
						other.write(frames(append(envelope, "from another")...))
					}
				}
				a.until("the others' messages are there", func() bool { return received() == before+2 })
				a.nothing(req)
				asked.write(frames(append(envelope, fmt.Sprint("answer ", round))...))
				a.recv(req, fmt.Sprint("answer ", round))
			}
			if n := req.Stats().ProtocolErrors; n != 0 {
				t.Errorf("%d protocol errors: to be discarded is no mistake", n)
			}
		})
	}
}

// What came before the request is no reply to it, even from the peer that is asked then.
func TestReqTakesNoReplyFromBefore(t *testing.T) {
	a := newArena(t)
	req := a.req()
	peer := a.dialRaw(a.bind(req, "tcp://127.0.0.1:0")).shake(REP)
	a.peers(req, 1)
	peer.write(frames("", "too early"))
	a.until("it is there", func() bool { return req.Stats().RecvMessages == 1 })
	a.send(req, "question")
	peer.wants("", "question")
	peer.write(frames("", "answer"))
	peer.write(frames("", "one too many"))
	a.recv(req, "answer")
	a.until("it is there", func() bool { return req.Stats().RecvMessages == 3 })
	a.send(req, "next")
	peer.wants("", "next")
	peer.write(frames("", "to the next"))
	a.recv(req, "to the next")
}

// REP "SHALL receive incoming messages from its peers using a fair-queuing strategy"; "SHALL deliver
// this message back to the originating peer."
func TestRepTakesTurns(t *testing.T) {
	a := newArena(t)
	rep := a.rep()
	bound := a.bind(rep, "tcp://127.0.0.1:0")
	const peers, each = 3, 5
	var asking [peers]*rawPeer
	for i := range asking {
		asking[i] = a.dialRaw(bound).shake(DEALER)
		a.peers(rep, i+1)
		for n := range each {
			asking[i].write(frames("", fmt.Sprintf("%d %d", i, n)))
		}
	}
	a.until("all have asked", func() bool { return rep.Stats().RecvMessages == peers*each })
	for range each {
		seen := make(map[byte]bool)
		for range peers {
			m, err := rep.Recv(a.ctx)
			if err != nil {
				t.Fatal(err)
			}
			seen[m.Bytes()[0]] = true
			if err := rep.SendMessage(a.ctx, &m); err != nil {
				t.Fatal(err)
			}
		}
		if len(seen) != peers {
			t.Fatalf("only %d of %d had a turn", len(seen), peers)
		}
	}
	for i, peer := range asking {
		for n := range each {
			peer.wants("", fmt.Sprintf("%d %d", i, n))
		}
	}
}

// REP "SHALL silently discard the reply, or return an error, if the originating peer is no longer
// connected"; "SHALL not block on sending."
func TestRepDiscardsTheReplyToOneThatLeft(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		rep, leaves, stays := a.rep(), a.req(), a.req()
		bound := a.join(rep, leaves, endpoint)
		a.send(leaves, "from one that leaves")
		a.recv(rep, "from one that leaves")
		drop(leaves)
		a.gone(rep, 0)
		a.connect(stays, bound)
		a.peers(rep, 1)
		a.send(rep, "for nobody")
		a.send(stays, "question")
		a.recv(rep, "question")
		a.send(rep, "answer")
		a.recv(stays, "answer")
		a.until("the reply is counted", func() bool { return rep.Stats().Dropped == 1 })
	})
}

// The same where REP has connected: the queue outlives the connection there, and the next peer must
// not get the reply to what another one has asked.
func TestRepThatConnectedDiscardsTheReplyToOneThatLeft(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		rep, leaves := a.rep(), a.req()
		bound := a.join(leaves, rep, endpoint)
		a.send(leaves, "from one that leaves")
		a.recv(rep, "from one that leaves")
		drop(leaves)
		a.gone(rep, 0)
		for _, early := range []bool{true, false} {
			next := a.req()
			if early {
				a.send(rep, "for nobody")
			}
			a.bind(next, bound)
			a.peers(next, 1)
			if !early {
				a.send(rep, "for nobody")
			}
			a.send(next, "question")
			a.recv(rep, "question")
			a.send(rep, "answer")
			a.recv(next, "answer")
			a.send(next, "another, and away")
			a.recv(rep, "another, and away")
			drop(next)
			a.gone(rep, 0)
		}
	})
}

// REP "SHALL not block on sending": one that does not read loses its replies, the others do not wait.
func TestRepDropsForOneThatDoesNotRead(t *testing.T) {
	a := newArena(t)
	rep := a.rep(Options{SendHWM: 2, SendBuffer: 4 << 10})
	bound := a.bind(rep, "tcp://127.0.0.1:0")
	stuck := a.dialRaw(bound).shake(DEALER)
	a.peers(rep, 1)
	reply := strings.Repeat("x", 1<<20)
	for n := 0; rep.Stats().Dropped < 3; n++ {
		stuck.write(frames("", "more"))
		a.recv(rep, "more")
		a.send(rep, reply)
		if n > 1000 {
			t.Fatal("a thousand replies of 1 MiB went somewhere")
		}
	}
	req := a.req()
	a.connect(req, bound)
	a.send(req, "question")
	a.recv(rep, "question")
	a.send(rep, "answer")
	a.recv(req, "answer")
}
