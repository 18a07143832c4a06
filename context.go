// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/gzmq/zmq/internal/session"
)

// Context holds the inproc names and the sockets that Term ends. Sockets that were given none share
// the package's own. It owns no goroutine, channel or timer.
type Context struct {
	names session.Names
	max   int // sockets; 0: no limit

	mu      sync.Mutex
	sockets map[member]struct{} // guarded by mu
	ended   bool                // guarded by mu: Term or Shutdown was called
}

// member is what a Context knows of a socket.
type member interface {
	// refuse makes all calls return err.
	refuse(err error)
	// end closes the socket within ctx, or with its LINGER, whichever is shorter.
	end(ctx context.Context) error
}

// ContextOptions are the options of a Context. The zero value has no limits.
type ContextOptions struct {
	// MaxSockets (ZMQ_MAX_SOCKETS) is how many sockets may be open at once. Zero: no limit.
	MaxSockets int
}

// defaultContext is that of sockets whose Options name none.
var defaultContext = NewContext(ContextOptions{})

// NewContext returns a Context of its own: its inproc names are not those of others.
func NewContext(o ContextOptions) *Context {
	return &Context{max: o.MaxSockets, sockets: make(map[member]struct{})}
}

// join adds a new socket.
func (c *Context) join(s member) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return ErrTerm
	}
	if c.max > 0 && len(c.sockets) >= c.max {
		return fmt.Errorf("%w: the context's limit of %d sockets is reached: close some, or raise MaxSockets", ErrInvalid, c.max)
	}
	c.sockets[s] = struct{}{}
	return nil
}

// leave forgets a closed socket.
func (c *Context) leave(s member) {
	c.mu.Lock()
	delete(c.sockets, s)
	c.mu.Unlock()
}

// Shutdown makes all calls of its sockets, and the making of new ones, return ErrTerm. It closes
// nothing and waits for nothing.
func (c *Context) Shutdown() {
	for _, s := range c.stop() {
		s.refuse(ErrTerm)
	}
}

// Term is Shutdown that then closes every socket, each with its LINGER, all of it within ctx.
// ErrUnsent says that messages were dropped.
func (c *Context) Term(ctx context.Context) error {
	all := c.stop()
	errs := make([]error, len(all))
	for _, s := range all {
		s.refuse(ErrTerm)
	}
	var wait sync.WaitGroup
	for i, s := range all {
		wait.Go(func() { errs[i] = s.end(ctx) })
	}
	wait.Wait()
	return errors.Join(errs...)
}

// stop lets no more sockets in, and returns those that are there.
func (c *Context) stop() []member {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	all := make([]member, 0, len(c.sockets))
	for s := range c.sockets {
		all = append(all, s)
	}
	return all
}
