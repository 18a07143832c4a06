// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"bytes"
	"net"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/gzmq/zmq/internal/security/securitytest"
	"github.com/gzmq/zmq/internal/simnet"
	"github.com/gzmq/zmq/internal/wire"
)

// heap is how much memory is in use.
func heap() int64 {
	runtime.GC()
	runtime.GC() // the pools' second chance
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestAnnounced: memory follows the bytes that have come, not those that were announced.
func TestAnnounced(t *testing.T) {
	const announced = 1 << 30
	for _, test := range []struct {
		name string
		sent int
		most int64
	}{
		{"10 bytes", 10, 5 << 20 / 4}, {"1.5 MiB", 3 << 19, 5 << 20}, {"5 MiB", 5 << 20, 20 << 20},
	} {
		for _, sealed := range []bool{false, true} {
			t.Run(test.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					cfg := pull()
					near, far := simnet.Pair(simnet.Options{Buffer: 256 << 10})
					if sealed {
						cfg.Mechanism = &securitytest.Mechanism{Server: true, Key: "k"}
					}
					r := newRig(t, near, cfg)
					if sealed {
						newSealedPeer(t, far)
					} else {
						far.Write(hello())
						heard(t, far)
					}
					before := heap()
					far.Write(announce(0, announced))
					far.Write(make([]byte, test.sent))
					synctest.Wait()
					if grown := heap() - before; grown > test.most {
						t.Errorf("sealed %v: %d bytes of a body of 1 GiB cost %d", sealed, test.sent, grown)
					}
					if r.over() {
						t.Errorf("ended with %v", r.err)
					}
				})
			})
		}
	}
}

// TestAnnouncedCommand is the same before the handshake is done.
func TestAnnouncedCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := heap()
		var rigs []*rig
		for range 100 {
			r, peer := raw(t, pull())
			peer.Write(append(greeting("NULL", 1), announce(wire.FlagCommand, wire.MaxCommand)...))
			peer.Write([]byte("\x05READY"))
			rigs = append(rigs, r)
		}
		synctest.Wait()
		if each := (heap() - before) / 100; each > 24<<10 { // two lanes, goroutines and all
			t.Errorf("a connection in its handshake costs %d bytes", each)
		}
		runtime.KeepAlive(rigs)
	})
}

// TestLargeHandshakeCommand wants a command of the greatest length, in any steps.
func TestLargeHandshakeCommand(t *testing.T) {
	value := string(bytes.Repeat([]byte("v"), wire.MaxCommand-len("\x05READY\x0bSocket-Type....PUSH\x01x....")))
	says := wire.AppendReady(nil, wire.Metadata{{Name: "Socket-Type", Value: "PUSH"}, {Name: "x", Value: value}})
	if len(says) != wire.MaxHeader+wire.MaxCommand {
		t.Fatalf("READY of %d bytes", len(says))
	}
	for _, step := range []int{1 << 20, 1000, 1} {
		synctest.Test(t, func(t *testing.T) {
			r, peer := raw(t, pull())
			give(t, peer, greeting("NULL", 1))
			say(t, peer, says, step)
			if p := r.up(); p == nil {
				t.Fatalf("in steps of %d: no peer, %v", step, r.over())
			} else if got, _ := p.Metadata.Get("X"); got != value {
				t.Errorf("the value has %d bytes, want %d", len(got), len(value))
			}
		})
	}
}

// TestIdleHoldsNothing: a thousand silent connections with nothing to receive hold no slab.
func TestIdleHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rigs []*rig
		var peers []net.Conn
		for range 100 {
			r, peer := welcomed(t, pull())
			rigs, peers = append(rigs, r), append(peers, peer)
		}
		quiet := heap()
		for i, r := range rigs {
			peers[i].Write(frame(0, "x"))
			synctest.Wait()
			if got := r.receive(); got != "x" {
				t.Fatal(got)
			}
		}
		if each := (heap() - quiet) / 100; each > 2<<10 {
			t.Errorf("a connection that has received a message holds %d bytes more", each)
		}
		runtime.KeepAlive(peers)
	})
}
