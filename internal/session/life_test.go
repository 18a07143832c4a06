// SPDX-License-Identifier: MPL-2.0

package session

import (
	"context"
	"errors"
	"io"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gzmq/zmq/internal/engine"
	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/security"
	"github.com/gzmq/zmq/internal/wire"
)

// TestLife follows both ends from the first go to the last event.
func TestLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{}
		push, pull := newSocket(t), newSocket(t)
		c := connect(t, push.config("PUSH", n), somewhere)
		if c.Given() != somewhere || c.Name() != somewhere || c.Bound() {
			t.Errorf("%q, %q, bound %v", c.Given(), c.Name(), c.Bound())
		}
		push.send("early")
		synctest.Wait()
		events := push.wantEvents("delayed, retried")
		for _, e := range events {
			if e.Code != int(syscall.ECONNREFUSED) && e.Type == ConnectDelayed || !errors.Is(e.Err, syscall.ECONNREFUSED) {
				t.Errorf("%s with code %d, %v", names[e.Type], e.Code, e.Err)
			}
		}
		if e := events[1]; e.Delay < 75*time.Millisecond || e.Delay > 125*time.Millisecond {
			t.Errorf("the next go is after %v", e.Delay)
		}
		if n, err := c.State(); n != 0 || !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("state %d, %v", n, err)
		}

		b := bind(t, pull.config("PULL", n), "tcp://*:*")
		if b.Given() != "tcp://*:*" || b.Name() != "tcp://bound:1" || !b.Bound() {
			t.Errorf("%q, %q, bound %v", b.Given(), b.Name(), b.Bound())
		}
		pull.want("early")
		push.send("late")
		pull.want("late")
		events = push.wantEvents("connected, succeeded")
		if e := events[1]; e.Peer == nil || e.Peer.SocketType != "PULL" || e.Local != "a" || e.Remote != "b" || e.Endpoint != somewhere {
			t.Errorf("%+v", e)
		}
		events = pull.wantEvents("listening, accepted, succeeded")
		if e := events[2]; e.Peer == nil || e.Peer.SocketType != "PUSH" || e.Local != "b" || e.Remote != "a" || e.Endpoint != "tcp://bound:1" {
			t.Errorf("%+v", e)
		}
		for _, e := range []Endpoint{c, b} {
			if n, err := e.State(); n != 1 || err != nil {
				t.Errorf("state %d, %v", n, err)
			}
		}

		n.last().Cut()
		time.Sleep(50 * time.Millisecond) // nobody may have been reading
		events = push.wantEvents("disconnected, retried")
		if e := events[0]; e.Peer == nil || !errors.Is(e.Err, syscall.ECONNRESET) || e.Code != int(syscall.ECONNRESET) {
			t.Errorf("%+v", e)
		}
		pull.wantEvents("disconnected")
		time.Sleep(time.Second)
		push.wantEvents("connected, succeeded")
		pull.wantEvents("accepted, succeeded")

		b.Stop(within(t, time.Second))
		synctest.Wait()
		pull.wantEvents("closed, closed") // the place, the connection
		pull.gone()
		events = push.wantEvents("disconnected, retried")
		if e := events[0]; !errors.Is(e.Err, io.EOF) {
			t.Errorf("%+v", e)
		}
		time.Sleep(time.Second)
		for _, e := range push.told() {
			if e.Type != ConnectRetried {
				t.Errorf("event %s", names[e.Type])
			}
		}
		c.Stop(over())
		push.wantEvents("")
		push.gone()
	})
}

// TestStopConnected: the connecting end leaves first.
func TestStopConnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{}
		push, pull := newSocket(t), newSocket(t)
		bind(t, pull.config("PULL", n), somewhere)
		c := connect(t, push.config("PUSH", n), somewhere)
		synctest.Wait()
		push.wantEvents("connected, succeeded")
		c.Stop(over())
		push.wantEvents("closed")
		push.gone()
		synctest.Wait()
		pull.wantEvents("listening, accepted, succeeded, disconnected")
		pull.gone()
	})
}

// TestHandshakeEvents wants a typed event for each way in which a handshake may fail.
func TestHandshakeEvents(t *testing.T) {
	g := wire.AppendRest(wire.AppendVersion(wire.AppendSignature(nil)), wire.Greeting{Mechanism: "NULL"})
	ready := func(socketType string) []byte {
		return wire.AppendReady(nil, wire.Metadata{{Name: "Socket-Type", Value: socketType}})
	}
	for _, test := range []struct {
		name  string
		says  []byte
		event string
		code  wire.Code
		err   any
	}{
		{"2.0", append(wire.AppendSignature(nil), 1, 8, 0, 0), "broken", wire.CodeUnspecified, new(*wire.VersionError)},
		{"1.0", []byte{1, 0}, "broken", wire.CodeUnspecified, new(*wire.VersionError)},
		{"mechanism", append(g[:12:12], append([]byte("CURVE"), g[17:]...)...), "broken", wire.CodeMechanismMismatch, new(*wire.Error)},
		{"type", append(g, ready("SUB")...), "broken", wire.CodeInvalidMetadata, new(*engine.IncompatibleError)},
		{"message", append(g, 0, 0), "broken", wire.CodeUnexpectedCommand, new(*wire.Error)},
		{"ERROR", append(g, wire.AppendError(nil, "no")...), "refused", 0, new(*security.Refusal)},
		{"end", g, "failed", 0, nil},
		{"silence", g, "failed", 0, nil},
		{"broken later", append(append(g, ready("PUSH")...), 0x80, 0), "succeeded, disconnected", wire.CodeMalformedMessage, new(*wire.Error)},
		{"ERROR later", append(append(g, ready("PUSH")...), wire.AppendError(nil, "no")...), "succeeded, disconnected", 0, new(*security.Refusal)},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n, s := &network{}, newSocket(t)
				bind(t, s.config("PULL", n), somewhere)
				nc, _ := n.dial(context.Background())
				nc.Write(test.says)
				if test.name == "end" {
					nc.Close()
				}
				if test.name == "silence" {
					time.Sleep(30 * time.Second)
				}
				synctest.Wait()
				events := s.wantEvents("listening, accepted, " + test.event)
				e := events[len(events)-1]
				if test.err != nil && (e.Code != int(test.code) || !errors.As(e.Err, test.err)) {
					t.Errorf("code %#x, %v", e.Code, e.Err)
				}
				broken := test.event == "broken" || test.name == "broken later"
				if e.ProtocolError() != broken {
					t.Errorf("a protocol error: %v", e.ProtocolError())
				}
				if test.name == "silence" && !errors.Is(e.Err, engine.ErrHandshakeTimeout) {
					t.Errorf("ended with %v", e.Err)
				}
				s.gone()
			})
		})
	}
}

// TestRefusedByOwner: what Up says ends the connection.
func TestRefusedByOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, push, pull := &network{}, newSocket(t), newSocket(t)
		pull.refuse = errors.New("not you")
		bind(t, pull.config("PULL", n), somewhere)
		c := connect(t, push.config("PUSH", n), somewhere)
		synctest.Wait()
		if events := pull.wantEvents("listening, accepted, failed"); events[2].Err != pull.refuse {
			t.Errorf("failed with %v", events[2].Err)
		}
		pull.gone()
		c.Stop(over())
		push.gone()
	})
}

var _ pipe.Owner = (*socket)(nil)
