// SPDX-License-Identifier: MPL-2.0

package pipe

import "context"

// Connect puts a connection below the pipe. tries says that its TryFlush can write. Commands and
// the handshake are written from now on, messages from Open on.
func (p *Pipe) Connect(sink Sink, tries bool) {
	o := &p.out
	o.mu.Lock()
	o.sink, o.tries, o.flush = sink, tries, sink.Flush
	o.mu.Unlock()
}

// Open says that the handshake is over and peer is known: messages may be written.
func (p *Pipe) Open() {
	o := &p.out
	o.mu.Lock()
	o.up = true
	start := !o.writing && o.head != nil
	if start {
		o.writing = true
	}
	o.mu.Unlock()
	if start {
		go o.flush()
	}
}

// SetPeer says whom the connection has found. What is read from now on is this peer's.
func (p *Pipe) SetPeer(peer *Peer) { p.peer.Store(peer) }

// Disconnect takes the connection away, waits until nobody writes to it any more and forgets what
// was on its way up but is no whole message. The connection is closed already, so that a write
// that is under way fails. The caller holds the right to read.
func (p *Pipe) Disconnect() {
	o := &p.out
	o.mu.Lock()
	o.up = false
	o.ctl, o.pong, o.ctlRaw = nil, nil, 0
	for o.writing {
		w := o.idlers.Add()
		o.mu.Unlock()
		w.Wait(context.Background(), -1)
		o.mu.Lock()
		o.idlers.Free(w)
	}
	o.ctl, o.pong, o.ctlRaw = nil, nil, 0
	o.sink, o.tries = nil, false // not before: who writes looks at them unlocked
	idlers := o.idlers.PopAll()
	if !o.keep {
		o.drop(p)
	}
	waiters := o.flushers.PopAll()
	pacers := o.pacers.PopAll()
	o.mu.Unlock()
	idlers.SignalAll()
	waiters.SignalAll()
	pacers.SignalAll()
	p.in.forget()
}

// End closes the out-queue to Send, which answers Dead from now on. What is queued is still
// written, or taken over by the other end of a linked pipe.
func (p *Pipe) End() {
	p.out.mu.Lock()
	p.out.dead = true
	pacers := p.out.pacers.PopAll()
	p.out.mu.Unlock()
	pacers.SignalAll()
}

// Discard is End that drops and counts what is queued.
func (p *Pipe) Discard() {
	o := &p.out
	o.mu.Lock()
	o.dead, o.keep = true, false
	o.drop(p)
	waiters := o.flushers.PopAll()
	pacers := o.pacers.PopAll()
	o.mu.Unlock()
	waiters.SignalAll()
	pacers.SignalAll()
}

// drop empties the queue. The lock is held.
func (o *outbox) drop(p *Pipe) {
	p.unsent.Add(uint64(o.msgs))
	o.finished += uint64(o.msgs)
	releaseChain(o.head)
	o.head, o.tail, o.msgs, o.bytes = nil, nil, 0, 0
	if o.spare != nil {
		o.spare.Release()
		o.spare = nil
	}
}

// Unsent counts the messages that nobody has taken yet or that are being written.
func (p *Pipe) Unsent() int {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	if p.mate.Load() != nil {
		return 0 // the other end has them
	}
	return int(p.out.accepted - p.out.finished)
}

// Drain waits until every message that Send has taken so far was written, handed over or dropped.
// It returns the error of ctx if that ends first.
func (p *Pipe) Drain(ctx context.Context) error {
	o := &p.out
	o.mu.Lock()
	target := o.accepted
	for o.finished < target && p.mate.Load() == nil {
		w := o.flushers.Add()
		o.mu.Unlock()
		outcome := w.Wait(ctx, -1)
		o.mu.Lock()
		if outcome == Cancelled {
			if o.flushers.Done(w) {
				o.mu.Unlock()
				w.Take()
				o.mu.Lock()
			}
			o.flushers.Free(w)
			o.mu.Unlock()
			return ctx.Err()
		}
		o.flushers.Free(w)
	}
	o.mu.Unlock()
	return nil
}

// Link makes a and b the two ends of one pipe within this process: what one sends the other
// receives, without a connection. peerOfA is whom a sees.
//
// The other end takes slabs over under its own in-queue's lock and then the out-queue's: the one
// place where two queue locks are held, always in this order.
func Link(a, b *Pipe, peerOfA, peerOfB *Peer) {
	a.peer.Store(peerOfA)
	b.peer.Store(peerOfB)
	for _, end := range [2]struct{ p, mate *Pipe }{{a, b}, {b, a}} {
		o := &end.p.out
		o.mu.Lock()
		o.linked = true
		end.p.mate.Store(end.mate)
		pending := o.head != nil
		o.writing = pending
		waiters := o.flushers.PopAll()
		o.mu.Unlock()
		waiters.SignalAll()
		if pending {
			end.mate.owner.Delivered(end.mate)
		}
	}
}

// Unlink takes the other end away from p, which waits for another one: what it holds stays, as on
// a connecting endpoint whose connection fell. The owner has called TakeRest.
func (p *Pipe) Unlink() {
	o := &p.out
	o.mu.Lock()
	p.mate.Store(nil)
	o.writing = false
	o.linked = false
	o.mu.Unlock()
}

// Mate is the other end within this process; nil for none.
func (p *Pipe) Mate() *Pipe { return p.mate.Load() }

// Fail ends the connection below the pipe with err: for what only routing can find wrong in what a
// peer sends.
func (p *Pipe) Fail(err error) {
	p.out.mu.Lock()
	sink := p.out.sink
	p.out.mu.Unlock()
	if sink != nil {
		sink.Close(err)
	}
}

// Purge drops what is queued and not taken yet.
func (p *Pipe) Purge() {
	o := &p.out
	o.mu.Lock()
	o.drop(p)
	writable := o.full.Load() && !o.dead && !p.atMark()
	if writable {
		o.full.Store(false)
	}
	waiters := o.flushers.PopAll()
	o.mu.Unlock()
	waiters.SignalAll()
	if writable {
		p.owner.Writable(p)
	}
}

// SetReset says how Renew gives a linked pipe another far end.
func (p *Pipe) SetReset(reset func()) {
	p.out.mu.Lock()
	p.out.reset = reset
	p.out.mu.Unlock()
}

// Renew ends the connection with err and drops what was queued for it, so that nothing that was
// sent before can be answered after it. It returns when the connection is gone.
func (p *Pipe) Renew(err error) {
	o := &p.out
	o.mu.Lock()
	sink, reset := o.sink, o.reset
	o.mu.Unlock()
	switch {
	case sink != nil:
		sink.Close(err)
	case p.mate.Load() != nil && reset != nil:
		p.Purge()
		reset()
	}
	o.mu.Lock()
	for sink != nil && o.sink == sink {
		w := o.idlers.Add()
		o.mu.Unlock()
		w.Wait(context.Background(), -1)
		o.mu.Lock()
		o.idlers.Free(w)
	}
	o.mu.Unlock()
	p.Purge()
}

// Drop counts a message that was meant for this pipe and went nowhere.
func (p *Pipe) Drop() { p.unsent.Add(1) }
