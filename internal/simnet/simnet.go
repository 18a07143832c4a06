// SPDX-License-Identifier: MPL-2.0

// Package simnet is a network for tests that fits into memory: connections with latency, buffers
// that fill up, short reads and writes, standstills and cuts. Every wait is on a channel or a
// timer, so that inside testing/synctest time passes by itself and a wait that never ends is found.
package simnet

import (
	"io"
	"math"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// Options describe the network between two ends. The zero value is a fast one.
type Options struct {
	// Buffer is how many bytes one direction holds before writes wait. Zero: 64 KiB.
	Buffer int
	// Latency is how long a byte is on its way.
	Latency time.Duration
	// MaxRead and MaxWrite are the most bytes that one Read returns and one TryWrite takes.
	// Zero: no limit.
	MaxRead, MaxWrite int
}

// Conn is one end of a connection. It is a net.Conn with TryWrite, CloseWrite, and the means to
// spoil the network. One goroutine at a time reads, and one writes.
type Conn struct {
	options Options
	in, out *lane
	addr    Addr
	peer    Addr

	readBy  deadline
	writeBy deadline
	closed  atomic.Bool
}

// Pair returns the two ends of a new connection.
func Pair(o Options) (a, b *Conn) {
	if o.Buffer <= 0 {
		o.Buffer = 64 << 10
	}
	there, back := newLane(o), newLane(o)
	a = newConn(o, back, there, "a", "b")
	b = newConn(o, there, back, "b", "a")
	return a, b
}

func newConn(o Options, in, out *lane, addr, peer Addr) *Conn {
	c := &Conn{options: o, in: in, out: out, addr: addr, peer: peer}
	c.readBy.changed = make(chan struct{})
	c.writeBy.changed = make(chan struct{})
	return c
}

// Read waits for bytes that have arrived. The end of the stream is io.EOF.
func (c *Conn) Read(p []byte) (int, error) {
	if limit := c.options.MaxRead; limit > 0 && len(p) > limit {
		p = p[:limit]
	}
	for {
		due, moved, err := c.readBy.check()
		if err != nil {
			return 0, c.fail("read", err)
		}
		n, arrives, wake, err := c.in.take(p)
		if err == io.EOF {
			return 0, err
		}
		if n > 0 || err != nil || len(p) == 0 {
			return n, c.fail("read", err)
		}
		wait(wake, moved, earlier(due, arrives))
	}
}

// Write waits until the network has taken all of p.
func (c *Conn) Write(p []byte) (int, error) {
	sent := 0
	for {
		due, moved, err := c.writeBy.check()
		if err != nil {
			return sent, c.fail("write", err)
		}
		n, wake, err := c.out.put(p[sent:])
		sent += n
		if err != nil || sent == len(p) {
			return sent, c.fail("write", err)
		}
		if n == 0 {
			wait(wake, moved, due)
		}
	}
}

// TryWrite writes what the network takes at once. Fewer bytes than given and no error mean that
// more would have to wait, or that MaxWrite is reached.
func (c *Conn) TryWrite(bufs [][]byte) (int, error) {
	if _, _, err := c.writeBy.check(); err != nil {
		return 0, c.fail("write", err)
	}
	limit := c.options.MaxWrite
	if limit <= 0 {
		limit = math.MaxInt
	}
	sent := 0
	for _, b := range bufs {
		n, _, err := c.out.put(b[:min(len(b), limit-sent)])
		sent += n
		if err != nil {
			return sent, c.fail("write", err)
		}
		if n < len(b) {
			break
		}
	}
	return sent, nil
}

// CloseWrite ends the outgoing direction: the peer reads what was written, then io.EOF.
func (c *Conn) CloseWrite() error {
	c.out.finish(syscall.EPIPE)
	return nil
}

// Close ends both directions. The peer still reads what was written; its writes fail.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return c.fail("close", net.ErrClosed)
	}
	c.out.finish(net.ErrClosed)
	c.in.leave()
	return nil
}

// Cut breaks the connection as a reset does: reads and writes of both ends fail at once, and bytes
// on their way are lost.
func (c *Conn) Cut() {
	c.in.cut()
	c.out.cut()
}

// Stall makes the network stand still in both directions, or go on: what is written fills the
// buffers and nothing arrives. Neither end is told.
func (c *Conn) Stall(still bool) {
	c.in.stall(still)
	c.out.stall(still)
}

// LocalAddr is the name of this end.
func (c *Conn) LocalAddr() net.Addr { return c.addr }

// RemoteAddr is the name of the other end.
func (c *Conn) RemoteAddr() net.Addr { return c.peer }

// SetDeadline sets the time at which reads and writes end; zero takes it away.
func (c *Conn) SetDeadline(t time.Time) error {
	return first(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline sets the time at which reads end, those that wait already included.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if c.closed.Load() {
		return c.fail("set", net.ErrClosed)
	}
	c.readBy.set(t)
	return nil
}

// SetWriteDeadline sets the time at which writes end, those that wait already included.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if c.closed.Load() {
		return c.fail("set", net.ErrClosed)
	}
	c.writeBy.set(t)
	return nil
}

// fail dresses an error as the net package does; nil stays nil.
func (c *Conn) fail(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case c.closed.Load():
		err = net.ErrClosed
	}
	return &net.OpError{Op: op, Net: c.addr.Network(), Source: c.addr, Addr: c.peer, Err: err}
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Addr is the name of an end.
type Addr string

// Network is "sim".
func (Addr) Network() string { return "sim" }

// String is the name.
func (a Addr) String() string { return string(a) }
