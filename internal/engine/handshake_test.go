// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/security"
	"github.com/gzmq/zmq/internal/security/securitytest"
	"github.com/gzmq/zmq/internal/simnet"
	"github.com/gzmq/zmq/internal/wire"
)

// TestStaged wants no byte of the greeting before the peer has shown that it understands it, and
// nothing but the greeting before its own is whole.
func TestStaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, peer := raw(t, pull())
		theirs, ours := greeting("NULL", 1), greeting("NULL", 1)
		said := heard(t, peer)
		if !bytes.Equal(said, ours[:10]) {
			t.Errorf("at first % x", said)
		}
		for i, b := range theirs {
			give(t, peer, []byte{b})
			said = append(said, heard(t, peer)...)
			want := ours
			switch {
			case i < 9:
				want = ours[:10]
			case i < 10:
				want = ours[:11]
			case i == len(theirs)-1:
				want = append(ours, ready("PULL")...)
			}
			if !bytes.Equal(said, want) {
				t.Fatalf("after %d bytes %q, want %q", i+1, said, want)
			}
		}
		give(t, peer, ready("PUSH"))
		if p := r.up(); p == nil || p.SocketType != "PUSH" || p.Mechanism != "NULL" || p.Major != 3 || p.Minor != 1 {
			t.Errorf("peer %+v", p)
		}
		r.close()
	})
}

// TestSplit runs whole conversations through networks that hand over few bytes at a time.
func TestSplit(t *testing.T) {
	for _, mechanism := range []string{"NULL", "sealed"} {
		for _, tries := range []bool{true, false} {
			for _, size := range []int{1, 2, 3, 7, 10, 64, 4096, 0} {
				t.Run(fmt.Sprintf("%s tries=%v by %d", mechanism, tries, size), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { converse(t, mechanism, tries, size) })
				})
			}
		}
	}
}

// converse sends messages of many shapes both ways, with size bytes per read and write.
func converse(t *testing.T, mechanism string, tries bool, size int) {
	o := simnet.Options{MaxRead: size, MaxWrite: size, Buffer: 5000}
	if size > 0 {
		o.Buffer = 16 * size
	}
	a, b := dealers(t, mechanism, tries, o)
	big := 70_000
	if size > 0 && size < 64 {
		big = 300
	}
	want := messages(big)
	for _, m := range want {
		a.send(m...)
		b.send(m...)
	}
	for _, r := range []*rig{a, b} {
		for i, m := range want {
			if got := r.receive(); got != join(m) {
				t.Fatalf("message %d has %d bytes, want %d", i, len(got), len(join(m)))
			}
		}
	}
	a.conn.Shutdown()
	if err := a.end(); !errors.Is(err, ErrShutdown) {
		t.Errorf("ended with %v", err)
	}
	b.end()
}

// messages are of all shapes, with bodies of up to big bytes.
func messages(big int) [][]string {
	body := func(n int) string { return string(bytes.Repeat([]byte("0123456789"), n/10+1)[:n]) }
	return [][]string{
		{""}, {"a"}, {"", ""}, {"a", "", "b"}, {body(255)}, {body(256)}, {body(255), body(256), ""},
		{body(big)}, {"x", body(big), "y", body(big + 1), ""}, {body(big - 1), body(big)}, {"end"},
	}
}

func join(parts []string) string {
	b := []byte(nil)
	for i, p := range parts {
		if i > 0 {
			b = append(b, '|')
		}
		b = append(b, p...)
	}
	return string(b)
}

// dealers are two connections under test that talk to each other.
func dealers(t *testing.T, mechanism string, tries bool, o simnet.Options) (a, b *rig) {
	var near, far net.Conn = simnet.Pair(o)
	if !tries {
		near, far = bare{near}, bare{far}
	}
	client := Config{SocketType: "DEALER", Mechanism: security.Null{}, MaxSize: -1}
	server := client
	if mechanism != "NULL" {
		client.Mechanism = &securitytest.Mechanism{Key: "k"}
		server.Mechanism = &securitytest.Mechanism{Server: true, Key: "k"}
	}
	return newRig(t, near, client), newRig(t, far, server)
}

// TestLeftover wants what comes in the same bytes as READY, whatever it is.
func TestLeftover(t *testing.T) {
	long := string(bytes.Repeat([]byte("x"), 3000))
	behind := script(frame(0, "first"), wire.AppendPing(nil, 0, []byte("c")), frame(wire.FlagMore, "a"), frame(0, long), frame(0, "last"))
	for cut := 0; cut <= len(behind); cut += 1 + cut/8 {
		synctest.Test(t, func(t *testing.T) {
			r, peer := raw(t, pull())
			give(t, peer, append(hello(), behind[:cut]...))
			give(t, peer, behind[cut:])
			if got, want := r.all(), []string{"first", "a|" + long, "last"}; !slices.Equal(got, want) {
				t.Errorf("cut at %d: %d messages: %.60q", cut, len(got), got)
			}
			if said := heard(t, peer); !bytes.HasSuffix(said, wire.AppendPong(nil, []byte("c"))) {
				t.Errorf("cut at %d: no PONG at the end of %q", cut, said)
			}
			r.close()
		})
	}
}

func TestMetadata(t *testing.T) {
	for _, test := range []struct {
		socketType, peers string
		identity          bool
	}{
		{"PULL", "PUSH", false}, {"PUSH", "PULL", false}, {"REP", "REQ", false},
		{"REQ", "REP", true}, {"DEALER", "ROUTER", true}, {"ROUTER", "DEALER", true},
	} {
		t.Run(test.socketType, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := Config{SocketType: test.socketType, RoutingID: "me", Endpoint: "tcp://x:1", Mechanism: security.Null{}, MaxSize: -1}
				r, peer := raw(t, cfg)
				give(t, peer, greeting("NULL", 0))
				want := wire.Metadata{{Name: "Socket-Type", Value: test.socketType}}
				if test.identity {
					want = append(want, wire.Property{Name: "Identity", Value: "me"})
				}
				if said := heard(t, peer)[64:]; !bytes.Equal(said, wire.AppendReady(nil, want)) {
					t.Errorf("READY is %q", said)
				}
				give(t, peer, wire.AppendReady(nil, wire.Metadata{
					{Name: "socket-TYPE", Value: test.peers}, {Name: "IDENTITY", Value: "you"}, {Name: "X-Note", Value: "\x00"},
				}))
				p := r.up()
				if p == nil || p.SocketType != test.peers || p.RoutingID != "you" || p.Minor != 0 || p.Endpoint != "tcp://x:1" {
					t.Fatalf("peer %+v", p)
				}
				if note, ok := p.Metadata.Get("x-note"); note != "\x00" || !ok {
					t.Errorf("the note is %q", note)
				}
				r.close()
			})
		})
	}
}

// TestOldPeers wants a VersionError that names the version, and no byte that such a peer could take
// for something else.
func TestOldPeers(t *testing.T) {
	v2 := append(wire.AppendSignature(nil), 1, 7, 0, 0)
	for name, test := range map[string]struct {
		says  []byte
		major int
		most  int // bytes that it may have been told
	}{
		"1.0, no identity":   {[]byte{1, 0}, 1, 10},
		"1.0, identity":      {[]byte{4, 0, 'a', 'b', 'c'}, 1, 10},
		"1.0, long identity": {[]byte{0xff, 0, 0, 0, 0, 0, 0, 1, 1, 0, 'a'}, 1, 10},
		"2.0":                {v2, 2, 11},
		"2.1":                {append(wire.AppendSignature(nil), 2, 7, 0, 0), 2, 11},
		"0":                  {append(wire.AppendSignature(nil), 0, 7), 1, 11},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, peer := raw(t, pull())
				give(t, peer, test.says)
				var version *wire.VersionError
				if err := r.end(); !errors.As(err, &version) || version.Major != test.major {
					t.Errorf("ended with %v", err)
				}
				if said := heard(t, peer); !bytes.Equal(said, greeting("NULL", 1)[:len(said)]) || len(said) > test.most {
					t.Errorf("it was told % x", said)
				}
			})
		})
	}
}

// TestLaterPeers: whoever speaks a later version also speaks ours.
func TestLaterPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, peer := raw(t, pull())
		g := greeting("NULL", 9)
		g[10] = 4
		give(t, peer, script(g, ready("PUSH"), frame(0, "hi")))
		if got := r.all(); !slices.Equal(got, []string{"hi"}) {
			t.Errorf("received %q", got)
		}
		r.close()
	})
}

// TestWrongType wants the peer told, and both told apart.
func TestWrongType(t *testing.T) {
	for _, peers := range []string{"PULL", "REQ", "", "NO\x1bSUCH", "push"} {
		synctest.Test(t, func(t *testing.T) {
			r, peer := raw(t, pull())
			give(t, peer, append(greeting("NULL", 1), ready(peers)...))
			var types *IncompatibleError
			if err := r.end(); !errors.As(err, &types) || types.Local != "PULL" {
				t.Fatalf("%q: ended with %v", peers, err)
			}
			if bytes.ContainsRune([]byte(types.Error()), '\x1b') {
				t.Errorf("the peer's bytes are shown as they are: %q", types)
			}
			if said := heard(t, peer); !bytes.HasSuffix(said, wire.AppendError(nil, "Invalid socket type")) {
				t.Errorf("%q: no ERROR in %q", peers, said)
			}
		})
	}
}

// TestRefusedPeer: what Ready says ends the connection, before any message.
func TestRefusedPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refusal := errors.New("not you")
		cfg := pull()
		cfg.Ready = func(*pipe.Peer) error { return refusal }
		r, peer := raw(t, cfg)
		give(t, peer, append(hello(), frame(0, "x")...))
		if err := r.end(); err != refusal {
			t.Errorf("ended with %v", err)
		}
		if got := r.all(); got != nil {
			t.Errorf("received %q", got)
		}
	})
}

// TestHandshakeTimeout: silence, half a handshake and a slow drip all end in time, by one clock.
func TestHandshakeTimeout(t *testing.T) {
	const limit = 5 * time.Second
	says := hello()
	for name, test := range map[string]struct {
		first int           // bytes at once
		pause time.Duration // between each of the others; 0: no others
	}{
		"silent": {0, 0}, "signature": {10, 0}, "greeting": {64, 0}, "half a READY": {70, 0},
		"all but one byte": {len(says) - 1, 0}, "drip": {0, time.Second}, "drip of a READY": {64, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := pull()
				cfg.HandshakeTimeout = limit
				began := time.Now()
				r, peer := raw(t, cfg)
				peer.Write(says[:test.first])
				for i := test.first; test.pause > 0; i++ {
					time.Sleep(test.pause)
					if _, err := peer.Write(says[i : i+1]); err != nil {
						break
					}
				}
				if err := r.end(); err != ErrHandshakeTimeout {
					t.Errorf("ended with %v", err)
				}
				if test.pause == 0 && time.Since(began) != limit {
					t.Errorf("ended after %v", time.Since(began))
				}
			})
		})
	}
}

// TestNoHandshakeTimeout: zero is no limit, and what is done in time has none any more.
func TestNoHandshakeTimeout(t *testing.T) {
	for _, limit := range []time.Duration{0, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			cfg := pull()
			cfg.HandshakeTimeout = limit
			r, peer := raw(t, cfg)
			if limit > 0 {
				give(t, peer, hello())
			}
			time.Sleep(time.Hour)
			if r.over() {
				t.Fatalf("limit %v: ended with %v", limit, r.err)
			}
			r.close()
		})
	}
}
