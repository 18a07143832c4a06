// SPDX-License-Identifier: MPL-2.0

package pipe

import "github.com/gzmq/zmq/internal/wire"

// BeginLarge begins a large body, whose frame stands at the front of Unscanned: what is there of
// it is copied to memory of its own, and Buffer returns the rest of that memory until it is full.
// ended reports that all of it was there; more bytes may follow it.
func (p *Pipe) BeginLarge(f *wire.Found) (ended bool) {
	in := &p.in
	L := NewLarge(f.Flags, f.Body, min(f.Body, maxAtOnce), p.peer.Load())
	rest := in.slab.buf[in.done+f.Header : in.used]
	n := copy(L.buf, rest[:min(len(rest), f.Body)])
	rest = rest[n:]

	old := in.slab
	in.used = in.done
	if len(rest) > 0 {
		// What follows the body goes on in another slab: frames stay in order that way.
		s := NewSlab(max(in.want, len(rest)), nil)
		m := copy(s.buf, rest)
		p.leave()
		in.slab = s
		in.restart()
		in.used = m
	} else if in.middle || in.msgs > 0 || !old.Sole() {
		p.leave()
		in.want = SmallSlab // a large body often follows another, and is read past the slab
	} else {
		in.restart()
	}
	in.large, in.largeSize, in.largeUsed = L, f.Body, n
	return n == f.Body
}

// ReadingLarge reports whether a large body is being read, and how much of it is missing.
func (p *Pipe) ReadingLarge() (missing int, reading bool) {
	in := &p.in
	if in.large == nil {
		return 0, false
	}
	return in.largeSize - in.largeUsed, true
}

// largeBuffer is the free end of the large body's memory, which grows as the body arrives.
func (in *inbox) largeBuffer() []byte {
	L := in.large
	if in.largeUsed == len(L.buf) && len(L.buf) < in.largeSize {
		L.Grow(in.largeUsed, len(L.buf)+min(len(L.buf), in.largeSize-len(L.buf)))
	}
	return L.buf[in.largeUsed:]
}

// EndLarge puts the large body, which is complete, behind what was passed before it. It reports
// whether a message ended with it.
func (p *Pipe) EndLarge() (whole bool) {
	in := &p.in
	L := in.large
	L.filled = in.largeSize
	in.large = nil
	flags, _, _, _ := wire.ParseHeader(L.head[:L.headLen])
	return p.append(L, flags)
}

// AppendLarge puts a body that was opened elsewhere behind what was passed; the pipe owns it.
func (p *Pipe) AppendLarge(flags byte, body []byte) (whole bool) {
	in := &p.in
	L := newOwned(flags, body)
	L.peer = p.peer.Load()
	L.filled = len(body)
	in.unpark()
	if in.slab != nil {
		if in.middle || in.msgs > 0 || !in.slab.Sole() {
			p.leave()
		} else {
			in.restart()
		}
	}
	return p.append(L, flags)
}

func (p *Pipe) append(L *Slab, flags byte) (whole bool) {
	in := &p.in
	in.left = append(in.left, L)
	whole = flags&wire.FlagMore == 0
	in.middle = !whole
	in.begun += int(L.headLen) + L.filled
	if whole {
		in.msgs++
		in.bytes += in.begun
		in.begun = 0
	}
	return whole
}

// forget drops what is no whole message, at the end of a connection. The caller holds the right to
// read.
func (in *inbox) forget() {
	in.unpark()
	if in.large != nil {
		in.large.Release()
		in.large = nil
	}
	in.releaseLeft()
	if in.slab != nil {
		in.slab.Release()
		in.slab = nil
	}
	in.used, in.done, in.whole, in.need = 0, 0, 0, 0
	in.msgs, in.bytes, in.begun, in.middle = 0, 0, 0, false
	in.want = SmallSlab
}

func (in *inbox) releaseLeft() {
	for i, s := range in.left {
		s.Release()
		in.left[i] = nil
	}
	in.left = in.left[:0]
}
