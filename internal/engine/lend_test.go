// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/route"
	"github.com/gzmq/zmq/internal/simnet"
	"github.com/gzmq/zmq/internal/wire"
)

// received is how a Recv ended.
type received struct {
	text string
	err  error
	took time.Duration
}

// recv waits for a message on another goroutine.
func (r *rig) recv(ctx context.Context, limit time.Duration) <-chan received {
	c := make(chan received, 1)
	began := time.Now()
	go func() {
		var m pipe.Message
		ok, err := r.owner.fq.TryInto(&m)
		if !ok && err == nil {
			err = r.owner.fq.Recv(ctx, route.Limit{Duration: limit}, &m, false)
		}
		c <- received{text(&m), err, time.Since(began)}
	}()
	synctest.Wait()
	return c
}

// lent is a connection whose right to read a Recv has, and that Recv.
func lent(t *testing.T, cfg Config, ctx context.Context, limit time.Duration) (*rig, *simnet.Conn, <-chan received) {
	t.Helper()
	r, peer := welcomed(t, cfg)
	first := r.recv(context.Background(), -1)
	give(t, peer, frame(0, "first"))
	if got := <-first; got.text != "first" {
		t.Fatalf("received %q, %v", got.text, got.err)
	}
	synctest.Wait()
	if r.conn.right.state.Load() != rightIdle {
		t.Fatal("the right to read does not lie idle")
	}
	c := r.recv(ctx, limit)
	if r.conn.right.state.Load() != rightLent {
		t.Fatal("the right to read was not lent")
	}
	return r, peer, c
}

// TestLent: one that waits again and again reads for itself, and gets everything in order.
func TestLent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, peer, c := lent(t, pull(), context.Background(), -1)
		for i := range 100 {
			says := frame(0, fmt.Sprint(i))
			switch i % 5 {
			case 1: // in two pieces
				give(t, peer, says[:1])
				says = says[1:]
			case 2: // with another behind it
				says = append(says, frame(0, "behind")...)
			case 3: // with a PING before it
				says = append(wire.AppendPing(nil, 0, nil), says...)
			case 4: // after a pause
				time.Sleep(lookBack * 3)
			}
			give(t, peer, says)
			if got := <-c; got.text != fmt.Sprint(i) {
				t.Fatalf("received %q, %v, want %d", got.text, got.err, i)
			}
			if i%5 == 2 {
				expectText(t, r, "behind")
			}
			c = r.recv(context.Background(), -1)
		}
		give(t, peer, frame(0, "end"))
		<-c
		if n := bytes.Count(heard(t, peer), []byte("PONG")); n != 20 {
			t.Errorf("%d PONGs", n)
		}
	})
}

func expectText(t *testing.T, r *rig, want string) {
	t.Helper()
	if got := r.receive(); got != want {
		t.Fatalf("received %q, want %q", got, want)
	}
}

// TestLentLimit: a Recv's own limit holds, whatever else the clock of the connection has to do.
func TestLentLimit(t *testing.T) {
	const limit = 3500 * time.Millisecond
	for name, test := range map[string]struct {
		cfg  Config
		says []byte // after a second
	}{
		"no heartbeat":           {pull(), nil},
		"heartbeat":              {beating(time.Second, 0), nil},
		"longer heartbeat":       {beating(time.Minute, 0), nil},
		"PING":                   {pull(), wire.AppendPing(nil, 0, nil)},
		"PING with a TTL":        {pull(), wire.AppendPing(nil, 600, nil)},
		"PING with a short TTL":  {pull(), wire.AppendPing(nil, 30, nil)},
		"half a message":         {pull(), frame(0, "x")[:2]},
		"half a message, MORE":   {beating(time.Second, 0), frame(wire.FlagMore, "x")},
		"PING and longer beat":   {beating(time.Minute, 0), wire.AppendPing(nil, 600, nil)},
		"PONG and shorter beat":  {beating(100*time.Millisecond, 0), wire.AppendPong(nil, nil)},
		"heartbeat with timeout": {beating(3*time.Second, 10*time.Second), nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, peer, c := lent(t, test.cfg, context.Background(), limit)
				time.Sleep(time.Second)
				if test.says != nil {
					give(t, peer, test.says)
				}
				if got := <-c; got.err != route.ErrTimeout || got.took != limit {
					t.Errorf("received %q, %v, after %v", got.text, got.err, got.took)
				}
				if r.over() {
					t.Errorf("ended with %v", r.err)
				}
			})
		})
	}
}

// TestLentCancelled: a Recv that is cancelled leaves the message to the next one.
func TestLentCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		r, peer, c := lent(t, pull(), ctx, -1)
		half := frame(0, "message")
		give(t, peer, half[:4])
		cancel()
		if got := <-c; got.err != context.Canceled {
			t.Fatalf("received %q, %v", got.text, got.err)
		}
		for range 3 { // again, with and without the own goroutine having taken over
			give(t, peer, half[4:])
			expectText(t, r, "message")
			time.Sleep(3 * lookBack)
			give(t, peer, half[:4])
		}
	})
}

// TestLentEnds: whatever ends the connection ends it while a Recv reads it or nobody does, and the
// Recv goes on waiting for another peer.
func TestLentEnds(t *testing.T) {
	failed := errors.New("failed")
	for name, test := range map[string]struct {
		end  func(r *rig, peer *simnet.Conn)
		want error // nil: any
	}{
		"peer closes":  {func(r *rig, peer *simnet.Conn) { peer.Close() }, nil},
		"cut":          {func(r *rig, peer *simnet.Conn) { peer.Cut() }, nil},
		"Close":        {func(r *rig, peer *simnet.Conn) { r.conn.Close(failed) }, failed},
		"Shutdown":     {func(r *rig, peer *simnet.Conn) { r.conn.Shutdown() }, ErrShutdown},
		"hostile peer": {func(r *rig, peer *simnet.Conn) { peer.Write([]byte{0x40, 0}) }, nil},
		"Renew":        {func(r *rig, peer *simnet.Conn) { r.pipe.Renew(failed) }, failed},
	} {
		for _, idle := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s idle=%v", name, idle), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancel(context.Background())
					r, peer, c := lent(t, pull(), ctx, -1)
					if idle {
						give(t, peer, frame(0, "second"))
						<-c
						synctest.Wait()
					}
					test.end(r, peer)
					time.Sleep(time.Second)
					if !r.over() {
						t.Fatal("the connection lives")
					}
					if test.want != nil && r.err != test.want {
						t.Errorf("ended with %v", r.err)
					}
					if idle {
						c = r.recv(ctx, -1)
					}
					select {
					case got := <-c:
						t.Errorf("received %q, %v", got.text, got.err)
					default:
					}
					cancel()
					<-c
				})
			})
		}
	}
}

// TestLentToOne: the connection is one of several as soon as there is another.
func TestLentToOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, peer, c := lent(t, pull(), context.Background(), -1)
		near, far := simnet.Pair(simnet.Options{})
		second := &rig{t: t, owner: r.owner, pipe: pipe.New(r.owner, pipe.Limits{}, false)}
		r.owner.Attached(second.pipe)
		second.start(near, pull())
		give(t, far, append(hello(), frame(0, "from the second")...))
		if got := <-c; got.text != "from the second" {
			t.Fatalf("received %q, %v", got.text, got.err)
		}
		// And two that wait at once both get theirs, from whichever.
		one, two := r.recv(context.Background(), -1), r.recv(context.Background(), -1)
		give(t, peer, frame(0, "a"))
		give(t, far, frame(0, "b"))
		all := []string{(<-one).text, (<-two).text}
		if slices.Sort(all); !slices.Equal(all, []string{"a", "b"}) {
			t.Errorf("received %q", all)
		}
	})
}

// TestLentToMany: of several that wait, nobody is left waiting beside a message.
func TestLentToMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, peer, c := lent(t, pull(), context.Background(), -1)
		waiting := []<-chan received{c}
		for range 4 {
			waiting = append(waiting, r.recv(context.Background(), -1))
		}
		give(t, peer, bytes.Repeat(frame(0, "x"), 5))
		for i, c := range waiting {
			select {
			case got := <-c:
				if got.err != nil {
					t.Error(got.err)
				}
			default:
				t.Fatalf("number %d still waits", i)
			}
		}
	})
}

// TestNotLentBesideWaiters: while somebody waits without reading, the own goroutine reads: a message
// is there at once, not when somebody looks back.
func TestNotLentBesideWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, peer := welcomed(t, pull())
		for range 5 {
			for _, n := range []int{1, 2, 5, 1} {
				var waiting []<-chan received
				for range n {
					waiting = append(waiting, r.recv(context.Background(), -1))
				}
				began := time.Now()
				for range n {
					give(t, peer, frame(0, "x"))
				}
				for i, c := range waiting {
					if got := <-c; got.err != nil || time.Since(began) > 0 {
						t.Fatalf("number %d of %d: %v, after %v", i, n, got.err, time.Since(began))
					}
				}
			}
		}
	})
}

// TestLentClosed: closing the socket ends the Recv that reads.
func TestLentClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := errors.New("closed")
		r, _, c := lent(t, pull(), context.Background(), -1)
		r.owner.fq.Close(closed)
		synctest.Wait()
		select {
		case got := <-c:
			if got.err != closed {
				t.Errorf("ended with %v", got.err)
			}
		default:
			t.Error("Recv goes on")
		}
	})
}

// TestIdleAnswers: a PING that comes while nobody reads is answered soon, and heartbeats go on.
func TestIdleAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, peer, c := lent(t, beating(time.Second, time.Second), context.Background(), -1)
		give(t, peer, frame(0, "second"))
		<-c
		synctest.Wait()
		heard(t, peer)
		give(t, peer, wire.AppendPing(nil, 0, nil))
		time.Sleep(2 * lookBack)
		if said := heard(t, peer); !bytes.Contains(said, []byte("PONG")) {
			t.Errorf("answered with %q", said)
		}
		for range 5 {
			time.Sleep(time.Second)
			if said := heard(t, peer); bytes.Count(said, []byte("PING")) != 1 {
				t.Errorf("told %q within a second", said)
			}
			give(t, peer, wire.AppendPong(nil, nil))
		}
		if err := r.end(); err != ErrSilent {
			t.Errorf("ended with %v", err)
		}
	})
}
