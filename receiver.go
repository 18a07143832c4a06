// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"context"
	"iter"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/route"
)

// receiver is the half of a socket that receives. Most patterns receive in turn whatever there is;
// those that do not have a rule.
type receiver struct {
	socket *socket
	fq     *route.FairQueue
	rule   receiveRule // nil: the next message, from whomever
}

// receiveRule decides for patterns that take off an envelope and may not receive at any time.
type receiveRule interface {
	// tryReceive takes the next message that the pattern wants, if there is one.
	tryReceive(m *pipe.Message, fresh bool) (ok bool, err error)
}

// Recv waits for the next message: see Receiver.
func (r *receiver) Recv(ctx context.Context) (m Message, err error) {
	if r.rule == nil {
		if body, peer, ok := r.fq.TryFresh(); ok {
			m.m.SetFresh(body, peer)
			return m, nil
		}
	}
	return r.recv(ctx)
}

// recv is Recv of any message.
func (r *receiver) recv(ctx context.Context) (m Message, err error) {
	timeout := r.socket.opts.Load().RecvTimeout
	if r.rule != nil {
		return r.recvByRule(ctx, timeout)
	}
	how := route.Request{Fresh: true}
	ok, err := r.fq.TryRecv(&m.m, &how)
	if !ok && err == nil {
		err = waitFailed(r.fq.Recv(ctx, limit(timeout), &m.m, true), timeout)
	}
	return m, err
}

// TryRecv is Recv that never waits: see Receiver.
func (r *receiver) TryRecv() (Message, error) {
	var m Message
	err := r.tryReceive(&m.m, true)
	return m, err
}

// RecvInto is Recv that reuses memory: see Receiver.
func (r *receiver) RecvInto(ctx context.Context, m *Message) error {
	if r.rule != nil {
		return r.receiveByRule(ctx, &m.m, false, r.socket.opts.Load().RecvTimeout)
	}
	if ok, err := r.fq.TryInto(&m.m); ok || err != nil {
		return err
	}
	timeout := r.socket.opts.Load().RecvTimeout
	return waitFailed(r.fq.Recv(ctx, limit(timeout), &m.m, false), timeout)
}

// TryRecvInto is RecvInto that never waits: see Receiver.
func (r *receiver) TryRecvInto(m *Message) error { return r.tryReceive(&m.m, false) }

// Messages receives until the first error: see Receiver.
func (r *receiver) Messages(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for {
			m, err := r.Recv(ctx)
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

func (r *receiver) tryReceive(m *pipe.Message, fresh bool) error {
	ok, err := r.try(m, fresh)
	if !ok && err == nil {
		r.fq.Missed()
		err = ErrAgain
	}
	return err
}

// try takes a message if there is one.
func (r *receiver) try(m *pipe.Message, fresh bool) (ok bool, err error) {
	if r.rule != nil {
		return r.tryByRule(m, fresh)
	}
	return r.fq.TryRecv(m, &route.Request{Fresh: fresh})
}

// tryByRule is try with a rule.
func (r *receiver) tryByRule(m *pipe.Message, fresh bool) (ok bool, err error) {
	m.Reset()
	if ok, err = r.rule.tryReceive(m, fresh); err != nil {
		if over := r.socket.state(); over != nil {
			err = over // whatever the pattern has to say
		}
	}
	return ok, err
}

// recvByRule is Recv with a rule. It is apart because what goes through an interface has to be
// allocated.
func (r *receiver) recvByRule(ctx context.Context, timeout time.Duration) (Message, error) {
	var m Message
	err := r.receiveByRule(ctx, &m.m, true, timeout)
	return m, err
}

// receiveByRule takes a message that the pattern wants and waits for one.
func (r *receiver) receiveByRule(ctx context.Context, m *pipe.Message, fresh bool, timeout time.Duration) error {
	clock := limit(timeout)
	for {
		seen := r.fq.Generation()
		ok, err := r.tryByRule(m, fresh)
		if ok || err != nil {
			return err
		}
		if err := r.fq.Wait(ctx, &clock, seen); err != nil {
			return waitFailed(err, timeout)
		}
	}
}
