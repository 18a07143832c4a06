// SPDX-License-Identifier: MPL-2.0

package session

import (
	"context"
	"errors"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/gzmq/zmq/internal/engine"
	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/wire"
)

// Names are the inproc names of one context: who is bound, and who waits for a bind. The zero value
// is ready.
type Names struct {
	mu sync.Mutex // not held while pipes are linked

	// Guarded by mu.

	bound   map[string]*inprocBinder
	waiting map[string][]*inprocConnector
}

// inprocBinder is a bound name.
type inprocBinder struct {
	cfg   Config
	name  string
	mu    sync.Mutex
	pipes map[*pipe.Pipe]*inprocConnector // guarded by mu; nil once stopped
}

// inprocConnector is a Connect within the process. Without a binder its messages wait, as those of
// a dialer without a connection do.
type inprocConnector struct {
	cfg  Config
	name string

	mu      sync.Mutex
	pipe    *pipe.Pipe // guarded by mu; nil with Immediate while there is no binder
	far     *pipe.Pipe // guarded by mu: the binder's end
	binder  *inprocBinder
	stopped bool // guarded by mu
	err     error
}

func bindInproc(cfg Config, name string) (Endpoint, error) {
	b := &inprocBinder{cfg: cfg, name: name, pipes: make(map[*pipe.Pipe]*inprocConnector)}
	n := cfg.Names
	n.mu.Lock()
	if n.bound[name] != nil {
		n.mu.Unlock()
		err := syscall.EADDRINUSE
		b.raise(Event{Type: BindFailed, Err: err, Code: int(err)})
		return nil, err
	}
	if n.bound == nil {
		n.bound = make(map[string]*inprocBinder)
	}
	n.bound[name] = b
	waiting := n.waiting[name]
	left := slices.DeleteFunc(slices.Clone(waiting), func(c *inprocConnector) bool {
		return wire.Compatible(c.cfg.SocketType, cfg.SocketType)
	})
	if len(left) > 0 {
		n.waiting[name] = left
	} else {
		delete(n.waiting, name)
	}
	n.mu.Unlock()
	b.raise(Event{Type: Listening, Local: name})
	for _, c := range waiting {
		c.join(b)
	}
	return b, nil
}

func connectInproc(cfg Config, name string) Endpoint {
	c := &inprocConnector{cfg: cfg, name: name}
	if !cfg.Immediate {
		c.pipe = pipe.New(cfg.Owner, cfg.Limits(), true)
		cfg.Owner.Attached(c.pipe)
	}
	c.seek()
	return c
}

// seek joins the binder of the name, or waits for one.
func (c *inprocConnector) seek() {
	n := c.cfg.Names
	n.mu.Lock()
	b := n.bound[c.name]
	if b == nil || !wire.Compatible(c.cfg.SocketType, b.cfg.SocketType) {
		if n.waiting == nil {
			n.waiting = make(map[string][]*inprocConnector)
		}
		n.waiting[c.name] = append(n.waiting[c.name], c)
	}
	n.mu.Unlock()
	if b != nil {
		c.join(b)
	}
}

// forget takes c out of the list of those who wait.
func (c *inprocConnector) forget() {
	n := c.cfg.Names
	n.mu.Lock()
	defer n.mu.Unlock()
	list := n.waiting[c.name]
	for i, other := range list {
		if other == c {
			n.waiting[c.name] = append(list[:i:i], list[i+1:]...)
			break
		}
	}
	if len(n.waiting[c.name]) == 0 {
		delete(n.waiting, c.name)
	}
}

// join links c to b. A binder of the wrong type is an event, and c goes on waiting.
func (c *inprocConnector) join(b *inprocBinder) {
	if !wire.Compatible(c.cfg.SocketType, b.cfg.SocketType) {
		err := &engine.IncompatibleError{Local: c.cfg.SocketType, Remote: b.cfg.SocketType}
		c.mu.Lock()
		c.err = err
		c.mu.Unlock()
		e := Event{Type: HandshakeFailedProtocol, Err: err, Code: int(wire.CodeInvalidMetadata)}
		c.raise(e)
		b.raise(e)
		return
	}
	peerOfC, peerOfB := b.cfg.peer(b.name), c.cfg.peer(b.name)
	far := pipe.New(b.cfg.Owner, b.cfg.Limits(), false)
	c.mu.Lock()
	if c.stopped {
		c.mu.Unlock()
		return
	}
	if c.pipe == nil {
		c.pipe = pipe.New(c.cfg.Owner, c.cfg.Limits(), false)
	}
	p := c.pipe
	if !b.add(far, c) {
		c.mu.Unlock()
		c.seek() // stopped meanwhile
		return
	}
	c.far, c.binder, c.err = far, b, nil
	c.mu.Unlock()

	c.raise(Event{Type: Connected})
	b.raise(Event{Type: Accepted})
	if err := errors.Join(c.cfg.Owner.Up(p, peerOfC), b.cfg.Owner.Up(far, peerOfB)); err != nil {
		c.raise(Event{Type: HandshakeFailedAuth, Err: err})
		c.part(far)
		return
	}
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

func (b *inprocBinder) add(far *pipe.Pipe, c *inprocConnector) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pipes == nil {
		return false
	}
	b.pipes[far] = c
	return true
}

func (b *inprocBinder) raise(e Event) { raiseInproc(&b.cfg, b.name, e) }

func (c *inprocConnector) raise(e Event) { raiseInproc(&c.cfg, c.name, e) }

func raiseInproc(cfg *Config, name string, e Event) {
	e.Time, e.Endpoint, e.Local, e.Remote = time.Now(), name, name, name
	cfg.Raise(e)
}

// part ends the link to far, whose messages c has still to receive, and looks for another binder.
func (c *inprocConnector) part(far *pipe.Pipe) {
	c.mu.Lock()
	if c.far != far || c.stopped {
		c.mu.Unlock()
		return
	}
	p := c.pipe
	c.far, c.binder = nil, nil
	if c.cfg.Immediate {
		c.pipe = nil
	}
	c.mu.Unlock()
	peer := p.Peer()
	c.cfg.Owner.Down(p, peer)
	if c.cfg.Immediate {
		p.End()
		c.cfg.Owner.Detached(p)
	} else {
		p.Unlink()
	}
	c.raise(Event{Type: Disconnected, Peer: peer})
	c.seek()
}

// relink gives c another far end at the same binder, if that is still there: what was sent by way
// of the one before it is lost in both directions.
func (c *inprocConnector) relink(far *pipe.Pipe) {
	c.mu.Lock()
	b := c.binder
	stale := c.far != far
	c.mu.Unlock()
	if stale {
		return
	}
	b.drop(far)
	c.part(far)
	far.Discard()
}

func (b *inprocBinder) Given() string { return b.name }
func (b *inprocBinder) Name() string  { return b.name }
func (b *inprocBinder) Bound() bool   { return true }

func (b *inprocBinder) Pipes(f func(*pipe.Pipe)) {
	b.mu.Lock()
	all := make([]*pipe.Pipe, 0, len(b.pipes))
	for p := range b.pipes {
		all = append(all, p)
	}
	b.mu.Unlock()
	for _, p := range all {
		f(p)
	}
}

func (b *inprocBinder) State() (connections int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.pipes), nil
}

// Withdraw frees the name. Who is connected stays so, as with libzmq.
func (b *inprocBinder) Withdraw(context.Context) (stays bool) {
	n := b.cfg.Names
	n.mu.Lock()
	if n.bound[b.name] == b {
		delete(n.bound, b.name)
	}
	n.mu.Unlock()
	b.raise(Event{Type: Closed})
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.pipes) > 0
}

func (b *inprocBinder) Stop(ctx context.Context) {
	b.Withdraw(ctx)
	b.mu.Lock()
	pipes := b.pipes
	b.pipes = nil
	b.mu.Unlock()
	for far, c := range pipes {
		far.End()
		c.part(far)
		far.Discard()
		b.cfg.Owner.Down(far, far.Peer())
		b.cfg.Owner.Detached(far)
	}
}

// drop is the end of the connector at far.
func (b *inprocBinder) drop(far *pipe.Pipe) {
	b.mu.Lock()
	_, ok := b.pipes[far]
	delete(b.pipes, far)
	b.mu.Unlock()
	if !ok {
		return
	}
	far.End()
	b.cfg.Owner.Down(far, far.Peer())
	b.cfg.Owner.Detached(far)
	b.raise(Event{Type: Disconnected, Peer: far.Peer()})
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
	c.mu.Lock()
	c.stopped = true
	p, far, b := c.pipe, c.far, c.binder
	c.far = nil
	c.mu.Unlock()
	c.forget()
	if p == nil {
		return
	}
	if far == nil {
		p.Discard()
	} else {
		b.drop(far)
		c.cfg.Owner.Down(p, p.Peer())
		c.raise(Event{Type: Closed, Peer: p.Peer()})
	}
	c.cfg.Owner.Detached(p)
}
