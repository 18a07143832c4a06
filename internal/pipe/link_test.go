// SPDX-License-Identifier: MPL-2.0

package pipe

import (
	"math/rand/v2"
	"testing"
)

// linked are two ends of one pipe within the process.
func linked(la, lb Limits) (a, b *Pipe) {
	a, b = New(&fakeOwner{}, la, true), New(&fakeOwner{}, lb, false)
	Link(a, b, &Peer{Endpoint: "b"}, &Peer{Endpoint: "a"})
	return a, b
}

// receive takes the next message into m, as a fair queue does.
func receive(p *Pipe, m *Message) bool {
	mu := &p.owner.(*fakeOwner).mu
	mu.Lock()
	defer mu.Unlock()
	m.Reset()
	if !p.HasMessage() {
		return false
	}
	var w Wakes
	if p.CutQuick(m) {
		w = p.AfterCut()
	} else {
		var c Cut
		p.Cut(&c)
		w = p.AfterCut()
		m.Reserve(c.Size)
		c.Copy(m, nil)
		c.Release()
	}
	mu.Unlock()
	w.Call()
	mu.Lock()
	return true
}

// receiveAll takes all there is.
func receiveAll(p *Pipe) (got []message) {
	var m Message
	for receive(p, &m) {
		got = append(got, partsOf(&m))
	}
	return got
}

func randomMessages(seed uint64, n int, sizes ...int) []message {
	rnd := rand.New(rand.NewPCG(seed, 5))
	ms := make([]message, n)
	for i := range ms {
		ms[i] = randomMessage(rnd, i, sizes...)
	}
	return ms
}

func sendAll(t testing.TB, p *Pipe, ms []message) {
	t.Helper()
	for _, m := range ms {
		if r := p.Send(nil, m); r != Sent && r != Paced {
			t.Fatalf("Send: %v", r)
		}
	}
}

// TestLinked: what one end sends the other receives, in order, whenever it looks.
func TestLinked(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 6))
		a, b := linked(Limits{}, Limits{})
		ms := randomMessages(seed, 100, 0, 0, 100, 100, 1000, 1000, Own, 5000, Large)
		var got []message
		var m Message
		for _, sent := range ms {
			sendAll(t, a, []message{sent})
			for rnd.IntN(3) > 0 && receive(b, &m) {
				if m.Peer().Endpoint != "a" {
					t.Fatalf("from %+v", m.Peer())
				}
				got = append(got, partsOf(&m))
			}
		}
		wantMessages(t, append(got, receiveAll(b)...), ms)
		ca, cb, n := a.Counts(), b.Counts(), uint64(len(framesOf(ms)))
		if ca.SentMessages != 100 || cb.RecvMessages != 100 || ca.SentBytes != n || cb.RecvBytes != n {
			t.Fatalf("seed %d: counts %+v and %+v, want 100 of %d bytes", seed, ca, cb, n)
		}
	}
}

// TestLinkedTellsOnce: the sender tells the other end of the first message, and again only after
// that has found nothing.
func TestLinkedTellsOnce(t *testing.T) {
	a, b := linked(Limits{}, Limits{})
	told := func() int { _, n := b.owner.(*fakeOwner).calls(); return n }
	sendAll(t, a, randomMessages(1, 10, 5))
	if told() != 1 {
		t.Errorf("told %d times", told())
	}
	if n := len(receiveAll(b)); n != 10 {
		t.Errorf("%d received", n)
	}
	sendAll(t, a, randomMessages(1, 2, 5))
	if told() != 2 {
		t.Errorf("told %d times", told())
	}
	receiveAll(b)
}

// TestLinkedMark: both ends' marks are one, for what waits at either end.
func TestLinkedMark(t *testing.T) {
	var m Message
	for _, marks := range [][2]int{{1, 1}, {3, 5}, {5, 3}, {100, 1}, {1000, 1000}} {
		a, b := linked(Limits{Send: marks[0]}, Limits{Recv: marks[1]})
		sum := marks[0] + marks[1]
		if n := fill(a, message{nil}, 5000); n != sum {
			t.Fatalf("marks %v: %d messages", marks, n)
		}
		got := 0
		for i := range sum { // whatever is received, the sum stays
			if !receive(b, &m) {
				t.Fatalf("marks %v: message %d is missing", marks, i)
			}
			got++
			if i%3 == 0 {
				fill(a, message{nil}, 5000)
			}
			if n := waitingAt(a, b); n > sum || i%3 == 0 && n != sum {
				t.Fatalf("marks %v: %d wait after %d were received", marks, n, got)
			}
		}
	}
	for _, limits := range [][2]Limits{{{}, {Recv: 3}}, {{Send: 3}, {}}} {
		a, _ := linked(limits[0], limits[1])
		if n := fill(a, message{nil}, 2000); n != 2000 {
			t.Errorf("%+v is a mark of %d", limits, n)
		}
	}
}

func waitingAt(a, b *Pipe) int {
	a.out.mu.Lock()
	defer a.out.mu.Unlock()
	return a.out.msgs + b.Count()
}

// TestLinkedWritable: a refused sender hears when half of the other end's mark is free, and the
// raising of either mark.
func TestLinkedWritable(t *testing.T) {
	a, b := linked(Limits{Send: 4}, Limits{Recv: 6})
	told := func() int { n, _ := a.owner.(*fakeOwner).calls(); return n }
	fill(a, message{nil}, 100)
	var m Message
	for told() == 0 && receive(b, &m) {
	}
	if told() != 1 || !a.CanSend() {
		t.Fatalf("told %d times, with %d and %d waiting", told(), a.out.msgs, b.Count())
	}
	fill(a, message{nil}, 100)
	n := told()
	b.SetLimits(Limits{Recv: 10})
	if told() == n || !a.CanSend() {
		t.Errorf("not told of the mark that rose")
	}
	if got := fill(a, message{nil}, 100); got != 4 {
		t.Errorf("room for %d more, want 4", got)
	}
}

// TestLinkPending: what waits when a far end is found goes there.
func TestLinkPending(t *testing.T) {
	a := New(&fakeOwner{}, Limits{Send: 50}, true)
	ms := randomMessages(1, 50, 3, 1000, Own, 70000)
	sendAll(t, a, ms)
	if a.Send(nil, message{nil}) != Full {
		t.Fatal("not full")
	}
	b := New(&fakeOwner{}, Limits{Recv: 5}, false)
	Link(a, b, &Peer{}, &Peer{})
	if _, delivered := b.owner.(*fakeOwner).calls(); delivered != 1 {
		t.Fatal("nobody was told of what waits")
	}
	if n := fill(a, message{nil}, 100); n != 5 {
		t.Errorf("room for %d more, want 5", n)
	}
	wantMessages(t, receiveAll(b)[:50], ms)
}

// TestUnlink: a connector goes from one far end to the next. Nothing is lost, in either direction,
// and the marks are what they were.
func TestUnlink(t *testing.T) {
	a := New(&fakeOwner{}, Limits{Send: 7, Recv: 5}, true)
	var out, in, gotOut, gotIn []message
	for round := range 6 {
		far := New(&fakeOwner{}, Limits{Send: 4, Recv: 3}, false)
		Link(a, far, &Peer{}, &Peer{})
		for i := range 5 {
			m := message{body(round*10+i, i*900)}
			sendAll(t, a, []message{m})
			sendAll(t, far, []message{m})
			out, in = append(out, m), append(in, m)
			if round%2 == 0 && i == 2 {
				var m Message
				receive(a, &m)
				gotIn = append(gotIn, partsOf(&m))
			}
		}
		if n := fill(far, message{{1}}, 100); n != 9-5-len(in)+5+len(gotIn) {
			t.Fatalf("round %d: room for %d more with %d of %d received", round, n, len(gotIn), len(in))
		} else {
			for range n {
				in = append(in, message{{1}})
			}
		}
		// The far end goes; each side takes what the other has sent.
		a.owner.(*fakeOwner).mu.Lock()
		far.End()
		a.TakeRest()
		a.owner.(*fakeOwner).mu.Unlock()
		gotOut = append(gotOut, receiveAll(far)...)
		a.Unlink()
		if n := a.Unsent(); n != 0 || a.Drain(t.Context()) != nil {
			t.Fatalf("round %d: %d unsent without a far end", round, n)
		}
		// Its messages are received when it is gone.
		gotIn = append(gotIn, receiveAll(a)...)
	}
	wantMessages(t, gotOut, out)
	wantMessages(t, gotIn, in)
}

// TestEndedSender: Send answers Dead from then on, and what was sent arrives.
func TestEndedSender(t *testing.T) {
	a, b := linked(Limits{}, Limits{})
	ms := randomMessages(1, 30, 3, 3000)
	sendAll(t, a, ms)
	a.End()
	if r := a.Send(nil, message{nil}); r != Dead {
		t.Errorf("Send: %v", r)
	}
	if a.CanSend() {
		t.Error("it could send")
	}
	wantMessages(t, receiveAll(b), ms)
	if c := a.Counts(); c.Unsent != 0 {
		t.Errorf("counts %+v", c)
	}
}

// TestDiscardedSender: what the other end has not taken over is dropped and counted.
func TestDiscardedSender(t *testing.T) {
	a, b := linked(Limits{}, Limits{})
	sendAll(t, a, randomMessages(1, 10, 3))
	var m Message
	receive(b, &m) // takes all ten over
	sendAll(t, a, randomMessages(1, 5, 3))
	a.Discard()
	if n := len(receiveAll(b)); n != 9 {
		t.Errorf("%d messages received, want 9", n)
	}
	if c := a.Counts(); c.Unsent != 5 {
		t.Errorf("counts %+v, want 5 unsent", c)
	}
}
