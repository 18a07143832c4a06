// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// The errors of this package, after ZeroMQ's errno. Compare with errors.Is: what a call returns
// often wraps one of these and says more. In brackets stands what errors.Is answers as well. The
// end of a context is that context's own error, never one of these.
var (
	// ErrAgain is EAGAIN: the call would have to wait, and was told not to.
	ErrAgain = sentinel("try again: the call would have to wait")
	// ErrTimeout is EAGAIN after SNDTIMEO or RCVTIMEO [ErrAgain, os.ErrDeadlineExceeded].
	ErrTimeout = sentinel("timed out: the option's time is over", ErrAgain, os.ErrDeadlineExceeded)
	// ErrClosed means that the socket was closed [net.ErrClosed].
	ErrClosed = sentinel("socket closed", net.ErrClosed)
	// ErrTerm is ETERM: the Context was terminated [net.ErrClosed].
	ErrTerm = sentinel("context terminated", net.ErrClosed)
	// ErrFSM is EFSM: a REQ or REP was asked to send or to receive out of turn.
	ErrFSM = sentinel("wrong state: this socket sends and receives in turn")
	// ErrHostUnreachable is EHOSTUNREACH: no peer has the routing id that the message names.
	ErrHostUnreachable = sentinel("host unreachable: no peer has this routing id")
	// ErrPeerGone means that the peer which owed the reply is gone.
	ErrPeerGone = sentinel("peer gone: its connection ended before the reply came")
	// ErrUnsent means that Close dropped messages which no peer had taken within LINGER.
	ErrUnsent = sentinel("messages dropped: no peer took them in time")
	// ErrMsgSize is EMSGSIZE: the message is larger than MAXMSGSIZE or the transport allows.
	ErrMsgSize = sentinel("message too large")
	// ErrInvalid is EINVAL: an argument or an option is wrong.
	ErrInvalid = sentinel("invalid argument")
	// ErrNoEndpoint is ENOENT: the socket has no such endpoint to unbind or to disconnect.
	ErrNoEndpoint = sentinel("no such endpoint on this socket")
	// ErrAddrInUse is EADDRINUSE: somebody else is bound there [syscall.EADDRINUSE].
	ErrAddrInUse = sentinel("address already in use", syscall.EADDRINUSE)
	// ErrIncompatible is ENOCOMPATPROTO: this socket type cannot talk to that peer or over that
	// transport.
	ErrIncompatible = sentinel("incompatible: this socket type does not go with that peer or transport")
	// ErrNotSupported means that this library does not do it [errors.ErrUnsupported].
	ErrNotSupported = sentinel("not supported", errors.ErrUnsupported)
)

// errPrefix begins the text of every error of this package, once.
const errPrefix = "zmq: "

// sentinelError is one of the errors above.
type sentinelError struct {
	text    string
	cousins []error // the same failure in the words of others
}

func sentinel(text string, cousins ...error) error {
	return &sentinelError{text: text, cousins: cousins}
}

// Error is the failure in words, after the package's name.
func (e *sentinelError) Error() string { return errPrefix + e.text }

// Is lets errors.Is find the cousins. They are no causes, so that Unwrap would say too much.
func (e *sentinelError) Is(target error) bool {
	for _, cousin := range e.cousins {
		if errors.Is(cousin, target) {
			return true
		}
	}
	return false
}

// Timeout is true for ErrTimeout, as net.Error has it.
func (e *sentinelError) Timeout() bool { return errors.Is(e, os.ErrDeadlineExceeded) }

// EndpointError says what was done, to which endpoint, and why it failed.
type EndpointError struct {
	Op       string // "bind", "connect", "unbind", "disconnect"
	Endpoint string // as the caller wrote it
	Err      error  // why: errors.Is and errors.As look through to it
}

// Error is all three in one line.
func (e *EndpointError) Error() string {
	text := errPrefix + e.Op + " " + e.Endpoint
	if e.Err == nil {
		return text
	}
	return text + ": " + withoutPrefix(e.Err.Error())
}

// Unwrap returns Err.
func (e *EndpointError) Unwrap() error { return e.Err }

// Timeout says whether it failed because a time was over.
func (e *EndpointError) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.As(e.Err, &t) && t.Timeout()
}

// withoutPrefix takes the package's name out of a text that stands behind it already.
func withoutPrefix(text string) string {
	return strings.ReplaceAll(strings.TrimPrefix(text, errPrefix), ": "+errPrefix, ": ")
}

// OptionError says which option was refused and why. errors.Is answers ErrNotSupported when this
// library or this socket does not have it, and ErrInvalid otherwise.
type OptionError struct {
	Name   string // without ZMQ_: "SNDHWM"
	Value  string // the value refused; empty when the option was only read
	Reason string // what is wrong with it, and what would be right

	kind error // ErrInvalid or ErrNotSupported; nil is ErrInvalid
}

// Error is all three in one line.
func (e *OptionError) Error() string {
	text := errPrefix + "option " + e.Name
	if e.Value != "" {
		text += " = " + strconv.Quote(e.Value)
	}
	return text + ": " + e.Reason
}

// Unwrap returns ErrInvalid or ErrNotSupported.
func (e *OptionError) Unwrap() error {
	if e.kind == nil {
		return ErrInvalid
	}
	return e.kind
}
