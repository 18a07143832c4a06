// SPDX-License-Identifier: MPL-2.0

package wire

import (
	"bytes"
	"strings"
)

// The greeting's fields by offset (37/ZMTP, Formal Grammar).
const (
	signatureEnd = 9 // the signature's last byte
	majorAt      = 10
	minorAt      = 11
	mechanismAt  = 12
	asServerAt   = 32
	greetingLen  = 64
)

// The version that this package speaks.
const (
	major = 3
	minor = 1
)

// The stages of a greeting, as GreetingReader.Stage counts them. A peer may be of any version until
// its own bytes say otherwise, so each side sends no more than what the other's stage allows.
const (
	StageStart     = 0 // the signature is not complete: send no more than one's own
	StageSignature = 1 // the peer is versioned: send the major version
	StageMajor     = 2 // the peer speaks 3.0 or later: send the rest
	StageDone      = 3 // the greeting is complete
)

// Greeting is what a greeting says.
type Greeting struct {
	Major, Minor byte   // the sender's version
	Mechanism    string // the security mechanism, such as "NULL"
	AsServer     bool   // the sender is the server of the security handshake
}

// AppendSignature appends the first 10 bytes of a greeting. To a ZMTP 1.0 peer they are a long frame
// of one byte, the flags: an identity of no bytes.
func AppendSignature(b []byte) []byte {
	// 37/ZMTP, Detecting ZMTP 1.0 and 2.0 Peers: the padding is the identity's size plus 1.
	return append(b, 0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F)
}

// AppendVersion appends the 11th byte of a greeting, the major version. It is sent on its own because
// a ZMTP 2.0 peer goes on differently from here.
func AppendVersion(b []byte) []byte { return append(b, major) }

// AppendRest appends the remaining 53 bytes of a greeting: the minor version, g's mechanism, of at
// most 20 bytes, and g's role. The version is always this package's own.
func AppendRest(b []byte, g Greeting) []byte {
	var rest [greetingLen - minorAt]byte
	rest[0] = minor
	copy(rest[mechanismAt-minorAt:asServerAt-minorAt], g.Mechanism)
	if g.AsServer {
		rest[asServerAt-minorAt] = 1
	}
	return append(b, rest[:]...)
}

// A GreetingReader takes a peer's greeting in pieces of any size. The zero value is ready.
type GreetingReader struct {
	buf [greetingLen]byte
	n   int   // bytes of buf that have arrived
	err error // the first error, for good
}

// Feed takes from the front of b what belongs to the greeting and returns how many bytes that was.
// Each byte is judged as it arrives, and an error stays. Once the greeting is complete it takes
// nothing more.
//
// The error is a *VersionError for a peer that speaks ZMTP 1.0 or 2.0, else an *Error.
func (r *GreetingReader) Feed(b []byte) (n int, err error) {
	for r.err == nil && n < len(b) && r.n < greetingLen {
		r.buf[r.n] = b[n]
		r.n++
		n++
		r.err = r.judge()
	}
	return n, r.err
}

// judge looks at a field when its last byte has arrived.
func (r *GreetingReader) judge() error {
	switch last := r.buf[r.n-1]; r.n - 1 {
	case 0:
		// 37/ZMTP, Detecting ZMTP 1.0 and 2.0 Peers: anything but FF is the length of an
		// identity, short enough for one byte.
		if last != 0xFF {
			return &VersionError{Major: 1, Minor: 0}
		}
	case signatureEnd:
		// The same: here a long identity of ZMTP 1.0 has its flags, whose low bit is 0. No other
		// bit counts, and nor does the padding before them.
		if last&1 == 0 {
			return &VersionError{Major: 1, Minor: 0}
		}
	case majorAt:
		return judgeMajor(last)
	case asServerAt - 1:
		return judgeMechanism(r.buf[mechanismAt:asServerAt])
	case asServerAt:
		if last > 1 {
			return Errorf(CodeUnspecified, "as-server is %#02x, neither 0 nor 1", last)
		}
	}
	// The filler is not judged: it is where later versions have room.
	return nil
}

// judgeMajor refuses what came before 3.0. Later versions must be accepted, and they speak ours
// (37/ZMTP, Version Negotiation).
func judgeMajor(v byte) error {
	switch {
	case v >= major:
		return nil
	case v == 0: // libzmq: greets like 2.0, frames like 1.0
		return &VersionError{Major: 1, Minor: 0}
	default: // 37/ZMTP, Detecting ZMTP 2.0 Peers: 1 and 2 both mean it
		return &VersionError{Major: 2, Minor: 0}
	}
}

// judgeMechanism wants a name of the grammar's characters with nothing but zeros behind it.
// A name that cannot be is a name that does not match: hence the code.
func judgeMechanism(field []byte) error {
	name := mechanismName(field)
	if len(name) == 0 {
		return Errorf(CodeMechanismMismatch, "no mechanism named in the greeting")
	}
	for _, c := range name {
		if !isMechanismChar(c) {
			return Errorf(CodeMechanismMismatch, "mechanism %q in the greeting", name)
		}
	}
	if len(bytes.Trim(field[len(name):], "\x00")) > 0 {
		return Errorf(CodeMechanismMismatch, "mechanism %q has bytes behind its end", name)
	}
	return nil
}

// mechanismName is the part of the field before the zeros.
func mechanismName(field []byte) []byte {
	name, _, _ := bytes.Cut(field, []byte{0})
	return name
}

// isMechanismChar is mechanism-char but for its zero (37/ZMTP, Formal Grammar).
func isMechanismChar(c byte) bool {
	return 'A' <= c && c <= 'Z' || isDigit(c) || strings.IndexByte("-_.+", c) >= 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' }

// Stage says how far the greeting has come: StageStart to StageDone. After an error it stays where
// it was.
func (r *GreetingReader) Stage() int {
	n := r.n
	if r.err != nil {
		n-- // the byte that was refused counts for nothing
	}
	switch {
	case n == greetingLen:
		return StageDone
	case n > majorAt:
		return StageMajor
	case n > signatureEnd:
		return StageSignature
	}
	return StageStart
}

// Greeting returns what the greeting said. It is whole at StageDone; before that, what has not
// arrived is zero.
func (r *GreetingReader) Greeting() Greeting {
	return Greeting{
		Major:     r.buf[majorAt],
		Minor:     r.buf[minorAt],
		Mechanism: string(mechanismName(r.buf[mechanismAt:asServerAt])),
		AsServer:  r.buf[asServerAt] == 1,
	}
}
