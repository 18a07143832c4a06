// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gzmq/zmq/internal/wire"
)

// The tests of this file are about peers that break the protocol, or do nothing at all. Each loses
// its own connection and nothing of anybody else's.

// lines is a log that can be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// long is a frame header that announces n bytes.
func long(flags byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{flags | wire.FlagLong}, n)
}

func join(parts ...[]byte) []byte { return slices.Concat(parts...) }

// with is greeting with one byte changed.
func greetingWith(at int, b byte) []byte {
	g := greeting()
	g[at] = b
	return g
}

// misdeeds are what peers write. shaken says that the handshake was done before.
var misdeeds = []struct {
	name   string
	shaken bool
	bytes  []byte
	log    string // what the log says about it
}{
	{"HTTP", false, []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "1.0"},
	{"ZMTP 1.0", false, []byte{1, 0}, "1.0"},
	{"ZMTP 2.0", false, []byte{0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 1, 8}, "2.0"},
	{"zeros", false, make([]byte, 100), "1.0"},
	{"another mechanism", false, join(greetingWith(12, 'P'), ready(PUSH)), "PULL"},
	{"no mechanism", false, greetingWith(12, 0), "mechanism"},
	{"as-server 7", false, greetingWith(32, 7), "as-server"},
	{"a message before READY", false, join(greeting(), frames("x")), "before the handshake"},
	{"READY of the wrong type", false, join(greeting(), ready(REP)), "PULL socket cannot talk to a REP"},
	{"READY of no type", false, join(greeting(), command(wire.AppendReadyBody(nil, nil))), "PULL socket cannot talk"},
	{"READY of an unknown type", false, join(greeting(), ready("\x1b[31mFAKE")), "PULL socket cannot talk"},
	{"READY with broken metadata", false, join(greeting(), command([]byte("\x05READY\x0bSocket-Type\xff\xff\xff\xff"))), "metadata"},
	{"a command of another name", false, join(greeting(), command([]byte("\x05HELLO"))), "READY was due"},
	{"a command without a name", false, join(greeting(), command(nil)), "name"},
	{"a command that is too long", false, join(greeting(), long(wire.FlagCommand, 1<<20)), "limit"},
	{"a command longer than any", false, join(greeting(), long(wire.FlagCommand, 1<<63)), ""},
	{"a refusal", false, join(greeting(), wire.AppendError(nil, "go away\x1b[2J\n")), "go away"},
	{"READY twice", true, ready(PUSH), ""},
	{"reserved flags", true, []byte{0x80, 0}, "reserved"},
	{"a command with MORE", true, []byte{wire.FlagCommand | wire.FlagMore, 5}, "MORE"},
	{"a frame longer than any", true, long(0, 1<<63), "bytes"},
	{"a frame over the limit", true, long(0, 1<<20+1), "the limit is"},
	{"parts over the limit", true, join(long(wire.FlagMore, 1<<19), make([]byte, 1<<19), long(0, 1<<19+1)), "the limit is"},
	{"endless empty parts", true, bytes.Repeat([]byte{wire.FlagMore, 0}, 1<<20), "parts"},
	{"a short PING", true, command([]byte("\x04PING\x00")), "PING"},
	{"a PING that says too much", true, wire.AppendCommand(nil, "PING", make([]byte, 40)), "PING"},
	{"a command in a message", true, join([]byte{wire.FlagMore, 1, 'a'}, command([]byte{0}), frames("b")), "name"},
}

// While a good stream runs, others do what they should not. The stream is whole, each misdeed costs
// its connection, is counted once, and is told to the logger in words that are safe to show.
func TestHostilePeers(t *testing.T) {
	for _, deed := range misdeeds {
		t.Run(deed.name, func(t *testing.T) {
			a := newArena(t)
			log := new(lines)
			pull, push := a.pull(Options{Logger: logTo(log), MaxMsgSize: 1 << 20}), a.push()
			bound := a.join(pull, push, "tcp://127.0.0.1:0")
			stream := a.stream(push, pull)

			const times = 3
			for range times {
				bad := a.dialRaw(bound)
				if deed.shaken {
					bad.shake(PUSH)
				}
				bad.nc.Write(deed.bytes) // which may fail half way: it is closed for it
				bad.closed()
				bad.nc.Close()
			}
			refusal := deed.name == "a refusal" // is no breach of the protocol
			a.until("it is counted", func() bool { return refusal || pull.Stats().ProtocolErrors == times })
			stream()
			a.gone(pull, 1)
			if s := pull.Stats(); s.Dropped != 0 || refusal && s.ProtocolErrors != 0 {
				t.Errorf("%+v", s.Counters)
			}
			text := log.String()
			if !strings.Contains(text, deed.log) {
				t.Errorf("the log does not say %q:\n%s", deed.log, text)
			}
			if strings.ContainsRune(text, '\x1b') || strings.Count(text, "WARN") < times {
				t.Errorf("the log is not safe to show, or quiet:\n%s", text)
			}
		})
	}
}

// stream sends numbered messages until the function it returns is called, which checks that all of
// them have arrived.
func (a *arena) stream(push *Push, pull *Pull) (finish func()) {
	stop := make(chan struct{})
	body := pattern(2000, 1)
	sent := 0
	sending := together(1, func(int) error {
		for ; ; sent++ {
			select {
			case <-stop:
				return push.Send(a.ctx, []byte("end"))
			default:
			}
			if err := push.Send(a.ctx, fmt.Append(nil, sent), body[:sent%len(body)]); err != nil {
				return err
			}
		}
	})
	got := 0
	receiving := together(1, func(int) error {
		var m Message
		for ; ; got++ {
			if err := pull.RecvInto(a.ctx, &m); err != nil {
				return err
			}
			if string(m.Bytes()) == "end" {
				return nil
			}
			if m.Len() != 2 || string(m.Bytes()) != fmt.Sprint(got) || !bytes.Equal(m.Part(1), body[:got%len(body)]) {
				return fmt.Errorf("message %d: %d parts, %.20q", got, m.Len(), m.Bytes())
			}
		}
	})
	a.Cleanup(func() {
		if a.Failed() {
			a.Logf("sender %+v\nreceiver %+v", push.Stats().Counters, pull.Stats().Counters)
		}
	})
	return func() {
		a.Helper()
		close(stop)
		a.all(sending, 1)
		a.all(receiving, 1)
		if got != sent {
			a.Fatalf("%d of %d messages", got, sent)
		}
	}
}

// A server that misbehaves: the connecting side closes, tries again, and loses nothing of what it
// has queued.
func TestHostileServer(t *testing.T) {
	for _, deed := range misdeeds {
		if deed.shaken || strings.HasPrefix(deed.name, "READY of the wrong") {
			continue
		}
		t.Run(deed.name, func(t *testing.T) {
			a := newArena(t)
			endpoint, accept := a.listenRaw()
			push := a.push()
			a.connect(push, endpoint)
			a.send(push, "kept")
			for range 2 {
				bad := accept()
				bad.nc.Write(deed.bytes)
				bad.closed()
				bad.nc.Close()
			}
			good := accept().shake(PULL)
			good.wants("kept")
			if s := push.Stats(); s.Dropped != 0 || s.ProtocolErrors != 2 && deed.name != "a refusal" {
				t.Errorf("%+v", s.Counters)
			}
		})
	}
}

// Connections that say nothing, or stop in the middle, end with the handshake's time, and so does one
// that drips: it is the whole that has a time, not each byte. Nobody else waits for them.
func TestHalfOpenConnections(t *testing.T) {
	a := newArena(t)
	pull, push := a.pull(Options{HandshakeTimeout: 300 * time.Millisecond, Backlog: 300}), a.push()
	bound := a.bind(pull, "tcp://127.0.0.1:0")
	const silent = 200
	var idle []*rawPeer
	for i := range silent {
		p := a.dialRaw(bound)
		p.write(join(greeting(), ready(PUSH))[:i%80]) // up to all of the greeting, and some of READY
		idle = append(idle, p)
	}
	a.connect(push, bound)
	finish := a.stream(push, pull)
	drip := a.dialRaw(bound)
	dripping := together(1, func(int) error {
		for _, b := range join(greeting(), ready(PUSH))[:80] {
			if _, err := drip.nc.Write([]byte{b}); err != nil {
				return nil // closed on it
			}
			time.Sleep(10 * time.Millisecond) // this is what it does, and waits for nothing
		}
		return fmt.Errorf("it may drip for as long as it likes")
	})
	for _, p := range idle {
		p.closed()
	}
	drip.closed()
	a.all(dripping, 1)
	finish()
	a.peers(pull, 1)
	if s := pull.Stats(); s.ProtocolErrors != 0 || len(s.Peers) != 1 {
		t.Errorf("%d protocol errors, %d peers", s.ProtocolErrors, len(s.Peers))
	}
}

// A peer that finished its handshake may be silent and slow: a message in single bytes arrives.
func TestSlowPeer(t *testing.T) {
	a := newArena(t)
	pull := a.pull(Options{HandshakeTimeout: time.Second})
	peer := a.dialRaw(a.bind(pull, "tcp://127.0.0.1:0")).shake(PUSH)
	peer.nc.(*net.TCPConn).SetNoDelay(true)
	for n := range 3 {
		for _, b := range frames("slow", fmt.Sprint(n), strings.Repeat("x", 300)) {
			peer.write([]byte{b})
		}
		a.recv(pull, "slow", fmt.Sprint(n), strings.Repeat("x", 300))
	}
}

// A peer that closes in the middle of a message: the message is gone as a whole, those before it are
// not.
func TestPeerThatStopsInAMessage(t *testing.T) {
	whole := join(frames("before"), frames("first", strings.Repeat("y", 70_000), "last"))
	start := len(frames("before"))
	for _, cut := range []int{start, start + 1, start + 2, start + 7, start + 8, start + 9, start + 16, start + 20, start + 70_000, len(whole) - 1} {
		t.Run(fmt.Sprint(cut), func(t *testing.T) {
			a := newArena(t)
			pull := a.pull()
			bound := a.bind(pull, "tcp://127.0.0.1:0")
			peer := a.dialRaw(bound).shake(PUSH)
			a.peers(pull, 1)
			peer.write(whole[:cut])
			peer.nc.Close()
			a.recv(pull, "before")
			a.gone(pull, 0)
			next := a.dialRaw(bound).shake(PUSH)
			next.write(frames("next"))
			a.recv(pull, "next")
			a.nothing(pull)
			if n := pull.Stats().ProtocolErrors; n != 0 {
				t.Errorf("%d protocol errors: it was only cut off", n)
			}
		})
	}
}

// Nothing is allocated because a peer announced it.
func TestAnnouncedMemoryIsNotTaken(t *testing.T) {
	a := newArena(t)
	pull := a.pull()
	bound := a.bind(pull, "tcp://127.0.0.1:0")
	before := allocated()
	for range 20 {
		peer := a.dialRaw(bound).shake(PUSH)
		peer.write(join(long(0, 1<<30), make([]byte, 1000)))
		peer.nc.Close()
	}
	a.until("all is read", func() bool { s := pull.Stats(); return len(s.Peers) == 0 && s.Endpoints[0].Connections == 0 })
	if taken := allocated() - before; taken > 64<<20 {
		t.Errorf("20 peers announced 1 GiB each: %d MiB were taken", taken>>20)
	}
}

// A command that nobody knows is passed over, and PINGs are answered, in the middle of messages too.
func TestCommandsBetweenMessages(t *testing.T) {
	a := newArena(t)
	pull := a.pull()
	peer := a.dialRaw(a.bind(pull, "tcp://127.0.0.1:0")).shake(PUSH)
	unknown := wire.AppendCommand(nil, "FUTURE", []byte("data"))
	peer.write(join(unknown, frames("a"), unknown, frames("b", "c"), wire.AppendPing(nil, 0, []byte("context")), frames("d")))
	a.recv(pull, "a")
	a.recv(pull, "b", "c")
	a.recv(pull, "d")
	if flags, body := peer.frame(); flags != wire.FlagCommand || body != "\x04PONGcontext" {
		t.Errorf("PING was answered with %#x %q", flags, body)
	}
}
