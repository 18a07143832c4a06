// SPDX-License-Identifier: MPL-2.0

package session

import (
	"context"
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
	mu sync.Mutex // not held over anything else

	// Guarded by mu.

	bound   map[string]*inprocBinder
	waiting map[string][]*inprocConnector
}

// bind gives b its name, unless somebody has it, and returns those who have waited for it. Who does
// not fit goes on waiting.
func (n *Names) bind(b *inprocBinder) (fits, misfits []*inprocConnector, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.bound[b.name] != nil {
		return nil, nil, false
	}
	if n.bound == nil {
		n.bound = make(map[string]*inprocBinder)
	}
	n.bound[b.name] = b
	for _, c := range n.waiting[b.name] {
		if b.fits(c) {
			fits = append(fits, c)
		} else {
			misfits = append(misfits, c)
		}
	}
	n.keep(b.name, slices.Clone(misfits))
	return fits, misfits, true
}

// unbind takes b's name away; it reports false if b has none.
func (n *Names) unbind(b *inprocBinder) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.bound[b.name] != b {
		return false
	}
	delete(n.bound, b.name)
	return true
}

// find returns who has c's name, nil for nobody. If that is nobody, or fits not, c waits.
func (n *Names) find(c *inprocConnector) (b *inprocBinder, fits bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	b = n.bound[c.name]
	if b != nil && b.fits(c) {
		return b, true
	}
	n.keep(c.name, append(n.waiting[c.name], c))
	return b, false
}

// wait makes c wait for the next one who binds its name.
func (n *Names) wait(c *inprocConnector) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.keep(c.name, append(n.waiting[c.name], c))
}

// forget takes c out of the list of those who wait.
func (n *Names) forget(c *inprocConnector) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.keep(c.name, slices.DeleteFunc(n.waiting[c.name], func(other *inprocConnector) bool { return other == c }))
}

// keep stores the list of those who wait for a name. The lock is held.
func (n *Names) keep(name string, list []*inprocConnector) {
	if len(list) == 0 {
		delete(n.waiting, name)
		return
	}
	if n.waiting == nil {
		n.waiting = make(map[string][]*inprocConnector)
	}
	n.waiting[name] = list
}

// inprocBinder is a bound name.
type inprocBinder struct {
	cfg  Config
	name string

	mu    sync.Mutex
	pipes map[*pipe.Pipe]*inprocConnector // guarded by mu; nil once stopped
}

func bindInproc(cfg Config, name string) (Endpoint, error) {
	b := &inprocBinder{cfg: cfg, name: name, pipes: make(map[*pipe.Pipe]*inprocConnector)}
	fits, misfits, ok := cfg.Names.bind(b)
	if !ok {
		err := syscall.EADDRINUSE
		b.raise(Event{Type: BindFailed, Err: err, Code: int(err)})
		return nil, err
	}
	b.raise(Event{Type: Listening, Local: name})
	for _, c := range misfits {
		c.misfit(b)
	}
	for _, c := range fits {
		c.invite(b)
	}
	return b, nil
}

func (b *inprocBinder) fits(c *inprocConnector) bool {
	return wire.Compatible(c.cfg.SocketType, b.cfg.SocketType)
}

// add takes a connector's far end in; it reports false once b is stopped.
func (b *inprocBinder) add(far *pipe.Pipe, c *inprocConnector) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pipes == nil {
		return false
	}
	b.pipes[far] = c
	return true
}

// drop is the end of the connector at far. The connector's turn is held.
func (b *inprocBinder) drop(far *pipe.Pipe) {
	b.mu.Lock()
	_, ok := b.pipes[far]
	delete(b.pipes, far)
	b.mu.Unlock()
	if !ok {
		return // Stop sees to it
	}
	far.End()
	b.cfg.Owner.Down(far, far.Peer())
	b.cfg.Owner.Detached(far)
	b.raise(Event{Type: Disconnected, Peer: far.Peer()})
}

func (b *inprocBinder) raise(e Event) { raiseInproc(&b.cfg, b.name, e) }

func raiseInproc(cfg *Config, name string, e Event) {
	e.Time, e.Endpoint, e.Local, e.Remote = time.Now(), name, name, name
	cfg.Raise(e)
}

// raiseMisfit tells cfg's socket that its peer's type is wrong.
func raiseMisfit(cfg *Config, name string, peer *Config) error {
	err := &engine.IncompatibleError{Local: cfg.SocketType, Remote: peer.SocketType}
	raiseInproc(cfg, name, Event{Type: HandshakeFailedProtocol, Err: err, Code: int(wire.CodeInvalidMetadata)})
	return err
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
	if b.cfg.Names.unbind(b) {
		b.raise(Event{Type: Closed})
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.pipes) == 0 {
		b.pipes = nil // a connector that has just found the name has to look for another binder
	}
	return b.pipes != nil
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
