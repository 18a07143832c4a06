// SPDX-License-Identifier: MPL-2.0

package pipe

// Message is a whole message: what the public one is made of. The zero value has no parts. A copy
// of the struct shares its memory.
type Message struct {
	buf   []byte   // small bodies end to end
	spans []span   // with more than one part: where each is
	large [][]byte // bodies with memory of their own
	n     int      // parts
	keep  bool     // the memory is the caller's for good: never recycled
	peer  *Peer
}

// span is one part: bytes off to end of buf, or, when end is negative, large[off].
type span struct{ off, end int }

// Len is the number of parts.
func (m *Message) Len() int { return m.n }

// Peer is who sent the message; nil for one that was not received.
func (m *Message) Peer() *Peer { return m.peer }

// Part returns part i, nil when there is none.
func (m *Message) Part(i int) []byte {
	if uint(i) >= uint(m.n) {
		return nil
	}
	if m.n == 1 {
		if len(m.large) > 0 {
			return m.large[0]
		}
		return m.buf[:len(m.buf):len(m.buf)]
	}
	s := m.spans[i]
	if s.end < 0 {
		return m.large[s.off]
	}
	return m.buf[s.off:s.end:s.end]
}

// Size is the number of bytes of all parts.
func (m *Message) Size() int {
	size := len(m.buf)
	for _, b := range m.large {
		size += len(b)
	}
	return size
}

// Append adds a copy of part.
func (m *Message) Append(part []byte) {
	if m.n == 0 {
		m.buf = append(m.buf[:0], part...)
		m.n = 1
		return
	}
	if m.n == 1 {
		m.spans = append(m.spans[:0], span{0, len(m.buf)})
		if len(m.large) > 0 {
			m.spans[0] = span{0, -1}
		}
	}
	off := len(m.buf)
	m.buf = append(m.buf, part...)
	m.spans = append(m.spans, span{off, len(m.buf)})
	m.n++
}

// appendLarge adds a part without copying it.
func (m *Message) appendLarge(body []byte) {
	if m.n == 1 {
		m.spans = append(m.spans[:0], span{0, len(m.buf)})
		if len(m.large) > 0 {
			m.spans[0] = span{0, -1}
		}
	}
	if m.n >= 1 {
		m.spans = append(m.spans, span{len(m.large), -1})
	}
	m.large = append(m.large, body)
	m.n++
}

// Reserve sees to memory for size bytes of small bodies.
func (m *Message) Reserve(size int) {
	if cap(m.buf) < size {
		m.buf = make([]byte, 0, max(size, 64))
	}
}

// Use gives an empty message memory that is the caller's for good.
func (m *Message) Use(mem []byte) { m.buf, m.keep = mem[:0], true }

// Reset drops the parts and keeps the memory for the next message, unless it was given to the
// caller for good. Large bodies go back to where they came from.
func (m *Message) Reset() {
	if !m.keep && len(m.large) == 0 && m.n <= 1 {
		m.buf, m.n, m.peer = m.buf[:0], 0, nil
		return
	}
	m.reset()
}

func (m *Message) reset() {
	if m.keep {
		*m = Message{}
		return
	}
	for i, b := range m.large {
		FreeBody(b)
		m.large[i] = nil
	}
	m.buf, m.spans, m.large = m.buf[:0], m.spans[:0], m.large[:0]
	m.n, m.peer = 0, nil
}

// Clone returns a message with memory of its own.
func (m *Message) Clone() Message {
	c := Message{n: m.n, keep: true, peer: m.peer}
	c.buf = append([]byte(nil), m.buf...)
	c.spans = append([]span(nil), m.spans...)
	for _, b := range m.large {
		c.large = append(c.large, append([]byte(nil), b...))
	}
	return c
}

// give takes the large body that is part i out of a message that is being given away. It answers
// nil when the part shares its memory with others. recycled says that the body may be recycled.
func (m *Message) give(i int) (body []byte, recycled bool) {
	k := 0
	if m.n > 1 {
		if m.spans[i].end >= 0 {
			return nil, false
		}
		k = m.spans[i].off
	} else if len(m.large) == 0 {
		return nil, false
	}
	return m.large[k], !m.keep
}

// SendMessage is Send for a message that is given away: large bodies are not copied. After Sent
// and Paced m is empty, otherwise unchanged. parts is room for the list of parts.
func (p *Pipe) SendMessage(head []byte, m *Message, parts [][]byte) Result {
	parts = parts[:0]
	for i := range m.n {
		parts = append(parts, m.Part(i))
	}
	var r Result
	if len(m.large) == 0 {
		r = p.Send(head, parts)
	} else {
		r = p.sendMany(head, parts, m.give)
	}
	if r == Sent || r == Paced {
		clear(m.large) // the queue has them
		m.large = m.large[:0]
		m.Reset()
	}
	return r
}
