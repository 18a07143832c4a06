// SPDX-License-Identifier: MPL-2.0

package route

import (
	"sync"

	"github.com/gzmq/zmq/internal/pipe"
)

// FairQueue takes messages from its pipes in turn, one each.
//
// Its lock also guards the in-queues of its pipes. It is taken once for each read of a connection
// and once for each message that is received, and it is never held over a copy of more than 255
// bytes, an allocation or a call upward. The out-queue of a linked pipe is locked under it.
type FairQueue struct {
	mu sync.Mutex

	// Guarded by mu.

	list    places
	waiters pipe.Waiters
	chunk   []byte // memory for small bodies that are the caller's for good
	carved  int    // bytes of it that are taken
	closed  error
	kicks   uint64
}

// chunkSize is how much memory is allocated at once for small bodies.
const chunkSize = 1 << 10

// NewFairQueue returns one without pipes.
func NewFairQueue() *FairQueue {
	return &FairQueue{list: places{slot: recvSlot}}
}

// Attach adds a pipe.
func (q *FairQueue) Attach(p *pipe.Pipe) {
	q.mu.Lock()
	var w *pipe.Waiter
	var lender pipe.Lender
	if q.closed == nil && !q.list.has(p) {
		q.list.add(p)
		if p.HasMessage() {
			q.list.activate(p)
			w = q.waiters.Pop()
		}
		if len(q.list.pipes) == 2 {
			lender = q.list.pipes[0].Lender() // only a pipe that is alone is read by a Recv
		}
	}
	q.mu.Unlock()
	w.Signal()
	if lender != nil {
		lender.Reclaim()
	}
}

// Delivered publishes what p has read, or looks at what its other end has sent, and wakes one
// receiver. It reports false for a pipe that is not in the queue.
func (q *FairQueue) Delivered(p *pipe.Pipe) bool {
	q.mu.Lock()
	p.Publish()
	if !q.list.has(p) {
		q.mu.Unlock()
		return false
	}
	var w *pipe.Waiter
	if p.HasMessage() {
		q.list.activate(p)
		w = q.waiters.Pop()
		caller := w.Serves(p) // who has to hear of it even if p is not alone any more
		if caller || w != nil && len(q.list.pipes) == 1 {
			p.SetServed(!q.waiters.Empty())
		}
		if caller {
			w = nil
		}
	}
	q.mu.Unlock()
	w.Signal()
	return true
}

// Detach removes a pipe that will not deliver any more: at once, or after its last message when
// keep is set.
func (q *FairQueue) Detach(p *pipe.Pipe, keep bool) {
	q.mu.Lock()
	p.TakeRest()
	if keep && q.list.has(p) && p.HasMessage() {
		p.SetEnding()
	} else {
		q.list.remove(p)
		p.CloseIn()
	}
	q.mu.Unlock()
}

// TryInto cuts the next message into m, whose memory is reused. It reports false, and m is empty,
// when there is none.
func (q *FairQueue) TryInto(m *pipe.Message) (bool, error) {
	q.mu.Lock()
	p := q.list.next()
	if p != nil && q.closed == nil && p.CutQuick(m) {
		if !p.Watched() {
			q.mu.Unlock()
			return true, nil
		}
		q.taken(p)
		return true, nil
	}
	m.Reset()
	var r Request
	return q.recv(p, m, &r)
}

// TryFresh is TryInto with memory for good, for the common case: one part of at most
// pipe.ChunkBody bytes. There may be another message when it reports false.
func (q *FairQueue) TryFresh() (body []byte, peer *pipe.Peer, ok bool) {
	q.mu.Lock()
	for p := q.list.next(); p != nil && q.closed == nil; p = q.list.next() {
		n, peer := p.CutFresh(q.chunk[q.carved:])
		if n >= 0 {
			from := q.carved
			q.carved += n
			body = q.chunk[from:q.carved:q.carved]
			if !p.Watched() {
				q.mu.Unlock()
				return body, peer, true
			}
			q.taken(p)
			return body, peer, true
		}
		q.list.back()
		if !p.WantsChunk() {
			break
		}
		q.mu.Unlock()
		chunk := make([]byte, chunkSize)
		q.mu.Lock()
		q.chunk, q.carved = chunk, 0
	}
	q.mu.Unlock()
	return nil, nil, false
}

// Request says how a message is to be received, and what came with it.
type Request struct {
	Fresh bool           // memory that is the caller's for good
	Strip *pipe.Envelope // gets the envelope, which is taken off
	Pipe  *pipe.Pipe     // out: where the message came from
}

// TryRecv cuts the next message into m, which is Reset first, as r says.
func (q *FairQueue) TryRecv(m *pipe.Message, r *Request) (bool, error) {
	m.Reset()
	q.mu.Lock()
	return q.recv(q.list.next(), m, r)
}

// recv takes the next message, if there is one, from p or a later pipe; it unlocks.
func (q *FairQueue) recv(p *pipe.Pipe, m *pipe.Message, r *Request) (bool, error) {
	if q.closed != nil {
		err := q.closed
		q.mu.Unlock()
		return false, err
	}
	for ; p != nil; p = q.list.next() {
		if p.HasMessage() {
			r.Pipe = p
			q.cut(p, m, r)
			return true, nil
		}
		q.empty(p)
	}
	q.mu.Unlock()
	return false, nil
}

// empty takes p out of the turn, or out of the queue if nothing comes after what it had.
func (q *FairQueue) empty(p *pipe.Pipe) {
	if q.list.deactivate(p); p.Ending() {
		q.list.remove(p)
		p.CloseIn()
	}
}

// taken unlocks after a message was cut from p and tells those who have to hear of it. The other
// end of a linked pipe tells of its first message only: as long as others wait, whoever takes one
// looks for the next.
func (q *FairQueue) taken(p *pipe.Pipe) {
	wakes := p.AfterCut()
	var w *pipe.Waiter
	if !q.waiters.Empty() && p.Mate() != nil {
		if p.HasMessage() {
			w = q.waiters.Pop()
		} else {
			q.empty(p)
		}
	}
	q.mu.Unlock()
	wakes.Call()
	w.Signal()
}

// cut takes any message, and copies it after unlocking.
func (q *FairQueue) cut(p *pipe.Pipe, m *pipe.Message, r *Request) {
	var c pipe.Cut
	p.Cut(&c)
	q.taken(p)
	switch {
	case !r.Fresh:
		m.Reserve(c.Size)
	default:
		m.Use(make([]byte, 0, c.Size))
	}
	if r.Strip != nil {
		r.Strip.Frames, r.Strip.Whole = r.Strip.Frames[:0], false
	}
	c.Copy(m, r.Strip)
	c.Release()
}

// TakeRest takes over what the other end of a linked pipe has sent before it ended.
func (q *FairQueue) TakeRest(p *pipe.Pipe) {
	q.mu.Lock()
	p.TakeRest()
	var w *pipe.Waiter
	if q.list.has(p) && p.HasMessage() {
		q.list.activate(p)
		w = q.waiters.Pop()
	}
	q.mu.Unlock()
	w.Signal()
}

// Purge drops all messages that wait.
func (q *FairQueue) Purge() {
	q.mu.Lock()
	for {
		p := q.list.next()
		if p == nil {
			break
		}
		if !p.HasMessage() {
			q.empty(p)
			continue
		}
		var c pipe.Cut
		p.Cut(&c)
		wakes := p.AfterCut()
		q.mu.Unlock()
		wakes.Call()
		c.Release()
		q.mu.Lock()
	}
	q.mu.Unlock()
}

// Waiting is the number of messages that p has delivered and nobody received.
func (q *FairQueue) Waiting(p *pipe.Pipe) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return p.Count()
}

// Close ends all waiting, now and later, with err.
func (q *FairQueue) Close(err error) {
	q.mu.Lock()
	if q.closed == nil {
		q.closed = err
	}
	waiters := q.waiters.PopAll()
	q.mu.Unlock()
	waiters.SignalAll()
}

// Clear removes all pipes and drops what they hold.
func (q *FairQueue) Clear() {
	q.mu.Lock()
	for len(q.list.pipes) > 0 {
		p := q.list.pipes[len(q.list.pipes)-1]
		q.list.remove(p)
		p.CloseIn()
	}
	q.mu.Unlock()
}
