// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"sync"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/route"
	"github.com/gzmq/zmq/internal/wire"
)

// replier is REP's state: it receives a request and sends the reply to whom it came from, in turn.
// The whole envelope of the request, whatever proxies added, goes back before the reply. 28/REQREP.
type replier struct {
	fq *route.FairQueue

	mu sync.Mutex

	// Guarded by mu.

	asker    *pipe.Pipe // who waits for the reply; nil when it is time to receive
	sending  bool
	envelope pipe.Envelope
}

// errNoRequestEnvelope ends a connection whose peer does not know REP's envelope.
var errNoRequestEnvelope = wire.Errorf(wire.CodeMalformedMessage, "request without the empty frame before it")

// begin implements sendRule.
func (r *replier) begin() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asker == nil || r.sending {
		return errNoRequest
	}
	r.sending = true
	return nil
}

// target implements sendRule.
func (r *replier) target() (*pipe.Pipe, []byte, error) { return r.asker, r.envelope.Frames, nil }

// refused implements sendRule: a reply to one that is gone or does not read is dropped.
func (r *replier) refused(p *pipe.Pipe, _ pipe.Result) (done bool) {
	p.Drop()
	return true
}

// end implements sendRule.
func (r *replier) end(*pipe.Pipe) {
	r.mu.Lock()
	r.asker, r.sending = nil, false
	r.mu.Unlock()
	r.fq.Kick()
}

// tryReceive implements receiveRule.
func (r *replier) tryReceive(m *pipe.Message, fresh bool) (ok bool, err error) {
	for {
		ok, broken, err := r.take(m, fresh)
		if broken == nil {
			return ok, err
		}
		broken.Fail(errNoRequestEnvelope)
	}
}

// take takes the next request, if there is one. broken is a peer that has sent something that is
// none.
func (r *replier) take(m *pipe.Message, fresh bool) (ok bool, broken *pipe.Pipe, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asker != nil {
		return false, nil, errUnreplied
	}
	how := route.Request{Fresh: fresh, Strip: &r.envelope}
	if ok, err = r.fq.TryRecv(m, &how); !ok || err != nil {
		return false, nil, err
	}
	if !r.envelope.Whole || m.Len() == 0 {
		m.Reset()
		return false, how.Pipe, nil
	}
	r.asker = how.Pipe
	return true, nil, nil
}
