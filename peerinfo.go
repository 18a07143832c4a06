// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"net"

	"github.com/gzmq/zmq/internal/pipe"
)

// PeerInfo is what is known about the other end of one connection. It never changes: a peer that
// comes back has another one. A nil *PeerInfo answers zero values.
type PeerInfo struct {
	_    [0]func() // not comparable by value
	peer *pipe.Peer
	addr net.Addr
}

// publicPeer is the public view of a peer, made once for each connection.
func publicPeer(p *pipe.Peer) *PeerInfo {
	if p == nil {
		return nil
	}
	info, _ := p.Public.(*PeerInfo)
	return info
}

// newPeerInfo makes the public view, before anybody else sees the peer.
func newPeerInfo(p *pipe.Peer) *PeerInfo {
	info := &PeerInfo{peer: p, addr: p.Remote}
	p.Public = info
	return info
}

// RoutingID is the identity that the peer gave itself in the handshake; often empty.
func (p *PeerInfo) RoutingID() string {
	if p == nil {
		return ""
	}
	return p.peer.RoutingID
}

// UserID is who the peer is according to the Authenticator; empty without one.
func (p *PeerInfo) UserID() string {
	if p == nil {
		return ""
	}
	return p.peer.UserID
}

// Mechanism is the security mechanism of the connection, such as "NULL".
func (p *PeerInfo) Mechanism() string {
	if p == nil {
		return ""
	}
	return p.peer.Mechanism
}

// SocketType is the peer's.
func (p *PeerInfo) SocketType() SocketType {
	if p == nil {
		return ""
	}
	return SocketType(p.peer.SocketType)
}

// Endpoint is the endpoint of this side that the peer came by: what Connect was given, or what
// Bind returned.
func (p *PeerInfo) Endpoint() string {
	if p == nil {
		return ""
	}
	return p.peer.Endpoint
}

// RemoteAddr is the peer's address; nil within the process.
func (p *PeerInfo) RemoteAddr() net.Addr {
	if p == nil {
		return nil
	}
	return p.addr
}

// Property returns what the peer said of itself under name, in any case, in its handshake.
func (p *PeerInfo) Property(name string) (value string, ok bool) {
	if p == nil {
		return "", false
	}
	return p.peer.Metadata.Get(name)
}
