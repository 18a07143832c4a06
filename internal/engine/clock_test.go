// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/simnet"
	"github.com/gzmq/zmq/internal/wire"
)

// beating is a PULL with heartbeats.
func beating(interval, timeout time.Duration) Config {
	cfg := pull()
	cfg.HandshakeTimeout = 30 * time.Second
	cfg.HeartbeatInterval, cfg.HeartbeatTimeout = interval, timeout
	return cfg
}

// times notes when PINGs come, rounded to a tenth of a second, until the connection ends.
func times(began time.Time, peer *simnet.Conn, answer func(at time.Duration) []byte) (pings []time.Duration) {
	for {
		b := make([]byte, 100)
		n, err := peer.Read(b)
		if err != nil {
			return pings
		}
		at := time.Since(began).Round(time.Second / 10)
		if bytes.Contains(b[:n], []byte("PING")) {
			pings = append(pings, at)
			if b := answer(at); b != nil {
				peer.Write(b)
			}
		}
	}
}

const s = time.Second

// TestHeartbeat plays peers that answer PINGs for a while.
func TestHeartbeat(t *testing.T) {
	pong := wire.AppendPong(nil, nil)
	for _, test := range []struct {
		name              string
		interval, timeout time.Duration
		hello             []byte
		answers           time.Duration // until then
		with              []byte
		ends              time.Duration // 0: it does not
	}{
		{"dead at once", s, s / 2, hello(), 0, nil, 3 * s / 2},
		{"dead later", s, s / 2, hello(), 3 * s, pong, 9 * s / 2},
		{"longer timeout, dead at once", s, 3 * s, hello(), 0, nil, 4 * s},
		{"longer timeout, dead later", s, 3 * s, hello(), 4 * s, pong, 8 * s},
		{"longer timeout, dead later still", s, 3 * s, hello(), 5 * s, pong, 9 * s},
		{"equal timeout", s, s, hello(), 2 * s, pong, 4 * s},
		{"messages are a sign of life", s, s / 2, hello(), 3 * s, frame(0, "x"), 9 * s / 2},
		{"no timeout", s, 0, hello(), 0, nil, 0},
		{"alive", s, s / 2, hello(), time.Hour, pong, 0},
		{"a long TTL of the peer's leaves the own timeout", s, 2 * s,
			append(hello(), wire.AppendPing(nil, 600, nil)...), 3 * s, pong, 6 * s},
		{"a short TTL of the peer's does without PINGs", 0, 0,
			append(hello(), wire.AppendPing(nil, 20, nil)...), 0, nil, 2 * s},
		{"a short TTL of the peer's, long timeout", 5 * s, 20 * s,
			append(hello(), wire.AppendPing(nil, 20, nil)...), 0, nil, 2 * s},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				r, peer := raw(t, beating(test.interval, test.timeout))
				give(t, peer, test.hello)
				limit := time.AfterFunc(60*s, func() { peer.Close() })
				defer limit.Stop()
				pings := times(began, peer, func(at time.Duration) []byte {
					if at <= test.answers {
						return test.with
					}
					return nil
				})
				took := time.Since(began)
				switch err := r.end(); {
				case test.ends == 0 && took < 60*s:
					t.Errorf("ended after %v with %v", took, err)
				case test.ends > 0 && (took != test.ends || err != ErrSilent):
					t.Errorf("ended after %v with %v, want %v", took, err, test.ends)
				}
				for i, at := range pings {
					if want := time.Duration(i+1) * test.interval; at != want {
						t.Errorf("PING %d after %v, want %v", i, at, want)
						break
					}
				}
				if test.interval > 0 && test.interval < took && len(pings) == 0 {
					t.Error("no PING")
				}
			})
		})
	}
}

// TestPeerTTL: each sign of life begins the peer's time anew.
func TestPeerTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, peer := welcomed(t, pull())
		give(t, peer, wire.AppendPing(nil, 10, nil))
		for range 20 {
			time.Sleep(900 * time.Millisecond)
			give(t, peer, frame(0, "x"))
		}
		if r.over() {
			t.Fatalf("ended with %v although it was heard of", r.err)
		}
		// From the last look on: the look at which it was heard may be one TTL earlier.
		heard := time.Now()
		if err := r.end(); err != ErrSilent || time.Since(heard) < 900*time.Millisecond || time.Since(heard) > 2*s {
			t.Errorf("ended after %v with %v", time.Since(heard), err)
		}
	})
}

// TestPingSays: the TTL travels in tenths of a second, and is never cut to a shorter one by
// overflow.
func TestPingSays(t *testing.T) {
	for ttl, tenths := range map[time.Duration]uint16{
		0: 0, 99 * time.Millisecond: 0, 100 * time.Millisecond: 1, 1999 * time.Millisecond: 19,
		6553500 * time.Millisecond: 65535, 6553600 * time.Millisecond: 65535, 1 << 62: 65535,
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg := beating(s, 0)
			cfg.HeartbeatTTL = ttl
			_, peer := welcomed(t, cfg)
			time.Sleep(s)
			if said, want := heard(t, peer), wire.AppendPing(nil, tenths, nil); !bytes.Equal(said, want) {
				t.Errorf("TTL %v: %q, want %q", ttl, said, want)
			}
		})
	}
}

// TestNoPingBefore: no PING in the handshake, however long it takes.
func TestNoPingBefore(t *testing.T) {
	for _, limit := range []time.Duration{0, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			cfg := beating(s, s)
			cfg.HandshakeTimeout = limit
			r, peer := raw(t, cfg)
			give(t, peer, greeting("NULL", 1))
			time.Sleep(10*s + s/2)
			if said := heard(t, peer); bytes.Contains(said, []byte("PING")) {
				t.Errorf("limit %v: PING in the handshake: %q", limit, said)
			}
			if r.over() {
				t.Fatalf("limit %v: ended with %v", limit, r.err)
			}
			give(t, peer, ready("PUSH"))
			time.Sleep(s)
			if said := heard(t, peer); !bytes.Contains(said, []byte("PING")) {
				t.Errorf("limit %v: no PING after the handshake: %q", limit, said)
			}
		})
	}
}

// TestNoPingTo30: PING is a command of 3.1; a peer of 3.0 may take it for a message. Its own
// silence says nothing then.
func TestNoPingTo30(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, peer := raw(t, beating(s, s))
		give(t, peer, append(greeting("NULL", 0), ready("PUSH")...))
		heard(t, peer)
		time.Sleep(time.Minute)
		if said := heard(t, peer); len(said) > 0 || r.over() {
			t.Errorf("it was told %q, over: %v", said, r.over())
		}
		// One that sends a PING knows the answer.
		give(t, peer, wire.AppendPing(nil, 0, []byte("c")))
		if said := heard(t, peer); !bytes.Equal(said, wire.AppendPong(nil, []byte("c"))) {
			t.Errorf("answered with %q", said)
		}
	})
}

// TestHeartbeatAtTheMark: while this side does not read, silence is not the peer's; PINGs go on, and
// the time begins anew when reading does.
func TestHeartbeatAtTheMark(t *testing.T) {
	for _, full := range []time.Duration{500 * time.Millisecond, 1900 * time.Millisecond, 2 * s, 10 * s} {
		synctest.Test(t, func(t *testing.T) {
			r, peer := welcomed(t, beating(s, s), pipe.Limits{Recv: 2})
			give(t, peer, append(frame(0, "a"), frame(0, "b")...))
			time.Sleep(full)
			if r.over() {
				t.Fatalf("ended with %v after %v at the mark", r.err, full)
			}
			if n, want := bytes.Count(heard(t, peer), []byte("PING")), int(full/s); n < want-1 || n > want+1 {
				t.Errorf("%d PINGs in %v", n, full)
			}
			if got := r.all(); !slices.Equal(got, []string{"a", "b"}) {
				t.Fatalf("received %q", got)
			}
			synctest.Wait()
			time.Sleep(s / 2)
			if r.over() {
				t.Fatalf("ended with %v right after %v at the mark", r.err, full)
			}
			began := time.Now()
			if err := r.end(); err != ErrSilent || time.Since(began) > 2*s {
				t.Errorf("ended after %v with %v", time.Since(began), err)
			}
		})
	}
}

// TestStalled: a peer whose network takes nothing any more is as silent as one that is gone.
func TestStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := simnet.Pair(simnet.Options{Buffer: 300})
		r := newRig(t, near, Config{SocketType: "PUSH", Mechanism: pull().Mechanism, MaxSize: -1,
			HeartbeatInterval: s, HeartbeatTimeout: s})
		far.Write(append(greeting("NULL", 1), ready("PULL")...))
		heard(t, far)
		far.Stall(true)
		for range 100 {
			r.send("xxxxxxxxxxxxxxxxxxxx")
		}
		if err := r.end(); err != ErrSilent {
			t.Errorf("ended with %v", err)
		}
	})
}
