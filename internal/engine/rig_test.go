// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/route"
	"github.com/gzmq/zmq/internal/security"
	"github.com/gzmq/zmq/internal/simnet"
	"github.com/gzmq/zmq/internal/wire"
)

// owner is a socket as far as an engine can see.
type owner struct {
	fq *route.FairQueue
	lb *route.LoadBalancer

	mu       sync.Mutex
	commands []string // guarded by mu
}

func newOwner() *owner { return &owner{fq: route.NewFairQueue(), lb: route.NewLoadBalancer()} }

func (o *owner) Attached(p *pipe.Pipe) {
	o.fq.Attach(p)
	o.lb.Attach(p)
}
func (o *owner) Up(*pipe.Pipe, *pipe.Peer) error { return nil }
func (o *owner) Delivered(p *pipe.Pipe)          { o.fq.Delivered(p) }
func (o *owner) Writable(p *pipe.Pipe)           { o.lb.Writable(p) }
func (o *owner) Down(*pipe.Pipe, *pipe.Peer)     {}
func (o *owner) Detached(*pipe.Pipe)             {}
func (o *owner) Command(_ *pipe.Pipe, kind wire.Kind, body []byte) {
	o.mu.Lock()
	o.commands = append(o.commands, kind.String()+" "+string(body))
	o.mu.Unlock()
}

// rig is one connection under test: the engine with its pipe and a reader above it.
type rig struct {
	t     *testing.T
	owner *owner
	pipe  *pipe.Pipe
	conn  *Conn
	ended chan struct{} // closed when Run is over
	err   error         // what Run returned

	mu   sync.Mutex
	peer *pipe.Peer // guarded by mu: whom Ready was told of
}

// pull is the configuration of a PULL without limits.
func pull() Config {
	return Config{SocketType: "PULL", Mechanism: security.Null{}, MaxSize: -1}
}

// newRig runs a connection on nc. The pipe's marks are no limit unless limits are given.
func newRig(t *testing.T, nc net.Conn, cfg Config, limits ...pipe.Limits) *rig {
	r := &rig{t: t, owner: newOwner()}
	limits = append(limits, pipe.Limits{})
	r.pipe = pipe.New(r.owner, limits[0], false)
	r.owner.Attached(r.pipe)
	r.start(nc, cfg)
	return r
}

// start runs a connection below the pipe; the one before it has ended.
func (r *rig) start(nc net.Conn, cfg Config) {
	cfg.Pipe = r.pipe
	ready := cfg.Ready
	cfg.Ready = func(p *pipe.Peer) error {
		r.mu.Lock()
		r.peer = p
		r.mu.Unlock()
		if ready != nil {
			return ready(p)
		}
		return nil
	}
	conn, ended := NewConn(nc, cfg), make(chan struct{})
	r.conn, r.ended, r.err, r.peer = conn, ended, nil, nil
	go func() {
		r.err = conn.Run()
		close(ended)
	}()
	r.t.Cleanup(func() {
		conn.Close(ErrShutdown)
		<-ended
	})
}

// up is the peer once the handshake is done, nil before.
func (r *rig) up() *pipe.Peer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.peer
}

// end waits until the connection has ended and returns why.
func (r *rig) end() error {
	r.t.Helper()
	<-r.ended
	return r.err
}

// over reports whether the connection has ended.
func (r *rig) over() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// close ends the connection from this side.
func (r *rig) close() {
	r.conn.Close(ErrShutdown)
	<-r.ended
}

// send queues a message and wants it taken.
func (r *rig) send(parts ...string) {
	r.t.Helper()
	if got := r.trySend(parts...); got != pipe.Sent && got != pipe.Paced {
		r.t.Fatalf("Send answered %d", got)
	}
}

func (r *rig) trySend(parts ...string) pipe.Result {
	bodies := make([][]byte, len(parts))
	for i, part := range parts {
		bodies[i] = []byte(part)
	}
	return r.pipe.Send(nil, bodies)
}

// receive waits for the next message and joins its parts with "|".
func (r *rig) receive() string {
	r.t.Helper()
	var m pipe.Message
	if err := r.receiveInto(&m); err != nil {
		r.t.Fatalf("nothing was received: %v", err)
	}
	return text(&m)
}

func (r *rig) receiveInto(m *pipe.Message) error {
	if ok, err := r.owner.fq.TryInto(m); ok || err != nil {
		return err
	}
	return r.owner.fq.Recv(context.Background(), route.Limit{Duration: time.Minute}, m, false)
}

// tryReceive takes a message that is there; it reports false for none.
func (r *rig) tryReceive() (string, bool) {
	var m pipe.Message
	ok, err := r.owner.fq.TryInto(&m)
	if err != nil {
		r.t.Fatal(err)
	}
	return text(&m), ok
}

// all takes all messages that are there.
func (r *rig) all() (messages []string) {
	for {
		m, ok := r.tryReceive()
		if !ok {
			return messages
		}
		messages = append(messages, m)
	}
}

func text(m *pipe.Message) string {
	var parts []string
	for i := range m.Len() {
		parts = append(parts, string(m.Part(i)))
	}
	return strings.Join(parts, "|")
}

// bare hides what a simnet.Conn can do besides net.Conn's methods.
type bare struct{ net.Conn }

// greeting is a peer's greeting with a mechanism and the minor version.
func greeting(mechanism string, minor byte) []byte {
	b := wire.AppendRest(wire.AppendVersion(wire.AppendSignature(nil)), wire.Greeting{Mechanism: mechanism})
	b[11] = minor
	return b
}

// ready is the READY of a socket type.
func ready(socketType string) []byte {
	return wire.AppendReady(nil, wire.Metadata{{Name: "Socket-Type", Value: socketType}})
}

// hello is all that a peer says to a PULL in a handshake with NULL.
func hello() []byte { return append(greeting("NULL", 1), ready("PUSH")...) }

// frame is a message frame.
func frame(flags byte, body string) []byte {
	return append(wire.AppendHeader(nil, flags, len(body)), body...)
}

// script joins byte slices.
func script(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// give writes b to the connection under test and waits until everything stands still.
func give(t *testing.T, peer io.Writer, b []byte) {
	t.Helper()
	if _, err := peer.Write(b); err != nil {
		t.Fatalf("write: %v", err)
	}
	synctest.Wait()
}

// heard reads what the connection under test has written until now.
func heard(t *testing.T, peer net.Conn) []byte {
	t.Helper()
	synctest.Wait()
	peer.SetReadDeadline(time.Now().Add(time.Nanosecond))
	b, err := io.ReadAll(peer)
	peer.SetReadDeadline(time.Time{})
	var netErr net.Error
	if err != nil && !(errors.As(err, &netErr) && netErr.Timeout()) {
		t.Logf("read: %v", err)
	}
	return b
}

// raw is a connection under test and the peer that the test plays.
func raw(t *testing.T, cfg Config, limits ...pipe.Limits) (*rig, *simnet.Conn) {
	near, far := simnet.Pair(simnet.Options{Buffer: 1 << 20})
	return newRig(t, near, cfg, limits...), far
}

// welcomed is raw after the handshake, of which the peer has read all.
func welcomed(t *testing.T, cfg Config, limits ...pipe.Limits) (*rig, *simnet.Conn) {
	t.Helper()
	r, peer := raw(t, cfg, limits...)
	give(t, peer, hello())
	if r.up() == nil {
		t.Fatal("no handshake")
	}
	heard(t, peer)
	return r, peer
}
