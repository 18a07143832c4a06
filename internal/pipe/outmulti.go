// SPDX-License-Identifier: MPL-2.0

package pipe

import "github.com/gzmq/zmq/internal/wire"

// lease says whose memory the large bodies of a message are.
type lease uint8

const (
	copied   lease = iota // the caller's: copied before the call returns
	borrowed              // the caller's, written from there before the call returns
	given                 // the library's from now on
)

// sendMany is Send for messages of several parts, with an envelope, or with large bodies.
func (p *Pipe) sendMany(head []byte, parts [][]byte, give func(i int) ([]byte, bool)) Result {
	o := &p.out
	own := Large // bodies from this size on have memory of their own
	if p.mate.Load() != nil {
		own = Own
	}
	whose := copied
	if give != nil {
		whose = given
	}
	o.mu.Lock()
	if r := p.refuse(); r != Sent {
		o.mu.Unlock()
		return r
	}
	if whose == copied && o.idle() && anyOwn(parts, own) {
		// Nobody else writes, so that the kernel can have the bodies from where they are.
		whose = borrowed
		o.writing = true
	}
	o.mu.Unlock()
	owned := ownBodies(parts, own, whose, give)
	o.mu.Lock()
	if whose == borrowed && o.head != nil {
		// Others have sent meanwhile: the next batch, the one that this caller stays for, may end
		// before this message.
		o.mu.Unlock()
		ownChain(owned)
		o.mu.Lock()
	}
	if r := p.refuse(); r == Dead || r == Full && whose != borrowed {
		o.mu.Unlock()
		if whose == borrowed {
			o.sink.TryFlush() // others may have sent meanwhile, and left the writing to this one
		}
		if whose == given {
			forgetChain(owned)
		} else {
			releaseChain(owned)
		}
		return r
	}
	o.appendMessage(head, parts, own, owned)
	o.msgs++
	o.accepted++
	if whose != borrowed {
		return p.sent()
	}
	o.mu.Unlock()
	o.sink.TryFlush()
	return Sent
}

// idle reports whether the queue is empty and the caller may write without waiting.
func (o *outbox) idle() bool {
	return o.up && o.tries && !o.writing && o.head == nil && !o.dead
}

// anyOwn reports whether one of the bodies gets memory of its own.
func anyOwn(parts [][]byte, own int) bool {
	for _, part := range parts {
		if len(part) >= own {
			return true
		}
	}
	return false
}

// ownBodies makes a slab for each large body, outside the lock.
func ownBodies(parts [][]byte, own int, whose lease, give func(i int) ([]byte, bool)) (chain *Slab) {
	var last *Slab
	for i, part := range parts {
		if len(part) < own {
			continue
		}
		var s *Slab
		switch whose {
		case borrowed:
			s = newOwned(moreUnlessLast(i, parts), part)
			s.borrowed = true
		case given:
			if body, recycled := give(i); body != nil {
				s = newOwned(moreUnlessLast(i, parts), body)
				s.foreign = !recycled
				break
			}
			fallthrough
		default:
			body := NewBody(len(part))
			copy(body, part)
			s = newOwned(moreUnlessLast(i, parts), body)
		}
		if last == nil {
			chain = s
		} else {
			last.next = s
		}
		last = s
	}
	return chain
}

// appendMessage frames a message into the queue; owned holds its large bodies. The lock is held.
func (o *outbox) appendMessage(head []byte, parts [][]byte, own int, owned *Slab) {
	if len(head) > 0 {
		o.frames(head, 0)
	}
	for i, part := range parts {
		if len(part) >= own {
			s := owned
			owned, s.next = s.next, nil
			o.link(s)
			o.bytes += int(s.headLen) + len(s.buf)
			s.open = true
			continue
		}
		var hdr [wire.MaxHeader]byte
		n := wire.PutHeader(hdr[:], moreUnlessLast(i, parts), len(part))
		o.frames(hdr[:n], len(part))
		s := o.tail
		s.end += copy(s.buf[s.end:], part)
		o.bytes += len(part)
	}
	o.tail.open = false
	o.tail.msgs++
}

// frames copies whole frames into the tail, or into a new slab when they and room bytes more do
// not fit: a frame never straddles slabs.
func (o *outbox) frames(b []byte, room int) {
	s := o.tail
	if s == nil || s.large || len(s.buf)-s.end < len(b)+room {
		if len(b)+room > BigSlab {
			// Only an envelope is ever this long: its peer sent it that way.
			s = &Slab{buf: make([]byte, len(b)+room), foreign: true}
			s.refs.Store(1)
			o.link(s)
		} else {
			s = o.grow(len(b) + room)
		}
	}
	s.end += copy(s.buf[s.end:], b)
	o.bytes += len(b)
	s.open = true
}

func moreUnlessLast(i int, parts [][]byte) byte {
	if i < len(parts)-1 {
		return wire.FlagMore
	}
	return 0
}

func releaseChain(s *Slab) {
	for s != nil {
		next := s.next
		s.next = nil
		s.Release()
		s = next
	}
}

// forgetChain drops slabs whose bodies stay with the caller.
func forgetChain(s *Slab) {
	for s != nil {
		next := s.next
		s.next = nil
		s.foreign = true
		s.Release()
		s = next
	}
}
