// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/gzmq/zmq/internal/wire"
)

// rawPeer is the other end of a connection, byte by byte: a peer that may do anything.
type rawPeer struct {
	a  *arena
	nc net.Conn
}

// dialRaw connects to what a socket has bound and says nothing.
func (a *arena) dialRaw(bound string) *rawPeer {
	a.Helper()
	network, address := "tcp", strings.TrimPrefix(bound, "tcp://")
	if path, ok := strings.CutPrefix(bound, "ipc://"); ok {
		network, address = "unix", path
	}
	nc, err := net.Dial(network, address)
	if err != nil {
		a.Fatal(err)
	}
	return a.raw(nc)
}

func (a *arena) raw(nc net.Conn) *rawPeer {
	nc.SetDeadline(time.Now().Add(patience))
	a.Cleanup(func() { nc.Close() })
	return &rawPeer{a, nc}
}

// listenRaw is an endpoint on which a test accepts by hand.
func (a *arena) listenRaw() (endpoint string, accept func() *rawPeer) {
	a.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		a.Fatal(err)
	}
	a.Cleanup(func() { l.Close() })
	return "tcp://" + l.Addr().String(), func() *rawPeer {
		a.Helper()
		l.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
		nc, err := l.Accept()
		if err != nil {
			a.Fatal(err)
		}
		return a.raw(nc)
	}
}

// greeting is all that a NULL peer says before its first frame.
func greeting() []byte {
	b := wire.AppendVersion(wire.AppendSignature(nil))
	return wire.AppendRest(b, wire.Greeting{Mechanism: "NULL"})
}

// ready is the READY of a peer of type t.
func ready(t SocketType) []byte {
	m := wire.Metadata{{Name: wire.PropertySocketType, Value: string(t)}}
	return command(wire.AppendReadyBody(nil, m))
}

func command(body []byte) []byte {
	return append(wire.AppendHeader(nil, wire.FlagCommand, len(body)), body...)
}

// frames is a message as it stands on the wire.
func frames(parts ...string) (b []byte) {
	for i, part := range parts {
		flags := wire.FlagMore
		if i == len(parts)-1 {
			flags = 0
		}
		b = append(wire.AppendHeader(b, flags, len(part)), part...)
	}
	return b
}

// shake does the handshake as a peer of type t.
func (p *rawPeer) shake(t SocketType) *rawPeer {
	p.a.Helper()
	p.write(greeting())
	p.write(ready(t))
	p.read(64)
	if flags, _ := p.frame(); flags&wire.FlagCommand == 0 {
		p.a.Fatal("no READY after the greeting")
	}
	return p
}

func (p *rawPeer) write(b []byte) {
	p.a.Helper()
	if _, err := p.nc.Write(b); err != nil {
		p.a.Fatal(err)
	}
}

func (p *rawPeer) read(n int) []byte {
	p.a.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(p.nc, b); err != nil {
		p.a.Fatal("raw peer: ", err)
	}
	return b
}

// frame reads one frame.
func (p *rawPeer) frame() (flags byte, body string) {
	p.a.Helper()
	head := p.read(2)
	if head[0]&wire.FlagLong != 0 {
		head = append(head, p.read(7)...)
	}
	flags, n, _, err := wire.ParseHeader(head)
	if err != nil {
		p.a.Fatal(err)
	}
	return flags, string(p.read(n))
}

// message reads one message.
func (p *rawPeer) message() (parts []string) {
	p.a.Helper()
	for {
		flags, body := p.frame()
		parts = append(parts, body)
		if flags&wire.FlagMore == 0 {
			return parts
		}
	}
}

func (p *rawPeer) wants(parts ...string) {
	p.a.Helper()
	if got := p.message(); !equal(got, parts) {
		p.a.Fatalf("on the wire %q, want %q", got, parts)
	}
}

// closed waits until the other side has closed the connection.
func (p *rawPeer) closed() {
	p.a.Helper()
	if _, err := io.Copy(io.Discard, p.nc); err != nil {
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			p.a.Fatal("the connection is not closed")
		}
	}
}
