// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// The tests of this file are about endpoint strings and what is wrong with them.

// zmq_bind(3), EADDRINUSE: the message says what, where and why.
func TestBindInUse(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		first, second := a.pull(), a.push()
		bound := a.bind(first, endpoint)
		_, err := second.Bind(bound)
		a.wantError("Bind", err, ErrAddrInUse)
		a.wantError("Bind", err, syscall.EADDRINUSE)
		var at *EndpointError
		if !errors.As(err, &at) || at.Op != "bind" || at.Endpoint != bound {
			t.Errorf("%#v", err)
		}
		if want := "zmq: bind " + bound + ": address already in use"; !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q does not begin with %q", err, want)
		}
		if n := len(second.Stats().Endpoints); n != 0 {
			t.Errorf("%d endpoints after a Bind that failed", n)
		}
		a.connect(second, bound) // and the first is none the worse
		a.send(second, "x")
		a.recv(first, "x")
	})
}

// Wrong endpoints are refused at once, and say so.
func TestEndpointsRefused(t *testing.T) {
	a := newArena(t)
	s := a.pull()
	for endpoint, want := range map[string]error{
		"": ErrInvalid, "tcp": ErrInvalid, "tcp://": ErrInvalid, "//x": ErrInvalid, "nonsense://x": ErrInvalid, "tcp://127.0.0.1": ErrInvalid,
		"tcp://127.0.0.1:x": ErrInvalid, "tcp://127.0.0.1:65536": ErrInvalid, "tcp://[::1:5": ErrInvalid, "inproc://": ErrInvalid,
		"ipc://@": ErrInvalid, "ipc://" + strings.Repeat("x", 300): ErrInvalid, "ws://127.0.0.1:1": ErrNotSupported, "udp://127.0.0.1:1": ErrNotSupported,
	} {
		_, bindErr := s.Bind(endpoint)
		for op, err := range map[string]error{"bind": bindErr, "connect": s.Connect(endpoint)} {
			var at *EndpointError
			if !errors.Is(err, want) || !errors.As(err, &at) || at.Op != op || at.Endpoint != endpoint {
				t.Errorf("%s %q: %v", op, endpoint, err)
			}
		}
	}
	a.wantError("connect to port 0", s.Connect("tcp://127.0.0.1:0"), ErrInvalid)
	a.wantError("connect to *", s.Connect("ipc://*"), ErrInvalid)
	if runtime.GOOS == "linux" && os.Getuid() != 0 {
		_, err := s.Bind("tcp://127.0.0.1:1")
		a.wantError("a privileged port", err, syscall.EACCES)
	}
	if n := len(s.Stats().Endpoints); n != 0 {
		t.Errorf("%d endpoints after nothing but errors", n)
	}
}

// Bind's own string and the one that it returned both name the endpoint.
func TestUnbindByEitherName(t *testing.T) {
	for _, given := range []string{"tcp://127.0.0.1:0", "tcp://127.0.0.1:*", "tcp://*:0", "ipc://*"} {
		for _, name := range []bool{false, true} {
			a := newArena(t)
			s := a.pull()
			bound := a.bind(s, given)
			if bound == given || strings.HasSuffix(bound, ":0") {
				t.Errorf("%s was bound as %s", given, bound)
			}
			if last, err := s.Option("LAST_ENDPOINT"); err != nil || last != bound {
				t.Errorf("LAST_ENDPOINT %q, %v; bound %q", last, err, bound)
			}
			which := given
			if name {
				which = bound
			}
			if err := s.Unbind(which); err != nil {
				t.Error(err)
			}
		}
	}
}
