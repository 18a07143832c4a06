// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/route"
	"github.com/gzmq/zmq/internal/wire"
)

// requester is REQ's state: it sends a request, then receives the reply to it, in turn.
//
//	idle --begin--> sending --end(p)--> waiting --the reply, or its peer is gone--> idle
//
// Before the request stand an empty frame and, with REQ_CORRELATE, its number before that. A reply
// has to come from the peer that was asked and to begin with the same frames. 28/REQREP.
type requester struct {
	lb   *route.LoadBalancer
	fq   *route.FairQueue
	opts func() *Options

	mu   sync.Mutex
	sent sync.Cond // with mu: a pipe has taken or refused the request

	// Guarded by mu.

	state requestState
	asked *pipe.Pipe // sending: who is being sent to; waiting: who owes the reply
	gone  bool       // waiting: its connection is gone
	head  []byte     // the frames before the present request
	id    uint32     // of the last request
	left  *pipe.Peer // whose connection giveUp has ended; its end is no news
	strip pipe.Envelope
}

type requestState uint8

const (
	reqIdle requestState = iota
	reqSending
	reqWaiting
)

// errGivenUp ends a connection on which a late reply may still come.
var errGivenUp = errors.New("request given up: the connection is made anew, so that a late reply cannot answer the next request")

// errNoEnvelope ends a connection whose peer does not know REQ's envelope.
var errNoEnvelope = wire.Errorf(wire.CodeMalformedMessage, "reply without the empty frame before it")

func newRequester(lb *route.LoadBalancer, fq *route.FairQueue, opts func() *Options) *requester {
	// 28/REQREP: numbers begin anywhere, so that two lives of one program do not share them.
	r := &requester{lb: lb, fq: fq, opts: opts, id: rand.Uint32()}
	r.sent.L = &r.mu
	return r
}

// begin implements sendRule.
func (r *requester) begin() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.state == reqSending:
		return errSending
	case r.state == reqWaiting && !r.gone:
		if !r.opts().ReqRelaxed {
			return errUnanswered
		}
		r.giveUp()
	}
	r.state, r.asked, r.gone = reqSending, nil, false
	r.fq.Purge() // 28/REQREP: what was not asked for is no reply
	r.head = r.head[:0]
	if r.opts().ReqCorrelate {
		r.id++
		r.head = wire.AppendHeader(r.head, wire.FlagMore, 4)
		r.head = binary.BigEndian.AppendUint32(r.head, r.id)
	}
	r.head = wire.AppendHeader(r.head, wire.FlagMore, 0)
	return nil
}

// target implements sendRule: the requests go round.
func (r *requester) target() (*pipe.Pipe, []byte, error) {
	p, err := r.lb.Next()
	// The request may be on its way before end: from now on it is noticed when p leaves, and
	// nobody takes the reply.
	r.mu.Lock()
	r.asked = p
	r.mu.Unlock()
	return p, r.head, err
}

// refused implements sendRule.
func (r *requester) refused(p *pipe.Pipe, why pipe.Result) (done bool) {
	r.lb.Refused(p, why)
	r.mu.Lock()
	r.asked = nil
	r.sent.Broadcast()
	r.mu.Unlock()
	return false
}

// end implements sendRule.
func (r *requester) end(p *pipe.Pipe) {
	r.mu.Lock()
	if p != nil {
		r.state = reqWaiting
	} else {
		r.state, r.asked, r.gone = reqIdle, nil, false
	}
	r.sent.Broadcast()
	r.mu.Unlock()
	r.fq.Kick()
}

// down implements watcher. The pipe has no other connection before this returns, so that a request
// that is being sent just now is waited for.
func (r *requester) down(p *pipe.Pipe, peer *pipe.Peer) {
	r.mu.Lock()
	for r.state == reqSending && r.asked == p {
		r.sent.Wait()
	}
	asked := r.asked == p && r.state == reqWaiting && peer != r.left
	if asked {
		r.gone = true
		// What no connection took must not go to the next one: its reply would come to a
		// requester that has asked for something else.
		p.Purge()
	}
	r.mu.Unlock()
	if asked {
		r.fq.Kick()
	}
}

// tryReceive implements receiveRule.
func (r *requester) tryReceive(m *pipe.Message, fresh bool) (ok bool, err error) {
	for {
		ok, broken, err := r.take(m, fresh)
		if broken == nil {
			return ok, err
		}
		broken.Fail(errNoEnvelope)
	}
}

// take takes the reply, if it is there. broken is a peer that has sent something that is none.
func (r *requester) take(m *pipe.Message, fresh bool) (ok bool, broken *pipe.Pipe, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.state == reqIdle:
		return false, nil, errUnasked
	case r.state == reqSending && r.asked != nil:
		return false, nil, nil // it may be the reply: end is about to say so
	}
	for {
		how := route.Request{Fresh: fresh, Strip: &r.strip}
		ok, err := r.fq.TryRecv(m, &how)
		if err != nil {
			return false, nil, err
		}
		if !ok {
			break
		}
		answers, malformed := r.judge()
		if malformed || m.Len() == 0 {
			m.Reset()
			return false, how.Pipe, nil
		}
		if answers && r.state == reqWaiting && how.Pipe == r.asked {
			r.state, r.asked, r.gone = reqIdle, nil, false
			return true, nil, nil
		}
		m.Reset()
	}
	if r.state == reqWaiting && r.gone {
		r.state, r.asked, r.gone = reqIdle, nil, false
		return false, nil, ErrPeerGone
	}
	return false, nil, nil
}

// judge looks at the frames that came before a reply. The lock is held.
func (r *requester) judge() (answers, malformed bool) {
	frames := r.strip.Frames
	if !r.strip.Whole {
		return false, true
	}
	if bytes.Equal(frames, r.head) {
		return true, false
	}
	// With REQ_CORRELATE another number is another request's reply, late.
	return false, len(frames) != len(r.head) || len(r.head) == 2
}

// giveUp lets the present request go unanswered. Without a number a late reply could not be told
// from the next one's, so that it must not come: the connection is made anew. The lock is held,
// and let go of in between; the state keeps others away.
func (r *requester) giveUp() {
	p := r.asked
	r.state, r.asked, r.gone = reqSending, nil, false
	if p != nil && len(r.head) == 2 {
		r.left = p.Peer()
		r.mu.Unlock()
		p.Renew(errGivenUp)
		r.mu.Lock()
	}
	r.state = reqIdle
}

// abandon is giveUp for one that has waited in vain.
func (r *requester) abandon() {
	r.mu.Lock()
	switch {
	case r.state != reqWaiting:
	case r.gone: // nobody is left who could answer late
		r.state, r.asked, r.gone = reqIdle, nil, false
	default:
		r.giveUp()
	}
	r.mu.Unlock()
	r.fq.Kick()
}
