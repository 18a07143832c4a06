// SPDX-License-Identifier: MPL-2.0

// Package transport turns endpoint strings into connections: it parses them, dials, listens, and
// gives what it opened the two calls that the engine lives on, a write that never waits and a read
// that holds no memory while it waits.
//
// A scheme is one file: tcp.go, ipc.go. What all of them share stands here and in endpoint.go;
// what an operating system decides stands in the files that carry its name. The name inproc is
// parsed here and carried out above, where there is no wire.
//
// Nothing here knows ZMTP.
package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// Options are what a socket's options say about its connections. The zero value is usable.
type Options struct {
	// IPv6 lets the wildcard and host names stand for IPv6 addresses too. Literal IPv6
	// addresses work without it.
	IPv6 bool
	// Backlog is how many connections the kernel keeps for Accept. Zero: what it keeps at most.
	Backlog int
	// SendBuffer and RecvBuffer are the kernel's buffers in bytes. Zero: the system's choice.
	SendBuffer, RecvBuffer int
	// ConnectTimeout bounds one Dial with all its addresses. Zero: the system's own patience.
	ConnectTimeout time.Duration
	// Resolver looks host names up. Nil: net.DefaultResolver.
	Resolver Resolver
}

// Resolver is the part of *net.Resolver that is used here.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Dial opens one connection to e. On systems with raw descriptors it is a *Stream.
func Dial(ctx context.Context, e Endpoint, o Options) (net.Conn, error) {
	if o.ConnectTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.ConnectTimeout)
		defer cancel()
	}
	var conn net.Conn
	var err error
	switch e.Scheme {
	case "tcp":
		conn, err = dialTCP(ctx, e, o)
	case "ipc":
		conn, err = dialIPC(ctx, e, o)
	default:
		return nil, unsupported("%s has no connection to dial", e.Scheme)
	}
	if err != nil {
		return nil, portable(err)
	}
	return newStream(conn), nil
}

// Listen opens e for others to connect to.
func Listen(e Endpoint, o Options) (*Listener, error) {
	var l *Listener
	var err error
	switch e.Scheme {
	case "tcp":
		l, err = listenTCP(e, o)
	case "ipc":
		l, err = listenIPC(e, o)
	default:
		return nil, unsupported("%s has nothing to listen on", e.Scheme)
	}
	if err != nil {
		return nil, portable(err)
	}
	if err := setBacklog(l.ln, o.Backlog); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// A Listener accepts connections on one bound endpoint.
type Listener struct {
	ln       net.Listener
	endpoint string
	accepted func(net.Conn) error // prepares a new connection; may be nil
	file     *socketFile          // what Close takes away; nil without a file

	closing  sync.Once
	closeErr error
}

// Accept waits for the next connection. On systems with raw descriptors it is a *Stream.
// IsTransient tells which errors pass.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.ln.Accept()
		if err != nil {
			return nil, portable(err)
		}
		if l.accepted != nil && l.accepted(conn) != nil {
			conn.Close() // it is dead already, or its buffers cannot be set: the next one may do
			continue
		}
		return newStream(conn), nil
	}
}

// Close stops listening and wakes Accept. Connections already accepted live on. Further calls
// return what the first one did.
func (l *Listener) Close() error {
	l.closing.Do(func() {
		// The file goes first: while the socket lives, no other file can be given its inode
		// number, by which it is recognised.
		if l.file != nil {
			l.closeErr = l.file.remove()
		}
		l.closeErr = errors.Join(l.closeErr, l.ln.Close())
	})
	return l.closeErr
}

// Endpoint is what was really bound, with the port or the path that was chosen: a peer on this
// machine can connect to it.
func (l *Listener) Endpoint() string { return l.endpoint }

// Addr is the bound address.
func (l *Listener) Addr() net.Addr { return l.ln.Addr() }

// IsTransient reports whether an error of Accept passes by itself, so that it is right to wait a
// moment and accept again: the process or the machine is short of something, or the peer has left
// before it was accepted.
func IsTransient(err error) bool {
	err = portable(err)
	for _, errno := range []syscall.Errno{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM,
		syscall.ECONNABORTED, syscall.EINTR,
	} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// Reasons that an endpoint is refused for; errors.Is finds them in the errors of Parse.
var (
	// ErrInvalid: the endpoint is not written as its transport wants it.
	ErrInvalid = errors.New("invalid endpoint")
	// ErrNotSupported: the endpoint may be right, but not here.
	ErrNotSupported = errors.New("transport not supported")
)

// reason is an error whose text stands alone and that errors.Is also knows by its kind.
type reason struct {
	kind error
	text string
}

func (r *reason) Error() string { return r.text }
func (r *reason) Unwrap() error { return r.kind }

func invalid(format string, args ...any) error {
	return &reason{ErrInvalid, fmt.Sprintf(format, args...)}
}

func unsupported(format string, args ...any) error {
	return &reason{ErrNotSupported, fmt.Sprintf(format, args...)}
}

// setBacklog tells the kernel how many connections to keep for Accept. Go's net asks for the
// system's maximum; listening once more on the same socket changes it.
func setBacklog(ln net.Listener, backlog int) error {
	if backlog <= 0 {
		return nil
	}
	sc, ok := ln.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return err
	}
	var listenErr error
	if err := raw.Control(func(fd uintptr) { listenErr = listenAgain(fd, backlog) }); err != nil {
		return err
	}
	return listenErr
}
