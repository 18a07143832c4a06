// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"context"
	"sync"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/route"
	"github.com/gzmq/zmq/internal/wire"
)

// hub is what a socket's pipes belong to: it passes what happens to them to the strategies that the
// socket's pattern is made of, and knows which peers are there. It is apart from socket so that its
// methods are not part of the public API.
type hub struct {
	lb    *route.LoadBalancer // nil: the pattern does not send in turn
	fq    *route.FairQueue    // nil: the pattern does not receive
	watch watcher             // nil: the pattern does not care

	mu      sync.Mutex
	pipes   map[*pipe.Pipe]struct{} // guarded by mu: those that are attached
	live    map[*pipe.Pipe]presence // guarded by mu: peers past the handshake
	past    Counters                // guarded by mu: of the pipes that have ended
	unsent  uint64                  // guarded by mu: of those, dropped on the way out
	closed  error                   // guarded by mu
	waiters pipe.Waiters            // guarded by mu: for a change of live or pipes
}

func (h *hub) init() {
	h.pipes, h.live = make(map[*pipe.Pipe]struct{}), make(map[*pipe.Pipe]presence)
}

// presence is a peer that is there.
type presence struct {
	peer  *PeerInfo
	since time.Time
}

// watcher is a pattern that has to know when peers leave.
type watcher interface {
	// down says that the connection of p is gone, or its peer within the process.
	down(p *pipe.Pipe, peer *pipe.Peer)
}

var _ pipe.Owner = (*hub)(nil)

// Attached implements pipe.Owner.
func (h *hub) Attached(p *pipe.Pipe) {
	if h.fq != nil {
		h.fq.Attach(p)
	} else {
		p.CloseIn() // whatever such a peer sends goes nowhere
	}
	if h.lb != nil {
		h.lb.Attach(p)
	}
	h.mu.Lock()
	h.pipes[p] = struct{}{}
	waiters := h.waiters.PopAll()
	h.mu.Unlock()
	waiters.SignalAll()
}

// Up implements pipe.Owner.
func (h *hub) Up(p *pipe.Pipe, peer *pipe.Peer) error {
	info := newPeerInfo(peer)
	h.mu.Lock()
	h.live[p] = presence{info, time.Now()}
	waiters := h.waiters.PopAll()
	h.mu.Unlock()
	waiters.SignalAll()
	return nil
}

// Delivered implements pipe.Owner.
func (h *hub) Delivered(p *pipe.Pipe) {
	if h.fq != nil {
		h.fq.Delivered(p)
	} else {
		p.Publish()
	}
}

// Command implements pipe.Owner. The patterns that are here know none.
func (h *hub) Command(*pipe.Pipe, wire.Kind, []byte) {}

// Writable implements pipe.Owner.
func (h *hub) Writable(p *pipe.Pipe) {
	if h.lb != nil {
		h.lb.Writable(p)
	}
}

// Down implements pipe.Owner.
func (h *hub) Down(p *pipe.Pipe, peer *pipe.Peer) {
	if h.fq != nil {
		h.fq.TakeRest(p)
	}
	h.mu.Lock()
	delete(h.live, p)
	h.mu.Unlock()
	if h.watch != nil {
		h.watch.down(p, peer)
	}
}

// Detached implements pipe.Owner.
func (h *hub) Detached(p *pipe.Pipe) {
	if h.lb != nil {
		h.lb.Detach(p)
	}
	if h.fq != nil {
		h.fq.Detach(p, true)
	}
	h.mu.Lock()
	delete(h.pipes, p)
	counts := p.Counts()
	h.past.add(counters(counts))
	h.unsent += counts.Unsent
	h.mu.Unlock()
}

// isUp reports whether peer is at the other end of p now.
func (h *hub) isUp(p *pipe.Pipe, peer *pipe.Peer) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	who, ok := h.live[p]
	return ok && who.peer.peer == peer
}

// drop counts a message for p that went nowhere.
func (h *hub) drop(p *pipe.Pipe) {
	h.mu.Lock()
	if _, attached := h.pipes[p]; attached {
		p.Drop()
	} else {
		h.past.Dropped++
	}
	h.mu.Unlock()
}

// counters are those of all pipes, past ones included. A pipe that ends meanwhile counts once.
func (h *hub) counters() Counters {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.past
	for p := range h.pipes {
		all.add(h.peerCounters(p))
	}
	return all
}

// counters is the public view of a pipe's counts.
func counters(c pipe.Counts) Counters {
	return Counters{
		SentMessages: c.SentMessages, SentBytes: c.SentBytes,
		RecvMessages: c.RecvMessages, RecvBytes: c.RecvBytes,
		Dropped: c.Unsent + c.Unread, SendQueue: c.SendQueue,
	}
}

// peerCounters are the counters of one pipe.
func (h *hub) peerCounters(p *pipe.Pipe) Counters {
	c := counters(p.Counts())
	if h.fq != nil {
		c.RecvQueue = h.fq.Waiting(p)
	}
	return c
}

// peers lists who is there.
func (h *hub) peers() []PeerStats {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]PeerStats, 0, len(h.live))
	for p, who := range h.live {
		all = append(all, PeerStats{Peer: who.peer, Counters: h.peerCounters(p), Since: who.since})
	}
	return all
}

// present counts the peers to and from whom messages can go. The lock is held.
func (h *hub) present() (n int) {
	for p := range h.live {
		if _, attached := h.pipes[p]; attached {
			n++
		}
	}
	return n
}

// waitConnected blocks until n peers are there.
func (h *hub) waitConnected(ctx context.Context, n int) error {
	h.mu.Lock()
	for {
		if h.closed != nil || h.present() >= n {
			err := h.closed
			h.mu.Unlock()
			return err
		}
		w := h.waiters.Add()
		h.mu.Unlock()
		outcome := w.Wait(ctx, -1)
		h.mu.Lock()
		if outcome != pipe.Signalled && h.waiters.Done(w) {
			h.mu.Unlock()
			w.Take() // everybody was woken: nobody to pass it on to
			h.mu.Lock()
		}
		h.waiters.Free(w)
		if outcome == pipe.Cancelled {
			h.mu.Unlock()
			return ctx.Err()
		}
	}
}

// refuse makes all calls that wait, now or later, return err.
func (h *hub) refuse(err error) {
	if h.lb != nil {
		h.lb.Close(err)
	}
	if h.fq != nil {
		h.fq.Close(err)
	}
	h.mu.Lock()
	if h.closed == nil {
		h.closed = err
	}
	waiters := h.waiters.PopAll()
	h.mu.Unlock()
	waiters.SignalAll()
}

// lost is how many messages have been dropped on their way out.
func (h *hub) lost() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.unsent
	for p := range h.pipes {
		n += p.Counts().Unsent
	}
	return n
}
