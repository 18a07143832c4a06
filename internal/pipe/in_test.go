// SPDX-License-Identifier: MPL-2.0

package pipe

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gzmq/zmq/internal/wire"
)

// feeder reads a stream into a pipe as a connection does.
type feeder struct {
	p        *Pipe
	scan     wire.Scanner
	commands []string
	stream   []byte // what has not arrived yet
}

func newFeeder(limits Limits, large int, stream []byte) *feeder {
	p := New(&fakeOwner{}, limits, false)
	p.StartReading(newSink())
	p.SetPeer(&Peer{Endpoint: "here"})
	return &feeder{p: p, scan: wire.Scanner{MaxSize: -1, MaxParts: 1000, Large: large}, stream: stream}
}

// read lets at most n bytes arrive. It reports false at the end of the stream.
func (f *feeder) read(n int) (ok bool, err error) {
	if len(f.stream) == 0 {
		return false, nil
	}
	buf := f.p.Buffer()
	n = copy(buf, f.stream[:min(n, len(f.stream))])
	f.stream = f.stream[n:]
	f.p.Fed(n)
	err = f.pass()
	f.p.Deliver()
	return true, err
}

// pass goes over what has arrived.
func (f *feeder) pass() error {
	p := f.p
	for {
		if missing, reading := p.ReadingLarge(); reading {
			if missing > 0 {
				return nil
			}
			p.EndLarge()
			continue
		}
		b := p.Unscanned()
		if len(b) == 0 {
			return nil
		}
		found, err := f.scan.Scan(b)
		p.Pass(&found)
		if err != nil {
			return err
		}
		switch found.Stop {
		case wire.StopShort:
			return nil
		case wire.StopCommand:
			p.Deliver()
			n := found.Header + found.Body
			f.commands = append(f.commands, string(p.Unscanned()[found.Header:n]))
			p.Skip(n)
		case wire.StopLarge:
			if p.BeginLarge(&found) != (func() bool { m, _ := p.ReadingLarge(); return m == 0 })() {
				panic("BeginLarge and ReadingLarge do not agree")
			}
		}
	}
}

// readAll lets the rest arrive in pieces of at most n bytes.
func (f *feeder) readAll(t testing.TB, n int) {
	t.Helper()
	for {
		ok, err := f.read(n)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return
		}
	}
}

// pinned is a message that was cut and not copied yet.
type pinned struct {
	cut  Cut
	want message
}

func (c *pinned) check(t testing.TB) {
	t.Helper()
	var m Message
	m.Reserve(c.cut.Size)
	size := 0
	for i := range c.cut.n {
		if s := c.cut.at(i).slab; s.large {
			size += s.end
		}
	}
	c.cut.Copy(&m, nil)
	c.cut.Release()
	if got := partsOf(&m); !equal(got, c.want) || c.cut.Parts != len(c.want) || c.cut.Size+size != m.Size() {
		t.Fatalf("cut %s, want %s (%d parts, %d bytes to copy)", short(got), short(c.want), c.cut.Parts, c.cut.Size)
	}
	m.Reset()
}

// TestInbox: messages of all shapes, commands anywhere between their frames, arriving in any pieces,
// cut in any way and at any time, copied late: what comes out is what went in.
func TestInbox(t *testing.T) {
	mixes := [][]int{{0, 5}, {0, 100, 300}, {255, 3000}, {10, 1000, 30000}, {Large - 10}, {5, Large}, {Large, 200000}, {1 << 20, 10}}
	for seed := range uint64(64) {
		rnd := rand.New(rand.NewPCG(seed, 8))
		sizes := mixes[seed%uint64(len(mixes))]
		var stream []byte
		var want []message
		var commands []string
		for len(want) < 8 || len(stream) < 30000 {
			m := randomMessage(rnd, len(want), sizes...)
			want = append(want, m)
			for i, part := range m {
				for rnd.IntN(8) == 0 {
					c := string(body(len(commands), rnd.IntN(300)))
					commands = append(commands, c)
					stream = append(wire.AppendHeader(stream, wire.FlagCommand, len(c)), c...)
				}
				stream = append(wire.AppendHeader(stream, moreUnlessLast(i, m), len(part)), part...)
			}
		}
		large := []int{Large, 256, 3000}[rnd.IntN(3)]
		f := newFeeder(Limits{Recv: rnd.IntN(3) * 50}, large, stream)
		runInbox(t, rnd, f, want)
		if !slices.Equal(f.commands, commands) {
			t.Errorf("%d commands, want %d, and the same", len(f.commands), len(commands))
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func runInbox(t *testing.T, rnd *rand.Rand, f *feeder, want []message) {
	p, n := f.p, 0 // n: messages taken
	var late []*pinned
	var m Message
	pieces := []int{1 + rnd.IntN(20), 100 + rnd.IntN(3000), 1 << 20}
	if len(f.stream) > 1<<20 {
		pieces = pieces[1:]
	}
	for more := true; more || p.Count() > 0; {
		if more && rnd.IntN(3) > 0 {
			var err error
			if more, err = f.read(1 + rnd.IntN(pieces[rnd.IntN(len(pieces))])); err != nil {
				t.Fatal(err)
			}
		}
		if rnd.IntN(4) == 0 {
			p.Idle()
		}
		for rnd.IntN(3) == 0 && p.Count() > 0 {
			if n == len(want) {
				t.Fatal("a message too many")
			}
			chunk := make([]byte, rnd.IntN(200))
			switch k, peer := p.CutFresh(chunk); {
			case k >= 0:
				if !equal(message{chunk[:k]}, want[n]) || peer.Endpoint != "here" {
					t.Fatalf("message %d: % x, want %s", n, chunk[:k], short(want[n]))
				}
			case p.CutQuick(&m):
				if !equal(partsOf(&m), want[n]) || m.Peer().Endpoint != "here" {
					t.Fatalf("message %d: %s, want %s", n, short(partsOf(&m)), short(want[n]))
				}
			default:
				c := &pinned{want: want[n]}
				if !p.Cut(&c.cut) {
					t.Fatal("no message to cut")
				}
				late = append(late, c)
				m.Reset()
				m.Reserve(rnd.IntN(2000))
			}
			n++
			if p.Watched() {
				w := p.AfterCut()
				w.Call()
			}
		}
		for len(late) > 0 && (len(late) > 5 || rnd.IntN(3) == 0) {
			i := rnd.IntN(len(late))
			late[i].check(t)
			late = slices.Delete(late, i, i+1)
		}
	}
	for _, c := range late {
		c.check(t)
	}
	if n != len(want) || p.in.head != nil {
		t.Fatalf("%d messages came out, want %d; empty %v", n, len(want), p.in.head == nil)
	}
	c := p.Counts()
	if int(c.RecvMessages) != len(want) || int(c.RecvBytes) != len(framesOf(want)) {
		t.Fatalf("counts %+v, want %d messages of %d bytes", c, len(want), len(framesOf(want)))
	}
	p.Idle()
	p.in.unpark()
	if p.Idle(); p.in.slab != nil {
		t.Fatal("an idle pipe holds a slab")
	}
}

// TestInboxMark: at the mark nothing more may be read, until half of it is free.
func TestInboxMark(t *testing.T) {
	for _, hwm := range []int{1, 2, 3, 10, 99, 100} {
		one := message{{1}}.frames()
		f := newFeeder(Limits{Recv: hwm}, Large, bytes.Repeat(one, 3*hwm))
		p, sink := f.p, newSink()
		for i := range hwm {
			if p.Blocked() {
				t.Fatalf("mark %d: blocked with %d", hwm, i)
			}
			f.read(len(one))
		}
		if !p.Blocked() {
			t.Fatalf("mark %d: not blocked", hwm)
		}
		p.StartReading(sink) // another connection has come: it is the one that waits
		var m Message
		m.Reserve(10)
		for p.Count() > 0 {
			free := p.Count() <= (hwm+1)/2
			if p.Blocked() == free && p.Count() < hwm || p.Blocked() == (len(sink.room) == 1) {
				t.Fatalf("mark %d: blocked %v with %d, %d times Room", hwm, p.Blocked(), p.Count(), len(sink.room))
			}
			p.CutQuick(&m)
			if p.Watched() {
				w := p.AfterCut()
				w.Call()
			}
		}
		if p.Blocked() || len(sink.room) != 1 {
			t.Fatalf("mark %d: blocked %v when empty, %d times Room", hwm, p.Blocked(), len(sink.room))
		}
	}
}

// TestShortReads: with a small mark one read must not bring many more messages than it allows.
func TestShortReads(t *testing.T) {
	for _, hwm := range []int{0, 1, fewMessages - 1, fewMessages} {
		f := newFeeder(Limits{Recv: hwm}, Large, bytes.Repeat(message{body(1, 1000)}.frames(), 2000))
		longest := 0
		var m Message
		m.Reserve(1000)
		for ok := true; ok; ok, _ = f.read(1 << 20) {
			for p := f.p; p.Count() > 0; p.AfterCut() {
				p.CutQuick(&m)
			}
			longest = max(longest, len(f.p.Buffer()))
		}
		if few := hwm > 0 && hwm < fewMessages; few != (longest <= shortRead) {
			t.Errorf("mark %d: reads of %d bytes", hwm, longest)
		}
	}
}

// TestCloseIn: what is there is dropped and counted, and so is what still comes.
func TestCloseIn(t *testing.T) {
	for _, at := range []int{0, 3, 10} {
		ms := randomMessages(1, 10, 5, 3000, Large)
		f := newFeeder(Limits{}, Large, framesOf(ms[:at]))
		f.readAll(t, 1<<20)
		f.p.CloseIn()
		f.stream = framesOf(ms[at:])
		f.readAll(t, 5000)
		if c := f.p.Counts(); f.p.Count() != 0 || c.Unread != 10 {
			t.Errorf("%d messages there, counts %+v", f.p.Count(), c)
		}
	}
}

// TestHalfAMessage: what is no whole message goes with its connection, and nothing of it is left
// before the next one's.
func TestHalfAMessage(t *testing.T) {
	first, second := randomMessages(3, 3, 10, 300, Large), randomMessages(4, 3, 10, 300)
	cut := message{body(1, 2000), body(2, 2*Large), body(3, 10)}
	all := append(framesOf(first), cut.frames()...)
	for n := len(framesOf(first)); n < len(all); n += 1 + n/7 {
		f := newFeeder(Limits{}, Large, all[:n])
		f.readAll(t, 3000)
		f.p.Disconnect()
		f.p.StartReading(newSink())
		f.p.SetPeer(&Peer{Endpoint: "there"})
		f.scan = wire.Scanner{MaxSize: -1, MaxParts: 10, Large: Large}
		f.stream = framesOf(second)
		f.readAll(t, 3000)
		var m Message
		for i, want := range append(first[:3:3], second...) {
			if !receive(f.p, &m) || !equal(partsOf(&m), want) {
				t.Fatalf("%d bytes of the first: message %d is not what was sent", n, i)
			}
			if there := m.Peer().Endpoint == "there"; there != (i >= 3) {
				t.Fatalf("%d bytes of the first: message %d is from %q", n, i, m.Peer().Endpoint)
			}
		}
		if receive(f.p, &m) {
			t.Fatalf("%d bytes of the first: a message too many", n)
		}
	}
}
