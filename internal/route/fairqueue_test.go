// SPDX-License-Identifier: MPL-2.0

package route

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gzmq/zmq/internal/pipe"
)

// TestInTurn: one message from each pipe, as long as it has some.
func TestInTurn(t *testing.T) {
	for way, take := range ways {
		for _, n := range []int{1, 2, 3, 7} {
			for _, size := range []int{1, 60, 128, 300} {
				t.Run(fmt.Sprintf("%s/%d pipes/%d bytes", way, n, size), func(t *testing.T) {
					q := NewFairQueue()
					const each = 40
					pad := strings.Repeat("x", size)
					for i := range n {
						s, _ := source(q)
						for range each {
							send(t, s, string(rune('A'+i))+pad)
						}
					}
					last := make(map[byte]int)
					for i := range n * each {
						body, ok := take(q)
						if !ok {
							t.Fatalf("message %d is missing", i)
						}
						if before, ok := last[body[0]]; ok && before != i-n {
							t.Fatalf("pipe %c again after %d messages, want %d", body[0], i-before, n)
						}
						last[body[0]] = i
					}
					if _, ok := take(q); ok {
						t.Fatal("a message too many")
					}
				})
			}
		}
	}
}

// TestInTurnByConnection is the same for what comes by way of connections, with a pipe that falls
// silent and comes back.
func TestInTurnByConnection(t *testing.T) {
	for way, take := range ways {
		q := NewFairQueue()
		a, b, c := conn(q), conn(q), conn(q)
		arrive(a, "a1", "a2", "a3", "a4", "a5")
		arrive(b, "b1")
		arrive(c, "c1", "c2", "c3", "c4")
		var got []string
		for i := 0; ; i++ {
			if i == 6 {
				arrive(b, "b2", "b3")
			}
			body, ok := take(q)
			if !ok {
				break
			}
			got = append(got, body)
		}
		if len(got) != 12 {
			t.Fatalf("%s: %v", way, got)
		}
		for _, of := range []string{"a", "b", "c"} { // each pipe's in order
			mine := slices.DeleteFunc(slices.Clone(got), func(s string) bool { return s[:1] != of })
			if !slices.IsSorted(mine) {
				t.Errorf("%s: %v", way, got)
			}
		}
		for i := range 4 { // of each pipe one among three as long as all three have some
			if i < 1 && !distinct(got[3*i:3*i+3]) || i == 2 && !distinct(got[6:9]) {
				t.Errorf("%s: not in turn: %v", way, got)
			}
		}
	}
}

func distinct(s []string) bool {
	seen := map[byte]bool{}
	for _, body := range s {
		seen[body[0]] = true
	}
	return len(seen) == len(s)
}

// TestDetach: a pipe that goes with keep is read empty first, and one that goes without is not.
func TestDetach(t *testing.T) {
	for way, take := range ways {
		for _, keep := range []bool{true, false} {
			for _, linked := range []bool{true, false} {
				q := NewFairQueue()
				other, _ := source(q)
				var p *pipe.Pipe
				if linked {
					var s *pipe.Pipe
					s, p = source(q)
					send(t, s, "1", "2", "3")
					s.End()
				} else {
					p = conn(q)
					arrive(p, "1", "2", "3")
				}
				q.Detach(p, keep)
				send(t, other, "x")
				var got []string
				for {
					body, ok := take(q)
					if !ok {
						break
					}
					got = append(got, body)
				}
				slices.Sort(got)
				want := "x"
				if keep {
					want = "123x"
				}
				if strings.Join(got, "") != want {
					t.Errorf("%s, keep %v, linked %v: %v", way, keep, linked, got)
				}
				if p.RecvSlot != -1 || len(q.list.pipes) != 1 {
					t.Errorf("%s, keep %v, linked %v: the pipe is still in the queue", way, keep, linked)
				}
				if c := p.Counts(); !keep && c.Unread != 3 {
					t.Errorf("%s, linked %v: counts %+v, want 3 unread", way, linked, c)
				}
			}
		}
	}
}

// TestDetachEmpty: a pipe without messages goes at once, and one that was never there may go too.
func TestDetachEmpty(t *testing.T) {
	q := NewFairQueue()
	_, p := source(q)
	q.Detach(p, true)
	q.Detach(p, true)
	if p.RecvSlot != -1 || len(q.list.pipes) != 0 {
		t.Error("the pipe is still in the queue")
	}
	if q.Delivered(p) {
		t.Error("a delivery from a pipe that is not in the queue")
	}
}

// TestAttachLate: what a pipe has received before it is attached is there afterwards.
func TestAttachLate(t *testing.T) {
	q := NewFairQueue()
	p := pipe.New(&owner{fq: q}, pipe.Limits{}, false)
	p.StartReading(deaf{})
	arrive(p, "early")
	s, r := link(&owner{}, &owner{fq: q}, 0, 0)
	send(t, s, "early, too")
	q.Attach(p)
	q.Attach(r)
	q.Attach(r) // once is enough
	for _, want := range []string{"early", "early, too"} {
		if got, ok := ways["TryRecv"](q); !ok || got != want {
			t.Errorf("%q, %v, want %q", got, ok, want)
		}
	}
}

// TestTakeRest: what the other end has sent before it ended can be received after it.
func TestTakeRest(t *testing.T) {
	q := NewFairQueue()
	s, p := source(q)
	send(t, s, "1", "2")
	ways["TryRecv"](q)
	send(t, s, "3", "4")
	s.End()
	q.TakeRest(p)
	if n := q.Waiting(p); n != 3 {
		t.Errorf("%d wait, want 3", n)
	}
	p.Unlink()
	for _, want := range []string{"2", "3", "4"} {
		if got, _ := ways["TryRecv"](q); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestFairQueuePurge: all that waits is gone, and what comes then is not.
func TestFairQueuePurge(t *testing.T) {
	q := NewFairQueue()
	s, _ := source(q)
	ending, e := source(q)
	p := conn(q)
	send(t, s, "1", "2")
	send(t, ending, "3", "4")
	arrive(p, "5", "6")
	q.Detach(e, true)
	q.Purge()
	if _, ok := ways["TryRecv"](q); ok {
		t.Error("a message after Purge")
	}
	if len(q.list.pipes) != 2 {
		t.Errorf("%d pipes left, want 2", len(q.list.pipes))
	}
	send(t, s, "7")
	arrive(p, "8")
	for range 2 {
		if _, ok := ways["TryRecv"](q); !ok {
			t.Error("no message after Purge")
		}
	}
}

// TestStrip: the envelope goes to the request, and the message has only what follows.
func TestStrip(t *testing.T) {
	q := NewFairQueue()
	s, p := source(q)
	s.Send([]byte{1, 0}, [][]byte{[]byte("body"), nil})
	s.Send([]byte{1, 1, 'a', 1, 0}, [][]byte{[]byte("next")})
	r := Request{Fresh: true, Strip: &pipe.Envelope{}}
	var m pipe.Message
	for i, want := range []string{"\x01\x00", "\x01\x01a\x01\x00"} {
		if ok, err := q.TryRecv(&m, &r); !ok || err != nil || r.Pipe != p {
			t.Fatal(ok, err)
		}
		if string(r.Strip.Frames) != want || !r.Strip.Whole || m.Len() != 2-i {
			t.Errorf("envelope %q, whole %v, %d parts", r.Strip.Frames, r.Strip.Whole, m.Len())
		}
	}
}

// TestFreshIsForGood: a body that is the caller's for good is not touched by what comes later.
func TestFreshIsForGood(t *testing.T) {
	q := NewFairQueue()
	p := conn(q)
	var bodies []string
	var got [][]byte
	for i := range 200 {
		bodies = append(bodies, strings.Repeat(string(rune('a'+i%26)), i%(2*pipe.ChunkBody)))
		arrive(p, bodies[i])
		body, _, ok := q.TryFresh()
		if long := len(bodies[i]) > pipe.ChunkBody; ok == long {
			t.Fatalf("body of %d bytes from a chunk: %v", len(bodies[i]), ok)
		}
		if !ok {
			var m pipe.Message
			q.TryRecv(&m, &Request{Fresh: true})
			body = m.Part(0)
		}
		got = append(got, body)
	}
	for i, body := range got {
		_ = append(body, "overflow"...) // must not reach the neighbour
		if string(body) != bodies[i] {
			t.Errorf("body %d is %q, want %q", i, body, bodies[i])
		}
	}
}

// TestFairQueueClose: no message after Close, and no pipe after Clear.
func TestFairQueueClose(t *testing.T) {
	errOver := errors.New("over")
	q := NewFairQueue()
	s, p := source(q)
	send(t, s, "1")
	q.Close(errOver)
	q.Close(errors.New("again"))
	var m pipe.Message
	if ok, err := q.TryRecv(&m, &Request{}); ok || err != errOver {
		t.Errorf("TryRecv: %v, %v", ok, err)
	}
	if ok, err := q.TryInto(&m); ok || err != errOver {
		t.Errorf("TryInto: %v, %v", ok, err)
	}
	if _, _, ok := q.TryFresh(); ok {
		t.Error("TryFresh has a message")
	}
	if err := q.Recv(t.Context(), Limit{Duration: -1}, &m, false); err != errOver {
		t.Errorf("Recv: %v", err)
	}
	q.Clear()
	if p.RecvSlot != -1 {
		t.Error("the pipe is still in the queue")
	}
	_, late := source(q)
	if late.RecvSlot != -1 {
		t.Error("a pipe was attached after Close")
	}
}
