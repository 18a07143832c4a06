// SPDX-License-Identifier: MPL-2.0

package interop

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/gzmq/zmq"
)

// TestManyPeers has three of libzmq's sockets on one of ours. What ours sends goes to each in turn:
// of three messages that are alike each gets one.
func TestManyPeers(t *testing.T) {
	const peers = 3
	all := Batch{First: 1, Count: 100, Size: 100, Parts: 2, Hops: -1}
	for _, c := range []struct {
		our, their string
		ours       func(s *ours, b Batch) error // of one message
		theirs     func(s Side) error           // of all
	}{
		{"PUSH", "PULL", (*ours).Send, func(s Side) error { return s.Recv(all) }},
		{"REQ", "REP", (*ours).Request, func(s Side) error { return s.Reply(all) }},
	} {
		for _, kind := range kinds {
			t.Run(c.our+"/"+kind, func(t *testing.T) {
				t.Parallel()
				us := openOurs(t, c.our)
				var them []Side
				for i := range peers {
					peer := openPeer(t, kind, c.their)
					if i == 0 { // both ways of connecting at once
						join(t, "ipc", us, peer)
					} else {
						join(t, "tcp", peer, us)
					}
					them = append(them, peer)
				}
				us.waitConnections(t, peers)
				failed := make(chan error, peers)
				for _, peer := range them {
					go func() { failed <- c.theirs(peer) }()
				}
				for n := range all.Count {
					one := all
					one.First, one.Count = all.First+n, 1
					for range peers {
						must(t, c.ours(us, one))
					}
				}
				for range peers {
					must(t, <-failed)
				}
			})
		}
	}
}

// TestManySenders has three of libzmq's PUSHes on one PULL of ours: all that they send comes.
func TestManySenders(t *testing.T) {
	const peers = 3
	b := Batch{First: 1, Count: 1000, Size: 100, Parts: 2, Hops: -1}
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			pull := openOurs(t, "PULL")
			failed := make(chan error, peers)
			for range peers {
				push := openPeer(t, kind, "PUSH")
				join(t, "tcp", pull, push)
				go func() { failed <- push.Send(b) }()
			}
			seen := make(map[string]int)
			for range peers * b.Count {
				parts, err := pull.recvOne(1, new(zmq.Message))
				must(t, err)
				seen[string(parts[0])]++
			}
			for range peers {
				must(t, <-failed)
			}
			for n := b.First; n < b.First+b.Count; n++ {
				if got := seen[string(b.message(n)[0])]; got != peers {
					t.Fatalf("message %d came %d times, want %d", n, got, peers)
				}
			}
		})
	}
}

// TestWrongPartner lets a socket of a type that ours does not talk to connect and be connected to.
// It is refused, and does no harm to the one that comes next.
func TestWrongPartner(t *testing.T) {
	b := Batch{First: 1, Count: 10, Size: 100, Parts: 2, Hops: -1}
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			pull := openOurs(t, "PULL")
			bound, err := pull.Bind(endpoint(t, "tcp"))
			must(t, err)
			wrong := openPeer(t, kind, "REQ")
			must(t, wrong.Connect(bound))
			must(t, pull.Connect(bindAt(t, openPeer(t, kind, "REP"))))
			waitFor(t, "two refusals", func() bool { return pull.socket.Stats().ProtocolErrors >= 2 })
			if n := len(pull.socket.Stats().Peers); n != 0 {
				t.Errorf("%d of the wrong peers are taken for peers", n)
			}
			push := openPeer(t, kind, "PUSH")
			must(t, push.Connect(bound))
			must(t, push.Send(b))
			must(t, pull.Recv(b))
		})
	}
}

func bindAt(t *testing.T, s Side) string {
	t.Helper()
	bound, err := s.Bind(endpoint(t, "tcp"))
	must(t, err)
	return bound
}

// TestEndpoints meets libzmq at the less common endpoints, either side binding.
func TestEndpoints(t *testing.T) {
	b := Batch{First: 1, Count: 10, Size: 100, Parts: 2, Hops: -1}
	for name, ends := range map[string]func(t *testing.T) (bind string, connect func(bound string) string){
		"IPv6": func(*testing.T) (string, func(string) string) { return "tcp://[::1]:*", same },
		"every address": func(*testing.T) (string, func(string) string) {
			return "tcp://*:*", func(bound string) string { return "tcp://localhost:" + port(bound) }
		},
		"an interface": func(*testing.T) (string, func(string) string) { return "tcp://lo:*", same },
		"from an address": func(*testing.T) (string, func(string) string) {
			return "tcp://127.0.0.1:*", func(bound string) string { return "tcp://127.0.0.1:0;127.0.0.1:" + port(bound) }
		},
		"an abstract name": func(t *testing.T) (string, func(string) string) {
			return "ipc://@" + filepath.Base(filepath.Dir(endpoint(t, "ipc"))), same
		},
		"any path": func(*testing.T) (string, func(string) string) { return "ipc://*", same },
	} {
		for _, kind := range kinds {
			for _, binds := range []string{"we bind", "we connect"} {
				t.Run(fmt.Sprintf("%s/%s/%s", name, kind, binds), func(t *testing.T) {
					t.Parallel()
					push, pull := open(t, kind, "PUSH", "IPV6=1"), open(t, "ours", "PULL", "IPV6=1")
					binder, connecter := pull, push
					if binds == "we connect" {
						binder, connecter = push, pull
					}
					bind, connect := ends(t)
					bound, err := binder.Bind(bind)
					must(t, err)
					must(t, connecter.Connect(connect(bound)))
					must(t, push.Send(b))
					must(t, pull.Recv(b))
				})
			}
		}
	}
}

func same(bound string) string { return bound }

// port is what stands behind the last colon.
func port(endpoint string) string {
	for i := len(endpoint) - 1; i >= 0; i-- {
		if endpoint[i] == ':' {
			return endpoint[i+1:]
		}
	}
	return ""
}

// TestNumberedRequests turns on REQ_CORRELATE, which puts one more frame before each request, at
// either side.
func TestNumberedRequests(t *testing.T) {
	b := Batch{First: 1, Count: 100, Size: 100, Parts: 2, Hops: -1}
	for _, kind := range kinds {
		for _, options := range [][]string{{"REQ_CORRELATE=1"}, {"REQ_CORRELATE=1", "REQ_RELAXED=1"}} {
			for _, pair := range [][2]string{{"ours", kind}, {kind, "ours"}} {
				t.Run(fmt.Sprintf("%s-%s/%v", pair[0], pair[1], options), func(t *testing.T) {
					t.Parallel()
					req, rep := open(t, pair[0], "REQ", options...), open(t, pair[1], "REP")
					join(t, "tcp", rep, req)
					must(t, both(func() error { return req.Request(b) }, func() error { return rep.Reply(b) }))
				})
			}
		}
	}
}

// TestLateReply gives a request up before libzmq's REP answers it. Neither with a number nor
// without one does the late reply answer the next request.
func TestLateReply(t *testing.T) {
	late := Batch{First: 1, Count: 1, Size: 100, Parts: 1, Hops: -1}
	next := late.Next()
	for _, kind := range kinds {
		for _, option := range []string{"REQ_CORRELATE=0", "REQ_CORRELATE=1"} {
			t.Run(kind+"/"+option, func(t *testing.T) {
				t.Parallel()
				req, rep := openOurs(t, "REQ", option), openPeer(t, kind, "REP")
				join(t, "tcp", rep, req)
				req.waitConnections(t, 1)
				ctx, cancel := context.WithCancel(context.Background())
				go func() {
					// The peer holds the request as soon as the bytes are out; it answers only
					// when it is told to.
					waitFor(t, "the request to be sent", func() bool { return req.socket.Stats().SentMessages >= 1 })
					cancel()
				}()
				if _, err := req.socket.(*zmq.Req).Request(ctx, late.message(late.First)...); err == nil {
					t.Fatal("a request was answered that nobody has answered")
				}
				must(t, rep.Reply(late))
				must(t, both(func() error { return req.Request(next) }, func() error { return rep.Reply(next) }))
			})
		}
	}
}
