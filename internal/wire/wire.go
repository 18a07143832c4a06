// SPDX-License-Identifier: MPL-2.0

// Package wire is ZMTP 3.1 as bytes: it appends and cuts, and does nothing else. It holds no
// connection, starts no goroutine and keeps no bytes that it was lent.
//
// A connection begins with a greeting of 64 bytes from each side:
//
//	 0  FF                signature: a versioned peer,
//	 1  8 bytes           padding, for peers that speak ZMTP 1.0
//	 9  7F                and the signature's end
//	10  03                major version
//	11  01                minor version
//	12  20 bytes          mechanism, filled up with zeros
//	32  00 or 01          as-server
//	33  31 zeros          filler
//
// After it there are only frames, each a header and a body:
//
//	flags  length         1 byte of length, or with FlagLong 8 bytes, big endian
//	body                  length bytes
//
// The frames of a message carry FlagMore, all but the last. A frame with FlagCommand is a command:
// its body is the length of a name in one byte, the name, and data that depends on the name. The
// first commands are those of the security mechanism; they end with READY, whose data is metadata:
// names with one byte of length, each followed by a value with four.
//
// Each thing on the wire has a function that appends it and one that parses it. What parses judges
// every length before it trusts it, allocates nothing that was merely announced, and answers bad
// bytes with an *Error, whose code is the one that libzmq reports. Slices that it returns lie in
// the bytes that it was given.
package wire
