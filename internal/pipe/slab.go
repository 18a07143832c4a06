// SPDX-License-Identifier: MPL-2.0

package pipe

import (
	"math/bits"
	"sync"
	"sync/atomic"

	"github.com/gzmq/zmq/internal/wire"
)

// Sizes of the memory that queues are made of. Measured in bench/: see DESIGN.md, "Slabs".
const (
	// SmallSlab is what a quiet pipe holds while there is something in it.
	SmallSlab = 4 << 10
	// MidSlab is the step between a quiet and a busy pipe.
	MidSlab = 32 << 10
	// BigSlab is what a busy pipe reads and writes at once. It has room for a frame that just
	// misses being Large behind 64 KiB of others.
	BigSlab = 128 << 10
	// Large is the body size from which a body gets memory of its own: it is read straight
	// into it, written from it and handed over with it.
	Large = 64 << 10
	// Own is the same within a process, where no read or write profits from frames that lie
	// side by side: one copy at Send, then handed over.
	Own = 1 << ownBits
)

// A Slab is a run of whole ZMTP frames, or one frame whose body is Large.
//
// Who may touch what: buf beyond the published end belongs to the one that fills the slab (the
// reader, or Send under the out-queue lock); next, read, end and msgs belong to the queue that
// links the slab and are guarded by its lock; peer never changes while the slab is in use.
type Slab struct {
	buf  []byte
	next *Slab
	peer *Peer

	read   int  // first byte not cut or written yet
	end    int  // end of what the queue may cut or write
	msgs   int  // out-queue: whole messages that end in this slab
	filled int  // in-queue: end of the frames of a slab that its reader left
	open   bool // out-queue: the slab ends in the middle of a message

	linked   bool // in an in-queue
	large    bool // one frame: header in head, body in buf[:end]
	foreign  bool // buf came from outside and is never recycled
	borrowed bool // buf is a caller's, until the call that lent it ends
	headLen  uint8
	head     [wire.MaxHeader]byte

	refs atomic.Int32 // the filler, the queue, and whoever copies out of it unlocked
}

// pools of slab memory by size; a *Slab travels with its memory.
var (
	smallSlabs = sync.Pool{New: func() any { return &Slab{buf: make([]byte, SmallSlab)} }}
	midSlabs   = sync.Pool{New: func() any { return &Slab{buf: make([]byte, MidSlab)} }}
	bigSlabs   = sync.Pool{New: func() any { return &Slab{buf: make([]byte, BigSlab)} }}
	bareSlabs  = sync.Pool{New: func() any { return new(Slab) }} // for large bodies
)

// NewSlab returns a slab of at least size bytes, referenced once. Its memory is whatever its last
// user left there.
func NewSlab(size int, peer *Peer) *Slab {
	var s *Slab
	switch {
	case size <= SmallSlab:
		s = smallSlabs.Get().(*Slab)
	case size <= MidSlab:
		s = midSlabs.Get().(*Slab)
	default:
		s = bigSlabs.Get().(*Slab)
	}
	s.peer = peer
	s.refs.Store(1)
	return s
}

// newOwned returns a slab for one frame whose body is there already.
func newOwned(flags byte, body []byte) *Slab {
	s := bareLarge(flags, len(body), nil)
	s.buf = body
	s.end = len(body)
	return s
}

// NewLarge returns a slab for one frame with a body of n bytes, of which it has memory for the
// first have (have <= n): what a peer announces is not allocated before it arrives.
func NewLarge(flags byte, n, have int, peer *Peer) *Slab {
	s := bareLarge(flags, n, peer)
	s.buf = NewBody(have)
	return s
}

func bareLarge(flags byte, n int, peer *Peer) *Slab {
	s := bareSlabs.Get().(*Slab)
	s.large = true
	s.headLen = uint8(wire.PutHeader(s.head[:], flags, n))
	s.peer = peer
	s.refs.Store(1)
	return s
}

// Cap is the memory of the slab in bytes.
func (s *Slab) Cap() int { return len(s.buf) }

// Bytes is the slab's whole memory; only the filler may write beyond what it has published.
func (s *Slab) Bytes() []byte { return s.buf }

// Grow gives a large slab that is being filled memory for n bytes and keeps the first used.
func (s *Slab) Grow(used, n int) {
	bigger := NewBody(n)
	copy(bigger, s.buf[:used])
	FreeBody(s.buf)
	s.buf = bigger
}

// Sole reports whether the caller's is the only reference: the queue has let go of the slab and
// nobody copies out of it, so that the filler may start again at its front.
func (s *Slab) Sole() bool { return s.refs.Load() == 1 }

// Release drops one reference; the last one gives the memory back.
func (s *Slab) Release() {
	if s.refs.Add(-1) == 0 {
		s.recycle()
	}
}

func (s *Slab) recycle() {
	buf := s.buf
	if s.large {
		if !s.foreign && !s.borrowed {
			FreeBody(buf)
		}
		*s = Slab{}
		bareSlabs.Put(s)
		return
	}
	if s.foreign {
		return
	}
	if poison {
		scribble(buf)
	}
	s.next, s.peer, s.linked = nil, nil, false
	s.read, s.end, s.filled, s.msgs, s.open = 0, 0, 0, 0, false
	switch len(buf) {
	case SmallSlab:
		smallSlabs.Put(s)
	case MidSlab:
		midSlabs.Put(s)
	default:
		bigSlabs.Put(s)
	}
}

// Bodies have four sizes per doubling, so that at most a fifth of one is unused, from Own up to
// maxBody; larger ones are left to the garbage collector.
const (
	ownBits   = 11
	maxBits   = 24
	maxBody   = 1 << maxBits
	bodySteps = 4
)

var bodies [bodySteps*(maxBits-ownBits) + 1]sync.Pool

// bodyClass returns the index of the smallest size that holds n, and that size; -1 for none.
func bodyClass(n int) (class, size int) {
	if n > maxBody {
		return -1, n
	}
	if n <= Own {
		return 0, Own
	}
	doubling := bits.Len(uint(n-1)) - 1 // 2^doubling < n <= 2^(doubling+1)
	step := 1 << doubling / bodySteps
	over := (n - 1<<doubling + step - 1) / step // 1..bodySteps
	return (doubling-ownBits)*bodySteps + over, 1<<doubling + over*step
}

// NewBody returns memory for a large body of n bytes, recycled if there is some.
func NewBody(n int) []byte {
	class, size := bodyClass(n)
	if class >= 0 {
		if b, ok := bodies[class].Get().(*[]byte); ok {
			body := (*b)[:n]
			*b = nil
			boxes.Put(b)
			return body
		}
	}
	return make([]byte, n, size)
}

// FreeBody takes back memory that NewBody gave, or any other, which it leaves alone.
func FreeBody(b []byte) {
	if cap(b) < Own {
		return
	}
	class, size := bodyClass(cap(b))
	if class < 0 || size != cap(b) {
		return
	}
	b = b[:cap(b)]
	if poison {
		scribble(b)
	}
	box := boxes.Get().(*[]byte)
	*box = b
	bodies[class].Put(box)
}

// boxes keeps the slice headers that travel through the body pools, so that Put allocates nothing.
var boxes = sync.Pool{New: func() any { return new([]byte) }}

// poison makes recycled memory unmistakable. Only tests set it, before anything runs.
var poison bool

// Poison turns on overwriting of recycled memory: for tests, so that whoever keeps memory it no
// longer owns is found. It must be called before any socket exists.
func Poison() { poison = true }

func scribble(b []byte) {
	for n := copy(b, "\xDB"); n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
}
