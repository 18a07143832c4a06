// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"fmt"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/wire"
)

// earlyRead is what a connection reads at once before it is known. What is kept of it is bounded by
// step: the greeting, then one command.
const earlyRead = 512

// IncompatibleError says that the peer's socket type cannot talk to this one's.
type IncompatibleError struct{ Local, Remote string }

func (e *IncompatibleError) Error() string {
	return fmt.Sprintf("a %s socket cannot talk to a %s socket", e.Local, e.Remote)
}

// earlyBuffer is the free end of the handshake's own memory.
func (e *Engine) earlyBuffer() []byte {
	if cap(e.early)-len(e.early) < earlyRead/4 {
		grown := make([]byte, len(e.early), max(earlyRead, 2*cap(e.early)))
		copy(grown, e.early)
		e.early = grown
	}
	return e.early[len(e.early):cap(e.early)]
}

// fedEarly goes over what arrived before the handshake was done.
func (e *Engine) fedEarly(n int) error {
	e.early = e.early[:len(e.early)+n]
	rest, err := e.step(e.early)
	for err == nil && len(rest) > 0 && !e.ready {
		before := len(rest)
		if rest, err = e.step(rest); len(rest) == before {
			break
		}
	}
	if err != nil {
		return err
	}
	if !e.ready {
		e.early = append(e.early[:0], rest...)
		return nil
	}
	e.early = nil
	return e.replay(rest)
}

// step takes one thing from the front of b and returns what is behind it; all of b when it is not
// whole.
func (e *Engine) step(b []byte) (rest []byte, err error) {
	if e.greeting.Stage() != wire.StageDone {
		n, err := e.greeting.Feed(b)
		if err != nil {
			return nil, err
		}
		return b[n:], e.answerGreeting()
	}
	flags, n, size, err := wire.ParseHeader(b)
	if err != nil || size == 0 {
		return b, err
	}
	if flags&wire.FlagCommand == 0 {
		return nil, wire.Errorf(wire.CodeUnexpectedCommand, "a message before the handshake was done")
	}
	if n > wire.MaxCommand {
		return nil, wire.Errorf(wire.CodeMalformedCommand, "command of %d bytes in the handshake, the limit is %d", n, wire.MaxCommand)
	}
	if len(b) < size+n {
		return b, nil
	}
	answer, done, err := e.handshake.Receive(b[size : size+n])
	if err != nil {
		return nil, err
	}
	if answer != nil {
		e.control(answer)
	}
	if done {
		err = e.finish()
	}
	return b[size+n:], err
}

// control queues a command of the handshake.
func (e *Engine) control(body []byte) {
	frame := wire.AppendHeader(make([]byte, 0, wire.MaxHeader+len(body)), wire.FlagCommand, len(body))
	e.pipe.Control(append(frame, body...))
}

// answerGreeting sends as much of the own greeting as the peer has shown to understand.
// 37/ZMTP, Version Negotiation: each side may have to speak an older version from a certain byte on.
func (e *Engine) answerGreeting() error {
	stage := e.greeting.Stage()
	var b []byte
	if e.sentStage < wire.StageSignature && stage >= wire.StageSignature {
		b = wire.AppendVersion(b)
	}
	if e.sentStage < wire.StageMajor && stage >= wire.StageMajor {
		b = wire.AppendRest(b, wire.Greeting{Mechanism: e.cfg.Mechanism.Name(), AsServer: e.cfg.Mechanism.AsServer()})
	}
	e.sentStage = stage
	if len(b) > 0 {
		e.pipe.Control(b)
	}
	if stage != wire.StageDone {
		return nil
	}
	g := e.greeting.Greeting()
	if g.Mechanism != e.cfg.Mechanism.Name() {
		return wire.Errorf(wire.CodeMechanismMismatch, "peer's mechanism is %s, ours is %s", g.Mechanism, e.cfg.Mechanism.Name())
	}
	local := wire.Metadata{{Name: wire.PropertySocketType, Value: e.cfg.SocketType}}
	switch e.cfg.SocketType {
	case "REQ", "DEALER", "ROUTER": // 37/ZMTP, Metadata: the identity of these is of use to the peer
		local = append(local, wire.Property{Name: wire.PropertyIdentity, Value: e.cfg.RoutingID})
	}
	e.handshake = e.cfg.Mechanism.Handshake(local)
	for _, body := range e.handshake.Start() {
		e.control(body)
	}
	return nil
}

// finish introduces the peer.
func (e *Engine) finish() error {
	g, m := e.greeting.Greeting(), e.handshake.Metadata()
	peer := &pipe.Peer{
		Mechanism: g.Mechanism, Major: g.Major, Minor: g.Minor,
		Metadata: m, Endpoint: e.cfg.Endpoint,
	}
	peer.SocketType, _ = m.Get(wire.PropertySocketType)
	peer.RoutingID, _ = m.Get(wire.PropertyIdentity)
	if !wire.Compatible(e.cfg.SocketType, peer.SocketType) {
		e.pipe.Control(wire.AppendError(nil, "Invalid socket type"))
		return &IncompatibleError{Local: e.cfg.SocketType, Remote: quoteType(peer.SocketType)}
	}
	sealer, opener := e.handshake.Session()
	e.out.sealer = sealer
	e.sealed.init(opener, e.cfg.MaxSize)
	e.handshake = nil
	if err := e.cfg.Ready(peer); err != nil {
		return err
	}
	e.pipe.SetPeer(peer)
	e.ready = true
	// A peer of 3.0 may take a command that it does not know for a message.
	e.clock.handshakeDone(g.Major > 3 || g.Minor > 0)
	e.pipe.Open()
	return nil
}

// replay feeds what came with the last bytes of the handshake to where it belongs.
func (e *Engine) replay(b []byte) error {
	for len(b) > 0 {
		n := copy(e.Buffer(), b)
		b = b[n:]
		if err := e.Fed(n); err != nil {
			return err
		}
	}
	return nil
}

// quoteType makes a peer's word safe to show.
func quoteType(s string) string {
	if wire.TypeNumber(s) < 0 {
		return fmt.Sprintf("%.40q", s)
	}
	return s
}
