// SPDX-License-Identifier: MPL-2.0

package session

import (
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/gzmq/zmq/internal/engine"
	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/security"
	"github.com/gzmq/zmq/internal/wire"
)

// EventType is a step in an endpoint's life, by libzmq's number.
type EventType uint32

// The steps.
const (
	Connected               EventType = 1 << iota // a connection was made
	ConnectDelayed                                // none was made at the first go
	ConnectRetried                                // the next go is after Event.Delay
	Listening                                     // bound
	BindFailed                                    // not bound
	Accepted                                      // a connection was taken
	AcceptFailed                                  // none could be taken; tried again soon
	Closed                                        // this side closed a connection or stopped listening
	CloseFailed                                   // closing failed
	Disconnected                                  // an established connection fell
	MonitorStopped                                // nothing more will be told
	HandshakeFailedNoDetail                       // the connection fell before the handshake was done
	HandshakeSucceeded                            // messages may flow
	HandshakeFailedProtocol                       // the peer broke the protocol
	HandshakeFailedAuth                           // the peer was refused, or refused us
)

// Event is one step.
type Event struct {
	Type          EventType
	Time          time.Time
	Endpoint      string // as given to Bind or Connect, or as bound
	Local, Remote string // addresses
	Peer          *pipe.Peer
	Delay         time.Duration
	Code          int // errno, or the protocol's code
	Err           error
}

// ended is the event of a connection's end.
func ended(err error, ready bool) Event {
	e := Event{Type: Disconnected, Err: err, Code: errno(err)}
	var broken *wire.Error
	var version *wire.VersionError
	var types *engine.IncompatibleError
	var refused *security.Refusal
	switch {
	case errors.Is(err, engine.ErrShutdown):
		e.Type = Closed
	case ready:
		if errors.As(err, &broken) {
			e.Code = int(broken.Code)
		}
	case errors.As(err, &broken):
		e.Type, e.Code = HandshakeFailedProtocol, int(broken.Code)
	case errors.As(err, &types):
		e.Type, e.Code = HandshakeFailedProtocol, int(wire.CodeInvalidMetadata)
	case errors.As(err, &version):
		e.Type, e.Code = HandshakeFailedProtocol, int(wire.CodeUnspecified)
	case errors.As(err, &refused):
		e.Type = HandshakeFailedAuth
	default:
		e.Type = HandshakeFailedNoDetail
	}
	return e
}

// ProtocolError reports whether a connection ended because its peer broke the protocol.
func (e *Event) ProtocolError() bool {
	var broken *wire.Error
	return e.Type == HandshakeFailedProtocol || e.Type == Disconnected && errors.As(e.Err, &broken)
}

func errno(err error) int {
	var n syscall.Errno
	if errors.As(err, &n) {
		return int(n)
	}
	return 0
}

// at stamps the addresses of a connection.
func (e Event) at(nc net.Conn) Event {
	if a := nc.LocalAddr(); a != nil {
		e.Local = a.String()
	}
	if a := nc.RemoteAddr(); a != nil {
		e.Remote = a.String()
	}
	return e
}
