// SPDX-License-Identifier: MPL-2.0

package session

import (
	"context"
	"sync"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/wire"
)

// inprocConnector is a Connect within the process. Without a binder its messages wait, as those of
// a dialer without a connection do.
//
//	waiting --a binder of the name--> linked --the binder stops, or Renew--> waiting
//	waiting, linked --Stop--> stopped
type inprocConnector struct {
	cfg  Config
	name string

	// turn is held over each change of the link, with the calls to both owners and the events
	// that belong to it: they come in order that way, whichever end began it. It is no lock of
	// anybody else's path, and taken before all others.
	turn sync.Mutex

	mu      sync.Mutex    // and turn for writing
	pipe    *pipe.Pipe    // guarded by mu; nil with Immediate while there is no binder
	far     *pipe.Pipe    // guarded by mu: the binder's end, nil while waiting
	binder  *inprocBinder // guarded by mu: whose end far is
	err     error         // guarded by mu: why the last binder was none
	stopped bool          // guarded by turn
}

func connectInproc(cfg Config, name string) Endpoint {
	c := &inprocConnector{cfg: cfg, name: name}
	if !cfg.Immediate {
		c.pipe = pipe.New(cfg.Owner, cfg.Limits(), true)
		cfg.Owner.Attached(c.pipe)
	}
	c.turn.Lock()
	defer c.turn.Unlock()
	c.seek()
	return c
}

// seek links c to the binder of the name, or makes it wait for one. The turn is held.
func (c *inprocConnector) seek() {
	for {
		b, fits := c.cfg.Names.find(c)
		switch {
		case b == nil:
			return
		case !fits:
			c.misfit(b)
			return
		case c.join(b):
			return
		}
		// It was stopped meanwhile.
	}
}

// invite is called by a binder, for one who was waiting and does not any more.
func (c *inprocConnector) invite(b *inprocBinder) {
	c.turn.Lock()
	defer c.turn.Unlock()
	if !c.stopped && !c.join(b) {
		c.seek()
	}
}

// misfit tells both ends that their types do not fit; c goes on waiting.
func (c *inprocConnector) misfit(b *inprocBinder) {
	c.setErr(raiseMisfit(&c.cfg, c.name, &b.cfg))
	raiseMisfit(&b.cfg, b.name, &c.cfg)
}

func (c *inprocConnector) setErr(err error) {
	c.mu.Lock()
	c.err = err
	c.mu.Unlock()
}

// join links c to b. It reports false if b is stopped. The turn is held.
func (c *inprocConnector) join(b *inprocBinder) bool {
	peerOfC, peerOfB := b.cfg.peer(b.name), c.cfg.peer(b.name)
	p, far := c.pipe, pipe.New(b.cfg.Owner, b.cfg.Limits(), false)
	if p == nil {
		p = pipe.New(c.cfg.Owner, c.cfg.Limits(), false)
	}
	if err := c.cfg.Owner.Up(p, peerOfC); err != nil {
		c.refused(b, err)
		return true
	}
	if err := b.cfg.Owner.Up(far, peerOfB); err != nil {
		c.cfg.Owner.Down(p, peerOfC)
		c.refused(b, err)
		return true
	}
	if !b.add(far, c) { // from now on its Stop waits for the turn
		c.cfg.Owner.Down(p, peerOfC)
		b.cfg.Owner.Down(far, peerOfB)
		return false
	}
	c.mu.Lock()
	c.pipe, c.far, c.binder, c.err = p, far, b, nil
	c.mu.Unlock()
	c.raise(Event{Type: Connected})
	b.raise(Event{Type: Accepted})

	relink := func() { c.relink(far) }
	p.SetReset(relink)
	far.SetReset(relink)
	pipe.Link(p, far, peerOfC, peerOfB)
	if c.cfg.Immediate {
		c.cfg.Owner.Attached(p)
	}
	b.cfg.Owner.Attached(far)
	c.cfg.Owner.Writable(p) // the mark is the sum of both sides' now
	c.raise(Event{Type: HandshakeSucceeded, Peer: peerOfC})
	b.raise(Event{Type: HandshakeSucceeded, Peer: peerOfB})
	return true
}

// refused tells both ends that one of them does not want the other. c waits for the next binder:
// this one would be refused again.
func (c *inprocConnector) refused(b *inprocBinder, err error) {
	c.setErr(err)
	c.raise(Event{Type: Connected})
	b.raise(Event{Type: Accepted})
	c.raise(Event{Type: HandshakeFailedAuth, Err: err})
	b.raise(Event{Type: HandshakeFailedAuth, Err: err})
	c.cfg.Names.wait(c)
}

// peer is how this end looks from the other.
func (cfg *Config) peer(name string) *pipe.Peer {
	m := wire.Metadata{{Name: wire.PropertySocketType, Value: cfg.SocketType}}
	if cfg.RoutingID != "" {
		m = append(m, wire.Property{Name: wire.PropertyIdentity, Value: cfg.RoutingID})
	}
	return &pipe.Peer{
		SocketType: cfg.SocketType, RoutingID: cfg.RoutingID, Mechanism: "NULL",
		Major: 3, Minor: 1, Metadata: m, Endpoint: name,
	}
}

func (c *inprocConnector) raise(e Event) { raiseInproc(&c.cfg, c.name, e) }

// part ends the link to far, whose messages c has still to receive, and looks for another binder.
func (c *inprocConnector) part(far *pipe.Pipe) {
	c.turn.Lock()
	defer c.turn.Unlock()
	if c.far == far {
		c.unlink()
		c.seek()
	}
}

// unlink ends the link. The turn is held.
func (c *inprocConnector) unlink() {
	c.mu.Lock()
	p := c.pipe
	c.far, c.binder = nil, nil
	if c.cfg.Immediate {
		c.pipe = nil
	}
	c.mu.Unlock()
	peer := p.Peer()
	if c.cfg.Immediate {
		p.End()
		c.cfg.Owner.Down(p, peer)
		c.cfg.Owner.Detached(p)
	} else {
		c.cfg.Owner.Down(p, peer)
		p.Unlink()
		c.cfg.Owner.Writable(p) // what the binder has taken has made room
	}
	c.raise(Event{Type: Disconnected, Peer: peer})
}

// relink gives c another far end at the same binder, if that is still there: what was sent by way
// of the one before it is lost in both directions.
func (c *inprocConnector) relink(far *pipe.Pipe) {
	c.turn.Lock()
	defer c.turn.Unlock()
	if c.far != far {
		return
	}
	far.Discard()
	c.pipe.Purge()
	c.binder.drop(far)
	c.unlink()
	c.seek()
}

func (c *inprocConnector) Given() string { return c.name }
func (c *inprocConnector) Name() string  { return c.name }
func (c *inprocConnector) Bound() bool   { return false }

func (c *inprocConnector) Pipes(f func(*pipe.Pipe)) {
	c.mu.Lock()
	p := c.pipe
	c.mu.Unlock()
	if p != nil {
		f(p)
	}
}

func (c *inprocConnector) State() (connections int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.far != nil {
		connections = 1
	}
	return connections, c.err
}

func (c *inprocConnector) Withdraw(ctx context.Context) (stays bool) {
	c.Stop(ctx)
	return false
}

// Stop waits for a binder as long as ctx allows. Once there is one, the messages are its own.
func (c *inprocConnector) Stop(ctx context.Context) {
	c.Pipes(func(p *pipe.Pipe) {
		p.End()
		p.Drain(ctx)
	})
	c.turn.Lock()
	defer c.turn.Unlock()
	if c.stopped {
		return
	}
	c.stopped = true
	c.cfg.Names.forget(c)
	c.mu.Lock()
	p, far, b := c.pipe, c.far, c.binder
	c.pipe, c.far, c.binder = nil, nil, nil
	c.mu.Unlock()
	switch {
	case p == nil:
		return
	case far == nil:
		p.Discard()
	default:
		p.End()
		b.drop(far)
		c.cfg.Owner.Down(p, p.Peer())
		c.raise(Event{Type: Closed, Peer: p.Peer()})
	}
	c.cfg.Owner.Detached(p)
}
