// SPDX-License-Identifier: MPL-2.0

package interop

import "testing"

var kinds = []string{"c", "pyzmq"}

// each runs a test with each kind of peer over each transport.
func each(t *testing.T, test func(t *testing.T, kind, transport string)) {
	for _, kind := range kinds {
		for _, transport := range transports {
			t.Run(kind+"/"+transport, func(t *testing.T) {
				t.Parallel()
				test(t, kind, transport)
			})
		}
	}
}

// before and after are what is sent before and after somebody goes away.
var (
	before = Batch{First: 1, Count: 50, Size: 100, Parts: 2, Hops: -1}
	after  = before.Next()
)

// TestPeerRestarts kills a bound PULL of libzmq. What our PUSH takes in meanwhile goes to the next
// one that binds there, all of it and in order.
func TestPeerRestarts(t *testing.T) {
	each(t, func(t *testing.T, kind, transport string) {
		push, peer := openOurs(t, "PUSH"), openPeer(t, kind, "PULL")
		bound := join(t, transport, peer, push)
		must(t, push.Send(before))
		must(t, peer.Recv(before))
		peer.kill()
		push.waitConnections(t, 0)
		must(t, push.Send(after))

		peer = openPeer(t, kind, "PULL")
		_, err := peer.Bind(bound)
		must(t, err)
		must(t, peer.Recv(after))
	})
}

// TestPeerComesBack kills a connected PULL of libzmq; another connects to our bound PUSH.
func TestPeerComesBack(t *testing.T) {
	each(t, func(t *testing.T, kind, transport string) {
		push, peer := openOurs(t, "PUSH"), openPeer(t, kind, "PULL")
		bound := join(t, transport, push, peer)
		must(t, push.Send(before))
		must(t, peer.Recv(before))
		peer.kill()
		push.waitConnections(t, 0)

		peer = openPeer(t, kind, "PULL")
		must(t, peer.Connect(bound))
		must(t, push.Send(after)) // waits for a peer
		must(t, peer.Recv(after))
	})
}

// TestSenderRestarts kills a bound PUSH of libzmq; our PULL finds the next one.
func TestSenderRestarts(t *testing.T) {
	each(t, func(t *testing.T, kind, transport string) {
		pull, peer := openOurs(t, "PULL"), openPeer(t, kind, "PUSH")
		bound := join(t, transport, peer, pull)
		must(t, peer.Send(before))
		must(t, pull.Recv(before))
		peer.kill()

		peer = openPeer(t, kind, "PUSH")
		_, err := peer.Bind(bound)
		must(t, err)
		must(t, peer.Send(after))
		must(t, pull.Recv(after))
	})
}

// TestSenderComesBack kills a PUSH of libzmq that has connected to us, and another one comes.
func TestSenderComesBack(t *testing.T) {
	each(t, func(t *testing.T, kind, transport string) {
		pull, peer := openOurs(t, "PULL"), openPeer(t, kind, "PUSH")
		bound := join(t, transport, pull, peer)
		must(t, peer.Send(before))
		must(t, pull.Recv(before))
		peer.kill()

		peer = openPeer(t, kind, "PUSH")
		must(t, peer.Connect(bound))
		must(t, peer.Send(after))
		must(t, pull.Recv(after))
	})
}

// TestWeRestart closes our bound PULL. What libzmq's PUSH takes in meanwhile comes to our next one.
func TestWeRestart(t *testing.T) {
	each(t, func(t *testing.T, kind, transport string) {
		pull, peer := openOurs(t, "PULL"), openPeer(t, kind, "PUSH")
		bound := join(t, transport, pull, peer)
		must(t, peer.Send(before))
		must(t, pull.Recv(before))
		must(t, pull.Close())
		must(t, peer.waitDisconnected())
		must(t, peer.Send(after))

		pull = openOurs(t, "PULL")
		_, err := pull.Bind(bound)
		must(t, err)
		must(t, pull.Recv(after))
	})
}

// TestWeRestartAsSender closes our bound PUSH, which has sent everything by then; libzmq's PULL
// finds our next one.
func TestWeRestartAsSender(t *testing.T) {
	each(t, func(t *testing.T, kind, transport string) {
		push, peer := openOurs(t, "PUSH"), openPeer(t, kind, "PULL")
		bound := join(t, transport, push, peer)
		must(t, push.Send(before))
		must(t, push.Close()) // before the peer was asked to receive anything
		must(t, peer.Recv(before))

		push = openOurs(t, "PUSH")
		_, err := push.Bind(bound)
		must(t, err)
		must(t, push.Send(after))
		must(t, peer.Recv(after))
	})
}

// TestMidStream takes the receiver away in the middle of a stream that the kernel cannot hold. What
// was on its way is lost; what comes after is whole, in order, never twice, up to the last message.
func TestMidStream(t *testing.T) {
	stream := Batch{First: 1, Count: 40_000, Size: 1024, Parts: 1, Hops: -1}
	part := stream
	part.Count = 2000 // what the first receiver waits for

	t.Run("we send", func(t *testing.T) {
		each(t, func(t *testing.T, kind, transport string) {
			push, peer := openOurs(t, "PUSH"), openPeer(t, kind, "PULL")
			bound := join(t, transport, peer, push)
			must(t, both(func() error { return push.Send(stream) }, func() error {
				if _, err := peer.Drain(part); err != nil {
					return err
				}
				peer.kill()
				peer = openPeer(t, kind, "PULL")
				if _, err := peer.Bind(bound); err != nil {
					return err
				}
				count, err := peer.Drain(stream)
				t.Logf("%d of %d messages after the restart", count, stream.Count)
				return err
			}))
		})
	})
	t.Run("we receive", func(t *testing.T) {
		each(t, func(t *testing.T, kind, transport string) {
			pull, peer := openOurs(t, "PULL"), openPeer(t, kind, "PUSH")
			bound := join(t, transport, pull, peer)
			must(t, both(func() error { return peer.Send(stream) }, func() error {
				if _, err := pull.Drain(part); err != nil {
					return err
				}
				if err := pull.Close(); err != nil {
					return err
				}
				pull = openOurs(t, "PULL")
				if _, err := pull.Bind(bound); err != nil {
					return err
				}
				count, err := pull.Drain(stream)
				t.Logf("%d of %d messages after the restart", count, stream.Count)
				return err
			}))
		})
	})
}
