// SPDX-License-Identifier: MPL-2.0

// Package securitytest is a mechanism for tests of everything that has to work with one that seals.
// It is no security: it is there so that a frame that was not sealed, not opened, changed, repeated
// or left out is noticed.
//
// The handshake has two commands each way:
//
//	client  HELLO nonce    READY metadata
//	server  WELCOME nonce  READY metadata
//
// After it each frame's body is a number, a checksum, a flags byte and the plain body, made
// unreadable.
package securitytest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"hash"

	"github.com/gzmq/zmq/internal/security"
	"github.com/gzmq/zmq/internal/wire"
)

const (
	// Name is the mechanism's name in the greeting.
	Name = "SEALED-TEST"
	// Overhead is by how many bytes a sealed body is longer than its plain one.
	Overhead = numberLen + checksumLen + 1

	numberLen   = 8
	checksumLen = 24
	nonceLen    = 16
)

// The names of the commands besides READY.
const (
	hello   = "HELLO"
	welcome = "WELCOME"
)

// Mechanism is one side's. Two sides understand each other if one is the server and both have the
// same key.
type Mechanism struct {
	Server bool
	Key    string
	// Spoil, if set, may change the body of a frame that was sealed, the first one of a
	// connection being number 0. It is called by the holder of the right to write.
	Spoil func(number uint64, sealed []byte)
}

var _ security.Mechanism = (*Mechanism)(nil)

// Name implements security.Mechanism.
func (*Mechanism) Name() string { return Name }

// AsServer implements security.Mechanism.
func (m *Mechanism) AsServer() bool { return m.Server }

// Handshake implements security.Mechanism.
func (m *Mechanism) Handshake(local wire.Metadata) security.Handshake {
	h := &handshake{mechanism: m, local: local, due: hello}
	if !m.Server {
		h.due = welcome
	}
	return h
}

// handshake is one peer's way through the mechanism.
type handshake struct {
	mechanism     *Mechanism
	local, remote wire.Metadata
	due           string // the command that the peer sends next; empty once done
	own, peers    [nonceLen]byte
}

// Start implements security.Handshake: the server waits.
func (h *handshake) Start() [][]byte {
	rand.Read(h.own[:]) // never fails
	if h.mechanism.Server {
		return nil
	}
	return [][]byte{wire.AppendCommandBody(nil, hello, h.own[:])}
}

// Receive implements security.Handshake.
func (h *handshake) Receive(body []byte) (answer []byte, done bool, err error) {
	name, data, err := wire.ParseCommand(body)
	switch {
	case err != nil:
		return nil, false, err
	case string(name) == "ERROR":
		reason, err := wire.ParseError(data)
		if err != nil {
			return nil, false, err
		}
		return nil, false, &security.Refusal{Reason: reason}
	case string(name) != h.due:
		return nil, false, wire.Errorf(wire.CodeUnexpectedCommand, "%q where %q was due", name, h.due)
	}
	if h.due == "READY" {
		return h.ready(data)
	}
	if len(data) != nonceLen {
		return nil, false, wire.Errorf(wire.CodeMalformedHello, "a nonce of %d bytes", len(data))
	}
	copy(h.peers[:], data)
	h.due = "READY"
	if h.mechanism.Server {
		return wire.AppendCommandBody(nil, welcome, h.own[:]), false, nil
	}
	return wire.AppendReadyBody(nil, h.local), false, nil
}

// ready takes the peer's last command; the server still owes its own.
func (h *handshake) ready(data []byte) (answer []byte, done bool, err error) {
	if h.remote, err = wire.ParseMetadata(data); err != nil {
		return nil, false, err
	}
	h.due = ""
	if h.mechanism.Server {
		answer = wire.AppendReadyBody(nil, h.local)
	}
	return answer, true, nil
}

// Metadata implements security.Handshake.
func (h *handshake) Metadata() wire.Metadata { return h.remote }

// Session implements security.Handshake.
func (h *handshake) Session() (security.Sealer, security.Opener) {
	ours, theirs := h.half("client"), h.half("server")
	if h.mechanism.Server {
		ours, theirs = theirs, ours
	}
	return &sealer{half: ours, spoil: h.mechanism.Spoil}, &opener{half: theirs}
}

// half is the state of one direction, which has a key of its own.
func (h *handshake) half(sender string) half {
	client, server := h.own[:], h.peers[:]
	if h.mechanism.Server {
		client, server = server, client
	}
	mac := hmac.New(sha256.New, []byte(h.mechanism.Key))
	mac.Write([]byte(sender))
	mac.Write(client)
	mac.Write(server)
	key := mac.Sum(nil)
	s := half{mac: hmac.New(sha256.New, key)}
	for i := range s.pad { // as long as a read is, to be fast; that it repeats is no matter here
		s.pad[i] = key[i%len(key)] ^ byte(i/len(key)*7)
	}
	return s
}

// half is what sealing and opening have in common.
type half struct {
	mac    hash.Hash
	pad    [4 << 10]byte
	number uint64 // of the next frame
	sum    [sha256.Size]byte
}

// Overhead implements security.Sealer and security.Opener.
func (h *half) Overhead() int { return Overhead }

// checksum covers the number, the flags and the body as it is sent.
func (h *half) checksum(number, flagsAndBody []byte) []byte {
	h.mac.Reset()
	h.mac.Write(number)
	h.mac.Write(flagsAndBody)
	return h.mac.Sum(h.sum[:0])[:checksumLen]
}

// mask makes b unreadable, or readable again. No two frames in a row look alike.
func (h *half) mask(b []byte) {
	for off := int(h.number % 64); len(b) > 0; off = 0 {
		n := subtle.XORBytes(b, b, h.pad[off:])
		b = b[n:]
	}
}

type sealer struct {
	half
	spoil func(number uint64, sealed []byte)
}

// Seal implements security.Sealer.
func (s *sealer) Seal(dst []byte, flags byte, body []byte) []byte {
	from := len(dst)
	dst = binary.BigEndian.AppendUint64(dst, s.number)
	dst = append(dst, s.sum[:checksumLen]...) // replaced below
	dst = append(dst, flags)
	dst = append(dst, body...)
	sealed := dst[from:]
	rest := sealed[numberLen+checksumLen:]
	s.mask(rest)
	copy(sealed[numberLen:], s.checksum(sealed[:numberLen], rest))
	if s.spoil != nil {
		s.spoil(s.number, sealed)
	}
	s.number++
	return dst
}

type opener struct{ half }

// Open implements security.Opener.
func (o *opener) Open(dst, sealed []byte) ([]byte, error) {
	if len(sealed) < Overhead {
		return nil, wire.Errorf(wire.CodeMalformedMessage, "a sealed frame of %d bytes", len(sealed))
	}
	number, rest := sealed[:numberLen], sealed[numberLen+checksumLen:]
	if n := binary.BigEndian.Uint64(number); n != o.number {
		return nil, wire.Errorf(wire.CodeCryptographic, "frame %d where %d was due", n, o.number)
	}
	if !hmac.Equal(sealed[numberLen:numberLen+checksumLen], o.checksum(number, rest)) {
		return nil, wire.Errorf(wire.CodeCryptographic, "frame %d was changed", o.number)
	}
	from := len(dst)
	dst = append(dst, rest...)
	o.mask(dst[from:])
	o.number++
	return dst, nil
}
