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
	hub *hub
	fq  *route.FairQueue

	mu   sync.Mutex
	sent sync.Cond // with mu: sending is over

	// Guarded by mu.

	asker    *pipe.Pipe // who waits for the reply; nil when it is time to receive
	gone     bool       // the asker's connection is gone
	sending  bool
	envelope pipe.Envelope
}

// errNoRequestEnvelope ends a connection whose peer does not know REP's envelope.
var errNoRequestEnvelope = wire.Errorf(wire.CodeMalformedMessage, "request without the empty frame before it")

func newReplier(h *hub, fq *route.FairQueue) *replier {
	r := &replier{hub: h, fq: fq}
	r.sent.L = &r.mu
	return r
}

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

// target implements sendRule. The envelope does not change before end.
func (r *replier) target() (*pipe.Pipe, []byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		r.hub.drop(r.asker)
		return nil, nil, errDiscard
	}
	return r.asker, r.envelope.Frames, nil
}

// refused implements sendRule: a reply to one that is gone or does not read is dropped.
func (r *replier) refused(p *pipe.Pipe, _ pipe.Result) (done bool) {
	r.hub.drop(p)
	return true
}

// end implements sendRule.
func (r *replier) end(*pipe.Pipe) {
	r.mu.Lock()
	r.asker, r.sending = nil, false
	r.sent.Broadcast()
	r.mu.Unlock()
	r.fq.Kick()
}

// down implements watcher. The queue of a REP that has connected outlives the connection; what it
// holds, and the reply that is still to come, is for one that is gone. The pipe has no other
// connection before this returns, so that whoever sends just now is waited for.
func (r *replier) down(p *pipe.Pipe, _ *pipe.Peer) {
	r.mu.Lock()
	for r.sending && r.asker == p {
		r.sent.Wait()
	}
	r.gone = r.gone || r.asker == p
	r.mu.Unlock()
	p.Purge()
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
	r.asker, r.gone = how.Pipe, !r.hub.isUp(how.Pipe, m.Peer())
	return true, nil, nil
}
