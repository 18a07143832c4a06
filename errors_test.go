// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestErrorCousins holds which errors answer for which, and that no others do.
func TestErrorCousins(t *testing.T) {
	sentinels := []error{ErrAgain, ErrTimeout, ErrClosed, ErrTerm, ErrFSM, ErrHostUnreachable, ErrPeerGone,
		ErrUnsent, ErrMsgSize, ErrInvalid, ErrNoEndpoint, ErrAddrInUse, ErrIncompatible, ErrNotSupported}
	foreign := []error{os.ErrDeadlineExceeded, net.ErrClosed, syscall.EADDRINUSE, errors.ErrUnsupported,
		context.DeadlineExceeded, io.EOF}
	cousins := map[error][]error{
		ErrTimeout:      {ErrAgain, os.ErrDeadlineExceeded},
		ErrClosed:       {net.ErrClosed},
		ErrTerm:         {net.ErrClosed},
		ErrAddrInUse:    {syscall.EADDRINUSE},
		ErrNotSupported: {errors.ErrUnsupported},
	}
	for _, err := range sentinels {
		if !strings.HasPrefix(err.Error(), "zmq: ") {
			t.Errorf("%q does not begin with the package's name", err)
		}
		wrapped := fmt.Errorf("outer: %w", err)
		for _, target := range append(append([]error{}, sentinels...), foreign...) {
			want := target == err
			for _, cousin := range cousins[err] {
				want = want || cousin == target
			}
			if got := errors.Is(wrapped, target); got != want {
				t.Errorf("errors.Is(%q, %q) = %v, want %v", err, target, got, want)
			}
		}
	}
}

func TestEndpointError(t *testing.T) {
	tests := []struct {
		err     EndpointError
		text    string
		is      error
		timeout bool
	}{
		{EndpointError{"bind", "tcp://*:5555", fmt.Errorf("%w: another process listens there", ErrAddrInUse)},
			"zmq: bind tcp://*:5555: address already in use: another process listens there", syscall.EADDRINUSE, false},
		{EndpointError{"connect", "tcp://h:1", fmt.Errorf("dial: %w", ErrTimeout)},
			"zmq: connect tcp://h:1: dial: timed out: the option's time is over", ErrAgain, true},
		{EndpointError{"connect", "ipc://x", &EndpointError{"dial", "x", io.EOF}},
			"zmq: connect ipc://x: dial x: EOF", io.EOF, false},
		{EndpointError{"connect", "tcp://h:1", context.DeadlineExceeded},
			"zmq: connect tcp://h:1: context deadline exceeded", context.DeadlineExceeded, true},
		{EndpointError{"unbind", "tcp://h:1", nil}, "zmq: unbind tcp://h:1", nil, false},
	}
	for _, test := range tests {
		if got := test.err.Error(); got != test.text {
			t.Errorf("got  %s\nwant %s", got, test.text)
		}
		if test.is != nil && !errors.Is(&test.err, test.is) {
			t.Errorf("%v is not %v", &test.err, test.is)
		}
		if got := test.err.Timeout(); got != test.timeout {
			t.Errorf("%v: Timeout() = %v", &test.err, got)
		}
	}
}

func TestOptionError(t *testing.T) {
	err := error(&OptionError{Name: "SNDHWM", Value: "x", Reason: "takes numbers"})
	if got, want := err.Error(), `zmq: option SNDHWM = "x": takes numbers`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !errors.Is(err, ErrInvalid) || errors.Is(err, ErrNotSupported) {
		t.Error("without a kind it must be ErrInvalid alone")
	}
	err = &OptionError{Name: "FD", Reason: "not here", kind: ErrNotSupported}
	if got, want := err.Error(), "zmq: option FD: not here"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if errors.Is(err, ErrInvalid) || !errors.Is(err, errors.ErrUnsupported) {
		t.Error("a kind must stand in place of ErrInvalid")
	}
}
