// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Conn drives an Engine with a net.Conn.
//
// Two rights keep its calls apart. The right to write is a flag of the pipe's out-queue: Flush,
// TryFlush and what they call have it. The right to read belongs to the goroutine in Run, which
// lends it: see lend.go.
type Conn struct {
	eng  *Engine
	nc   net.Conn
	try  tryWriter // nil when nc cannot write without waiting
	wait bufWriter // nil when nc has no vectored write
	feed lazyReader

	room    chan struct{} // capacity 1: the in-queue has room again
	closing atomic.Bool   // Shutdown was called
	done    chan struct{} // closed when Run is over

	mu  sync.Mutex
	err error // first error, sticky; guarded by mu

	right readRight
	next  time.Time // when the clock is due; owned by the holder of the right to read

	// Owned by the holder of the right to write.

	partial int // bytes of the batch that are written already
	pending bool
	flush   func()
	vec     net.Buffers
}

// What a transport's connection may be able to do besides net.Conn's methods.
type (
	// tryWriter writes without waiting; fewer bytes and no error mean that the kernel is full.
	tryWriter interface {
		TryWrite(bufs [][]byte) (n int, err error)
	}
	// bufWriter writes all of bufs, in as few system calls as it takes.
	bufWriter interface {
		WriteBuffers(bufs [][]byte) (n int, err error)
	}
	closeWriter interface{ CloseWrite() error }
)

// NewConn returns a driver for nc, which it owns. Run has to be called.
func NewConn(nc net.Conn, cfg Config) *Conn {
	c := &Conn{eng: New(cfg), nc: nc, room: make(chan struct{}, 1), done: make(chan struct{})}
	c.try, _ = nc.(tryWriter)
	c.wait, _ = nc.(bufWriter)
	c.feed = newLazyReader(nc)
	c.flush = c.Flush
	c.right.init() // Close may come before Run
	return c
}

// Run reads until the connection ends, and returns why; never nil. The pipe is without connection
// again after it.
func (c *Conn) Run() error {
	p := c.eng.pipe
	p.StartReading(c)
	p.SetLender(c)
	p.Connect(c, c.try != nil)
	c.eng.Start(time.Now())
	err := c.read()
	p.SetLender(nil)
	c.Close(err)
	if c.closing.Load() {
		c.linger()
	}
	c.nc.Close()
	p.Disconnect()
	close(c.done)
	return c.Err()
}

// read is the read loop.
func (c *Conn) read() error {
	for {
		if c.eng.Rearmed() {
			if err := c.tick(); err != nil {
				return err
			}
		}
		if c.eng.Ready() && c.eng.pipe.Blocked() {
			if err := c.waitForRoom(); err != nil {
				return err
			}
			continue
		}
		err := c.readOnce()
		if err != nil && err != errInterrupted {
			return err
		}
		if c.eng.pipe.Served() == 1 && c.quiet() {
			if err := c.lendOut(); err != nil {
				return err
			}
		}
	}
}

// errInterrupted ends a read that has to look at something else.
var errInterrupted = errors.New("interrupted")

// readOnce is one read and what follows from it. The caller has the right to read.
func (c *Conn) readOnce() error {
	n, err := c.feed.Feed(c.eng)
	if n > 0 {
		if err := c.eng.Fed(n); err != nil {
			return err
		}
	}
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		return c.deadline()
	}
	return err
}

// deadline is called when the read deadline was over: somebody interrupts, or the clock is due.
func (c *Conn) deadline() error {
	if c.closing.Load() {
		return io.EOF
	}
	if c.calm() {
		return errInterrupted
	}
	if !c.next.IsZero() && time.Now().Before(c.next) {
		return nil // a Recv's own limit
	}
	return c.tick()
}

// tick lets the engine look at the clock and sets the read deadline to its next look.
func (c *Conn) tick() error {
	next, err := c.eng.Tick(time.Now())
	if err != nil {
		return err
	}
	c.next = next
	c.setDeadline(next)
	return nil
}

// setDeadline sets the read deadline, unless it has to stay in the past.
func (c *Conn) setDeadline(t time.Time) {
	c.right.mu.Lock()
	defer c.right.mu.Unlock()
	if !c.right.interrupted && !c.closing.Load() {
		c.nc.SetReadDeadline(t)
	}
}

var past = time.Unix(1, 0)

// waitForRoom blocks while the in-queue is at its mark. Silence is not counted then, since it is
// this side that does not listen; PINGs go on.
func (c *Conn) waitForRoom() error {
	c.eng.Idle()
	defer c.eng.Rearm()
	defer c.eng.Heard()
	for c.eng.pipe.Blocked() {
		if c.over() {
			return io.EOF
		}
		var timeout <-chan time.Time
		if !c.next.IsZero() {
			timeout = time.After(time.Until(c.next))
		}
		select {
		case <-c.room:
		case <-timeout:
			c.eng.Heard()
			next, err := c.eng.Tick(time.Now())
			if err != nil {
				return err
			}
			c.next = next
		}
	}
	return nil
}

// Room implements pipe.Sink.
func (c *Conn) Room() {
	select {
	case c.room <- struct{}{}:
	default:
	}
}

// Close ends the connection with err, if nothing else has ended it before.
func (c *Conn) Close(err error) {
	c.mu.Lock()
	first := c.err == nil
	if first {
		c.err = err
	}
	c.mu.Unlock()
	if first && !c.closing.Load() {
		c.nc.Close()
		c.Room()
		c.right.call()
	}
}

// Err is the first error.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// ErrShutdown is the end of a connection that this side has closed.
var ErrShutdown = errors.New("connection closed by this side")

// Shutdown ends the connection so that the peer gets all that was written: it reads to the end of
// it. Run returns soon after.
func (c *Conn) Shutdown() {
	c.mu.Lock()
	if c.err == nil {
		c.err = ErrShutdown
	}
	c.mu.Unlock()
	c.right.mu.Lock()
	c.closing.Store(true) // no later deadline replaces this one
	c.nc.SetReadDeadline(past)
	c.right.mu.Unlock()
	c.Room()
	c.right.call()
}

// lingerTime is how long a connection that was shut down waits for its peer to close. A close with
// unread bytes makes the kernel throw away what the peer has not read yet.
const lingerTime = 250 * time.Millisecond

// linger sends the end of the stream and drops what still comes.
func (c *Conn) linger() {
	w, ok := c.nc.(closeWriter)
	if !ok || c.Err() != ErrShutdown || w.CloseWrite() != nil {
		return
	}
	if c.nc.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	var sink [4 << 10]byte
	for {
		if _, err := c.nc.Read(sink[:]); err != nil {
			return
		}
	}
}

// Done is closed when Run is over.
func (c *Conn) Done() <-chan struct{} { return c.done }
