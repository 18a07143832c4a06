// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/simnet"
	"github.com/gzmq/zmq/internal/wire"
)

// flood writes numbered messages in chunks of 8 KiB until n are written or the connection reads no
// more; it returns when that is so.
func flood(peer interface{ Write([]byte) (int, error) }, n int) {
	go func() {
		for i := range n {
			if _, err := peer.Write(frame(0, fmt.Sprint(i))); err != nil {
				return
			}
		}
	}()
	synctest.Wait()
}

// TestRecvMark: reading stops at the mark and goes on at half of it; nothing is lost.
func TestRecvMark(t *testing.T) {
	for _, mark := range []int{1, 2, 3, 10, 200} {
		t.Run(fmt.Sprint(mark), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const n = 20_000
				r, peer := welcomed(t, pull(), pipe.Limits{Recv: mark})
				flood(peer, n)
				stopped := r.owner.fq.Waiting(r.pipe)
				if stopped < mark {
					t.Errorf("%d messages wait", stopped)
				}
				// It goes on when (mark+1)/2 are left, and not before.
				next := 0
				for r.owner.fq.Waiting(r.pipe) > (mark+1)/2+1 {
					next = expect(t, r, next)
				}
				synctest.Wait()
				if waiting := r.owner.fq.Waiting(r.pipe); waiting > (mark+1)/2+1 {
					t.Errorf("reading went on at %d", waiting)
				}
				for next < n {
					next = expect(t, r, next)
				}
			})
		})
	}
}

func expect(t *testing.T, r *rig, i int) int {
	t.Helper()
	if got := r.receive(); got != fmt.Sprint(i) {
		t.Fatalf("received %q, want %d", got, i)
	}
	return i + 1
}

// TestOvershoot: one read beyond a small mark is a short one.
func TestOvershoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, peer := welcomed(t, pull(), pipe.Limits{Recv: 10})
		flood(peer, 100_000)
		if n := r.owner.fq.Waiting(r.pipe); n > 10+8<<10/3 {
			t.Errorf("%d messages were read at a mark of 10", n)
		}
	})
}

// TestEndAtTheMark: a connection that does not read can be ended, by whatever.
func TestEndAtTheMark(t *testing.T) {
	failed := errors.New("failed")
	for name, test := range map[string]struct {
		end  func(r *rig)
		want error
	}{
		"Close":    {func(r *rig) { r.conn.Close(failed) }, failed},
		"Fail":     {func(r *rig) { r.pipe.Fail(failed) }, failed},
		"Shutdown": {func(r *rig) { r.conn.Shutdown() }, ErrShutdown},
		"Renew":    {func(r *rig) { r.pipe.Renew(failed) }, failed},
	} {
		for _, beat := range []time.Duration{0, time.Second} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r, peer := welcomed(t, beating(beat, 0), pipe.Limits{Recv: 1})
					flood(peer, 10)
					peer.Write(frame(0, "more"))
					synctest.Wait()
					test.end(r)
					time.Sleep(lingerTime)
					synctest.Wait()
					if !r.over() {
						peer.Close()
						r.all()
						t.Fatal("the connection lives")
					}
					if r.err != test.want {
						t.Errorf("ended with %v", r.err)
					}
				})
			})
		}
	}
}

// TestNextConnectionAtTheMark: the connection after one that ended at the mark goes on when there is
// room, and is welcomed even before.
func TestNextConnectionAtTheMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := pull()
		cfg.HandshakeTimeout = time.Second
		r, peer := welcomed(t, cfg, pipe.Limits{Recv: 4})
		give(t, peer, script(frame(0, "0"), frame(0, "1"), frame(0, "2"), frame(0, "3")))
		r.conn.Close(ErrShutdown)
		synctest.Wait()
		if !r.over() {
			t.Fatal("the connection lives")
		}
		near, peer := simnet.Pair(simnet.Options{})
		r.start(near, cfg)
		give(t, peer, hello())
		time.Sleep(10 * time.Second)
		if r.over() || r.up() == nil {
			t.Fatalf("the next connection: over %v, up %v", r.over(), r.up())
		}
		give(t, peer, frame(0, "4"))
		for i := range 5 {
			expect(t, r, i)
		}
	})
}

// TestSetLimits: a mark that is raised, or taken away, lets reading go on.
func TestSetLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, peer := welcomed(t, pull(), pipe.Limits{Recv: 1})
		give(t, peer, frame(0, "0"))
		give(t, peer, script(frame(0, "1"), frame(0, "2")))
		if n := r.owner.fq.Waiting(r.pipe); n != 1 {
			t.Fatalf("%d messages wait at a mark of 1", n)
		}
		r.pipe.SetLimits(pipe.Limits{Recv: 3})
		synctest.Wait()
		if n := r.owner.fq.Waiting(r.pipe); n != 3 {
			t.Fatalf("%d messages wait at a mark of 3", n)
		}
		give(t, peer, frame(0, "3"))
		r.pipe.SetLimits(pipe.Limits{})
		synctest.Wait()
		for i := range 4 {
			expect(t, r, i)
		}
	})
}

// TestLargeAtTheMark: large bodies are messages like others.
func TestLargeAtTheMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, peer := welcomed(t, pull(), pipe.Limits{Recv: 2})
		body := string(make([]byte, pipe.Large))
		go func() {
			for range 6 {
				peer.Write(script(frame(wire.FlagMore, body), frame(0, "x")))
			}
		}()
		synctest.Wait()
		if n := r.owner.fq.Waiting(r.pipe); n != 2 {
			t.Errorf("%d messages wait at a mark of 2", n)
		}
		for range 6 {
			if got := r.receive(); len(got) != pipe.Large+2 {
				t.Fatalf("received %d bytes", len(got))
			}
		}
	})
}
