// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"log/slog"
	"time"
)

// The values that stand for no limit and for no time. Zero always means the default, so that
// ZeroMQ's own zeros need words of their own.
const (
	// Unlimited is a high-water mark or a size without limit: ZeroMQ's HWM 0 and MAXMSGSIZE -1.
	Unlimited = -1
	// Forever is a time without limit, ZeroMQ's -1: LINGER until sent, HANDSHAKE_IVL off,
	// RECONNECT_IVL never.
	Forever time.Duration = -1
	// NoWait is no time at all, ZeroMQ's 0: LINGER drops, SNDTIMEO and RCVTIMEO answer ErrAgain.
	NoWait time.Duration = -2
)

// Options is what a socket is made with. The constructors copy it, so that one value can make
// many sockets. A zero field is ZeroMQ's default; LINGER's alone is different. docs/options.md
// has ranges, libzmq's numbers, and what may change while the socket lives.
type Options struct {
	// Context holds the inproc names and ends the socket with Term. Zero: the package's own.
	Context *Context
	// Logger is told every step in an endpoint's life. Zero: silence.
	Logger *slog.Logger

	// SendHWM (ZMQ_SNDHWM) is how many messages may wait for one peer. Zero: 1000.
	SendHWM int
	// RecvHWM (ZMQ_RCVHWM) is how many messages of one peer may wait to be received. Zero: 1000.
	RecvHWM int
	// MaxMsgSize (ZMQ_MAXMSGSIZE) is the most bytes that a peer may send in one frame, and in all
	// parts of one message. Zero: Unlimited.
	MaxMsgSize int64

	// SendBuffer (ZMQ_SNDBUF) is the kernel's send buffer in bytes. Zero: the system's.
	SendBuffer int
	// RecvBuffer (ZMQ_RCVBUF) is the kernel's receive buffer in bytes. Zero: the system's.
	RecvBuffer int
	// Backlog (ZMQ_BACKLOG) is how many connections may wait to be accepted. Zero: 100.
	Backlog int

	// Linger (ZMQ_LINGER) is how long Close waits for unsent messages; NoWait drops them. Zero:
	// 30 s, because a deferred Close without a peer must end.
	Linger time.Duration
	// SendTimeout (ZMQ_SNDTIMEO) is how long a Send may wait; NoWait never waits. Zero: Forever.
	SendTimeout time.Duration
	// RecvTimeout (ZMQ_RCVTIMEO) is how long a Recv may wait; NoWait never waits. Zero: Forever.
	RecvTimeout time.Duration
	// HandshakeTimeout (ZMQ_HANDSHAKE_IVL) is the time for a new connection to become a peer.
	// Zero: 30 s.
	HandshakeTimeout time.Duration
	// ConnectTimeout (ZMQ_CONNECT_TIMEOUT) is the time for one attempt to connect. Zero: the
	// system's.
	ConnectTimeout time.Duration

	// ReconnectInterval (ZMQ_RECONNECT_IVL) is the pause before the next attempt to connect, with
	// jitter; Forever never tries again. Zero: 100 ms.
	ReconnectInterval time.Duration
	// ReconnectMax (ZMQ_RECONNECT_IVL_MAX) is how long that pause may grow by doubling. Zero: it
	// does not grow.
	ReconnectMax time.Duration

	// IPv6 (ZMQ_IPV6) makes "*" and host names include IPv6; a literal [address] always works.
	// Zero: IPv4 only.
	IPv6 bool
	// Immediate (ZMQ_IMMEDIATE) queues messages for finished connections only. Zero: also for
	// endpoints that are still connecting.
	Immediate bool

	// RequestTimeout (REQUEST_TIMEOUT, our own) is the time for one attempt of Req.Request. Zero:
	// Forever.
	RequestTimeout time.Duration
	// RequestRetries (REQUEST_RETRIES, our own) is how many attempts may follow the first one of
	// Req.Request. Zero: none.
	RequestRetries int
	// ReqRelaxed (ZMQ_REQ_RELAXED) lets a REQ send again before the reply came. Zero: ErrFSM.
	ReqRelaxed bool
	// ReqCorrelate (ZMQ_REQ_CORRELATE) numbers the requests, so that a late reply is recognised
	// and dropped. Zero: no number is sent.
	ReqCorrelate bool
}
