// SPDX-License-Identifier: MPL-2.0

package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/simnet"
)

// failing is an Acceptor that has trouble for a while.
type failing struct {
	place
	err   error
	times atomic.Int32 // errors that are left

	mu sync.Mutex
	at []time.Time // guarded by mu: when they were answered
}

// answered returns when errors were answered since the last call.
func (f *failing) answered() []time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := f.at
	f.at = nil
	return at
}

func (f *failing) Accept() (net.Conn, error) {
	if f.times.Add(-1) >= 0 {
		f.mu.Lock()
		f.at = append(f.at, time.Now())
		f.mu.Unlock()
		return nil, f.err
	}
	return f.place.Accept()
}

// TestAcceptErrors: out of descriptors is a pause, which grows, and not the end.
func TestAcceptErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		emfile := &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
		n, push, pull := &network{}, newSocket(t), newSocket(t)
		ln, _ := n.listen()
		f := &failing{place: ln.(place), err: emfile}
		f.times.Store(12)
		cfg := pull.config("PULL", n)
		cfg.Listen = func() (Acceptor, error) { return f, nil }
		b := bind(t, cfg, somewhere)
		connect(t, push.config("PUSH", n), somewhere)
		push.send("x")
		pull.want("x")
		want, at := 5*time.Millisecond, f.answered()
		for i := 1; i < len(at); i++ {
			if pause := at[i].Sub(at[i-1]); pause < want*3/4 || pause > want*5/4 {
				t.Errorf("pause %d is %v, want about %v", i, pause, want)
			}
			want = min(2*want, time.Second)
		}
		if want != time.Second {
			t.Errorf("the pause has grown to %v", want)
		}
		events := pull.told()
		for i, e := range events[1:13] {
			if e.Type != AcceptFailed || !errors.Is(e.Err, syscall.EMFILE) || e.Code != int(syscall.EMFILE) {
				t.Errorf("event %d: %s, %v", i, names[e.Type], e.Err)
			}
		}
		// After a success it begins anew, and Stop does not wait for the pause.
		f.times.Store(1000)
		n.dial(context.Background())
		time.Sleep(3 * time.Second)
		if at = f.answered(); at[1].Sub(at[0]) > 7*time.Millisecond {
			t.Errorf("the first pause after a success is %v", at[1].Sub(at[0]))
		}
		began := time.Now()
		b.Stop(over())
		if took := time.Since(began); took > 0 && took != 250*time.Millisecond {
			t.Errorf("Stop took %v", took)
		}
	})
}

// TestBindFails is told twice: as an error and as an event.
func TestBindFails(t *testing.T) {
	s := newSocket(t)
	cfg := s.config("PULL", nil)
	cfg.Listen = func() (Acceptor, error) { return nil, os.NewSyscallError("bind", syscall.EADDRINUSE) }
	if e, err := Bind(cfg, somewhere); !errors.Is(err, syscall.EADDRINUSE) || e != nil {
		t.Errorf("%v, %v", e, err)
	}
	if e := s.wantEvents("bind failed")[0]; e.Code != int(syscall.EADDRINUSE) || e.Endpoint != somewhere {
		t.Errorf("%+v", e)
	}
}

// TestEndpoints: what is no endpoint is an error, at once and without an event.
func TestEndpoints(t *testing.T) {
	for _, test := range []struct {
		endpoint string
		want     error
	}{
		{"", ErrInvalid}, {"tcp", ErrInvalid}, {"tcp://", ErrInvalid}, {"inproc://", ErrInvalid},
		{"nope://x", ErrInvalid}, {"udp://127.0.0.1:1", ErrNotSupported}, {"tcp://127.0.0.1", ErrInvalid},
	} {
		s := newSocket(t)
		if e, err := Connect(s.config("PUSH", nil), test.endpoint); !errors.Is(err, test.want) || e != nil {
			t.Errorf("Connect(%q): %v, %v", test.endpoint, e, err)
		}
		if e, err := Bind(s.config("PUSH", nil), test.endpoint); !errors.Is(err, test.want) || e != nil {
			t.Errorf("Bind(%q): %v, %v", test.endpoint, e, err)
		}
		s.wantEvents("")
		s.gone()
	}
}

// TestSilentPeers: those that say nothing hold nobody up, and are sent away in time.
func TestSilentPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, push, pull := &network{}, newSocket(t), newSocket(t)
		b := bind(t, pull.config("PULL", n), somewhere)
		const silent = 50
		for i := range silent {
			nc, err := n.dial(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(nc, "\xff%.*s", i%9, "\x00\x00\x00\x00\x00\x00\x00\x00\x01")
		}
		connect(t, push.config("PUSH", n), somewhere)
		began := time.Now()
		push.send("x")
		pull.want("x")
		if took := time.Since(began); took > 0 {
			t.Errorf("a message took %v beside %d silent peers", took, silent)
		}
		time.Sleep(31 * time.Second)
		failed := 0
		for _, e := range pull.told() {
			if e.Type == HandshakeFailedNoDetail {
				failed++
			}
		}
		if connections, _ := b.State(); failed != silent || connections != 1 {
			t.Errorf("%d have failed, %d are left", failed, connections)
		}
	})
}

// TestManyPeers come and go.
func TestManyPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, pull := &network{options: simnet.Options{Latency: time.Millisecond}}, newSocket(t)
		b := bind(t, pull.config("PULL", n), somewhere)
		pushes := make([]*socket, 40)
		var ends []Endpoint
		for i := range pushes {
			pushes[i] = newSocket(t)
			ends = append(ends, connect(t, pushes[i].config("PUSH", n), somewhere))
			pushes[i].send(fmt.Sprint(i))
		}
		seen := make(map[string]bool)
		for range pushes {
			m, _ := pull.receive()
			seen[m] = true
		}
		if connections, _ := b.State(); len(seen) != len(pushes) || connections != len(pushes) {
			t.Errorf("%d messages from %d peers", len(seen), connections)
		}
		pipes := 0
		if b.Pipes(func(p *pipe.Pipe) { pipes++ }); pipes != len(pushes) {
			t.Errorf("%d pipes", pipes)
		}
		for _, e := range ends {
			e.Stop(over())
		}
		time.Sleep(time.Second)
		if connections, _ := b.State(); connections != 0 {
			t.Errorf("%d are left", connections)
		}
		pull.gone()
	})
}
