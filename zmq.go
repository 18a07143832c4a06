// SPDX-License-Identifier: MPL-2.0

// Package zmq is ZeroMQ in pure Go: messages that find their peers over tcp, ipc and within the
// process, wire-compatible with libzmq (ZMTP 3.1), safe from any goroutine.
//
// A socket is made for one pattern and is given endpoints; it may have several of both kinds.
// Connect returns at once, and dials again whenever the peer is gone:
//
//	push, err := zmq.NewPush(zmq.Options{})
//	err = push.Connect("tcp://collector:5555")
//	err = push.Send(ctx, []byte("part 1"), []byte("part 2"))
//
// What a socket may do is its method set: a Push cannot receive, and that is a compile error. A
// message is whole: all of its parts arrive, or none.
//
// Each call that can block takes a context, which is looked at only when the call would block and
// is never kept. A call that ends early loses nothing. The life of a socket is ended by Close,
// which waits for messages that are on their way, at most LINGER; nothing that a socket started is
// left after it.
//
// The options are ZeroMQ's, under ZeroMQ's names in Options.Set and docs/options.md. A mistake of a
// peer closes that peer's connection and is told to Options.Logger; it never panics and never
// reaches another connection.
package zmq

import (
	"context"
	"iter"
)

// Socket is what every socket can do. All methods are safe from any goroutine. It is sealed, so
// that it may grow.
type Socket interface {
	// Type is the socket's pattern.
	Type() SocketType
	// Bind listens on endpoint and returns what was really bound: "tcp://*:0" comes back as
	// "tcp://0.0.0.0:41234". Errors are *EndpointError.
	Bind(endpoint string) (bound string, err error)
	// Connect dials endpoint, behind the scenes and again after each fall. An error means that
	// endpoint is no endpoint; everything else is told to the logger. Errors are *EndpointError.
	Connect(endpoint string) error
	// Unbind stops listening on the endpoint that Bind was given or returned, and closes the
	// connections that came by it, once what waits for them is sent or LINGER is over. Peers
	// within the process stay connected. ErrNoEndpoint when there is none.
	Unbind(endpoint string) error
	// Disconnect ends what Connect began, once what waits is sent or LINGER is over.
	// ErrNoEndpoint when there is none.
	Disconnect(endpoint string) error
	// Options returns the options as they are in force: no zero field stands for a default.
	Options() Options
	// SetOptions changes options, all that change does or none. change works on a copy, and runs
	// again when somebody else was faster. Errors are *OptionError.
	SetOptions(change func(*Options)) error
	// SetOption changes one option by its name, in ZeroMQ's units. Errors are *OptionError.
	SetOption(name, value string) error
	// Option returns one option by its name, in ZeroMQ's units; also TYPE, LAST_ENDPOINT and
	// MECHANISM.
	Option(name string) (string, error)
	// Stats returns the counters, endpoints and peers of this moment.
	Stats() Stats
	// WaitConnected returns once n peers have finished their handshake and are there now.
	WaitConnected(ctx context.Context, n int) error
	// Flush returns once all that Send has accepted so far is with the kernel or with the peer
	// within the process.
	Flush(ctx context.Context) error
	// CloseContext is Close with ctx in the place of LINGER.
	CloseContext(ctx context.Context) error
	// Close ends the socket: all calls return ErrClosed, and what was accepted is still sent, as
	// long as LINGER allows. ErrUnsent says that messages were dropped. A second Close waits for
	// the first and returns nil.
	Close() error

	base() *socket
}

// Sender is a socket that can send.
type Sender interface {
	Socket
	// Send sends one message of the given parts, and waits while no peer can take it, at most
	// SNDTIMEO. The parts' bytes are not kept or changed. A part may be empty or nil; no part at
	// all is ErrInvalid.
	Send(ctx context.Context, parts ...[]byte) error
	// TrySend is Send that returns ErrAgain in place of waiting.
	TrySend(parts ...[]byte) error
	// SendMessage gives a message away, as zmq_msg_send does: m is empty after success and
	// unchanged after an error. Large parts are not copied.
	SendMessage(ctx context.Context, m *Message) error
	// TrySendMessage is SendMessage that returns ErrAgain in place of waiting.
	TrySendMessage(m *Message) error
}

// Receiver is a socket that can receive.
type Receiver interface {
	Socket
	// Recv waits for the next message, at most RCVTIMEO. Its memory is the caller's for good.
	Recv(ctx context.Context) (Message, error)
	// TryRecv is Recv that returns ErrAgain in place of waiting.
	TryRecv() (Message, error)
	// RecvInto is Recv that reuses the memory of m, whose former parts become invalid. It
	// allocates nothing in the long run. After an error m is empty.
	RecvInto(ctx context.Context, m *Message) error
	// TryRecvInto is RecvInto that returns ErrAgain in place of waiting.
	TryRecvInto(m *Message) error
	// Messages receives until the first error, which is the last pair: the loop never ends
	// silently.
	Messages(ctx context.Context) iter.Seq2[Message, error]
}

var (
	_ Sender   = (*Push)(nil)
	_ Receiver = (*Pull)(nil)
	_ Sender   = (*Req)(nil)
	_ Receiver = (*Req)(nil)
	_ Sender   = (*Rep)(nil)
	_ Receiver = (*Rep)(nil)
)
