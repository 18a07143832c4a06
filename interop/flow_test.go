// SPDX-License-Identifier: MPL-2.0

package interop

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gzmq/zmq/internal/wire"
)

// flow sends one batch from PUSH to PULL, ours on either side, and either side binding.
func flow(t *testing.T, b Batch, options ...string) {
	for _, pair := range pairs {
		for _, transport := range transports {
			for _, binds := range []string{"PUSH", "PULL"} {
				t.Run(fmt.Sprintf("%s-%s/%s/%s binds", pair[0], pair[1], transport, binds), func(t *testing.T) {
					push := open(t, pair[0], "PUSH", options...)
					pull := open(t, pair[1], "PULL", options...)
					if binds == "PUSH" {
						join(t, transport, push, pull)
					} else {
						join(t, transport, pull, push)
					}
					must(t, both(func() error { return push.Send(b) }, func() error { return pull.Recv(b) }))
					must(t, push.Close())
					must(t, pull.Close())
				})
			}
		}
	}
}

// TestManyMessages sends more messages than any queue on the way holds, every one in its place.
func TestManyMessages(t *testing.T) {
	flow(t, Batch{First: 1, Count: 100_000, Size: 64, Parts: 1, Hops: -1})
}

// TestHighWaterMarkOfOne sends through queues of a single message: each waits for the one before,
// none is lost and none overtakes.
func TestHighWaterMarkOfOne(t *testing.T) {
	b := Batch{First: 1, Count: 2000, Size: 64, Parts: 3, Hops: -1}
	flow(t, b, "SNDHWM=1", "RCVHWM=1")
}

// TestHeartbeat lets libzmq ping an idle connection of ours. A wire tap counts our PONGs: after
// several the connection is the same one still, and messages pass.
func TestHeartbeat(t *testing.T) {
	options := []string{"HEARTBEAT_IVL=20", "HEARTBEAT_TIMEOUT=10000", "HEARTBEAT_TTL=10000"}
	b := Batch{First: 1, Count: 10, Size: 100, Parts: 2, Hops: -1}
	for _, kind := range kinds {
		t.Run(kind+" connects", func(t *testing.T) {
			pull, push := openOurs(t, "PULL"), openPeer(t, kind, "PUSH", options...)
			bound, err := pull.Bind("tcp://127.0.0.1:*")
			must(t, err)
			tap := openTap(t, bound, true)
			must(t, push.Connect(tap.endpoint))
			tap.waitPongs(t, 5)
			must(t, push.Send(b))
			must(t, pull.Recv(b))
			tap.wantOneConnection(t)
		})
		t.Run(kind+" binds", func(t *testing.T) {
			push, pull := openOurs(t, "PUSH"), openPeer(t, kind, "PULL", options...)
			bound, err := pull.Bind("tcp://127.0.0.1:*")
			must(t, err)
			tap := openTap(t, bound, false)
			must(t, push.Connect(tap.endpoint))
			tap.waitPongs(t, 5)
			must(t, push.Send(b))
			must(t, pull.Recv(b))
			tap.wantOneConnection(t)
		})
	}
}

// A tap stands between two sides, passes every byte on, and reads along what ours sends.
type tap struct {
	endpoint string
	accepted chan struct{} // one for each connection
	pongs    chan struct{} // one for each PONG
}

// openTap listens in front of target. weListen says which direction is ours: the one away from
// target.
func openTap(t *testing.T, target string, weListen bool) *tap {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { listener.Close() })
	tap := &tap{
		endpoint: "tcp://" + listener.Addr().String(),
		accepted: make(chan struct{}, 100),
		pongs:    make(chan struct{}, 10_000),
	}
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			tap.accepted <- struct{}{}
			go tap.serve(near, strings.TrimPrefix(target, "tcp://"), weListen)
		}
	}()
	return tap
}

func (tap *tap) serve(near net.Conn, target string, weListen bool) {
	defer near.Close()
	far, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer far.Close()
	ours, theirs := near, far
	if weListen {
		ours, theirs = far, near
	}
	go func() {
		io.Copy(ours, theirs)
		ours.Close()
	}()
	tap.read(io.TeeReader(ours, theirs))
}

// read cuts what we send into frames, for as long as we send.
func (tap *tap) read(from io.Reader) {
	const greeting = 64 // 37/ZMTP, Greeting
	r := bufio.NewReader(from)
	if _, err := io.CopyN(io.Discard, r, greeting); err != nil {
		return
	}
	for {
		head, err := r.Peek(2)
		if err == nil && head[0]&wire.FlagLong != 0 {
			head, err = r.Peek(wire.MaxHeader)
		}
		if err != nil {
			return
		}
		flags, n, size, err := wire.ParseHeader(head)
		if err != nil {
			return
		}
		frame := make([]byte, size+n)
		if _, err := io.ReadFull(r, frame); err != nil {
			return
		}
		if flags&wire.FlagCommand != 0 && bytes.HasPrefix(frame[size:], []byte("\x04PONG")) {
			tap.pongs <- struct{}{}
		}
	}
}

func (tap *tap) waitPongs(t *testing.T, n int) {
	t.Helper()
	hung := time.After(patience)
	for i := range n {
		select {
		case <-tap.pongs:
		case <-hung:
			t.Fatalf("%d PONGs, want %d", i, n)
		}
	}
}

func (tap *tap) wantOneConnection(t *testing.T) {
	t.Helper()
	if n := len(tap.accepted); n != 1 {
		t.Errorf("%d connections, want the first one only", n)
	}
}
