// SPDX-License-Identifier: MPL-2.0

package zmq

import "fmt"

// New returns a socket of a type that is known only when the program runs: a *Push, *Pull, *Req or
// *Rep. Assert Sender or Receiver to use it. The errors are those of NewPush and its sisters, and
// ErrInvalid or ErrNotSupported for the type.
func New(t SocketType, o Options) (Socket, error) {
	switch t {
	case PUSH:
		return made(NewPush(o))
	case PULL:
		return made(NewPull(o))
	case REQ:
		return made(NewReq(o))
	case REP:
		return made(NewRep(o))
	}
	if t.Number() < 0 {
		return nil, fmt.Errorf("%w: %.40q is no socket type", ErrInvalid, string(t))
	}
	return nil, fmt.Errorf("%w: %s sockets", ErrNotSupported, t)
}

// made keeps a nil pointer from becoming a Socket that is not nil.
func made[S Socket](s S, err error) (Socket, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}
