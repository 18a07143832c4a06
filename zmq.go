// SPDX-License-Identifier: MPL-2.0

// Package zmq is ZeroMQ in pure Go: messages that find their peer over tcp, ipc and inproc,
// wire-compatible with libzmq (ZMTP 3.1), safe from any goroutine.
package zmq

import "strings"

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

var _ = strings.ToUpper
