// SPDX-License-Identifier: MPL-2.0

package pipe

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/gzmq/zmq/internal/wire"
)

// held is how much memory the slabs of the in-queue have, the reader's included.
func (in *inbox) held() (n int) {
	seen := map[*Slab]bool{}
	add := func(s *Slab) {
		if s != nil && !seen[s] {
			seen[s] = true
			n += cap(s.buf)
		}
	}
	for s := in.head; s != nil; s = s.next {
		add(s)
	}
	for _, s := range in.left {
		add(s)
	}
	add(in.slab)
	add(in.large)
	return n
}

func (o *outbox) held() (n int) {
	for s := o.head; s != nil; s = s.next {
		n += cap(s.buf)
	}
	return n
}

// TestPacedMemory: a thousand messages of 64 bytes, each read by itself and none received.
func TestPacedMemory(t *testing.T) {
	one := message{body(1, 64)}.frames()
	f := newFeeder(Limits{}, Large, nil)
	for range 1000 {
		f.stream = one
		f.readAll(t, 1<<20)
		f.p.Idle()
	}
	if held := f.p.in.held(); held > 1<<20 || held > 2*1000*len(one)+SmallSlab {
		t.Errorf("%d messages hold %d bytes", f.p.Count(), held)
	}
}

// TestQueuedMemory: whatever the sizes and the reads, a queue has at most twice the memory that its
// bytes need, and a slab.
func TestQueuedMemory(t *testing.T) {
	mixes := [][]int{{0}, {5, 300}, {64}, {200, 3000}, {2060}, {5000}, {10, 17000}, {30, 45000},
		{Large - 10}, {5, Large - 10}, {5, Large}, {20, Large + 20000}, {300000}, {10, 100, 1000, 10000, 100000}}
	for _, sizes := range mixes {
		for _, piece := range []int{100, 5000, 1 << 20} {
			for seed := range uint64(2) {
				t.Run(fmt.Sprint(sizes, piece, seed), func(t *testing.T) {
					rnd := rand.New(rand.NewPCG(seed, 9))
					f := newFeeder(Limits{}, Large, nil)
					out := New(&fakeOwner{}, Limits{}, true)
					out.out.want = BigSlab // it was busy
					for bytes := 0; bytes < min(600<<10, 5000*(sizes[len(sizes)-1]+10)); {
						m := randomMessage(rnd, 1, sizes...)
						bytes += len(m.frames())
						f.stream = append(f.stream, m.frames()...)
						out.Send(nil, m)
					}
					queued := 0
					for ok := true; ok; ok, _ = f.read(1 + rnd.IntN(piece)) {
						if rnd.IntN(2) == 0 {
							f.p.Idle()
						}
						if rnd.IntN(1+5000/piece) > 0 {
							continue // it takes long to count
						}
						in := &f.p.in
						// Room for a frame that has begun counts as used.
						queued = int(f.p.Counts().RecvBytes) + in.begun + max(in.used-in.done, in.need) + in.largeUsed
						if held := in.held(); held > 2*queued+BigSlab+maxAtOnce*btoi(in.large != nil) {
							t.Fatalf("%d bytes in the in-queue hold %d", queued, held)
						}
					}
					if held, n := out.out.held(), out.out.bytes; held > 2*n+BigSlab {
						t.Fatalf("%d bytes in the out-queue hold %d", n, held)
					}
				})
			}
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestAnnouncedBody: memory for a body comes with its bytes.
func TestAnnouncedBody(t *testing.T) {
	const announced = 40 << 20
	f := newFeeder(Limits{}, Large, wire.AppendHeader(nil, 0, announced))
	f.read(100)
	if held := f.p.in.held(); held > maxAtOnce+SmallSlab {
		t.Fatalf("an announcement holds %d bytes", held)
	}
	b := body(1, announced)
	f.stream = b
	for n := 0; len(f.stream) > 0; {
		before := len(f.stream)
		f.read(1 << 20)
		n += before - len(f.stream)
		if held := f.p.in.held(); held > max(2*n, n+maxAtOnce)+SmallSlab {
			t.Fatalf("%d bytes of a body hold %d", n, held)
		}
	}
	var m Message
	if !receive(f.p, &m) || !equal(partsOf(&m), message{b}) {
		t.Fatal("not the body that was sent")
	}
}

// TestIdleHoldsNothing: an idle connection has no slab, whoever was the last to look at it.
func TestIdleHoldsNothing(t *testing.T) {
	one := message{body(1, 64)}.frames()
	for _, idleFirst := range []bool{true, false} {
		f := newFeeder(Limits{}, Large, one)
		f.readAll(t, 100)
		slab := f.p.in.slab
		var m Message
		if idleFirst {
			f.p.Idle()
			f.p.Idle() // nothing changed
			receive(f.p, &m)
		} else {
			receive(f.p, &m)
			f.p.Idle()
		}
		if slab.refs.Load() != 0 || f.p.in.parked.Load() != nil {
			t.Errorf("idle first %v: %d references, parked %v", idleFirst, slab.refs.Load(), f.p.in.parked.Load())
		}
		f.stream = one
		f.readAll(t, 100)
		if !receive(f.p, &m) || !equal(partsOf(&m), message{body(1, 64)}) {
			t.Errorf("idle first %v: the next message is not what was sent", idleFirst)
		}
	}
}

// TestParkedSlab: the reader parks its slab and takes it back while the receiver empties it, with
// and without the lock.
func TestParkedSlab(t *testing.T) {
	const n = 20000
	f := newFeeder(Limits{}, Large, nil)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range n {
			m := message{binary.BigEndian.AppendUint32(nil, uint32(i))}
			if i%50 == 0 {
				m = append(m, body(i, 3000))
			}
			f.stream = m.frames()
			if i%3 == 0 {
				f.p.Idle()
			}
			f.readAll(t, 2000)
			for range i % 4 {
				f.p.Idle()
			}
			if i%16 == 0 {
				runtime.Gosched()
			}
		}
	})
	mu := &f.p.owner.(*fakeOwner).mu
	var m Message
	for i := 0; i < n; {
		if i%2 == 0 {
			if !receive(f.p, &m) {
				runtime.Gosched()
				continue
			}
		} else {
			var c Cut
			mu.Lock()
			ok := f.p.Cut(&c)
			mu.Unlock()
			if !ok {
				runtime.Gosched()
				continue
			}
			m.Reset()
			m.Reserve(c.Size)
			c.Copy(&m, nil)
			c.Release()
		}
		if got := binary.BigEndian.Uint32(m.Part(0)); int(got) != i || m.Len() == 2 && !equal(message{m.Part(1)}, message{body(i, 3000)}) {
			t.Fatalf("message %d where %d was due, or another body", got, i)
		}
		i++
	}
	wg.Wait()
	f.p.Idle()
	f.p.in.unpark()
	if f.p.Idle(); f.p.in.slab != nil || f.p.in.head != nil {
		t.Error("an idle pipe holds a slab")
	}
}

func FuzzInbox(f *testing.F) {
	f.Add([]byte{0, 1, 7}, uint64(1))
	f.Add([]byte{1, 0, 4, 2, 1, 'x', 0, 0}, uint64(2))
	f.Add([]byte{1, 2, 'a', 'b', 2, 0, 0, 0, 0, 0, 0, 0, 3, 'c', 'd', 'e', 9}, uint64(3))
	f.Add(framesOf(randomMessages(1, 30, 0, 3, 300, 5000)), uint64(4))
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		rnd := rand.New(rand.NewPCG(seed, 10))
		p := newFeeder(Limits{Recv: int(seed % 7)}, 256+int(seed%1000), stream)
		want := wholeMessages(stream, p.scan.MaxParts)
		var m Message
		got := 0
		take := func() {
			if !receive(p.p, &m) {
				t.Fatalf("message %d is missing", got)
			}
			if got == len(want) || !equal(partsOf(&m), want[got]) {
				t.Fatalf("message %d is not what was sent", got)
			}
			got++
		}
		for {
			ok, err := p.read(1 + rnd.IntN(1+len(stream)/3))
			if !ok || err != nil {
				break
			}
			if rnd.IntN(2) == 0 {
				p.p.Idle()
			}
			for p.p.Count() > 0 && rnd.IntN(2) == 0 {
				take()
			}
		}
		for p.p.Count() > 0 {
			take()
		}
		if got != len(want) {
			t.Fatalf("%d messages, want %d", got, len(want))
		}
		p.p.Disconnect()
		if held := p.p.in.held(); held != 0 {
			t.Fatalf("%d bytes held at the end", held)
		}
	})
}

// wholeMessages are the messages at the front of a stream, up to the first error.
func wholeMessages(b []byte, maxParts int) (ms []message) {
	for m := (message)(nil); ; {
		flags, n, size, err := wire.ParseHeader(b)
		command := flags&wire.FlagCommand != 0
		if err != nil || size == 0 || n > len(b)-size || !command && len(m) == maxParts || command && n > wire.MaxCommand {
			return ms
		}
		if !command {
			if m = append(m, b[size:size+n]); flags&wire.FlagMore == 0 {
				ms, m = append(ms, m), nil
			}
		}
		b = b[size+n:]
	}
}
