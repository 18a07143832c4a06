// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/gzmq/zmq/internal/session"
)

// journal takes every event of a socket's endpoints: it counts and logs them.
type journal struct {
	logger *slog.Logger

	protocolErrors, reconnects atomic.Uint64
}

// eventNames are libzmq's, without ZMQ_EVENT_.
var eventNames = map[session.EventType]string{
	session.Connected:               "CONNECTED",
	session.ConnectDelayed:          "CONNECT_DELAYED",
	session.ConnectRetried:          "CONNECT_RETRIED",
	session.Listening:               "LISTENING",
	session.BindFailed:              "BIND_FAILED",
	session.Accepted:                "ACCEPTED",
	session.AcceptFailed:            "ACCEPT_FAILED",
	session.Closed:                  "CLOSED",
	session.CloseFailed:             "CLOSE_FAILED",
	session.Disconnected:            "DISCONNECTED",
	session.MonitorStopped:          "MONITOR_STOPPED",
	session.HandshakeFailedNoDetail: "HANDSHAKE_FAILED_NO_DETAIL",
	session.HandshakeSucceeded:      "HANDSHAKE_SUCCEEDED",
	session.HandshakeFailedProtocol: "HANDSHAKE_FAILED_PROTOCOL",
	session.HandshakeFailedAuth:     "HANDSHAKE_FAILED_AUTH",
}

// raise takes one event.
func (j *journal) raise(e session.Event) {
	broken := e.ProtocolError()
	if broken {
		j.protocolErrors.Add(1)
	}
	if e.Type == session.ConnectRetried {
		j.reconnects.Add(1)
	}
	level := slog.LevelDebug
	switch {
	case broken, e.Type == session.HandshakeFailedAuth, e.Type == session.AcceptFailed, e.Type == session.CloseFailed:
		level = slog.LevelWarn
	}
	if j.logger.Enabled(context.Background(), level) {
		j.log(level, &e)
	}
}

func (j *journal) log(level slog.Level, e *session.Event) {
	attrs := make([]slog.Attr, 0, 6)
	attrs = append(attrs, slog.String("endpoint", e.Endpoint))
	if e.Local != "" {
		attrs = append(attrs, slog.String("local", e.Local))
	}
	if e.Remote != "" {
		attrs = append(attrs, slog.String("remote", e.Remote))
	}
	if e.Peer != nil {
		attrs = append(attrs, slog.String("peer", e.Peer.SocketType))
	}
	if e.Delay != 0 {
		attrs = append(attrs, slog.Duration("delay", e.Delay))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.Any("err", e.Err))
	}
	j.logger.LogAttrs(context.Background(), level, "zmq: "+eventNames[e.Type], attrs...)
}
