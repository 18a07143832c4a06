// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"fmt"
	"strings"

	"github.com/gzmq/zmq/internal/wire"
)

// SocketType is a socket's pattern, in the wire's own word. The empty type is invalid, so that a
// forgotten line in a configuration is an error.
type SocketType string

// The socket types, as 37/ZMTP names them in the Socket-Type property.
const (
	PAIR   SocketType = "PAIR"
	PUB    SocketType = "PUB"
	SUB    SocketType = "SUB"
	REQ    SocketType = "REQ"
	REP    SocketType = "REP"
	DEALER SocketType = "DEALER"
	ROUTER SocketType = "ROUTER"
	PULL   SocketType = "PULL"
	PUSH   SocketType = "PUSH"
	XPUB   SocketType = "XPUB"
	XSUB   SocketType = "XSUB"
)

// UnmarshalText takes a socket type's name in any case. Other names are ErrInvalid.
func (t *SocketType) UnmarshalText(text []byte) error {
	name := SocketType(strings.ToUpper(string(text)))
	if name.Number() < 0 {
		return fmt.Errorf("%w: %.40q is no socket type; PUSH or REP is one", ErrInvalid, text)
	}
	*t = name
	return nil
}

// Number is libzmq's number for the type, PAIR 0 to CHANNEL 20, and -1 for an unknown one.
func (t SocketType) Number() int { return wire.TypeNumber(string(t)) }
