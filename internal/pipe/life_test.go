// SPDX-License-Identifier: MPL-2.0

package pipe

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gzmq/zmq/internal/wire"
)

// writer is a connection that really writes: all it takes, into a list of messages.
type writer struct {
	*fakeSink
	p     *Pipe
	gone  chan struct{} // closed when Close has taken the connection away
	limit int           // of bytes that one TryFlush writes; the rest is Flush's

	mu     sync.Mutex
	broken bool // guarded by mu
	held   bool // guarded by mu: a batch stays unwritten until the connection breaks

	// Owned by the holder of the right to write.

	pending []byte
	got     []byte
}

// newWriter puts a connection under p; open says that its handshake is over.
func newWriter(p *Pipe, limit int, open bool) *writer {
	w := &writer{fakeSink: newSink(), p: p, gone: make(chan struct{}), limit: limit}
	w.fakeSink.flush, w.fakeSink.tryFlush = w.writeAll, w.writeSome
	p.Connect(w, limit > 0)
	if open {
		p.Open()
	}
	return w
}

func (w *writer) isBroken() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken
}

func (w *writer) take() (all []byte, ok bool) {
	b := w.p.Take()
	if b == nil {
		return nil, false
	}
	for _, buf := range b.AppendTo(nil) {
		all = append(all, buf...)
	}
	return all, true
}

func (w *writer) writeSome() {
	all, ok := w.take()
	if !ok {
		return
	}
	if len(all) > w.limit {
		w.p.out.batch.Own()
		w.pending = all
		go w.writeAll()
		return
	}
	if w.wrote(all) {
		go w.writeAll()
	}
}

func (w *writer) writeAll() {
	all, ok := w.pending, w.pending != nil
	w.pending = nil
	for ok || w.hasMore(&all) {
		if ok = false; !w.wrote(all) {
			return
		}
	}
}

func (w *writer) hasMore(all *[]byte) (ok bool) {
	*all, ok = w.take()
	return ok
}

// wrote ends a batch. A broken connection gets a part of it.
func (w *writer) wrote(all []byte) bool {
	for w.stuck() {
		time.Sleep(50 * time.Microsecond)
	}
	if w.isBroken() {
		n := len(all) / 2
		w.got = append(w.got, all[:n]...)
		w.p.Wrote(n, 0, errBroken)
		return false
	}
	w.got = append(w.got, all...)
	w.p.Wrote(len(all), 0, nil)
	return true
}

func (w *writer) stuck() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.held && !w.broken
}

// Close breaks the connection, as a closed socket does, and takes it from the pipe.
func (w *writer) Close(err error) {
	w.mu.Lock()
	first := !w.broken
	w.broken = true
	w.mu.Unlock()
	if first {
		w.closed <- err
		go func() {
			w.p.Disconnect()
			close(w.gone)
		}()
	}
}

// TestManySenders: whoever sends, nothing is lost or doubled and each sender's messages stay in
// order, whichever way they are written.
func TestManySenders(t *testing.T) {
	for name, limit := range map[string]int{"flusher": 0, "callers": 1 << 30, "a part": 5000} {
		t.Run(name, func(t *testing.T) {
			const senders, each = 4, 3000
			p := New(&fakeOwner{}, Limits{}, true)
			w := newWriter(p, limit, true)
			var wg sync.WaitGroup
			for id := range senders {
				wg.Go(func() {
					rnd := rand.New(rand.NewPCG(uint64(id), 7))
					for i := range each {
						m := message{binary.BigEndian.AppendUint32([]byte{byte(id)}, uint32(i))}
						if i%7 == 0 {
							m = append(m, body(i, rnd.IntN(3000)))
						}
						if i%500 == 0 {
							m = append(m, body(i, Large+i))
						}
						if r := p.Send(nil, m); r == Paced {
							p.Pace(context.Background(), -1)
						} else if r != Sent {
							t.Errorf("Send: %v", r)
							return
						}
					}
				})
			}
			wg.Wait()
			if err := p.Drain(context.Background()); err != nil {
				t.Fatal(err)
			}
			waitIdle(t, p)
			var next [senders]uint32
			for _, m := range parse(t, w.got) {
				id, i := m[0][0], binary.BigEndian.Uint32(m[0][1:])
				if i != next[id] {
					t.Fatalf("sender %d: message %d where %d was due", id, i, next[id])
				}
				for _, part := range m[1:] {
					if !equal(message{part}, message{body(int(i), len(part))}) {
						t.Fatalf("sender %d: message %d is not what was sent", id, i)
					}
				}
				next[id]++
			}
			for id, n := range next {
				if n != each {
					t.Errorf("sender %d: %d messages", id, n)
				}
			}
			if c := p.Counts(); c.SentMessages != senders*each || p.Unsent() != 0 {
				t.Errorf("counts %+v, %d unsent", c, p.Unsent())
			}
		})
	}
}

// waitIdle waits until nobody has the right to write.
func waitIdle(t testing.TB, p *Pipe) {
	t.Helper()
	wait(t, "the end of writing", func() bool {
		p.out.mu.Lock()
		defer p.out.mu.Unlock()
		return !p.out.writing
	})
}

// TestConnectionsComeAndGo: senders send on while connections break and others come. What arrives
// is in order, and each message was sent, dropped or waits.
func TestConnectionsComeAndGo(t *testing.T) {
	p := New(&fakeOwner{}, Limits{Send: 500}, true)
	const senders, each = 2, 4000
	var wg sync.WaitGroup
	for id := range senders {
		wg.Go(func() {
			for i := range each {
				m := message{binary.BigEndian.AppendUint32([]byte{byte(id)}, uint32(i))}
				if i%1000 == 1 {
					m = append(m, body(i, Large))
				}
				for p.Send(nil, m) == Full {
					time.Sleep(20 * time.Microsecond)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	var got []byte
	for round, over := 0, false; !over; round++ {
		w := newWriter(p, []int{0, 1 << 30, 3000}[round%3], true)
		before := p.Counts().SentMessages
		for !over && p.Counts().SentMessages < before+100 {
			select {
			case <-done:
				p.Drain(context.Background())
				over = true
			default:
				time.Sleep(20 * time.Microsecond)
			}
		}
		w.fall()
		got = append(got, whole(w.got)...)
	}
	var next [senders]uint32
	n := 0
	for _, m := range parse(t, got) {
		id, i := m[0][0], binary.BigEndian.Uint32(m[0][1:])
		if i < next[id] {
			t.Fatalf("sender %d: message %d where %d was due", id, i, next[id])
		}
		next[id] = i + 1
		n++
	}
	c := p.Counts()
	if int(c.SentMessages) != n || int(c.SentMessages+c.Unsent) != senders*each || p.Unsent() != 0 {
		t.Errorf("%d arrived of %d; counts %+v, %d unsent", n, senders*each, c, p.Unsent())
	}
}

// fall breaks the connection and returns when it is gone.
func (w *writer) fall() {
	w.mu.Lock()
	w.broken = true
	w.mu.Unlock()
	w.p.Disconnect()
}

// whole is b up to the end of its last whole message.
func whole(b []byte) []byte {
	end := 0
	for off := 0; ; {
		flags, n, size, err := wire.ParseHeader(b[off:])
		if err != nil || size == 0 || n > len(b)-off-size {
			return b[:end]
		}
		if off += size + n; flags&wire.FlagMore == 0 {
			end = off
		}
	}
}

// TestDrain: it waits for what was sent before it, and no longer than its context.
func TestDrain(t *testing.T) {
	p := New(&fakeOwner{}, Limits{}, true)
	if err := p.Drain(context.Background()); err != nil {
		t.Fatal("nothing to wait for:", err)
	}
	p.Send(nil, message{{1}})
	ctx, cancel := context.WithCancel(context.Background())
	errs := make(chan error)
	go func() { errs <- p.Drain(ctx) }()
	wait(t, "Drain to wait", func() bool { return flushersOf(p) == 1 })
	cancel()
	if err := <-errs; !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	if flushersOf(p) != 0 {
		t.Error("one that does not wait is in the list")
	}
	ends := map[string]func(p *Pipe){
		"written": func(p *Pipe) { newWriter(p, 0, true) },
		"dropped": (*Pipe).Discard,
		"purged":  (*Pipe).Purge,
		"far end": func(p *Pipe) { Link(p, New(&fakeOwner{}, Limits{}, false), &Peer{}, &Peer{}) },
	}
	for name, end := range ends {
		p := New(&fakeOwner{}, Limits{}, true)
		p.Send(nil, message{{1}})
		p.End() // what is queued is still written
		go func() { errs <- p.Drain(context.Background()) }()
		wait(t, "Drain to wait", func() bool { return flushersOf(p) == 1 })
		end(p)
		if err := <-errs; err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if p.Mate() == nil {
			waitIdle(t, p)
		}
	}
}

func flushersOf(p *Pipe) (n int) {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	for w := p.out.flushers.first; w != nil; w = w.next {
		n++
	}
	return n
}

// TestDiscard: what is queued is counted as lost; what is being written is not.
func TestDiscard(t *testing.T) {
	p, _, _ := connected(Limits{}, true)
	p.Send(nil, message{{1}})
	p.Take()
	sendAll(t, p, randomMessages(1, 4, 10))
	p.Discard()
	p.Wrote(3, 0, nil)
	if c := p.Counts(); c.Unsent != 4 || c.SentMessages != 1 || p.Unsent() != 0 {
		t.Errorf("counts %+v, %d unsent", c, p.Unsent())
	}
	if r := p.Send(nil, message{{1}}); r != Dead {
		t.Errorf("Send: %v", r)
	}
	if p.Take() != nil {
		t.Error("there is something to write")
	}
}

// TestDisconnect: it waits for the one that writes, and the commands of the connection go with it.
func TestDisconnect(t *testing.T) {
	for _, keep := range []bool{true, false} {
		p, _, _ := connected(Limits{}, keep)
		p.Send(nil, message{{1}})
		p.Take()
		sendAll(t, p, randomMessages(1, 2, 10))
		p.Control([]byte("old"))
		p.Pong([]byte("old"))
		done := make(chan struct{})
		go func() { p.Disconnect(); close(done) }()
		wait(t, "Disconnect to wait", func() bool {
			p.out.mu.Lock()
			defer p.out.mu.Unlock()
			return !p.out.idlers.Empty()
		})
		select {
		case <-done:
			t.Fatal("Disconnect has not waited")
		default:
		}
		p.Wrote(0, 0, errBroken)
		<-done
		p.Control([]byte("nobody's"))
		p.Connect(newSink(), true)
		p.Open()
		ctl, msgs := drain(p)
		if len(ctl) != 0 {
			t.Errorf("%q for another connection", ctl)
		}
		if n := len(parse(t, msgs)); keep && n != 3 || !keep && n != 0 {
			t.Errorf("keep %v: %d messages for another connection", keep, n)
		}
	}
}

// TestRenew: the connection is gone when it returns, and so is what waited for it.
func TestRenew(t *testing.T) {
	p := New(&fakeOwner{}, Limits{Send: 3}, true)
	p.Renew(errBroken) // without one there is nothing to wait for
	w := newWriter(p, 0, true)
	w.mu.Lock()
	w.held = true
	w.mu.Unlock()
	fill(p, message{{1}}, 3)
	p.Renew(errBroken)
	if err := <-w.closed; err != errBroken {
		t.Errorf("closed with %v", err)
	}
	p.Fail(errBroken) // nobody to hear it
	if len(w.closed) != 0 {
		t.Error("the old connection is still there")
	}
	if n := p.Unsent(); n != 0 {
		t.Errorf("%d messages wait for the next connection", n)
	}
	<-w.gone // the next connection is made by who was this one's reader
	if n := fill(p, message{{2}}, 5); n != 3 {
		t.Errorf("room for %d", n)
	}
	next := newWriter(p, 0, true)
	p.Drain(context.Background())
	waitIdle(t, p)
	wantMessages(t, parse(t, next.got), []message{{{2}}, {{2}}, {{2}}})
	p.Fail(errBroken)
	<-next.closed
	<-next.gone
}

// TestRenewLinked: a linked pipe gets another far end, and what was queued for the old one is gone.
func TestRenewLinked(t *testing.T) {
	a, b := linked(Limits{}, Limits{})
	resets := 0
	a.SetReset(func() { resets++; a.Unlink() })
	sendAll(t, a, randomMessages(1, 3, 10))
	receiveAll(b)
	sendAll(t, a, randomMessages(1, 2, 10))
	a.Renew(errBroken)
	if c := a.Counts(); resets != 1 || c.Unsent != 2 {
		t.Errorf("%d resets, counts %+v", resets, c)
	}
	a.Drop()
	if c := a.Counts(); c.Unsent != 3 {
		t.Errorf("a dropped message does not count: %+v", c)
	}
}

// TestSendWhileConnectionFalls: one gives itself the right to write just when the connection falls.
func TestSendWhileConnectionFalls(t *testing.T) {
	for i := range 2000 {
		p := New(&fakeOwner{}, Limits{}, true)
		w := newWriter(p, 1<<30, true)
		var wg sync.WaitGroup
		var ready atomic.Bool
		wg.Go(func() {
			ready.Store(true)
			if i%2 == 0 {
				p.Send(nil, message{{1}})
			} else {
				p.Control([]byte("x"))
			}
		})
		for !ready.Load() {
			runtime.Gosched()
		}
		w.p.Disconnect()
		wg.Wait()
		if n := len(w.got) + int(p.Counts().SendQueue)*3; i%2 == 0 && n != 3 {
			t.Fatalf("%d bytes of one message", n)
		}
	}
}
