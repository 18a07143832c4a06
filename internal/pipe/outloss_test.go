// SPDX-License-Identifier: MPL-2.0

package pipe

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gzmq/zmq/internal/wire"
)

// fate is what has to become of messages of which n bytes reached the kernel before it failed.
type fate struct{ sent, lost, from int } // messages from number from on go to the next connection

// fateOf goes over messages as they are sealed, with overhead bytes more in each frame.
func fateOf(ms []message, n, overhead int) (f fate) {
	pos := 0
	for i, m := range ms {
		if pos >= n {
			f.from = i
			return f
		}
		for _, part := range m {
			pos += wire.HeaderLen(len(part)+overhead) + len(part) + overhead
		}
		if pos <= n {
			f.sent++
		} else {
			f.lost++
		}
	}
	f.from = len(ms)
	return f
}

// boundaries are the wire positions at which something changes, and their neighbours.
func boundaries(ms []message, overhead int) (at []int) {
	pos := 0
	for _, m := range ms {
		for _, part := range m {
			head := wire.HeaderLen(len(part) + overhead)
			at = append(at, pos-1, pos, pos+1, pos+head-1, pos+head, pos+head+1)
			pos += head + len(part) + overhead
		}
	}
	return append(at, pos-1, pos)
}

// total is the length on the wire.
func total(ms []message, overhead int) (n int) {
	at := boundaries(ms, overhead)
	return at[len(at)-1]
}

// TestBrokenWrite: a write fails after n bytes. What was written whole is sent, what was begun is
// lost, and the rest goes to the next connection before what was sent meanwhile; or is lost too, if
// there is no next one.
func TestBrokenWrite(t *testing.T) {
	mixes := map[string][]message{
		"short":      {{body(1, 3)}, {nil}, {body(2, 5)}},
		"long":       {{body(1, 300)}, {body(2, 255)}, {body(3, 256)}},
		"parts":      {{body(1, 2), nil, body(2, 4)}, {nil, nil}, {body(3, 1), body(4, 230)}},
		"one":        {{body(1, 40)}},
		"over slabs": {{body(1, 3000)}, {body(2, 3000), body(3, 3000)}, {body(4, 10)}},
		"large":      {{body(1, 3)}, {body(2, Large)}, {body(3, 4), body(4, Large), body(5, 5)}, {nil}},
		"all large":  {{body(1, Large), body(2, Large)}, {body(3, Large)}},
	}
	for name, ms := range mixes {
		for _, overhead := range []int{0, 33} {
			for _, keep := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/overhead %d/keep %v", name, overhead, keep), func(t *testing.T) {
					at := boundaries(ms, overhead)
					if total(ms, overhead) < 1000 {
						for n := range total(ms, overhead) {
							at = append(at, n)
						}
					}
					for _, n := range at {
						if n >= 0 && n <= total(ms, overhead) {
							breakAt(t, ms, n, overhead, keep)
						}
					}
				})
			}
		}
	}
}

// TestBrokenWriteAtRandom is the same with many messages and any position.
func TestBrokenWriteAtRandom(t *testing.T) {
	for seed := range uint64(400) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		ms := make([]message, 1+rnd.IntN(30))
		for i := range ms {
			ms[i] = randomMessage(rnd, i, 0, 4, 255, 1000, 4000)
		}
		overhead := 33 * rnd.IntN(2)
		breakAt(t, ms, rnd.IntN(total(ms, overhead)+1), overhead, rnd.IntN(4) > 0)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func breakAt(t *testing.T, ms []message, n, overhead int, keep bool) {
	t.Helper()
	p, _, _ := connected(Limits{}, keep)
	for _, m := range ms {
		p.out.writing = true // all of it in one batch, from the queue's own memory
		p.Send(nil, m)
	}
	b := p.Take()
	if b.msgs != len(ms) {
		t.Fatalf("%d messages in the batch, want %d", b.msgs, len(ms))
	}
	later := message{body(99, 7)}
	p.Send(nil, later)
	p.Wrote(n, overhead, errBroken)

	want, rest := fateOf(ms, n, overhead), 0
	if p.Take() != nil {
		t.Fatalf("after %d bytes: a batch for the broken connection", n)
	}
	p.Send(nil, later)
	p.Disconnect()
	if !keep {
		want.lost, rest = len(ms)-want.sent+2, 0
	} else {
		rest = len(ms) - want.from + 2
	}
	c := p.Counts()
	if c.SentMessages != uint64(want.sent) || c.Unsent != uint64(want.lost) || c.SendQueue != rest || p.Unsent() != rest {
		t.Fatalf("after %d bytes: %d sent, %d lost, %d wait (%d unsent); want %d, %d, %d",
			n, c.SentMessages, c.Unsent, c.SendQueue, p.Unsent(), want.sent, want.lost, rest)
	}
	if want := len(framesOf(ms[:want.sent])); int(c.SentBytes) != want {
		t.Fatalf("after %d bytes: %d bytes sent, want %d", n, c.SentBytes, want)
	}
	p.Connect(newSink(), true)
	p.Open()
	_, got := drain(p)
	if keep {
		if all := framesOf(append(ms[want.from:len(ms):len(ms)], later, later)); !bytes.Equal(got, all) {
			t.Fatalf("after %d bytes: the next connection gets %d bytes, want %d", n, len(got), len(all))
		}
	} else if len(got) != 0 {
		t.Fatalf("after %d bytes: the next connection gets %d", n, len(got))
	}
	if p.Unsent() != 0 || p.out.bytes != 0 || p.out.msgs != 0 {
		t.Fatalf("after %d bytes: %d unsent, %d bytes in %d messages left", n, p.Unsent(), p.out.bytes, p.out.msgs)
	}
}

// TestBrokenAgainAndAgain: whatever breaks how often, each message is sent once, lost once or waits,
// and the order stays.
func TestBrokenAgainAndAgain(t *testing.T) {
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 4))
		p, _, _ := connected(Limits{}, true)
		var sent, got []message
		for range 60 {
			for range rnd.IntN(6) {
				m := randomMessage(rnd, len(sent), 2, 300, 3000)
				sent = append(sent, m)
				p.Send(nil, m)
			}
			b := p.Take()
			if b == nil {
				continue
			}
			bytes := 0
			for s := b.head; s != nil; s = s.next {
				bytes += s.size()
			}
			queued := sent[len(sent)-p.Unsent():][:b.msgs]
			if rnd.IntN(3) > 0 {
				got = append(got, queued...)
				p.Wrote(bytes, 0, nil)
				continue
			}
			n := rnd.IntN(bytes + 1)
			f := fateOf(queued, n, 0)
			got = append(got, queued[:f.sent]...)
			p.Wrote(n, 0, errBroken)
			p.Disconnect()
			if lost := queued[f.sent : f.sent+f.lost]; len(lost) > 0 { // out of the model, too
				i := len(sent) - p.Unsent() - len(lost)
				sent = append(sent[:i:i], sent[i+len(lost):]...)
			}
			p.Connect(newSink(), true)
			p.Open()
		}
		_, rest := drain(p)
		wantMessages(t, append(got, parse(t, rest)...), sent)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
