// SPDX-License-Identifier: MPL-2.0

package interop

import (
	"context"
	"errors"
	"testing"

	"github.com/gzmq/zmq"
)

// TestServerRestarts kills libzmq's REP between two requests of ours. A request may meet the death
// of its peer, and says so; asked again, it finds the new one.
func TestServerRestarts(t *testing.T) {
	each(t, func(t *testing.T, kind, transport string) {
		req, peer := openOurs(t, "REQ"), openPeer(t, kind, "REP")
		bound := join(t, transport, peer, req)
		must(t, both(func() error { return req.Request(before) }, func() error { return peer.Reply(before) }))
		peer.kill()

		peer = openPeer(t, kind, "REP")
		_, err := peer.Bind(bound)
		must(t, err)
		must(t, both(func() error {
			err := req.Request(after)
			for errors.Is(err, zmq.ErrPeerGone) {
				err = req.Request(after)
			}
			return err
		}, func() error { return peer.Reply(after) }))
	})
}

// TestWeRestartAsServer closes our REP between two requests of libzmq.
func TestWeRestartAsServer(t *testing.T) {
	each(t, func(t *testing.T, kind, transport string) {
		rep, peer := openOurs(t, "REP"), openPeer(t, kind, "REQ")
		bound := join(t, transport, rep, peer)
		must(t, both(func() error { return peer.Request(before) }, func() error { return rep.Reply(before) }))
		must(t, rep.Close())
		must(t, peer.waitDisconnected())

		rep = openOurs(t, "REP")
		_, err := rep.Bind(bound)
		must(t, err)
		must(t, both(func() error { return peer.Request(after) }, func() error { return rep.Reply(after) }))
	})
}

// TestServerDiesAsked kills libzmq's REP while it holds a request of ours. We are told at once, and
// may ask the next one.
func TestServerDiesAsked(t *testing.T) {
	each(t, func(t *testing.T, kind, transport string) {
		req, peer := openOurs(t, "REQ"), openPeer(t, kind, "REP")
		bound := join(t, transport, peer, req)
		must(t, both(func() error { return req.Request(before) }, func() error { return peer.Reply(before) }))
		must(t, req.sendOne(1, before.message(1)))
		waitFor(t, "the request to be sent", func() bool {
			return req.socket.Stats().SentMessages == uint64(before.Count)+1
		})
		peer.kill()
		if _, err := req.receiver.Recv(context.Background()); !errors.Is(err, zmq.ErrPeerGone) {
			t.Fatalf("Recv: %v, want ErrPeerGone", err)
		}

		peer = openPeer(t, kind, "REP")
		_, err := peer.Bind(bound)
		must(t, err)
		must(t, both(func() error { return req.Request(after) }, func() error { return peer.Reply(after) }))
	})
}

// TestClientRestarts kills a connected REQ of libzmq, once between two requests and once while we
// hold its request: the reply goes nowhere, and the next client is served.
func TestClientRestarts(t *testing.T) {
	each(t, func(t *testing.T, kind, transport string) {
		rep, peer := openOurs(t, "REP"), openPeer(t, kind, "REQ")
		bound := join(t, transport, rep, peer)
		must(t, both(func() error { return peer.Request(before) }, func() error { return rep.Reply(before) }))
		peer.kill()

		peer = openPeer(t, kind, "DEALER") // can ask without waiting for the reply
		must(t, peer.Connect(bound))
		question := Batch{First: 1, Count: 1, Size: 100, Parts: 1, Hops: 0}
		must(t, peer.Send(question))
		must(t, rep.Recv(Batch{First: 1, Count: 1, Size: 100, Parts: 1, Hops: -1}))
		peer.kill()
		rep.waitConnections(t, 0)
		must(t, rep.sendOne(1, question.message(1)))

		peer = openPeer(t, kind, "REQ")
		must(t, peer.Connect(bound))
		must(t, both(func() error { return peer.Request(after) }, func() error { return rep.Reply(after) }))
	})
}

// TestWeRestartAsClient closes our connected REQ; libzmq's REP serves our next one.
func TestWeRestartAsClient(t *testing.T) {
	each(t, func(t *testing.T, kind, transport string) {
		req, peer := openOurs(t, "REQ"), openPeer(t, kind, "REP")
		bound := join(t, transport, peer, req)
		must(t, both(func() error { return req.Request(before) }, func() error { return peer.Reply(before) }))
		must(t, req.Close())

		req = openOurs(t, "REQ")
		must(t, req.Connect(bound))
		must(t, both(func() error { return req.Request(after) }, func() error { return peer.Reply(after) }))
	})
}
