// SPDX-License-Identifier: MPL-2.0

// Package pipe is where connections and routing meet: a pipe is one peer, with one queue of framed
// bytes in each direction.
//
// A queue is not a channel of messages. It is a list of slabs, runs of ZMTP message frames exactly
// as they stand on the wire, and a count of the whole messages in them. Send frames a message into
// the last slab; a writer takes whole slabs and writes them as they are. A reader reads into a slab
// and publishes what it has found to be whole messages; Recv cuts one message from the front.
//
//	       Send               Take, Wrote
//	app ---------> out-queue --------------> connection
//	app <--------- in-queue  <-------------- connection
//	       Cut                Fill, Pass, Publish
//
// Within a process there is no connection: the receiver's in-queue takes over the slabs of the
// sender's out-queue (see Link).
//
// Who calls what: the owner (routing, above) sends and cuts; the sink (a connection, below) takes
// and publishes. Calls upward are made after unlocking and are hints: the one called looks again.
package pipe

import (
	"sync/atomic"

	"github.com/gzmq/zmq/internal/wire"
)

// Peer is what is known about the other end of one connection. It never changes: another
// connection to the same endpoint has another Peer.
type Peer struct {
	SocketType string
	RoutingID  string
	UserID     string
	Mechanism  string
	Major      byte // ZMTP version the peer speaks
	Minor      byte
	Metadata   wire.Metadata // READY's, and what the authenticator added
	Endpoint   string        // as given to Connect, or as bound
	Remote     Addr          // nil within the process
	Public     any           // the library's public view of the peer, made once by the owner
}

// Addr is a net.Addr: this package does without net.
type Addr interface {
	Network() string
	String() string
}

// Owner is what routing implements: it is told what happens to its pipes. No lock of this package
// is held during a call. Calls for one pipe come from several goroutines.
type Owner interface {
	// Attached says that messages may be sent to p from now on.
	Attached(p *Pipe)
	// Up says that a connection has finished its handshake. An error refuses it: the connection
	// is closed, and no message was exchanged with it.
	Up(p *Pipe, peer *Peer) error
	// Delivered says that messages wait to be published, by p.Publish, or taken over from a
	// linked pipe: by the holder of the right to read, or by the sender of a linked pipe.
	Delivered(p *Pipe)
	// Command hands over a command that the connection does not handle itself. body is lent.
	Command(p *Pipe, kind wire.Kind, body []byte)
	// Writable says that p takes messages again after it was full.
	Writable(p *Pipe)
	// Down says that the connection of p is gone while p goes on. For the end of a linked pipe
	// it calls TakeRest.
	Down(p *Pipe, peer *Peer)
	// Detached says that p is dead: it takes no more messages. What it has received can still
	// be cut.
	Detached(p *Pipe)
}

// Sink is the connection below a pipe.
type Sink interface {
	// Flush writes until the out-queue is empty. The caller gives it the right to write and a
	// goroutine of its own.
	Flush()
	// TryFlush writes what goes without waiting and leaves the rest to Flush on another
	// goroutine. The caller gives it the right to write.
	TryFlush()
	// Room says that the in-queue takes messages again after it was full.
	Room()
	// Close ends the connection with err.
	Close(err error)
}

// A Pipe is one peer. The zero value is not usable: see New.
type Pipe struct {
	owner Owner

	// SendSlot and RecvSlot are the pipe's places in the lists of route, guarded by the locks
	// of those lists; -1 is no place.
	SendSlot, RecvSlot int
	// Tag belongs to the owner, which sets it before it hands the pipe to anybody.
	Tag any

	out outbox
	in  inbox

	// peer is the connection's, from its handshake until the next one.
	peer atomic.Pointer[Peer]

	// lender is the connection while it can be read by a Recv.
	lender atomic.Pointer[Lender]

	// mate is the other end within this process; nil for a pipe with a connection.
	mate atomic.Pointer[Pipe]

	sentMessages, sentBytes atomic.Uint64
	recvMessages, recvBytes atomic.Uint64
	unsent, unread          atomic.Uint64 // dropped on the way out, and in
}

// Limits are the marks of a pipe's queues, in whole messages; 0 is no limit.
type Limits struct{ Send, Recv int }

// New returns a pipe without a connection. keep says that what no connection has taken yet waits
// for the next one: the queue of a connecting endpoint.
func New(owner Owner, limits Limits, keep bool) *Pipe {
	p := &Pipe{owner: owner, SendSlot: -1, RecvSlot: -1}
	p.out.init(limits.Send, keep)
	p.in.hwm.Store(int64(limits.Recv))
	p.in.watched = -1
	return p
}

// SetLimits changes the marks; they are looked at again with the next message.
func (p *Pipe) SetLimits(l Limits) {
	p.out.mu.Lock()
	p.out.hwm = l.Send
	p.out.mu.Unlock()
	p.in.hwm.Store(int64(l.Recv))
	p.in.blocked.Store(false)
	p.out.mu.Lock()
	sink := p.out.sink
	p.out.mu.Unlock()
	if sink != nil {
		sink.Room()
	}
	p.owner.Writable(p)
	if mate := p.mate.Load(); mate != nil {
		mate.owner.Writable(mate) // the mark of a linked pipe is the sum of both sides'
	}
}

// Peer is the other end of the present or the last connection; nil before the first.
func (p *Pipe) Peer() *Peer { return p.peer.Load() }

// Owner returns the routing that p belongs to.
func (p *Pipe) Owner() Owner { return p.owner }

// Counts are what went through a pipe so far.
type Counts struct {
	SentMessages, SentBytes uint64 // handed to the kernel or to the linked pipe
	RecvMessages, RecvBytes uint64 // published
	Unsent, Unread          uint64 // dropped on the way out, and in
	SendQueue               int    // whole messages that wait now
}

// Counts returns a moment's view; the figures are not taken under one lock.
func (p *Pipe) Counts() Counts {
	p.out.mu.Lock()
	queued := p.out.msgs
	p.out.mu.Unlock()
	return Counts{
		SentMessages: p.sentMessages.Load(), SentBytes: p.sentBytes.Load(),
		RecvMessages: p.recvMessages.Load(), RecvBytes: p.recvBytes.Load(),
		Unsent: p.unsent.Load(), Unread: p.unread.Load(),
		SendQueue: queued,
	}
}
