// SPDX-License-Identifier: MPL-2.0

package wire

import (
	"encoding/binary"
	"math"
)

// The bits of a frame's flags byte (37/ZMTP, Framing).
const (
	FlagMore    byte = 1 // another frame of the same message follows
	FlagLong    byte = 2 // the length takes eight bytes instead of one
	FlagCommand byte = 4 // the body is a command, not a part of a message

	flagsKnown = FlagMore | FlagLong | FlagCommand
)

const (
	shortHeader = 2   // flags, length
	maxShort    = 255 // the longest body a short header can announce

	// MaxHeader is the size of the longer of the two frame headers.
	MaxHeader = 9
)

// HeaderLen is the size of the header in front of a body of n bytes.
func HeaderLen(n int) int {
	if n > maxShort {
		return MaxHeader
	}
	return shortHeader
}

// PutHeader writes the header of a body of n bytes to the front of dst, which must have room for
// it, and returns the header's size. FlagLong follows from n, whatever flags says about it.
func PutHeader(dst []byte, flags byte, n int) int {
	if n > maxShort {
		dst[0] = flags | FlagLong
		binary.BigEndian.PutUint64(dst[1:MaxHeader], uint64(n))
		return MaxHeader
	}
	dst[1] = byte(n) // first, so that one bounds check serves both
	dst[0] = flags &^ FlagLong
	return shortHeader
}

// AppendHeader appends the header of a body of n bytes.
func AppendHeader(b []byte, flags byte, n int) []byte {
	if n > maxShort {
		b = append(b, flags|FlagLong)
		return binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return append(b, flags&^FlagLong, byte(n))
}

// ParseHeader reads the header at the front of b: its flags, the body's length n and the header's
// own size. A size of 0 without an error means that b ends inside the header.
//
// Whatever can be refused is refused here, before anybody makes room for a body, and as soon as
// the first byte shows it.
func ParseHeader(b []byte) (flags byte, n, size int, err error) {
	if len(b) >= shortHeader && b[0] <= FlagMore {
		return b[0], int(b[1]), shortHeader, nil // nearly every frame there is
	}
	if len(b) == 0 {
		return 0, 0, 0, nil
	}
	flags = b[0]
	// 37/ZMTP, Framing: bits 7 to 3 must be zero, and so must MORE on a command.
	if flags&^flagsKnown != 0 {
		return 0, 0, 0, Errorf(CodeMalformedMessage, "reserved bits in a frame's flags %#02x", flags)
	}
	if flags&FlagCommand != 0 && flags&FlagMore != 0 {
		return 0, 0, 0, Errorf(CodeMalformedCommand, "a command with MORE, flags %#02x", flags)
	}
	if flags&FlagLong == 0 {
		if len(b) < shortHeader {
			return 0, 0, 0, nil
		}
		return flags, int(b[1]), shortHeader, nil
	}
	if len(b) < MaxHeader {
		return 0, 0, 0, nil
	}
	length := binary.BigEndian.Uint64(b[1:MaxHeader])
	// 37/ZMTP, Framing, allows 63 bits of length; an int has fewer on a 32-bit machine.
	if length > math.MaxInt {
		return 0, 0, 0, Errorf(CodeMalformedMessage, "a frame of %d bytes, which no memory holds", length)
	}
	return flags, int(length), MaxHeader, nil
}
