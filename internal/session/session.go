// SPDX-License-Identifier: MPL-2.0

// Package session is the life of one endpoint: it dials and accepts, puts connections under pipes,
// comes back after a fall, and ends.
//
// It is the only place that raises events, all of them through Config.Raise.
package session

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/gzmq/zmq/internal/engine"
	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/security"
	"github.com/gzmq/zmq/internal/transport"
)

// Config is what an endpoint needs to know of its socket. It is not changed while the endpoint
// lives.
type Config struct {
	Owner                 pipe.Owner
	SocketType, RoutingID string
	Limits                func() pipe.Limits // asked for each new pipe
	Mechanism             security.Mechanism
	Names                 *Names // of the sockets in this process

	MaxSize           int64
	HandshakeTimeout  time.Duration
	HeartbeatInterval time.Duration
	HeartbeatTimeout  time.Duration
	HeartbeatTTL      time.Duration

	Transport TransportOptions
	// ReconnectInterval is the pause after a fall, negative for no second connection. With
	// ReconnectMax it doubles up to that with each go that finds no peer.
	ReconnectInterval, ReconnectMax time.Duration
	// Immediate queues messages only while there is a connection.
	Immediate bool

	// Raise is told of every event. It must not block.
	Raise func(Event)
	// Dial and Listen stand in for the transport's, in tests; nil otherwise.
	Dial   func(ctx context.Context) (net.Conn, error)
	Listen func() (Acceptor, error)
}

// TransportOptions are those of the connections.
type TransportOptions = transport.Options

// Acceptor is the part of a listener that is used here.
type Acceptor interface {
	Accept() (net.Conn, error)
	Close() error
	Endpoint() string
}

// Endpoint is one Bind or Connect.
type Endpoint interface {
	// Given is the string it was made with, Name what was bound or dialled.
	Given() string
	Name() string
	// Bound tells a Bind from a Connect.
	Bound() bool
	// Pipes calls f for each pipe.
	Pipes(f func(*pipe.Pipe))
	// State tells how many connections there are, and why there is none.
	State() (connections int, err error)
	// Withdraw undoes a Bind or Connect within the time that ctx leaves for messages on their
	// way out, and waits for all that the endpoint has started. It reports whether the endpoint
	// lives on until Stop, since its connections do.
	Withdraw(ctx context.Context) (stays bool)
	// Stop is Withdraw of everything.
	Stop(ctx context.Context)
}

// What is wrong with an endpoint string.
var (
	ErrInvalid      = transport.ErrInvalid
	ErrNotSupported = transport.ErrNotSupported
)

// Connect makes a connecting endpoint. Only a string that is no endpoint is an error.
func Connect(cfg Config, endpoint string) (Endpoint, error) {
	e, err := transport.Parse(endpoint, false)
	if err != nil {
		return nil, err
	}
	if e.Scheme == "inproc" {
		return connectInproc(cfg, e.String()), nil
	}
	if cfg.Dial == nil {
		cfg.Dial = func(ctx context.Context) (net.Conn, error) { return transport.Dial(ctx, e, cfg.Transport) }
	}
	return newDialer(cfg, endpoint), nil
}

// Bind makes a bound endpoint.
func Bind(cfg Config, endpoint string) (Endpoint, error) {
	e, err := transport.Parse(endpoint, true)
	if err != nil {
		return nil, err
	}
	if e.Scheme == "inproc" {
		return bindInproc(cfg, e.String())
	}
	if cfg.Listen == nil {
		cfg.Listen = func() (Acceptor, error) {
			l, err := transport.Listen(e, cfg.Transport)
			if err != nil {
				return nil, err
			}
			return l, nil
		}
	}
	return newListener(cfg, endpoint)
}

// links are the live connections of an endpoint.
type links struct {
	cfg      *Config
	endpoint string

	mu       sync.Mutex
	live     map[*link]struct{} // guarded by mu
	stopping bool               // guarded by mu: no new ones
}

// link is one connection and the pipe above it.
type link struct {
	conn  *engine.Conn
	pipe  *pipe.Pipe
	ready bool // the handshake is done; guarded by links.mu
}

func (l *links) init(cfg *Config, endpoint string) {
	l.cfg, l.endpoint, l.live = cfg, endpoint, make(map[*link]struct{})
}

// raise stamps an event and passes it on.
func (l *links) raise(e Event) {
	e.Time, e.Endpoint = time.Now(), l.endpoint
	l.cfg.Raise(e)
}

// talk puts nc under p until it ends. attach says that p is for this connection alone. It reports
// whether the handshake was done.
func (l *links) talk(nc net.Conn, p *pipe.Pipe, attach bool) (ready bool, err error) {
	k := &link{pipe: p}
	cfg := l.cfg
	k.conn = engine.NewConn(nc, engine.Config{
		Pipe: p, Mechanism: cfg.Mechanism, SocketType: cfg.SocketType, RoutingID: cfg.RoutingID,
		Endpoint: l.endpoint, MaxSize: cfg.MaxSize, HandshakeTimeout: cfg.HandshakeTimeout,
		HeartbeatInterval: cfg.HeartbeatInterval, HeartbeatTimeout: cfg.HeartbeatTimeout, HeartbeatTTL: cfg.HeartbeatTTL,
		Ready: func(peer *pipe.Peer) error { return l.introduce(k, nc, peer, attach) },
	})
	l.mu.Lock()
	if l.stopping {
		l.mu.Unlock()
		nc.Close()
		l.raise(ended(engine.ErrShutdown, false).at(nc))
		return false, engine.ErrShutdown
	}
	l.live[k] = struct{}{}
	l.mu.Unlock()
	if attach {
		p.SetLimits(cfg.Limits()) // they may have changed before p could be found here
	}

	err = k.conn.Run()

	l.mu.Lock()
	delete(l.live, k)
	ready = k.ready
	l.mu.Unlock()
	e := ended(err, ready)
	if ready {
		e.Peer = p.Peer()
		cfg.Owner.Down(p, e.Peer)
	}
	if attach {
		p.Discard()
		if ready {
			cfg.Owner.Detached(p)
		}
	}
	l.raise(e.at(nc))
	return ready, err
}

// introduce presents a peer that has finished its handshake.
func (l *links) introduce(k *link, nc net.Conn, peer *pipe.Peer, attach bool) error {
	peer.Remote = nc.RemoteAddr()
	if err := l.cfg.Owner.Up(k.pipe, peer); err != nil {
		return err
	}
	l.mu.Lock()
	k.ready = true
	l.mu.Unlock()
	l.raise(Event{Type: HandshakeSucceeded, Peer: peer}.at(nc))
	if attach {
		l.cfg.Owner.Attached(k.pipe)
	}
	return nil
}

// snapshot returns the live links.
func (l *links) snapshot() []*link {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]*link, 0, len(l.live))
	for k := range l.live {
		all = append(all, k)
	}
	return all
}

// ready counts the connections that have finished their handshake.
func (l *links) ready() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k := range l.live {
		if k.ready {
			n++
		}
	}
	return n
}

// shut ends the links: gracefully those that have nothing to write any more.
func (l *links) shut() {
	l.mu.Lock()
	l.stopping = true
	var graceful, others []*link
	for k := range l.live {
		if k.ready && k.pipe.Unsent() == 0 {
			graceful = append(graceful, k)
		} else {
			others = append(others, k)
		}
	}
	l.mu.Unlock()
	for _, k := range graceful {
		k.conn.Shutdown()
	}
	for _, k := range others {
		k.conn.Close(engine.ErrShutdown)
	}
}
