// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"io"
	"net"
)

// feeder is what a connection is read into: the engine. An alias, so that a transport's method can
// have it as its parameter without importing this package.
type feeder = interface {
	Buffer() []byte
	Idle()
}

// lazyReader reads once into src.Buffer, which it asks for only when there is something to read,
// and calls src.Idle before it waits. Transports with a raw descriptor have it.
type lazyReader interface {
	Feed(src feeder) (n int, err error)
}

func newLazyReader(nc net.Conn) lazyReader {
	if r, ok := nc.(lazyReader); ok {
		return r
	}
	return &plainReader{nc: nc}
}

// plainReader is for connections without a raw descriptor. While it waits it holds a little memory
// of its own; only when that was not enough does it read into the slab.
type plainReader struct {
	nc    net.Conn
	own   [512]byte
	extra []byte // of own, what did not fit into the buffer yet
	busy  bool   // the last read filled what it was given
}

func (r *plainReader) Feed(src feeder) (int, error) {
	if r.busy && len(r.extra) == 0 {
		buf := src.Buffer()
		n, err := r.nc.Read(buf)
		r.busy = n == len(buf)
		return n, noProgress(n, err)
	}
	if len(r.extra) == 0 {
		src.Idle()
		n, err := r.nc.Read(r.own[:])
		if n == 0 {
			return 0, noProgress(n, err)
		}
		r.extra, r.busy = r.own[:n], n == len(r.own)
	}
	n := copy(src.Buffer(), r.extra)
	r.extra = r.extra[n:]
	return n, nil
}

func noProgress(n int, err error) error {
	if n == 0 && err == nil {
		return io.ErrNoProgress
	}
	return err
}
