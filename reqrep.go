// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"context"
	"errors"
	"time"

	"github.com/gzmq/zmq/internal/route"
)

// Req asks its peers, each in turn: a Send, then a Recv of the reply, and again. Request does both.
// 28/REQREP.
//
// When the peer that was asked is gone, Recv returns ErrPeerGone, and the next Send is allowed.
type Req struct {
	socket
	sender
	receiver

	requester *requester
	turn      chan struct{} // capacity 1: held by the Request that is under way
}

// NewReq returns a REQ socket. An error is an *OptionError, or ErrTerm.
func NewReq(o Options) (*Req, error) {
	r := &Req{turn: make(chan struct{}, 1)}
	lb, fq := route.NewLoadBalancer(), route.NewFairQueue()
	r.requester = newRequester(lb, fq, r.socket.opts.Load)
	r.sender = sender{socket: &r.socket, lb: lb, rule: r.requester}
	r.receiver = receiver{socket: &r.socket, fq: fq, rule: r.requester}
	if err := r.socket.init(REQ, o, lb, fq, r.requester); err != nil {
		return nil, err
	}
	return r, nil
}

// Request sends a request and returns the reply to it. Concurrent callers take turns.
//
// Each attempt may take REQUEST_TIMEOUT, and REQUEST_RETRIES attempts may follow the first, each to
// the next peer. A peer that dies fails the attempt at once. When no attempt is left the error is
// ErrPeerGone or ErrTimeout; when ctx ends first, its error. A request that was given up is never
// answered by a later call's reply, nor the other way round: docs/reqrep.md.
func (r *Req) Request(ctx context.Context, parts ...[]byte) (Message, error) {
	if len(parts) == 0 {
		return Message{}, errNoParts
	}
	if err := r.takeTurn(ctx); err != nil {
		return Message{}, err
	}
	defer func() { <-r.turn }()
	for attempt := 0; ; attempt++ {
		o := r.socket.opts.Load()
		reply, err := r.attempt(ctx, o.RequestTimeout, parts)
		if err == nil || attempt >= o.RequestRetries || !errors.Is(err, ErrPeerGone) && !errors.Is(err, ErrTimeout) {
			return reply, err
		}
	}
}

// takeTurn waits until no other Request is under way.
func (r *Req) takeTurn(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	default:
	}
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-r.socket.closed:
		return r.socket.state()
	}
}

// attempt is one request and the wait for its reply, within timeout.
func (r *Req) attempt(ctx context.Context, timeout time.Duration, parts [][]byte) (Message, error) {
	var reply Message
	limited := ctx
	if timeout != Forever {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	err := r.sendByRule(limited, parts, nil, true)
	if err == nil {
		err = r.receiveByRule(limited, &reply.m, true, Forever)
		if err != nil && !errors.Is(err, ErrPeerGone) {
			r.requester.abandon()
		}
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = ErrTimeout // the attempt's own
	}
	return reply, err
}

// Rep answers: a Recv of a request, then a Send of the reply to it, and again. 28/REQREP.
type Rep struct {
	socket
	sender
	receiver
}

// NewRep returns a REP socket. An error is an *OptionError, or ErrTerm.
func NewRep(o Options) (*Rep, error) {
	r := new(Rep)
	fq := route.NewFairQueue()
	rule := newReplier(&r.socket.hub, fq)
	r.sender = sender{socket: &r.socket, rule: rule}
	r.receiver = receiver{socket: &r.socket, fq: fq, rule: rule}
	if err := r.socket.init(REP, o, nil, fq, rule); err != nil {
		return nil, err
	}
	return r, nil
}
