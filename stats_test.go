// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"context"
	"strings"
	"testing"
	"time"
)

// The tests of this file are about what a socket says of itself.

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

// Flush returns when all is with the kernel or with the peer; with nobody there it waits.
func TestFlush(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		endpoint = a.unused(endpoint)
		push := a.push()
		if err := push.Flush(a.ctx); err != nil {
			t.Fatal("nothing to flush: ", err)
		}
		a.connect(push, endpoint)
		if err := push.Flush(a.ctx); err != nil {
			t.Fatal("nothing to flush: ", err)
		}
		a.send(push, "x")
		ctx, cancel := context.WithTimeout(a.ctx, time.Millisecond)
		defer cancel()
		if err := push.Flush(ctx); err != context.DeadlineExceeded {
			t.Fatalf("nobody is there: %v", err)
		}
		flushed := together(1, func(int) error { return push.Flush(a.ctx) })
		pull := a.pull()
		a.bind(pull, endpoint)
		a.all(flushed, 1)
		a.recv(pull, "x")
		for n := range 200 {
			a.send(push, strings.Repeat("x", n*100))
		}
		if err := push.Flush(a.ctx); err != nil {
			t.Fatal(err)
		}
		if n := push.Stats().SendQueue; n != 0 && !strings.HasPrefix(endpoint, "inproc:") {
			t.Errorf("%d messages wait after Flush", n)
		}
	})
}
