// SPDX-License-Identifier: MPL-2.0

//go:build linux || darwin || freebsd

package transport

import (
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Stream is a connection whose descriptor is within reach. Beside net.Conn it has a write that
// never waits, a write of many buffers, and a read that holds no memory while it waits. None of
// the three allocates once it has its scratch.
//
// At most one goroutine reads and at most one writes at a time, whichever call it uses. Deadlines
// and Close interrupt all of them, as they do with net.Conn.
type Stream struct {
	net.Conn
	raw syscall.RawConn

	write writeState // owned by the writer
	read  readState  // owned by the reader
}

// writeState is one write under way. The function that the descriptor is lent to is made once,
// and what it works on stands here: a closure per call would be an allocation per call.
type writeState struct {
	lent  func(fd uintptr) (done bool)
	wait  bool     // stay until all is written
	bufs  [][]byte // what is left, with skip bytes of the first one gone
	skip  int
	n     int
	errno error
	vecs  []vec // scratch; never holds a pointer between calls
}

type readState struct {
	lent  func(fd uintptr) (done bool)
	src   Feeder
	n     int
	errno error
}

// newStream gives a connection of the net package a Stream's calls; others come back unchanged.
func newStream(c net.Conn) net.Conn {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return c
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return c
	}
	s := &Stream{Conn: c, raw: raw}
	s.write.lent = s.writeSome
	s.read.lent = s.readSome
	return s
}

// CloseWrite ends the outgoing direction: the peer reads what was written, then the end.
func (s *Stream) CloseWrite() error {
	if c, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return syscall.ENOTSUP
}

// TryWrite writes what the kernel takes at once and returns how much that was. Fewer bytes than
// given and no error mean that more would have to wait. It leaves bufs alone.
func (s *Stream) TryWrite(bufs [][]byte) (n int, err error) { return s.writeAll(bufs, false) }

// WriteBuffers writes all of bufs and waits for the kernel as long as it takes. With an error, n
// says how many bytes went out before. It leaves bufs alone.
func (s *Stream) WriteBuffers(bufs [][]byte) (n int, err error) { return s.writeAll(bufs, true) }

func (s *Stream) writeAll(bufs [][]byte, wait bool) (int, error) {
	w := &s.write
	w.bufs, w.wait = bufs, wait
	err := s.raw.Write(w.lent)
	if err == nil && w.errno != nil {
		err = s.opError("write", w.errno)
	}
	n := w.n
	w.bufs, w.skip, w.n, w.errno = nil, 0, 0, nil
	return n, err
}

// writeSome is called with the descriptor, again whenever it has become writable, until it says
// that it is done. It may say otherwise only after an EAGAIN of its own: the poller wakes it for
// what changes from then on.
func (s *Stream) writeSome(fd uintptr) (done bool) {
	w := &s.write
	for w.gather() {
		n, err := writev(int(fd), w.vecs)
		clear(w.vecs) // the caller's memory is the caller's again
		switch err {
		case nil:
			w.n += n
			w.advance(n)
		case unix.EINTR:
		case unix.EAGAIN:
			return !w.wait
		default:
			w.errno = err
			return true
		}
	}
	return true
}

// gather points vecs at the next bytes to write, at most maxVecs buffers of them, and reports
// whether there are any. Empty buffers are left out.
func (w *writeState) gather() bool {
	w.vecs = w.vecs[:0]
	skip := w.skip
	for _, b := range w.bufs {
		if b = b[skip:]; len(b) > 0 {
			w.vecs = append(w.vecs, makeVec(b))
			if len(w.vecs) == maxVecs {
				break
			}
		}
		skip = 0
	}
	return len(w.vecs) > 0
}

func (w *writeState) advance(n int) {
	n += w.skip
	for len(w.bufs) > 0 && n >= len(w.bufs[0]) {
		n -= len(w.bufs[0])
		w.bufs = w.bufs[1:]
	}
	w.skip = n
}

// Feed reads once, into src.Buffer(), and returns how many bytes came. If none are there yet it
// calls src.Idle, waits, and asks for a Buffer again. The end of the stream is io.EOF.
//
// After n > 0 the bytes are in the Buffer last asked for. After an error there are none, and src
// may still have that Buffer.
func (s *Stream) Feed(src Feeder) (n int, err error) {
	r := &s.read
	r.src = src
	err = s.raw.Read(r.lent)
	n, errno := r.n, r.errno
	r.src, r.n, r.errno = nil, 0, nil
	switch {
	case err != nil:
		return 0, err
	case errno == io.EOF || errno == io.ErrShortBuffer:
		return 0, errno
	case errno != nil:
		return 0, s.opError("read", errno)
	}
	return n, nil
}

// readSome is to reading what writeSome is to writing.
func (s *Stream) readSome(fd uintptr) (done bool) {
	r := &s.read
	buf := r.src.Buffer()
	if len(buf) == 0 {
		r.errno = io.ErrShortBuffer // no bytes would look like the end
		return true
	}
	for {
		n, err := unix.Read(int(fd), buf)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			r.src.Idle()
			return false
		case err != nil:
			r.errno = err
		case n == 0:
			r.errno = io.EOF
		default:
			r.n = n
		}
		return true
	}
}

// opError dresses an errno as the net package does.
func (s *Stream) opError(op string, errno error) error {
	return &net.OpError{
		Op: op, Net: s.LocalAddr().Network(), Source: s.LocalAddr(), Addr: s.RemoteAddr(),
		Err: os.NewSyscallError(op, errno),
	}
}
