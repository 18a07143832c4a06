// SPDX-License-Identifier: MPL-2.0

package route

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/wire"
)

func TestMain(m *testing.M) {
	pipe.Poison()
	before := runtime.NumGoroutine()
	code := m.Run()
	if code == 0 && !eventually(func() bool { return runtime.NumGoroutine() <= before }) {
		buf := make([]byte, 1<<16)
		fmt.Printf("goroutines left:\n%s\n", buf[:runtime.Stack(buf, true)])
		code = 1
	}
	os.Exit(code)
}

// eventually polls for something that another goroutine brings about.
func eventually(cond func() bool) bool {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Microsecond) {
		if cond() {
			return true
		}
	}
	return false
}

// owner is a socket that is made of one strategy or both.
type owner struct {
	fq *FairQueue
	lb *LoadBalancer
}

func (o *owner) Delivered(p *pipe.Pipe) {
	if o.fq != nil {
		o.fq.Delivered(p)
	} else {
		p.Publish()
	}
}

func (o *owner) Writable(p *pipe.Pipe) {
	if o.lb != nil {
		o.lb.Writable(p)
	}
}

func (o *owner) Attached(*pipe.Pipe)                   {}
func (o *owner) Up(*pipe.Pipe, *pipe.Peer) error       { return nil }
func (o *owner) Command(*pipe.Pipe, wire.Kind, []byte) {}
func (o *owner) Down(*pipe.Pipe, *pipe.Peer)           {}
func (o *owner) Detached(*pipe.Pipe)                   {}

// link links a sender to a receiver, which have the limits given.
func link(sender, receiver *owner, send, recv int) (s, r *pipe.Pipe) {
	s = pipe.New(sender, pipe.Limits{Send: send}, true)
	r = pipe.New(receiver, pipe.Limits{Recv: recv}, false)
	pipe.Link(s, r, &pipe.Peer{}, &pipe.Peer{})
	return s, r
}

// source is a pipe of q and the one to send to it by.
func source(q *FairQueue) (s, r *pipe.Pipe) {
	s, r = link(&owner{}, &owner{fq: q}, 0, 0)
	q.Attach(r)
	return s, r
}

// deaf is a connection that is never written to.
type deaf struct{}

func (deaf) Flush()      {}
func (deaf) TryFlush()   {}
func (deaf) Room()       {}
func (deaf) Close(error) {}

// conn is a pipe of q with a connection.
func conn(q *FairQueue) *pipe.Pipe {
	p := pipe.New(&owner{fq: q}, pipe.Limits{}, false)
	p.StartReading(deaf{})
	p.SetPeer(&pipe.Peer{})
	q.Attach(p)
	return p
}

// arrive lets messages of one part arrive at p in one read.
func arrive(p *pipe.Pipe, bodies ...string) {
	var b []byte
	for _, body := range bodies {
		b = append(wire.AppendHeader(b, 0, len(body)), body...)
	}
	n := copy(p.Buffer(), b)
	p.Fed(n)
	s := wire.Scanner{MaxSize: -1, MaxParts: 1, Large: pipe.Large}
	f, _ := s.Scan(p.Unscanned())
	p.Pass(&f)
	p.Deliver()
}

// send sends messages of one part.
func send(t testing.TB, p *pipe.Pipe, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		if r := p.Send(nil, [][]byte{[]byte(body)}); r != pipe.Sent && r != pipe.Paced {
			t.Fatalf("Send: %v", r)
		}
	}
}

// ways to take a message without waiting: what it is, and whether there was one.
var ways = map[string]func(q *FairQueue) (string, bool){
	"TryRecv": func(q *FairQueue) (string, bool) {
		var m pipe.Message
		ok, _ := q.TryRecv(&m, &Request{})
		return string(m.Part(0)), ok
	},
	"TryRecv fresh": func(q *FairQueue) (string, bool) {
		var m pipe.Message
		ok, _ := q.TryRecv(&m, &Request{Fresh: true})
		return string(m.Part(0)), ok
	},
	"TryInto": func(q *FairQueue) (string, bool) {
		var m pipe.Message
		m.Reserve(100)
		ok, _ := q.TryInto(&m)
		return string(m.Part(0)), ok
	},
	"TryFresh": func(q *FairQueue) (string, bool) {
		body, _, ok := q.TryFresh()
		if !ok { // a longer one, perhaps
			var m pipe.Message
			ok, _ = q.TryRecv(&m, &Request{Fresh: true})
			return string(m.Part(0)), ok
		}
		return string(body), ok
	},
}

// TestPlaces: whatever happens to the list, it knows its pipes' places, the usable ones come first
// and each of them gets its turn.
func TestPlaces(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		l := places{slot: sendSlot}
		all := make([]*pipe.Pipe, 1+rnd.IntN(8))
		in, usable := map[*pipe.Pipe]bool{}, map[*pipe.Pipe]bool{}
		for i := range all {
			all[i] = pipe.New(&owner{}, pipe.Limits{}, false)
		}
		for range 300 {
			p := all[rnd.IntN(len(all))]
			switch rnd.IntN(5) {
			case 0:
				if !in[p] {
					l.add(p)
					in[p] = true
				}
			case 1:
				l.remove(p)
				delete(in, p)
				delete(usable, p)
			case 2:
				l.deactivate(p)
				delete(usable, p)
			case 3:
				if l.activate(p); in[p] {
					usable[p] = true
				}
			case 4:
				if p := l.next(); p == nil != (len(usable) == 0) || p != nil && !usable[p] {
					t.Fatalf("seed %d: the turn is one's that is not usable", seed)
				}
			}
			checkPlaces(t, &l, in, usable)
		}
	}
}

func checkPlaces(t *testing.T, l *places, in, usable map[*pipe.Pipe]bool) {
	t.Helper()
	if len(l.pipes) != len(in) || l.active != len(usable) || l.turn != 0 && l.turn >= l.active {
		t.Fatalf("%d pipes, %d usable, turn %d; want %d and %d", len(l.pipes), l.active, l.turn, len(in), len(usable))
	}
	for i, p := range l.pipes {
		if *l.slot(p) != i || !in[p] || usable[p] != (i < l.active) || !l.has(p) {
			t.Fatalf("pipe %d has place %d, usable %v", i, *l.slot(p), usable[p])
		}
	}
	turns := map[*pipe.Pipe]int{}
	for range 2 * l.active {
		turns[l.next()]++
	}
	for p := range usable {
		if turns[p] != 2 {
			t.Fatalf("%d turns in two rounds", turns[p])
		}
	}
	if first := l.next(); first != nil {
		l.back()
		if l.next() != first {
			t.Fatal("back is not the way back")
		}
		l.back()
	}
}

// TestNobodyStarves: pipes that come and go all the time do not keep one that stays from its turn.
func TestNobodyStarves(t *testing.T) {
	for seed := range uint64(100) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		l := places{slot: sendSlot}
		all := make([]*pipe.Pipe, 6)
		for i := range all {
			all[i] = pipe.New(&owner{}, pipe.Limits{}, false)
			l.add(all[i])
		}
		steady := all[rnd.IntN(len(all))]
		l.activate(steady)
		for waited := 0; waited < 1000; waited++ {
			p := l.next()
			if p == steady {
				waited = -1
				if rnd.IntN(200) == 0 {
					break
				}
			} else {
				l.deactivate(p) // found empty
			}
			if waited > 6*6 {
				t.Fatalf("seed %d: no turn in %d", seed, waited)
			}
			for range rnd.IntN(3) {
				l.activate(all[rnd.IntN(len(all))])
			}
		}
	}
}
