// SPDX-License-Identifier: MPL-2.0

// Package security holds ZeroMQ's mechanisms: how two peers prove who they are before the first
// message, and how the frames are sealed after it.
//
// A Mechanism makes a Handshake for each connection. The handshake sees and makes the bodies of
// command frames; it never sees a connection. When it is done it yields what the peer said of
// itself and, if the mechanism seals, the two halves that do so: the Sealer belongs to the holder
// of the connection's right to write, the Opener to the holder of its right to read.
package security

import "github.com/gzmq/zmq/internal/wire"

// Mechanism is what one endpoint asks of its peers. It is used from several goroutines.
type Mechanism interface {
	// Name is the mechanism's name in the greeting.
	Name() string
	// AsServer is the as-server bit of the greeting.
	AsServer() bool
	// Handshake begins one with a new peer, to whom local is told.
	Handshake(local wire.Metadata) Handshake
}

// Handshake is one peer's way through a mechanism.
type Handshake interface {
	// Start returns the bodies of the commands that are sent without waiting for the peer.
	Start() [][]byte
	// Receive takes the body of the peer's next command and returns that of the answer, nil for
	// none. done says that messages may follow, after the answer. body is lent. Errors are
	// *wire.Error or *Refusal.
	Receive(body []byte) (answer []byte, done bool, err error)
	// Metadata is what the peer said of itself, once done.
	Metadata() wire.Metadata
	// Session returns the halves that seal what follows, nil for a mechanism that does not.
	Session() (Sealer, Opener)
}

// Sealer closes frames.
type Sealer interface {
	// Overhead is by how many bytes a sealed body is longer than its plain one.
	Overhead() int
	// Seal appends the sealed body of a frame to dst. dst and body do not overlap.
	Seal(dst []byte, flags byte, body []byte) []byte
}

// Opener opens frames that the peer's Sealer closed.
type Opener interface {
	// Overhead is by how many bytes a sealed body is longer than its plain one.
	Overhead() int
	// Open appends the plain frame's flags, one byte, and its body to dst. They do not overlap.
	// Errors are *wire.Error.
	Open(dst, sealed []byte) ([]byte, error)
}

// Refusal is an ERROR command of the peer: it does not want this connection.
type Refusal struct{ Reason string }

func (e *Refusal) Error() string {
	if e.Reason == "" {
		return "peer refused the connection without a reason"
	}
	return "peer refused the connection: " + quote(e.Reason)
}
