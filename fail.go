// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/gzmq/zmq/internal/route"
	"github.com/gzmq/zmq/internal/session"
)

// errNoParts is the answer to a message of no parts at all.
var errNoParts = fmt.Errorf("%w: a message needs at least one part, which may be empty", ErrInvalid)

// waitFailed translates how a wait ended.
func waitFailed(err error, timeout time.Duration) error {
	switch {
	case !errors.Is(err, route.ErrTimeout):
		return err
	case timeout == NoWait:
		return ErrAgain
	}
	return ErrTimeout
}

// explain says what an endpoint's failure means and what to do about it.
func explain(err error) error {
	switch {
	case errors.Is(err, session.ErrInvalid):
		return &cause{ErrInvalid, err}
	case errors.Is(err, session.ErrNotSupported):
		return &cause{ErrNotSupported, err}
	case errors.Is(err, syscall.EADDRINUSE):
		return inUse(err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w: this user may not listen there", err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%w: no interface of this machine has that address", err)
	}
	return err
}

// inUse says who is in the way.
func inUse(err error) error {
	var op *net.OpError
	switch {
	case err == syscall.EADDRINUSE:
		return fmt.Errorf("%w: another socket of this Context has that name", ErrAddrInUse)
	case errors.As(err, &op):
		return fmt.Errorf("%w: another process listens there", ErrAddrInUse)
	}
	// The transport's own words, which end with the errno's.
	why := strings.TrimSuffix(err.Error(), ": "+syscall.EADDRINUSE.Error())
	return fmt.Errorf("%w: %s", ErrAddrInUse, why)
}

// cause is an error in the words of a room below that answers errors.Is for ours as well.
type cause struct {
	kind error
	err  error
}

// Error is the other room's text.
func (c *cause) Error() string { return c.err.Error() }

// Unwrap returns both.
func (c *cause) Unwrap() []error { return []error{c.kind, c.err} }

// unsent is ErrUnsent with the number.
func unsent(n uint64) error { return fmt.Errorf("%w: %d", ErrUnsent, n) }

// What is wrong with a call of REQ or REP.
var (
	errUnanswered = fmt.Errorf("%w: the request is not answered yet: Recv its reply first, or set REQ_RELAXED", ErrFSM)
	errSending    = fmt.Errorf("%w: another goroutine is sending a request", ErrFSM)
	errUnasked    = fmt.Errorf("%w: nothing was asked yet: Send a request first", ErrFSM)
	errNoRequest  = fmt.Errorf("%w: no request waits for a reply: Recv one first", ErrFSM)
	errUnreplied  = fmt.Errorf("%w: the last request waits for its reply: Send it first", ErrFSM)
)
