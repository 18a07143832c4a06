// SPDX-License-Identifier: MPL-2.0

package transport

// A Feeder is who reads a Stream by way of Feed.
type Feeder = interface {
	// Buffer returns the memory for the next bytes; it must not be empty.
	Buffer() []byte
	// Idle says that nothing came into the last Buffer and that the wait begins: its memory
	// may go to somebody else until Buffer is called again.
	Idle()
}
