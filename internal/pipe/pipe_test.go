// SPDX-License-Identifier: MPL-2.0

package pipe

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/gzmq/zmq/internal/wire"
)

func TestMain(m *testing.M) {
	Poison()
	before := runtime.NumGoroutine()
	code := m.Run()
	fuzzing := flag.Lookup("test.fuzz").Value.String() != "" // starts goroutines of its own
	if code == 0 && !fuzzing && !eventually(func() bool { return runtime.NumGoroutine() <= before }) {
		buf := make([]byte, 1<<16)
		fmt.Printf("goroutines left:\n%s\n", buf[:runtime.Stack(buf, true)])
		code = 1
	}
	os.Exit(code)
}

var errBroken = errors.New("broken")

// eventually polls for something that another goroutine brings about.
func eventually(cond func() bool) bool {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Microsecond) {
		if cond() {
			return true
		}
	}
	return false
}

// wait is eventually that fails the test.
func wait(t testing.TB, what string, cond func() bool) {
	t.Helper()
	if !eventually(cond) {
		t.Fatalf("waited in vain: %s", what)
	}
}

// fakeOwner is the routing above: its lock is the fair queue's.
type fakeOwner struct {
	mu        sync.Mutex
	writable  int
	delivered int
	onDeliver func(p *Pipe) // called with the lock held
}

func (o *fakeOwner) Delivered(p *Pipe) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p.Publish()
	o.delivered++
	if o.onDeliver != nil {
		o.onDeliver(p)
	}
}

func (o *fakeOwner) Writable(*Pipe) {
	o.mu.Lock()
	o.writable++
	o.mu.Unlock()
}

// calls returns the counts so far.
func (o *fakeOwner) calls() (writable, delivered int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.writable, o.delivered
}

func (o *fakeOwner) Attached(*Pipe)                   {}
func (o *fakeOwner) Up(*Pipe, *Peer) error            { return nil }
func (o *fakeOwner) Command(*Pipe, wire.Kind, []byte) {}
func (o *fakeOwner) Down(*Pipe, *Peer)                {}
func (o *fakeOwner) Detached(*Pipe)                   {}

// fakeSink is a connection whose writing is what the test says; without a word it keeps the right
// to write that it is given, and the test itself takes.
type fakeSink struct {
	flush, tryFlush func()
	room            chan struct{}
	closed          chan error
}

func newSink() *fakeSink {
	return &fakeSink{room: make(chan struct{}, 100), closed: make(chan error, 100)}
}

func (s *fakeSink) Flush() {
	if s.flush != nil {
		s.flush()
	}
}

func (s *fakeSink) TryFlush() {
	if s.tryFlush != nil {
		s.tryFlush()
	}
}

func (s *fakeSink) Room()           { s.room <- struct{}{} }
func (s *fakeSink) Close(err error) { s.closed <- err }

// connected is a pipe with a connection past its handshake. Nobody writes but the test.
func connected(limits Limits, keep bool) (*Pipe, *fakeSink, *fakeOwner) {
	owner, sink := &fakeOwner{}, newSink()
	p := New(owner, limits, keep)
	p.Connect(sink, true)
	p.StartReading(sink)
	p.SetPeer(&Peer{})
	p.Open()
	return p, sink, owner
}

// writeBatch writes all of one batch and returns its bytes; ok is false when there was none.
func writeBatch(p *Pipe) (ctl, msgs []byte, ok bool) {
	b := p.Take()
	if b == nil {
		return nil, nil, false
	}
	ctl = bytes.Clone(b.Ctl)
	for _, buf := range b.AppendTo(nil) {
		msgs = append(msgs, buf...)
	}
	p.Wrote(len(msgs), 0, nil)
	return ctl, msgs, true
}

// drain writes all there is.
func drain(p *Pipe) (ctl, msgs []byte) {
	for {
		c, m, ok := writeBatch(p)
		if !ok {
			return ctl, msgs
		}
		ctl, msgs = append(ctl, c...), append(msgs, m...)
	}
}

// message is what a test sends: the parts.
type message [][]byte

// frames is the message as it stands on the wire.
func (m message) frames() (b []byte) {
	for i, part := range m {
		b = wire.AppendHeader(b, moreUnlessLast(i, m), len(part))
		b = append(b, part...)
	}
	return b
}

func framesOf(ms []message) (b []byte) {
	for _, m := range ms {
		b = append(b, m.frames()...)
	}
	return b
}

// body returns n bytes that differ from place to place and from tag to tag.
func body(tag, n int) []byte {
	b := make([]byte, 0, n)
	for from := tag * 31 % (len(noise) / 2); len(b) < n; from = (from + 1) % (len(noise) / 2) {
		b = append(b, noise[from:min(len(noise), from+n-len(b))]...)
	}
	return b
}

// noise is what bodies are made of.
var noise = func() []byte {
	b := make([]byte, 8<<10)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}()

// randomMessage has one part mostly, of a size that the sizes' neighbourhoods are made of.
func randomMessage(rnd *rand.Rand, tag int, sizes ...int) message {
	parts := 1
	if rnd.IntN(3) == 0 {
		parts += rnd.IntN(4)
	}
	m := make(message, parts)
	for i := range m {
		m[i] = body(tag+i, max(0, sizes[rnd.IntN(len(sizes))]+rnd.IntN(5)-2))
	}
	return m
}

// parse is the other way round: whole messages, without commands. It fails on anything else.
func parse(t testing.TB, b []byte) (ms []message) {
	t.Helper()
	var m message
	for len(b) > 0 {
		flags, n, size, err := wire.ParseHeader(b)
		if err != nil || size == 0 || n > len(b)-size || flags&wire.FlagCommand != 0 {
			t.Fatalf("no message frame: flags %#x, %d bytes of %d, %v", flags, n, len(b)-size, err)
		}
		m = append(m, b[size:size+n])
		if b = b[size+n:]; flags&wire.FlagMore == 0 {
			ms, m = append(ms, m), nil
		}
	}
	if m != nil {
		t.Fatalf("%d parts of a message without its end", len(m))
	}
	return ms
}

// partsOf copies what a received message holds.
func partsOf(m *Message) (got message) {
	for i := range m.Len() {
		got = append(got, bytes.Clone(m.Part(i)))
	}
	return got
}

func equal(a, b message) bool {
	return len(a) == len(b) && bytes.Equal(a.frames(), b.frames())
}

// short describes messages without printing a mebibyte.
func short(m message) string {
	s := ""
	for _, part := range m {
		s += fmt.Sprintf("[%d: % x]", len(part), part[:min(4, len(part))])
	}
	return s
}

func wantMessages(t testing.TB, got, want []message) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if !equal(got[i], want[i]) {
			t.Fatalf("message %d is %s, want %s", i, short(got[i]), short(want[i]))
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d messages, want %d", len(got), len(want))
	}
}
