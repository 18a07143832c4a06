// SPDX-License-Identifier: MPL-2.0

package pipe

// Message is a whole message: what the public one is made of. The zero value has no parts. A copy
// of the struct shares its memory. It is kept short, since Recv returns it by value.
type Message struct {
	buf  []byte // small bodies end to end
	more *parts // nil as long as there is only one small part
	peer *Peer
	n    int32 // parts
	keep bool  // the memory is the caller's for good: never recycled
}

// parts is what a message with several parts, or with large ones, has besides.
type parts struct {
	spans []span   // with more than one part: where each is
	large [][]byte // bodies with memory of their own
	held  bool     // somebody may still have one of these: none is recycled
}

// span is one part: bytes off to end of buf, or, when end is negative, large[off].
type span struct{ off, end int }

// SetFresh makes the zero value a message of one part in memory that is the caller's for good.
func (m *Message) SetFresh(body []byte, peer *Peer) {
	m.buf, m.n, m.keep, m.peer = body, 1, true, peer
}

// Len is the number of parts.
func (m *Message) Len() int { return int(m.n) }

// Peer is who sent the message; nil for one that was not received.
func (m *Message) Peer() *Peer { return m.peer }

// hasLarge reports whether there are bodies with memory of their own.
func (m *Message) hasLarge() bool { return m.more != nil && len(m.more.large) > 0 }

// Part returns part i, nil when there is none.
func (m *Message) Part(i int) []byte {
	switch {
	case uint(i) >= uint(m.n):
		return nil
	case m.n == 1 && !m.hasLarge():
		return m.buf[:len(m.buf):len(m.buf)]
	case m.n == 1:
		return m.more.large[0]
	}
	s := m.more.spans[i]
	if s.end < 0 {
		return m.more.large[s.off]
	}
	return m.buf[s.off:s.end:s.end]
}

// Size is the number of bytes of all parts.
func (m *Message) Size() int {
	size := len(m.buf)
	if m.more != nil {
		for _, b := range m.more.large {
			size += len(b)
		}
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
	off := len(m.buf)
	m.several()
	m.buf = append(m.buf, part...)
	m.more.spans = append(m.more.spans, span{off, len(m.buf)})
	m.n++
}

// appendLarge adds a part without copying it.
func (m *Message) appendLarge(body []byte) {
	if m.n > 0 {
		m.several()
		m.more.spans = append(m.more.spans, span{len(m.more.large), -1})
	} else if m.more == nil {
		m.more = new(parts)
	}
	m.more.large = append(m.more.large, body)
	m.n++
}

// several notes where the first part is, before a second one comes.
func (m *Message) several() {
	if m.more == nil {
		m.more = new(parts)
	}
	if m.n == 1 {
		first := span{0, len(m.buf)}
		if m.hasLarge() {
			first.end = -1
		}
		m.more.spans = append(m.more.spans[:0], first)
	}
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
	if m.keep {
		*m = Message{}
		return
	}
	if m.hasLarge() {
		for i, b := range m.more.large {
			if !m.more.held {
				FreeBody(b)
			}
			m.more.large[i] = nil
		}
		m.more.large, m.more.held = m.more.large[:0], false
	}
	m.buf, m.n, m.peer = m.buf[:0], 0, nil
}

// Clone returns a message with memory of its own.
func (m *Message) Clone() Message {
	c := Message{n: m.n, keep: true, peer: m.peer, buf: append([]byte(nil), m.buf...)}
	if m.more != nil && m.n > 0 {
		c.more = &parts{spans: append([]span(nil), m.more.spans...)}
		for _, b := range m.more.large {
			c.more.large = append(c.more.large, append([]byte(nil), b...))
		}
	}
	return c
}

// give takes the large body that is part i out of a message that is being given away. It answers
// nil when the part shares its memory with others. recycled says that the body may be recycled.
func (m *Message) give(i int) (body []byte, recycled bool) {
	switch {
	case !m.hasLarge():
		return nil, false
	case m.n == 1:
		return m.more.large[0], !m.keep && !m.more.held
	}
	s := m.more.spans[i]
	if s.end >= 0 {
		return nil, false
	}
	return m.more.large[s.off], !m.keep && !m.more.held
}

// SendMessage is Send for a message that is given away: large bodies are not copied. After Sent
// and Paced m is empty, otherwise unchanged. parts is room for the list of parts.
func (p *Pipe) SendMessage(head []byte, m *Message, parts [][]byte) Result {
	parts = parts[:0]
	for i := range m.Len() {
		parts = append(parts, m.Part(i))
	}
	var r Result
	if !m.hasLarge() {
		r = p.Send(head, parts)
	} else {
		r = p.sendMany(head, parts, m.give)
	}
	if r == Sent || r == Paced {
		if m.hasLarge() { // the queue has them
			clear(m.more.large)
			m.more.large, m.more.held = m.more.large[:0], false
		}
		m.Reset()
	}
	return r
}
