// SPDX-License-Identifier: MPL-2.0

package session

import (
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gzmq/zmq/internal/engine"
	"github.com/gzmq/zmq/internal/pipe"
)

// inproc is the configuration of a socket type in a context's names.
func (s *socket) inproc(socketType string, names *Names) Config {
	cfg := s.config(socketType, nil)
	cfg.Names = names
	return cfg
}

// clean wants nothing in the names any more.
func (n *Names) clean(t *testing.T) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.bound)+len(n.waiting) > 0 {
		t.Errorf("names are left: %v, %v", n.bound, n.waiting)
	}
}

const room = "inproc://room"

// TestInproc goes both ways, whoever comes first.
func TestInproc(t *testing.T) {
	for _, first := range []string{"bind", "connect"} {
		t.Run(first, func(t *testing.T) {
			var names Names
			a, b := newSocket(t), newSocket(t)
			in, out := a.inproc("DEALER", &names), b.inproc("DEALER", &names)
			in.RoutingID = "binder"
			var c, l Endpoint
			if first == "bind" {
				l = bind(t, in, room)
				c = connect(t, out, room)
			} else {
				c = connect(t, out, room)
				if n, err := c.State(); n != 0 || err != nil {
					t.Errorf("state %d, %v", n, err)
				}
				b.send("early")
				l = bind(t, in, room)
				a.want("early")
			}
			b.send("to the binder", "", strings.Repeat("x", pipe.Own))
			a.want("to the binder||" + strings.Repeat("x", pipe.Own))
			a.send("back")
			b.want("back")
			events := b.wantEvents("connected, succeeded")
			if p := events[1].Peer; p == nil || p.SocketType != "DEALER" || p.RoutingID != "binder" || events[1].Remote != room {
				t.Errorf("%+v", events[1])
			}
			a.wantEvents("listening, accepted, succeeded")
			for _, e := range []Endpoint{c, l} {
				if n, err := e.State(); n != 1 || err != nil || e.Name() != room || e.Given() != room {
					t.Errorf("%s: state %d, %v", e.Name(), n, err)
				}
			}
			c.Stop(over())
			b.wantEvents("closed")
			b.gone()
			a.wantEvents("disconnected")
			a.gone()
			l.Stop(over())
			a.wantEvents("closed")
			names.clean(t)
		})
	}
}

// TestInprocTaken: a name has one binder, and is free after it.
func TestInprocTaken(t *testing.T) {
	var names Names
	a, b := newSocket(t), newSocket(t)
	first := bind(t, a.inproc("PULL", &names), room)
	if e, err := Bind(b.inproc("PULL", &names), room); !errors.Is(err, syscall.EADDRINUSE) || e != nil {
		t.Errorf("the second Bind: %v, %v", e, err)
	}
	b.wantEvents("bind failed")
	bind(t, b.inproc("PULL", &names), "inproc://another")
	if first.Withdraw(over()) {
		t.Error("a binder without peers stays")
	}
	second := bind(t, b.inproc("PULL", &names), room)
	first.Stop(over()) // does not take away what is another's now
	push := newSocket(t)
	connect(t, push.inproc("PUSH", &names), room)
	push.send("x")
	b.want("x")
	a.wantEvents("listening, closed")
	second.Stop(over())
	b.gone()
}

// TestInprocWithdraw: the name is free, and who is connected stays so.
func TestInprocWithdraw(t *testing.T) {
	var names Names
	pull, push, next := newSocket(t), newSocket(t), newSocket(t)
	b := bind(t, pull.inproc("PULL", &names), room)
	connect(t, push.inproc("PUSH", &names), room)
	if !b.Withdraw(over()) {
		t.Error("a binder with a peer goes")
	}
	push.send("still there")
	pull.want("still there")
	bind(t, next.inproc("PULL", &names), room)
	push.send("and still")
	pull.want("and still")
	b.Stop(over())
	push.send("to the next")
	next.want("to the next")
	pull.gone()
	pull.wantEvents("listening, accepted, succeeded, closed")
}

// TestInprocNextBinder: what nobody has taken goes to the next binder, any number of times.
func TestInprocNextBinder(t *testing.T) {
	var names Names
	push := newSocket(t)
	c := connect(t, push.inproc("PUSH", &names), room)
	push.send("0")
	for i := range 5 {
		pull := newSocket(t)
		b := bind(t, pull.inproc("PULL", &names), room)
		pull.want(numbers(i, i+1)...)
		b.Stop(over())
		pull.gone()
		push.send(numbers(i+1, i+2)...)
		push.wantEvents("connected, succeeded, disconnected")
	}
	c.Stop(over())
	if push.counts.Unsent != 1 {
		t.Errorf("counts %+v", push.counts)
	}
	push.gone()
	names.clean(t)
}

// TestInprocLeft: what one end has sent before it left the other still receives.
func TestInprocLeft(t *testing.T) {
	for _, leaves := range []string{"binder", "connector", "both"} {
		t.Run(leaves, func(t *testing.T) {
			var names Names
			a, b := newSocket(t), newSocket(t)
			l, c := bind(t, a.inproc("DEALER", &names), room), connect(t, b.inproc("DEALER", &names), room)
			want := numbers(0, 100)
			for _, m := range want {
				a.send(m)
				b.send(m)
			}
			if leaves != "connector" {
				l.Stop(over())
			}
			if leaves != "binder" {
				c.Stop(over())
			}
			if got := b.all(); leaves != "connector" && !slices.Equal(got, want) {
				t.Errorf("the connector received %d messages", len(got))
			}
			if got := a.all(); leaves == "connector" && !slices.Equal(got, want) {
				t.Errorf("the binder received %d messages", len(got))
			}
		})
	}
}

// TestInprocStopWaits for a binder, as long as there is time.
func TestInprocStopWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var names Names
		push, pull := newSocket(t), newSocket(t)
		c := connect(t, push.inproc("PUSH", &names), room)
		push.send("kept")
		time.AfterFunc(time.Second, func() { bind(t, pull.inproc("PULL", &names), room) })
		began := time.Now()
		c.Stop(within(t, time.Minute))
		if took := time.Since(began); took != time.Second {
			t.Errorf("Stop took %v", took)
		}
		pull.want("kept")
		c = connect(t, push.inproc("PUSH", &names), "inproc://nowhere")
		push.send("lost")
		c.Stop(within(t, time.Second))
		if push.counts.Unsent != 1 {
			t.Errorf("counts %+v", push.counts)
		}
		push.gone()
	})
}

// TestInprocTypes: a binder of the wrong type is an event, and the right one is found later.
func TestInprocTypes(t *testing.T) {
	for _, first := range []string{"bind", "connect"} {
		t.Run(first, func(t *testing.T) {
			var names Names
			push, wrong, pull := newSocket(t), newSocket(t), newSocket(t)
			var c, b Endpoint
			if first == "bind" {
				b = bind(t, wrong.inproc("PUB", &names), room)
				c = connect(t, push.inproc("PUSH", &names), room)
			} else {
				c = connect(t, push.inproc("PUSH", &names), room)
				b = bind(t, wrong.inproc("PUB", &names), room)
			}
			push.send("patient")
			var types *engine.IncompatibleError
			if e := push.wantEvents("broken")[0]; !errors.As(e.Err, &types) || types.Local != "PUSH" || types.Remote != "PUB" || !e.ProtocolError() {
				t.Errorf("%+v", e)
			}
			if e := wrong.wantEvents("listening, broken")[1]; !errors.As(e.Err, &types) || types.Local != "PUB" || types.Remote != "PUSH" {
				t.Errorf("%+v: %v", e, e.Err)
			}
			if n, err := c.State(); n != 0 || !errors.As(err, &types) {
				t.Errorf("state %d, %v", n, err)
			}
			wrong.gone()
			b.Stop(over())
			bind(t, pull.inproc("PULL", &names), room)
			pull.want("patient")
			if n, err := c.State(); n != 1 || err != nil {
				t.Errorf("state %d, %v", n, err)
			}
			c.Stop(over())
			push.gone()
		})
	}
}
