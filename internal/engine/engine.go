// SPDX-License-Identifier: MPL-2.0

// Package engine is one live connection: handshake, frames, commands, heartbeat.
//
// The Engine does no I/O, it is fed. A connection's life, in the order of the calls:
//
//  1. Start queues the signature, the first ten bytes of the greeting.
//  2. Buffer says where the next bytes go, Fed that they are there: the greeting, stage by stage,
//     then the commands of the mechanism.
//  3. The handshake is done: Config.Ready is asked whether the peer is welcome. From here on Buffer
//     is the free end of a slab, Fed finds the messages in it and publishes them, and acts on
//     commands.
//  4. Take yields the bytes to write, Wrote says what became of them.
//  5. Tick is the clock: it limits the handshake, sends PING and notices silence.
//  6. The first error ends the connection.
//
// Conn, in conn.go, is the one place with a net.Conn. It drives these calls.
package engine

import (
	"time"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/security"
	"github.com/gzmq/zmq/internal/wire"
)

// MaxParts bounds the parts of one message: each costs its receiver a few words of memory, however
// short it is.
const MaxParts = 1 << 16

// maxBetween bounds the commands between the parts of one message, in bytes: they stay in memory with
// the message that they interrupt.
const maxBetween = 64 << 10

// Config is what an engine needs to know. It is not changed while the engine lives.
type Config struct {
	Pipe      *pipe.Pipe
	Mechanism security.Mechanism
	// SocketType is this end's, RoutingID what it tells the peer of itself.
	SocketType, RoutingID string
	// Endpoint is stamped on the peer.
	Endpoint string
	// MaxSize bounds each frame and each message in bytes; negative is no limit.
	MaxSize int64
	// HandshakeTimeout bounds the time from Start to Ready; 0 is no limit.
	HandshakeTimeout time.Duration
	// HeartbeatInterval is the time between PINGs, 0 for none; HeartbeatTimeout the silence
	// after one that ends the connection; HeartbeatTTL what the peer is told of our silence.
	HeartbeatInterval, HeartbeatTimeout, HeartbeatTTL time.Duration
	// Ready is told of the peer once the handshake is done. An error refuses it.
	Ready func(*pipe.Peer) error
}

// Engine is one connection's protocol. Its methods are called by the holder of the right to read,
// but for Take, Own and Wrote, which belong to the holder of the right to write.
type Engine struct {
	cfg  Config
	pipe *pipe.Pipe

	// Owned by the holder of the right to read.

	greeting  wire.GreetingReader
	sentStage int // the greeting's stage that was answered
	handshake security.Handshake
	early     []byte // bytes before the first message
	ready     bool   // the handshake is done
	scan      wire.Scanner
	between   int // bytes of commands inside the message that has begun
	sealed    sealedInput
	clock     clock

	// Owned by the holder of the right to write, from Ready on.

	out output
}

// New returns an engine for one new connection.
func New(cfg Config) *Engine {
	e := &Engine{cfg: cfg, pipe: cfg.Pipe}
	e.scan = wire.Scanner{MaxSize: cfg.MaxSize, MaxParts: MaxParts, Large: pipe.Large}
	e.clock.init(&e.cfg)
	return e
}

// Start queues the first bytes.
func (e *Engine) Start(now time.Time) {
	e.clock.start(now)
	e.pipe.Control(wire.AppendSignature(nil))
}

// Buffer returns where the next bytes go. It is never empty.
func (e *Engine) Buffer() []byte {
	switch {
	case !e.ready:
		return e.earlyBuffer()
	case e.sealed.opener != nil:
		return e.sealed.buffer()
	}
	return e.pipe.Buffer()
}

// Fed says that the first n bytes of Buffer are there.
func (e *Engine) Fed(n int) error {
	e.clock.heard = true
	switch {
	case !e.ready:
		return e.fedEarly(n)
	case e.sealed.opener != nil:
		return e.fedSealed(n)
	}
	e.pipe.Fed(n)
	return e.deliver(e.plain())
}

// Idle says that nothing more has arrived: memory that holds nothing is given back.
func (e *Engine) Idle() {
	switch {
	case !e.ready:
	case e.sealed.opener != nil:
		e.sealed.idle()
		e.pipe.Idle()
	default:
		e.pipe.Idle()
	}
}

// Ready reports whether the handshake is done.
func (e *Engine) Ready() bool { return e.ready }

// deliver publishes the messages that came before err.
func (e *Engine) deliver(err error) error {
	e.pipe.Deliver()
	return err
}

// plain goes over the bytes that were read into the pipe's slab.
func (e *Engine) plain() error {
	p := e.pipe
	for {
		if missing, reading := p.ReadingLarge(); reading {
			if missing > 0 {
				return nil
			}
			if p.EndLarge() {
				e.between = 0
				p.Deliver()
			}
			continue
		}
		b := p.Unscanned()
		if len(b) == 0 {
			return nil
		}
		f, err := e.scan.Scan(b)
		p.Pass(&f)
		if err != nil {
			return err
		}
		if f.Messages > 0 {
			e.between = 0
		}
		switch f.Stop {
		case wire.StopShort:
			return nil
		case wire.StopCommand:
			// What came before a command is delivered before it acts.
			p.Deliver()
			frame := p.Unscanned()[:f.Header+f.Body]
			if err := e.interrupted(&f, len(frame)); err != nil {
				return err
			}
			if err := e.command(frame[f.Header:]); err != nil {
				return err
			}
			p.Skip(len(frame))
		case wire.StopLarge:
			p.BeginLarge(&f)
		}
	}
}

// interrupted counts a command of n bytes that stands where Scan has stopped. 37/ZMTP, Formal Grammar,
// has none inside a message; libzmq sends its PINGs there.
func (e *Engine) interrupted(f *wire.Found, n int) error {
	if !f.Middle {
		return nil
	}
	if e.between += n; e.between > maxBetween {
		return wire.Errorf(wire.CodeMalformedMessage, "commands of more than %d bytes inside one message", maxBetween)
	}
	return nil
}

// command acts on a command frame after the handshake. It is the one place that does.
func (e *Engine) command(body []byte) error {
	kind, data, err := wire.KindOf(body)
	if err != nil {
		return err
	}
	switch kind {
	case wire.KindPing:
		ttl, context, err := wire.ParsePing(data)
		if err != nil {
			return err
		}
		e.clock.peerTTL(ttl)
		var frame [32]byte
		e.pipe.Pong(wire.AppendPong(frame[:0], context))
	case wire.KindPong:
		// Heard of the peer: Fed has noted it.
	case wire.KindError:
		reason, err := wire.ParseError(data)
		if err != nil {
			return err
		}
		return &security.Refusal{Reason: reason}
	case wire.KindReady:
		return wire.Errorf(wire.CodeUnexpectedCommand, "READY after the handshake")
	case wire.KindSubscribe, wire.KindCancel, wire.KindJoin, wire.KindLeave:
		e.pipe.Owner().Command(e.pipe, kind, data)
	}
	// 37/ZMTP, Commands: others are from versions to come.
	return nil
}

// Tick looks at the clock. It returns the time of the next look, zero for none.
func (e *Engine) Tick(now time.Time) (next time.Time, err error) {
	ping, next, err := e.clock.tick(now)
	if ping {
		var frame [32]byte
		e.pipe.Control(wire.AppendPing(frame[:0], e.clock.ttl, nil))
	}
	return next, err
}

// Rearmed reports, once, that what Tick answered last is out of date.
func (e *Engine) Rearmed() bool {
	r := e.clock.rearmed
	e.clock.rearmed = false
	return r
}

// Rearm makes Rearmed answer true.
func (e *Engine) Rearm() { e.clock.rearmed = true }

// Heard says that silence until now is not the peer's: this side did not listen.
func (e *Engine) Heard() { e.clock.heard = true }
