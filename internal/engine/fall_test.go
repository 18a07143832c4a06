// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/security"
	"github.com/gzmq/zmq/internal/security/securitytest"
	"github.com/gzmq/zmq/internal/simnet"
	"github.com/gzmq/zmq/internal/wire"
)

// listener is a far end that reads what a DEALER under test sends, sealed or not.
type listener struct {
	t      *testing.T
	nc     *simnet.Conn
	sealed *sealedPeer // nil: NULL
}

// listen plays the far end's handshake.
func listen(t *testing.T, nc *simnet.Conn, sealed bool) *listener {
	t.Helper()
	if sealed {
		return &listener{t, nc, newSealedPeerOf(t, nc, "DEALER")}
	}
	nc.Write(append(greeting("NULL", 1), ready("DEALER")...))
	if _, err := io.ReadFull(nc, make([]byte, 64)); err != nil {
		t.Fatal(err)
	}
	readFrame(t, nc) // READY
	return &listener{t, nc, nil}
}

// message reads one whole message.
func (l *listener) message() string {
	l.t.Helper()
	var parts []string
	for {
		var flags byte
		var body string
		if l.sealed != nil {
			flags, body = l.sealed.opened()
		} else {
			var b []byte
			flags, b = readFrame(l.t, l.nc)
			body = string(b)
		}
		parts = append(parts, body)
		if flags&wire.FlagMore == 0 {
			return strings.Join(parts, "|")
		}
	}
}

// numbered is a message that says which one it is, in every part; its shape depends on it too.
func numbered(i int) []string {
	all := messages(300)
	parts := slices.Clone(all[i%len(all)])
	for j := range parts {
		parts[j] = fmt.Sprint(i, ".", j, ":", parts[j])
	}
	if i == 40 {
		parts = append(parts, strings.Repeat("L", pipe.Large+i))
	}
	return parts
}

// onWire is how many bytes a message has on the wire.
func onWire(parts []string, overhead int) (n int) {
	for _, part := range parts {
		n += wire.HeaderLen(len(part)+overhead) + len(part) + overhead
	}
	return n
}

// TestFall cuts connections after any number of bytes: the next one begins with the first message of
// which the network had not seen a byte.
func TestFall(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		for _, tries := range []bool{true, false} {
			for read := 0; read < 94_000; read += 1499 {
				synctest.Test(t, func(t *testing.T) { fall(t, sealed, tries, read) })
			}
		}
	}
}

func fall(t *testing.T, sealed, tries bool, read int) {
	const room, n = 700, 120
	cfg, overhead := Config{SocketType: "DEALER", Mechanism: security.Null{}, MaxSize: -1}, 0
	if sealed {
		cfg.Mechanism, overhead = &securitytest.Mechanism{Server: true, Key: "k"}, securitytest.Overhead
	}
	connect := func() (net.Conn, *simnet.Conn) {
		near, far := simnet.Pair(simnet.Options{Buffer: room})
		if !tries {
			return bare{near}, far
		}
		return near, far
	}
	near, far := connect()
	r := &rig{t: t, owner: newOwner()}
	r.pipe = pipe.New(r.owner, pipe.Limits{}, true)
	r.owner.Attached(r.pipe)
	r.start(near, cfg)
	listen(t, far, sealed)

	total := 0
	var starts []int
	for i := range n {
		starts = append(starts, total)
		total += onWire(numbered(i), overhead)
		r.send(numbered(i)...)
	}
	if read+room > total {
		t.Fatalf("%d bytes are too few", total)
	}
	if _, err := io.ReadFull(far, make([]byte, read)); err != nil {
		t.Fatal(err)
	}
	synctest.Wait() // the network is full again
	far.Cut()
	if err := r.end(); err == nil {
		t.Fatal("no error")
	}
	first, _ := slices.BinarySearch(starts, read+room)
	near, far = connect()
	r.start(near, cfg)
	l := listen(t, far, sealed)
	for i := first; i < n; i++ {
		if got := l.message(); got != join(numbered(i)) {
			t.Fatalf("sealed=%v tries=%v: cut after %d bytes: got %.40q, want message %d", sealed, tries, read, got, i)
		}
	}
	r.pipe.Drain(context.Background())
	c := r.pipe.Counts()
	sent := uint64(n - first)
	for i := range first {
		if starts[i]+onWire(numbered(i), overhead) <= read+room {
			sent++ // the network had all of it
		}
	}
	if c.SentMessages != sent || c.Unsent != n-sent || c.SendQueue != 0 || r.pipe.Unsent() != 0 {
		t.Errorf("sealed=%v tries=%v: cut after %d bytes: counts %+v, want %d sent and %d not", sealed, tries, read, c, sent, n-sent)
	}
}

// TestFallOfAccepted: the queue of an accepted peer ends with its connection, and is counted.
func TestFallOfAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := simnet.Pair(simnet.Options{Buffer: 1000})
		r := newRig(t, near, Config{SocketType: "DEALER", Mechanism: security.Null{}, MaxSize: -1})
		l := listen(t, far, false)
		for range 1000 {
			r.send("0123456789")
		}
		for range 10 {
			l.message()
		}
		far.Close()
		r.end()
		if c := r.pipe.Counts(); c.SentMessages+c.Unsent != 1000 || c.SentMessages > 200 || c.SendQueue != 0 {
			t.Errorf("counts %+v", c)
		}
		if err := r.pipe.Drain(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// TestShutdown delivers to a slow reader all that was written.
func TestShutdown(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		for _, tries := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				cfg := Config{SocketType: "DEALER", Mechanism: security.Null{}, MaxSize: -1}
				if sealed {
					cfg.Mechanism = &securitytest.Mechanism{Server: true, Key: "k"}
				}
				near, far := simnet.Pair(simnet.Options{Buffer: 50_000, Latency: 10 * time.Millisecond})
				var nc net.Conn = near
				if !tries {
					nc = bare{near}
				}
				r := newRig(t, nc, cfg)
				l := listen(t, far, sealed)
				const n = 100
				for i := range n {
					r.send(numbered(i)...)
				}
				done := make(chan struct{})
				go func() {
					defer close(done)
					r.pipe.End()
					r.pipe.Drain(context.Background())
					r.conn.Shutdown()
					if err := r.end(); err != ErrShutdown {
						t.Errorf("ended with %v", err)
					}
				}()
				for i := range n {
					time.Sleep(20 * time.Millisecond)
					if got := l.message(); got != join(numbered(i)) {
						t.Fatalf("got %.40q, want message %d", got, i)
					}
				}
				if b, err := io.ReadAll(far); len(b) > 0 || err != nil {
					t.Errorf("at the end: %q, %v", b, err)
				}
				<-done
			})
		}
	}
}

// TestShutdownIsBounded: a peer that neither reads nor closes holds nobody up.
func TestShutdownIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, peer := welcomed(t, pull())
		silent := make(chan struct{})
		go func() { // and talks all the time
			defer close(silent)
			for {
				if _, err := peer.Write(frame(0, "x")); err != nil {
					return
				}
				time.Sleep(time.Millisecond)
			}
		}()
		time.Sleep(time.Second)
		began := time.Now()
		r.conn.Shutdown()
		if err := r.end(); err != ErrShutdown || time.Since(began) != lingerTime {
			t.Errorf("ended after %v with %v", time.Since(began), err)
		}
		<-silent
	})
}

// TestFirstErrorStays, whatever follows from it.
func TestFirstErrorStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := errors.New("first"), errors.New("second")
		r, peer := welcomed(t, pull())
		r.conn.Close(first)
		r.conn.Close(second)
		r.conn.Shutdown()
		peer.Close()
		if err := r.end(); err != first || r.conn.Err() != first {
			t.Errorf("ended with %v", err)
		}
	})
}
