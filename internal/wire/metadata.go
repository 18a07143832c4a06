// SPDX-License-Identifier: MPL-2.0

package wire

import (
	"encoding/binary"
	"math"
	"strings"
)

// valueLenSize is the size of the length in front of a property's value.
const valueLenSize = 4

// The names of the properties that a peer acts on (37/ZMTP, Connection Metadata).
const (
	PropertySocketType = "Socket-Type"
	PropertyIdentity   = "Identity"
)

// A Property is one fact about a peer. The value is opaque bytes; the name has 1 to 255 letters,
// digits and "-_.+", and its case does not count.
type Property struct{ Name, Value string }

// Metadata is what a peer says about itself, in the order of the wire.
type Metadata []Property

// Get returns the value of the first property of that name, in whatever case.
func (m Metadata) Get(name string) (value string, ok bool) {
	for _, p := range m {
		if strings.EqualFold(p.Name, name) {
			return p.Value, true
		}
	}
	return "", false
}

// AppendMetadata appends the properties (37/ZMTP, The NULL Security Mechanism).
func AppendMetadata(b []byte, m Metadata) []byte {
	for _, p := range m {
		b = appendShortString(b, p.Name)
		b = binary.BigEndian.AppendUint32(b, uint32(len(p.Value)))
		b = append(b, p.Value...)
	}
	return b
}

// AppendReady appends a READY, which ends the handshake, as a whole frame.
func AppendReady(b []byte, m Metadata) []byte {
	size := 0
	for _, p := range m {
		size += 1 + len(p.Name) + valueLenSize + len(p.Value)
	}
	b = appendCommandHead(b, nameReady, size)
	return AppendMetadata(b, m)
}

// AppendReadyBody appends the body of a READY, for a mechanism that does not send it as it is.
func AppendReadyBody(b []byte, m Metadata) []byte {
	b = appendShortString(b, nameReady)
	return AppendMetadata(b, m)
}

// ParseMetadata reads properties up to the end of b. It judges all of them before it keeps the first,
// so that bad ones cost no memory; good ones cost about as much as b and one Property each. How long
// b may be is for the caller to say.
func ParseMetadata(b []byte) (Metadata, error) {
	count := 0
	for at := 0; at < len(b); count++ {
		_, end, err := cutProperty(b[at:])
		if err != nil {
			return nil, err
		}
		at += end
	}
	if count == 0 {
		return nil, nil
	}
	m := make(Metadata, count)
	rest := string(b) // once: every name and value is a part of it
	for i := range m {
		nameEnd, end, _ := cutProperty(b[len(b)-len(rest):])
		m[i] = Property{Name: rest[1:nameEnd], Value: rest[nameEnd+valueLenSize : end]}
		rest = rest[end:]
	}
	return m, nil
}

// cutProperty judges the property at the front of b, which is not empty. The name is b[1:nameEnd],
// the value ends at end, and the value's length lies between them.
func cutProperty(b []byte) (nameEnd, end int, err error) {
	nameEnd = 1 + int(b[0])
	if nameEnd == 1 {
		return 0, 0, Errorf(CodeInvalidMetadata, "a property without a name")
	}
	if nameEnd+valueLenSize > len(b) {
		return 0, 0, Errorf(CodeInvalidMetadata, "a property ends inside its name or length")
	}
	for _, c := range b[1:nameEnd] {
		if !isNameChar(c) {
			return 0, 0, Errorf(CodeInvalidMetadata, "a property named %q", b[1:nameEnd])
		}
	}
	value := b[nameEnd+valueLenSize:]
	n := binary.BigEndian.Uint32(b[nameEnd:])
	// 37/ZMTP, The NULL Security Mechanism: a value has 31 bits of length. The comparison is
	// in 64 bits, so that no length turns negative where an int has 32.
	if n > math.MaxInt32 || int64(n) > int64(len(value)) {
		return 0, 0, Errorf(CodeInvalidMetadata, "property %q: a value of %d bytes in %d",
			b[1:nameEnd], n, len(value))
	}
	return nameEnd, nameEnd + valueLenSize + int(n), nil
}

// isNameChar is name-char (37/ZMTP, The NULL Security Mechanism).
func isNameChar(c byte) bool { return isLetter(c) || isMechanismChar(c) }
