// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"iter"

	"github.com/gzmq/zmq/internal/pipe"
)

// Message is a whole message: one part or more, each of any length. The zero value has no parts.
//
// A copy of the struct shares its memory; Clone does not. Recv returns a message whose memory is
// the caller's for good; RecvInto reuses the memory of the message it is given. A Message is not
// safe for use from several goroutines at once.
type Message struct {
	m pipe.Message
}

// Len is the number of parts.
func (m *Message) Len() int { return m.m.Len() }

// Size is the number of bytes of all parts.
func (m *Message) Size() int { return m.m.Size() }

// Part returns part i, nil when there is none: a short message from a peer cannot make a program
// panic. Writing to it changes the message.
func (m *Message) Part(i int) []byte { return m.m.Part(i) }

// Bytes returns the first part: all of a one-part message.
func (m *Message) Bytes() []byte { return m.m.Part(0) }

// Parts goes over the parts with their numbers.
func (m *Message) Parts() iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for i := range m.m.Len() {
			if !yield(i, m.m.Part(i)) {
				return
			}
		}
	}
}

// Append adds copies of parts.
func (m *Message) Append(parts ...[]byte) {
	for _, part := range parts {
		m.m.Append(part)
	}
}

// Reset removes all parts. Memory that is not the caller's for good is kept for the next ones.
func (m *Message) Reset() { m.m.Reset() }

// Clone returns a message with memory of its own, the caller's for good.
func (m *Message) Clone() Message { return Message{m.m.Clone()} }

// Peer is who sent the message; nil for one that was not received, which answers zero values.
func (m *Message) Peer() *PeerInfo { return publicPeer(m.m.Peer()) }
