// SPDX-License-Identifier: MPL-2.0

package pipe

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/gzmq/zmq/internal/wire"
)

var edgeSizes = []int{0, 1, 255, 256, Own - 1, Own, Large - 1, Large, Large + 1, 1 << 20}

// TestFraming: whatever the size and the shape, and however the bytes get into the queue, they come
// out as 37/ZMTP frames.
func TestFraming(t *testing.T) {
	head := append(wire.AppendHeader(nil, wire.FlagMore, 3), "abc\x01\x00"...)
	for _, n := range edgeSizes {
		shapes := map[string]message{
			"one part":     {body(1, n)},
			"first part":   {body(1, n), body(2, 5)},
			"last part":    {body(1, 5), body(2, n)},
			"all parts":    {body(1, n), body(2, n), body(3, n)},
			"middle part":  {nil, body(2, n), nil},
			"behind edges": {body(1, Large-1), body(2, n), body(3, 256)},
		}
		for shape, m := range shapes {
			for _, head := range [][]byte{nil, head} {
				for _, up := range []bool{false, true} {
					t.Run(fmt.Sprintf("%d bytes/%s/envelope %d/up %v", n, shape, len(head), up), func(t *testing.T) {
						p, _, _ := connected(Limits{}, true)
						if !up {
							p = New(&fakeOwner{}, Limits{}, true)
						}
						// Between others, so that it begins and ends anywhere in a slab.
						around := message{body(9, 40)}
						sent := []message{around, m, around}
						for i, m := range sent {
							h := head
							if i != 1 {
								h = nil
							}
							if r := p.Send(h, m); r != Sent && r != Paced {
								t.Fatalf("Send: %v", r)
							}
						}
						if !up {
							p.Connect(newSink(), true)
							p.Open()
						}
						_, got := drain(p)
						want := append(around.frames(), head...)
						want = append(append(want, m.frames()...), around.frames()...)
						if !bytes.Equal(got, want) {
							t.Fatalf("%d bytes on the wire, want %d, and the same", len(got), len(want))
						}
						if c := p.Counts(); c.SentMessages != 3 || c.SentBytes != uint64(len(want)) || c.SendQueue != 0 {
							t.Errorf("counts %+v, want 3 messages of %d bytes", c, len(want))
						}
					})
				}
			}
		}
	}
}

// TestLongEnvelope: an envelope is as long as its peer has made it, longer than any slab.
func TestLongEnvelope(t *testing.T) {
	p, _, _ := connected(Limits{}, true)
	head := message{body(1, 60000), body(2, 60000), body(3, 60000), nil, nil}.frames()
	head = head[:len(head)-2] // all with MORE set
	for range 3 {
		if r := p.Send(head, [][]byte{[]byte("x")}); r != Sent && r != Paced {
			t.Fatal(r)
		}
	}
	one := append(bytes.Clone(head), 0, 1, 'x')
	if _, got := drain(p); !bytes.Equal(got, bytes.Repeat(one, 3)) {
		t.Fatalf("%d bytes, want 3 of %d", len(got), len(one))
	}
}

// TestSendCopies: the bytes are the caller's again when Send returns.
func TestSendCopies(t *testing.T) {
	for _, n := range edgeSizes {
		p := New(&fakeOwner{}, Limits{}, true)
		m := message{body(1, n), body(2, n)}
		want := append(message{m[0]}.frames(), m.frames()...)
		p.Send(nil, m[:1])
		p.Send(nil, m)
		clear(m[0])
		clear(m[1])
		p.Connect(newSink(), true)
		p.Open()
		if _, got := drain(p); !bytes.Equal(got, want) {
			t.Errorf("%d bytes: the caller's later writing went out", n)
		}
	}
}

// TestMarkIsExact: without a connection, and with one while the mark is small, as many messages
// are taken as the mark says.
func TestMarkIsExact(t *testing.T) {
	for _, hwm := range []int{1, 2, 7, fewMessages - 1, fewMessages, 1000} {
		for _, m := range []message{{nil}, {body(1, 300)}, {body(1, 3), body(2, 3)}, {body(1, Large)}} {
			if len(m[0]) == Large && hwm > 7 {
				continue
			}
			p := New(&fakeOwner{}, Limits{Send: hwm}, true)
			if got := fill(p, m, 2000); got != hwm {
				t.Errorf("without a connection: %d messages, want %d", got, hwm)
			}
			if p.CanSend() {
				t.Errorf("mark %d: it could send", hwm)
			}
			p, _, _ = connected(Limits{Send: hwm}, true)
			p.Send(nil, message{nil}) // somebody writes from now on
			got := 1 + fill(p, m, 20000)
			if hwm < fewMessages && got != hwm {
				t.Errorf("with a connection: %d messages, want %d", got, hwm)
			}
			most := max(hwm, leeway/len(m.frames())+2)
			if hwm >= fewMessages && (got < hwm || got > most) {
				t.Errorf("mark %d: %d messages, want at most %d", hwm, got, most)
			}
		}
	}
	p := New(&fakeOwner{}, Limits{}, true)
	if got := fill(p, message{nil}, 5000); got != 5000 {
		t.Errorf("without a mark: %d messages", got)
	}
}

// fill sends m until it is refused, or most times.
func fill(p *Pipe, m message, most int) (n int) {
	for n < most {
		if r := p.Send(nil, m); r != Sent && r != Paced {
			break
		}
		n++
	}
	return n
}

// TestFullAndBack: one that was refused hears of the room, once, and one that was not hears
// nothing.
func TestFullAndBack(t *testing.T) {
	p, _, owner := connected(Limits{Send: 3}, true)
	fill(p, message{nil}, 3)
	p.Take()
	p.Wrote(0, 0, nil)
	if w, _ := owner.calls(); w != 0 {
		t.Fatal("Writable, and nobody was refused")
	}
	fill(p, message{nil}, 10)
	if w, _ := owner.calls(); w != 0 || p.CanSend() {
		t.Fatal("Writable while it is full")
	}
	p.Take() // three messages that are on their way do not count
	if w, _ := owner.calls(); w != 1 {
		t.Fatalf("%d times Writable after a Take", w)
	}
	if n := fill(p, message{nil}, 10); n != 3 {
		t.Fatalf("room for %d, want 3", n)
	}
	p.Wrote(0, 0, nil)
	drain(p)
	if w, _ := owner.calls(); w != 2 {
		t.Fatalf("%d times Writable in all", w)
	}
}

// TestRoomByPurge: room is room, however it came to be.
func TestRoomByPurge(t *testing.T) {
	p, _, owner := connected(Limits{Send: 2}, true)
	if n := fill(p, message{nil}, 10); n != 2 {
		t.Fatalf("room for %d", n)
	}
	p.Purge()
	if w, _ := owner.calls(); w != 1 {
		t.Errorf("%d times Writable, want once", w)
	}
	if c := p.Counts(); c.Unsent != 2 || c.SendQueue != 0 {
		t.Errorf("counts %+v", c)
	}
}

func TestSetLimits(t *testing.T) {
	p, sink, owner := connected(Limits{Send: 2}, true)
	fill(p, message{nil}, 10)
	p.SetLimits(Limits{Send: 5, Recv: 1})
	if w, _ := owner.calls(); w != 1 || len(sink.room) != 1 {
		t.Errorf("%d times Writable and %d Room, want both", w, len(sink.room))
	}
	if n := fill(p, message{nil}, 10); n != 3 {
		t.Errorf("room for %d more, want 3", n)
	}
	p.SetLimits(Limits{})
	if n := fill(p, message{nil}, 10); n != 10 {
		t.Errorf("room for %d more, want any number", n)
	}
}

// TestBatches: a batch ends with a message, soon after the cap.
func TestBatches(t *testing.T) {
	tests := []struct {
		name string
		m    message
		n    int
		most int // bytes of a batch
	}{
		{"short messages", message{body(1, 64)}, 40000, batchCap + BigSlab},
		{"parts over slabs", message{body(1, 50000), body(2, 50000), body(3, 50000)}, 20, batchCap + BigSlab + 150100},
		{"large bodies", message{body(1, Large)}, 30, batchCap + Large + 100},
		{"one message longer than the cap", message{body(1, 300000), body(2, 5), body(3, 300000)}, 3, 600100},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, _, _ := connected(Limits{}, true)
			p.Send(nil, message{nil}) // the right to write is taken
			for range tt.n {
				p.Send(nil, tt.m)
			}
			total, batches := 0, 0
			for {
				_, msgs, ok := writeBatch(p)
				if !ok {
					break
				}
				total += len(parse(t, msgs))
				if batches++; len(msgs) > tt.most {
					t.Fatalf("batch of %d bytes, want at most %d", len(msgs), tt.most)
				}
			}
			if total != tt.n+1 {
				t.Errorf("%d messages, want %d", total, tt.n+1)
			}
			if all := tt.n * len(tt.m.frames()); batches < all/tt.most {
				t.Errorf("%d bytes in %d batches", all, batches)
			}
		})
	}
}

// TestControl: commands go out between batches, in order, and before the messages that wait.
func TestControl(t *testing.T) {
	p, _, _ := connected(Limits{Send: 1}, true)
	p.Send(nil, message{body(1, 10)})
	p.Control([]byte("one"))
	p.Control([]byte("two"))
	b := p.Take()
	if string(b.Ctl) != "onetwo" || b.Raw != 0 || b.Empty() {
		t.Fatalf("batch with %q, %d raw, empty %v", b.Ctl, b.Raw, b.Empty())
	}
	p.Control([]byte("three")) // while the batch is being written
	if string(b.Ctl) != "onetwo" {
		t.Fatalf("the batch changed: %q", b.Ctl)
	}
	p.Wrote(12, 0, nil)
	ctl, msgs := drain(p)
	if string(ctl) != "three" || len(msgs) != 0 {
		t.Fatalf("then %q and %d bytes", ctl, len(msgs))
	}
	if c := p.Counts(); c.SentMessages != 1 {
		t.Errorf("commands count as messages: %+v", c)
	}
}

// TestPongs: of those that wait only the newest goes out.
func TestPongs(t *testing.T) {
	p, _, _ := connected(Limits{}, true)
	for i := range 1000 {
		p.Pong(fmt.Appendf(nil, "<%d>", i))
	}
	p.Control([]byte("sub"))
	if ctl, _ := drain(p); string(ctl) != "sub<999>" {
		t.Fatalf("%q", ctl)
	}
	p.Pong([]byte("<again>"))
	if ctl, _ := drain(p); string(ctl) != "<again>" {
		t.Fatalf("%q", ctl)
	}
}

// TestHandshakeBytes: what is queued before Open is never sealed, and no message goes before it.
func TestHandshakeBytes(t *testing.T) {
	p := New(&fakeOwner{}, Limits{}, true)
	p.Control([]byte("nobody")) // no connection yet
	p.Connect(newSink(), true)
	p.Send(nil, message{body(1, 10)})
	p.Control([]byte("hello"))
	p.Control([]byte("ready"))
	b := p.Take()
	if string(b.Ctl) != "helloready" || b.Raw != 10 || !b.Empty() {
		t.Fatalf("batch with %q, %d raw, empty %v", b.Ctl, b.Raw, b.Empty())
	}
	p.Wrote(0, 0, nil)
	p.Control([]byte("last"))
	p.Open()
	p.Control([]byte("sub"))
	b = p.Take()
	if string(b.Ctl) != "lastsub" || b.Raw != 4 || b.Empty() {
		t.Fatalf("batch with %q, %d raw, empty %v", b.Ctl, b.Raw, b.Empty())
	}
	p.Wrote(12, 0, nil)
	drain(p)
}

// TestPace: a sender pauses while a lot waits, until the next batch is taken, its time is over or
// its context ends.
func TestPace(t *testing.T) {
	p, _, _ := connected(Limits{}, true)
	var r Result
	frame := len(message{body(1, 1000)}.frames())
	for n := frame; n <= paceAt+frame; n += frame {
		r = p.Send(nil, message{body(1, 1000)})
		if (r == Paced) != (n > paceAt) {
			t.Fatalf("%v with %d bytes", r, n)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.Pace(context.Background(), time.Hour)
		p.Pace(context.Background(), -1)
	}()
	<-done // without any progress
	if r := p.Send(nil, message{nil}); r != Sent {
		t.Errorf("another pause without progress: %v", r)
	}
	writeBatch(p)
	for r != Paced {
		r = p.Send(nil, message{body(1, 60000)})
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p.Pace(ctx, -1)
	drain(p)
	p.Pace(context.Background(), -1) // nothing waits
}
