// SPDX-License-Identifier: MPL-2.0

// Package interop holds the library against libzmq: each pattern, over each transport, with either
// side binding, one side ours and the other libzmq through C or through pyzmq.
//
// Both sides of a test do the same few things, a Side each: ours in this process, a libzmq peer in
// a process of its own (peer/peer.c, peer/peer.py) that is told what to do by lines of text.
//
//	socket TYPE NAME=VALUE...             make the socket; options by ZeroMQ's names
//	bind ENDPOINT                         answers the endpoint really bound
//	connect ENDPOINT
//	send FIRST COUNT SIZE PARTS HOPS      send a Batch
//	recv FIRST COUNT SIZE PARTS HOPS      receive a Batch and compare every byte
//	request FIRST COUNT SIZE PARTS HOPS   each message is sent, and must come back
//	reply FIRST COUNT SIZE PARTS HOPS     each message must come, and is sent back
//	drain LAST SIZE PARTS HOPS            receive up to message LAST; numbers rise; answers the count
//	wait EVENT                            until libzmq's monitor reports that event
//	close
//
// Each line is answered by one: "ok" and perhaps a value, or "error" and why.
package interop

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// A Batch is a row of messages that both sides can make and check without telling each other more
// than these numbers.
type Batch struct {
	First, Count int // the messages' numbers: First, First+1 ...
	Size, Parts  int // each message has so many parts of so many bytes
	Hops         int // what a raw socket puts in front: -1 nothing, else so many labels and a delimiter
}

// A Side is one socket of a test. Its calls take a long time to give up and then return an error.
type Side interface {
	Bind(endpoint string) (bound string, err error)
	Connect(endpoint string) error
	Send(b Batch) error
	Recv(b Batch) error
	Request(b Batch) error
	Reply(b Batch) error
	Drain(b Batch) (count int, err error) // up to message b.Count; numbers must rise
	Close() error
}

// Next is the batch of the same shape behind b.
func (b Batch) Next() Batch {
	b.First += b.Count
	return b
}

// String is the batch's name in a test's.
func (b Batch) String() string {
	return fmt.Sprintf("%d messages from %d on, %d parts of %d bytes", b.Count, b.First, b.Parts, b.Size)
}

// message makes message number n, without the labels in front.
func (b Batch) message(n int) [][]byte {
	parts := make([][]byte, b.Parts)
	for part := range parts {
		parts[part] = make([]byte, b.Size)
		fill(parts[part], n, part)
	}
	return parts
}

// fill writes the body of one part: the message's number, then bytes that count up from a start
// that differs from message to message and from part to part. The peers fill alike.
func fill(body []byte, n, part int) {
	var number [4]byte
	binary.BigEndian.PutUint32(number[:], uint32(n))
	for i := copy(body, number[:]); i < len(body); i++ {
		body[i] = byte(n + part + i)
	}
}

// check compares what came with message number n.
func (b Batch) check(n int, got [][]byte) error {
	want := b.message(n)
	if len(got) != len(want) {
		return fmt.Errorf("message %d: %d parts, want %d", n, len(got), len(want))
	}
	for part := range want {
		if !bytes.Equal(got[part], want[part]) {
			return fmt.Errorf("message %d, part %d: %d bytes that begin %x, want %d bytes that begin %x",
				n, part, len(got[part]), got[part][:min(16, len(got[part]))],
				len(want[part]), want[part][:min(16, len(want[part]))])
		}
	}
	return nil
}
