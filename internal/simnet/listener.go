// SPDX-License-Identifier: MPL-2.0

package simnet

import (
	"context"
	"net"
	"os"
	"sync"
	"syscall"
)

// Backlog is how many connections wait for Accept before Dial does.
const Backlog = 128

// Listener is a place to dial. It is a net.Listener.
type Listener struct {
	// Options are what new connections are made of; set them before the first Dial.
	Options Options

	pending chan *Conn
	closing sync.Once
	closed  chan struct{}
}

// NewListener returns a listener that takes connections from its own Dial.
func NewListener() *Listener {
	return &Listener{pending: make(chan *Conn, Backlog), closed: make(chan struct{})}
}

// Dial connects, without waiting for Accept while there is room in the backlog.
func (l *Listener) Dial(ctx context.Context) (net.Conn, error) {
	here, there := Pair(l.Options)
	if err := first(ctx.Err(), l.gone(syscall.ECONNREFUSED)); err != nil {
		return nil, l.fail("dial", err)
	}
	select {
	case l.pending <- there:
	case <-l.closed:
		return nil, l.fail("dial", syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, l.fail("dial", ctx.Err())
	}
	if l.gone(net.ErrClosed) != nil {
		l.drain() // Close may have looked just before
	}
	return here, nil
}

// Accept waits for the next connection.
func (l *Listener) Accept() (net.Conn, error) {
	if err := l.gone(net.ErrClosed); err != nil {
		return nil, l.fail("accept", err)
	}
	select {
	case c := <-l.pending:
		return c, nil
	case <-l.closed:
		return nil, l.fail("accept", net.ErrClosed)
	}
}

// Close refuses further connections and cuts those that nobody has accepted.
func (l *Listener) Close() error {
	l.closing.Do(func() { close(l.closed) })
	l.drain()
	return nil
}

// Addr is the listener's name.
func (l *Listener) Addr() net.Addr { return Addr("listener") }

func (l *Listener) drain() {
	for {
		select {
		case c := <-l.pending:
			c.Cut()
		default:
			return
		}
	}
}

func (l *Listener) gone(err error) error {
	select {
	case <-l.closed:
		return err
	default:
		return nil
	}
}

func (l *Listener) fail(op string, err error) error {
	if errno, ok := err.(syscall.Errno); ok {
		err = os.NewSyscallError(op, errno)
	}
	return &net.OpError{Op: op, Net: "sim", Addr: l.Addr(), Err: err}
}
