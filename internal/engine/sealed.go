// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"math"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/security"
	"github.com/gzmq/zmq/internal/wire"
)

const (
	// sealedRead is what a sealed connection reads at once when it is busy, quietRead when not.
	sealedRead = 128 << 10
	quietRead  = 4 << 10
	// sealedAtOnce is how much of a long sealed frame gets memory before it has arrived.
	sealedAtOnce = 1 << 20
)

// sealedInput is what a connection with a sealing mechanism reads into: whole sealed frames are
// opened from it into the pipe. The holder of the right to read owns it.
type sealedInput struct {
	opener security.Opener
	max    int64  // longest plain body of any frame; negative: no limit
	buf    []byte // memory
	used   int    // bytes read
	done   int    // of these, opened
	need   int    // bytes of the frame at done with its header; 0 when not known
	want   int    // size of the next memory
}

func (in *sealedInput) init(opener security.Opener, maxSize int64) {
	in.opener, in.max, in.want = opener, -1, quietRead
	if maxSize >= 0 {
		in.max = max(maxSize, wire.MaxCommand) // a command looks like any other frame from outside
	}
}

// buffer is the free end of the memory, with room for the frame that has begun, as far as it may
// be trusted.
func (in *sealedInput) buffer() []byte {
	if in.done == in.used {
		in.done, in.used = 0, 0
		if len(in.buf) != in.want {
			in.buf = make([]byte, in.want)
		}
		return in.buf
	}
	if in.used < len(in.buf) && in.need <= len(in.buf)-in.done {
		return in.buf[in.used:]
	}
	have := in.used - in.done
	size := max(in.want, min(in.need, max(2*have, sealedAtOnce)))
	to := in.buf
	if len(to) < size || have == len(to) {
		to = make([]byte, max(size, 2*have))
	}
	copy(to, in.buf[in.done:in.used])
	in.buf, in.used, in.done = to, have, 0
	return in.buf[in.used:]
}

// idle gives the memory back while nothing is in it.
func (in *sealedInput) idle() {
	if in.done == in.used {
		in.buf, in.used, in.done = nil, 0, 0
	}
}

// fedSealed opens what was read.
func (e *Engine) fedSealed(n int) error {
	in := &e.sealed
	if in.used+n == len(in.buf) {
		in.want = sealedRead
	} else if n < quietRead/2 {
		in.want = quietRead
	}
	in.used += n
	for {
		b := in.buf[in.done:in.used]
		flags, n, size, err := wire.ParseHeader(b)
		if err != nil {
			return e.deliver(err)
		}
		in.need = 0
		if size == 0 {
			return e.deliver(nil)
		}
		overhead := in.opener.Overhead()
		if err := in.judge(flags, n-overhead); err != nil {
			return e.deliver(err)
		}
		in.need = size + n
		if len(b) < size+n {
			return e.deliver(nil)
		}
		if err := e.open(b[size:size+n], n-overhead); err != nil {
			return e.deliver(err)
		}
		in.done += size + n
	}
}

// judge looks at the header of a sealed frame, before anybody makes room for the n bytes of its
// plain body.
func (in *sealedInput) judge(flags byte, n int) error {
	switch kind := flags &^ wire.FlagLong; {
	case kind != 0 && kind != wire.FlagCommand:
		return wire.Errorf(wire.CodeMalformedMessage, "sealed frame with flags %#x", flags)
	case n < 0:
		return wire.Errorf(wire.CodeMalformedMessage, "frame too short to be a sealed one, by %d bytes", -n)
	case in.max >= 0 && int64(n) > in.max:
		return wire.Errorf(wire.CodeMalformedMessage, "sealed frame of %d bytes, the limit is %d", n, in.max)
	case n > math.MaxInt-in.opener.Overhead()-wire.MaxHeader:
		return wire.Errorf(wire.CodeMalformedMessage, "sealed frame of %d bytes, which no memory holds", n)
	}
	return nil
}

// open opens one sealed frame, whose plain body has n bytes, into the pipe.
func (e *Engine) open(sealed []byte, n int) error {
	if n >= pipe.Large {
		return e.openLarge(sealed, n)
	}
	head := wire.HeaderLen(n)
	room := e.pipe.Space(head + n)
	// The flags come first and the body follows: opened one byte early, the body is in its place
	// and the header is written over the flags.
	plain, err := e.sealed.opener.Open(room[head-1:head-1], sealed)
	if err != nil {
		return err
	}
	wire.PutHeader(room, plain[0], n)
	e.pipe.Fed(head + n)
	return e.plain()
}

// openLarge opens a frame into memory of its own.
func (e *Engine) openLarge(sealed []byte, n int) error {
	plain, err := e.sealed.opener.Open(make([]byte, 0, n+1), sealed)
	if err != nil {
		return err
	}
	flags := plain[0]
	if flags&^wire.FlagMore != 0 {
		return wire.Errorf(wire.CodeMalformedCommand, "command of %d bytes", n)
	}
	if err := e.scan.Count(flags, n); err != nil {
		return err
	}
	if e.pipe.AppendLarge(flags, plain[1:]) {
		e.between = 0
		e.pipe.Deliver()
	}
	return nil
}
