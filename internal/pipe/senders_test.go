// SPDX-License-Identifier: MPL-2.0

package pipe

import (
	"context"
	"encoding/binary"
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
