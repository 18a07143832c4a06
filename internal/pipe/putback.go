// SPDX-License-Identifier: MPL-2.0

package pipe

import "github.com/gzmq/zmq/internal/wire"

// putBack returns to the front of the queue what the kernel has not seen, from a message boundary
// on; a message of which it has seen a part is lost with the connection. A queue that ends with
// its connection loses everything.
func (p *Pipe) putBack(n, overhead int) {
	o := &p.out
	b := &o.batch
	b.Own()
	sent, sentBytes, lost := b.cut(n, overhead)
	o.mu.Lock()
	kept := 0
	if b.head != nil {
		if o.keep {
			last := b.head
			for {
				kept += last.msgs
				o.bytes += last.size()
				if last.next == nil {
					break
				}
				last = last.next
			}
			last.next = o.head
			if o.tail == nil {
				o.tail = last
			}
			o.head = b.head
			o.msgs += kept
		} else {
			lost = b.msgs - sent
			releaseChain(b.head)
		}
	}
	b.head = nil
	o.finished += uint64(b.msgs - kept)
	b.msgs, b.bytes = 0, 0
	o.up = false
	// Counted before the right is given up: with it the connection may end, and the pipe be summed up.
	p.sentMessages.Add(uint64(sent))
	p.sentBytes.Add(uint64(sentBytes))
	p.unsent.Add(uint64(lost))
	waiters := o.flushers.PopAll()
	o.rest()
	o.mu.Unlock()
	waiters.SignalAll()
}

// cut drops from the batch every message that begins before byte n of it on the wire, and reports
// how many of these were written to their end and how many were not.
func (b *Batch) cut(n, overhead int) (sent, sentBytes, lost int) {
	pos, plain, begun := 0, 0, false
	for s := b.head; s != nil; {
		flags := byte(0)
		off := s.read
		for off < s.end {
			if !begun && pos >= n {
				s.read = off
				b.head = s
				return sent, sentBytes, lost
			}
			var body, size int
			if s.large {
				flags, body, _, _ = wire.ParseHeader(s.head[:s.headLen])
				off = s.end
			} else {
				flags, body, size, _ = wire.ParseHeader(s.buf[off:s.end])
				off += size + body
			}
			pos += wire.HeaderLen(body+overhead) + body + overhead
			plain += wire.HeaderLen(body) + body
			begun = flags&wire.FlagMore != 0
			if !begun {
				s.msgs--
				if pos <= n {
					sent++
					sentBytes = plain
				} else {
					lost++
				}
			}
		}
		next := s.next
		s.next = nil
		s.Release()
		s = next
	}
	b.head = nil
	return sent, sentBytes, lost
}
