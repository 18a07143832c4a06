// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
)

// The tests of this file hold the sentences of 30/PIPELINE, each under a name after it.

// "MAY be connected to any number of PULL peers"; "SHALL route outgoing messages to available peers
// using a round-robin strategy."
func TestPushGoesRound(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		const peers, rounds = 5, 7
		push := a.push()
		var pulls [peers]*Pull
		for i := range pulls {
			pulls[i] = a.pull()
			if i%2 == 0 { // some come by themselves, to others it goes
				if i == 0 {
					endpoint = a.bind(push, endpoint)
				}
				a.connect(pulls[i], endpoint)
			} else {
				a.connect(push, a.bind(pulls[i], anotherEndpoint(a, endpoint)))
			}
			a.peers(push, i+1)
		}
		for n := range peers * rounds {
			a.send(push, fmt.Sprint(n))
		}
		for i := range pulls {
			seen := -1
			for range rounds {
				m, err := pulls[i].Recv(a.ctx)
				if err != nil {
					t.Fatal(err)
				}
				var n int
				fmt.Sscan(string(m.Bytes()), &n)
				if seen >= 0 && n != seen+peers {
					t.Errorf("peer %d received %d after %d: not its turn", i, n, seen)
				}
				seen = n
			}
			a.nothing(pulls[i])
		}
	})
}

// anotherEndpoint is of the same kind.
func anotherEndpoint(a *arena, endpoint string) string {
	scheme, _, _ := strings.Cut(endpoint, "://")
	for _, i := range mainTransports {
		if fresh := transports[i].fresh(a); strings.HasPrefix(fresh, scheme+"://") {
			return fresh
		}
	}
	return endpoint
}

// "SHALL only send messages", and PULL "SHALL only receive messages": not in the method set.
func TestPipelineIsOneWay(t *testing.T) {
	var push, pull any = new(Push), new(Pull)
	if _, ok := push.(Receiver); ok {
		t.Error("a Push can receive")
	}
	if _, ok := pull.(Sender); ok {
		t.Error("a Pull can send")
	}
}

// "SHALL not filter or modify outgoing messages in any way", and PULL incoming ones. A whole message
// arrives, or nothing of it.
func TestPipelineLeavesMessagesAsTheyAre(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		push, pull := a.push(), a.pull()
		a.join(pull, push, endpoint)
		for _, parts := range [][]string{
			{""}, {"", ""}, {"", "a", ""}, {"\x00"}, {"\x01topic"}, {"\x04\x05READY"}, {"a", "b", "c", "d", "e", "f", "g", "h", "i"},
			{strings.Repeat("x", 255), strings.Repeat("y", 256)}, {"", strings.Repeat("z", 100_000), ""},
			make([]string, 1000),
		} {
			a.send(push, parts...)
			a.recv(pull, parts...)
		}
		if err := push.Send(a.ctx, nil, []byte("nil is an empty part")); err != nil {
			t.Fatal(err)
		}
		a.recv(pull, "", "nil is an empty part")
	})
}

// "SHALL create this queue when initiating an outgoing connection to a peer, and SHALL maintain the
// queue whether or not the connection is established."
func TestPushQueueBeforeTheConnection(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		endpoint = a.unused(endpoint)
		push := a.push(Options{SendHWM: 10})
		a.connect(push, endpoint)
		for n := range 10 {
			if err := push.TrySend(fmt.Append(nil, n)); err != nil {
				t.Fatalf("message %d of 10: %v", n, err)
			}
		}
		// "SHALL consider a peer as available only when it has a outgoing queue that is not full."
		a.wantError("the 11th message", push.TrySend([]byte("x")), ErrAgain)
		if got := push.Stats().SendQueue; got != 10 {
			t.Errorf("SendQueue %d, want 10", got)
		}
		pull := a.pull()
		a.bind(pull, endpoint)
		for n := range 10 {
			a.recv(pull, fmt.Sprint(n))
		}
		a.nothing(pull)
	})
}

// unused returns an endpoint that can be bound later, and is known now.
func (a *arena) unused(endpoint string) string {
	a.Helper()
	if !strings.HasPrefix(endpoint, "tcp://") {
		return endpoint
	}
	s := a.pull()
	bound := a.bind(s, endpoint)
	if err := s.Close(); err != nil {
		a.Fatal(err)
	}
	return bound
}

// The same, after a connection: what none has taken goes to the next one.
func TestPushQueueSurvivesItsPeer(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		push, first := a.push(), a.pull()
		bound := a.join(first, push, endpoint)
		a.send(push, "before")
		a.recv(first, "before")
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		a.gone(push, 0)
		a.send(push, "between", "1")
		a.send(push, "between", "2")
		second := a.pull()
		a.bind(second, bound)
		a.recv(second, "between", "1")
		a.recv(second, "between", "2")
		a.send(push, "after")
		a.recv(second, "after")
	})
}

// "SHALL create this queue when a peer connects to it. If this peer disconnects, the PUSH socket
// SHALL destroy its queue and SHALL discard any messages it contains." libzmq's test of this is
// disabled; the messages are counted here.
func TestPushQueueOfAnAcceptedPeerEndsWithIt(t *testing.T) {
	a := newArena(t)
	push := a.push(Options{SendHWM: Unlimited})
	bound := a.bind(push, "tcp://127.0.0.1:0")
	peer := a.dialRaw(bound).shake(PULL) // and reads nothing from now on
	a.peers(push, 1)
	body := make([]byte, 32<<10)
	sent := uint64(0)
	for push.Stats().SendQueue < 5 {
		if err := push.TrySend(body); err != nil {
			t.Fatal(err)
		}
		sent++
	}
	peer.nc.Close()
	a.gone(push, 0)
	a.wantError("without a peer", push.TrySend(body), ErrAgain)
	a.until("all messages are accounted for", func() bool {
		s := push.Stats()
		return s.SentMessages+s.Dropped == sent && s.SendQueue == 0 && s.Dropped >= 5
	})
	pull := a.pull()
	a.connect(pull, bound)
	a.send(push, "for the next peer only")
	a.recv(pull, "for the next peer only")
}

// "SHALL block on sending, or return a suitable error, when it has no available peers"; "SHALL not
// accept further messages when it has no available peers."
func TestPushWithoutPeers(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		push := a.push()
		a.wantError("TrySend unconnected", push.TrySend([]byte("x")), ErrAgain)
		endpoint = a.bind(push, endpoint)
		a.wantError("TrySend, bound only", push.TrySend([]byte("x")), ErrAgain)

		sent := together(1, func(int) error { return push.Send(a.ctx, []byte("waits")) })
		pull := a.pull()
		a.connect(pull, endpoint)
		a.recv(pull, "waits")
		a.all(sent, 1)
	})
}

// "SHALL NOT discard messages that it cannot queue": a Send that fails has sent nothing, one that
// waits is not lost, and what is refused here goes to a peer with room.
func TestPushDiscardsNothing(t *testing.T) {
	a := newArena(t)
	push := a.push(Options{SendHWM: 1, SendTimeout: 5 * time.Millisecond})
	a.connect(push, "inproc://full", "inproc://also")
	a.send(push, "1")
	a.send(push, "2")
	a.wantError("both queues are full", push.Send(a.ctx, []byte("refused")), ErrTimeout)
	if err := push.SetOption("SNDTIMEO", "-1"); err != nil {
		t.Fatal(err)
	}
	sent := together(1, func(int) error { return push.Send(a.ctx, []byte("3")) })
	also := a.pull()
	a.bind(also, "inproc://also")
	a.recv(also, "2")
	a.all(sent, 1)
	a.recv(also, "3")
	for n := range 5 { // only this one has room
		a.send(push, fmt.Sprint("more", n))
		a.recv(also, fmt.Sprint("more", n))
	}
	full := a.pull()
	a.bind(full, "inproc://full")
	a.recv(full, "1")
	a.nothing(full)
	a.nothing(also)
}

// PULL "SHALL receive incoming messages from its peers using a fair-queuing strategy."
func TestPullTakesTurns(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		const peers, each = 4, 20
		pull := a.pull()
		endpoint = a.bind(pull, endpoint)
		for i := range peers {
			push := a.push()
			a.connect(push, endpoint)
			for range each {
				a.send(push, fmt.Sprint(i))
			}
		}
		a.until("all have arrived", func() bool { return pull.Stats().RecvMessages == peers*each || waitingIn(pull) == peers*each })
		for round := range each {
			seen := make(map[string]bool)
			for range peers {
				m, err := pull.Recv(a.ctx)
				if err != nil {
					t.Fatal(err)
				}
				seen[string(m.Bytes())] = true
			}
			if len(seen) != peers {
				t.Fatalf("round %d: only %v had a turn", round, seen)
			}
		}
	})
}

// waitingIn counts what peers within the process have sent and nobody has looked at.
func waitingIn(pull *Pull) (n int) {
	for _, e := range pull.all() {
		e.Pipes(func(p *pipe.Pipe) {
			if mate := p.Mate(); mate != nil {
				n += mate.Counts().SendQueue
			}
			n += pull.fq.Waiting(p)
		})
	}
	return n
}

// "If this peer disconnects, the PULL socket SHALL destroy its queue and SHALL discard any messages
// it contains." Neither libzmq nor this library does so: what a peer has sent before it closed is
// received.
func TestPullKeepsWhatAGonePeerHasSent(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		pull, push := a.pull(), a.push()
		a.join(pull, push, endpoint)
		for n := range 100 {
			a.send(push, fmt.Sprint(n))
		}
		if err := push.Close(); err != nil {
			t.Fatal(err)
		}
		a.gone(pull, 0)
		for n := range 100 {
			if peer := a.recv(pull, fmt.Sprint(n)); peer.SocketType() != PUSH {
				t.Fatalf("message of a %q", peer.SocketType())
			}
		}
		a.nothing(pull)
	})
}

// The queue of an incoming connection counts whole messages, and a PULL that reads none stops its
// peers: "SHOULD constrain incoming queue sizes".
func TestPullStopsReadingAtItsMark(t *testing.T) {
	a := newArena(t)
	pull := a.pull(Options{RecvHWM: 10, RecvBuffer: 4 << 10})
	peer := a.dialRaw(a.bind(pull, "tcp://127.0.0.1:0")).shake(PUSH)
	message := frames("part", strings.Repeat("x", 1000))
	sent := 0
	for err := error(nil); err == nil; sent++ {
		if n := pull.Stats().RecvQueue; n > 10+8 || sent > 100_000 {
			t.Fatalf("%d messages wait at a mark of 10, %d sent", n, sent)
		}
		peer.nc.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)) // over when the kernel is full
		_, err = peer.nc.Write(message)
	}
	sent-- // the last one is cut
	for range sent {
		a.recv(pull, "part", strings.Repeat("x", 1000))
	}
	peer.nc.Close()
	a.gone(pull, 0)
	a.nothing(pull)
}

// A message without any part is no message.
func TestSendWithoutParts(t *testing.T) {
	a := newArena(t)
	for _, s := range []Sender{a.push(), a.req(), a.rep()} {
		var empty Message
		for what, err := range map[string]error{
			"Send": s.Send(a.ctx), "TrySend": s.TrySend(),
			"SendMessage": s.SendMessage(a.ctx, &empty), "TrySendMessage": s.TrySendMessage(&empty),
		} {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("%s: %s without parts: %v", s.Type(), what, err)
			}
		}
	}
}
