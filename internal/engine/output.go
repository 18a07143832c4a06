// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/security"
	"github.com/gzmq/zmq/internal/wire"
)

// output turns batches into the bytes that go to the kernel. The holder of the right to write owns
// it.
type output struct {
	sealer  security.Sealer
	batch   *pipe.Batch
	bufs    [][]byte // what Take returned last
	ctl     int      // bytes of bufs before the first message
	scratch []byte   // sealed bytes
}

// maxScratch is how much memory for sealed bytes is kept between batches.
const maxScratch = 512 << 10

// Take returns the next bytes to write, nil when there are none: the right to write is given up
// then. They are valid until Wrote.
func (e *Engine) Take() [][]byte {
	b := e.pipe.Take()
	if b == nil {
		return nil // o is somebody else's from now on
	}
	o := &e.out
	o.batch = b
	// The sealer is there before the first byte that needs it, and not looked at before.
	if (len(o.batch.Ctl) > o.batch.Raw || !o.batch.Empty()) && o.sealer != nil {
		o.seal()
		return o.bufs
	}
	o.bufs = o.bufs[:0]
	if o.ctl = len(o.batch.Ctl); o.ctl > 0 {
		o.bufs = append(o.bufs, o.batch.Ctl)
	}
	o.bufs = o.batch.AppendTo(o.bufs)
	return o.bufs
}

// Own makes the batch independent of the memory of whoever called Send.
func (e *Engine) Own() {
	o := &e.out
	if o.batch.Empty() {
		return
	}
	o.batch.Own()
	if o.sealer == nil {
		o.bufs = o.bufs[:0]
		if o.ctl > 0 {
			o.bufs = append(o.bufs, o.batch.Ctl)
		}
		o.bufs = o.batch.AppendTo(o.bufs)
	}
}

// Taken is what Take returned last.
func (e *Engine) Taken() [][]byte { return e.out.bufs }

// Wrote says that n bytes of what Take returned are with the kernel: all, unless err is set. After
// an error the right to write is given up.
func (e *Engine) Wrote(n int, err error) {
	o := &e.out
	overhead := 0
	if !o.batch.Empty() && o.sealer != nil {
		overhead = o.sealer.Overhead()
	}
	o.batch = nil
	clear(o.bufs)
	if cap(o.scratch) > maxScratch {
		o.scratch = nil
	}
	e.pipe.Wrote(max(0, n-o.ctl), overhead, err)
}

// seal seals the commands after the handshake's own bytes, and then the messages, frame by frame:
// one plain frame is one sealed frame, without flags, which are inside.
func (o *output) seal() {
	b := o.batch
	o.scratch = append(o.scratch[:0], b.Ctl[:b.Raw]...)
	for rest := b.Ctl[b.Raw:]; len(rest) > 0; {
		flags, n, size, _ := wire.ParseHeader(rest)
		o.sealFrame(flags, rest[size:size+n])
		rest = rest[size+n:]
	}
	o.ctl = len(o.scratch)
	b.Frames(o.sealFrame)
	o.bufs = append(o.bufs[:0], o.scratch)
}

func (o *output) sealFrame(flags byte, body []byte) {
	o.scratch = wire.AppendHeader(o.scratch, 0, len(body)+o.sealer.Overhead())
	o.scratch = o.sealer.Seal(o.scratch, flags&(wire.FlagMore|wire.FlagCommand), body)
}
