// SPDX-License-Identifier: MPL-2.0

package zmq

import "time"

// Counters count since the socket was made. Bytes are those of frames, headers included.
type Counters struct {
	SentMessages, SentBytes uint64 // handed to the kernel or to the peer within the process
	RecvMessages, RecvBytes uint64 // read; they may still wait to be received
	// Dropped counts messages that were accepted or read and went nowhere: their connection fell,
	// or the socket was closed.
	Dropped        uint64
	ProtocolErrors uint64 // connections that ended because the peer broke the protocol
	Reconnects     uint64 // further attempts to connect
	// SendQueue and RecvQueue are the messages that wait now.
	SendQueue, RecvQueue int
}

// add adds what is counted for one peer.
func (c *Counters) add(o Counters) {
	c.SentMessages += o.SentMessages
	c.SentBytes += o.SentBytes
	c.RecvMessages += o.RecvMessages
	c.RecvBytes += o.RecvBytes
	c.Dropped += o.Dropped
	c.SendQueue += o.SendQueue
	c.RecvQueue += o.RecvQueue
}

// Stats is what a socket has done and what it is connected to.
type Stats struct {
	Counters // of all peers, those that left included

	Endpoints []EndpointStats
	Peers     []PeerStats // that are there now
}

// EndpointStats is one Bind or Connect.
type EndpointStats struct {
	Endpoint    string
	Bound       bool
	Connections int   // past the handshake
	Err         error // why it is not connected now
}

// PeerStats is one peer. The counters are those of its endpoint's queue, which on a connecting
// endpoint began with an earlier connection.
type PeerStats struct {
	Peer *PeerInfo
	Counters
	Since time.Time // the end of the handshake
}
