// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/simnet"
	"github.com/gzmq/zmq/internal/wire"
)

func TestPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, peer := welcomed(t, pull())
		for _, context := range []string{"", "c", "0123456789abcdef"} {
			give(t, peer, wire.AppendPing(nil, 0, []byte(context)))
			if said := heard(t, peer); !bytes.Equal(said, wire.AppendPong(nil, []byte(context))) {
				t.Errorf("PING with %q was answered with %q", context, said)
			}
		}
		if got := r.all(); got != nil {
			t.Errorf("received %q", got)
		}
	})
}

// TestCommandsInBetween puts commands everywhere a frame may begin: the messages stay whole.
func TestCommandsInBetween(t *testing.T) {
	ping := wire.AppendPing(nil, 0, []byte("p"))
	other := frame(wire.FlagCommand, "\x05OTHER"+string(make([]byte, 300)))
	big := string(bytes.Repeat([]byte("b"), pipe.Large))
	says := script(ping, frame(0, "1"), other, frame(wire.FlagMore, "2"), ping, other, frame(wire.FlagMore, big), ping,
		frame(wire.FlagMore, ""), other, frame(0, "2"), ping, ping, frame(0, big), other, frame(0, "3"), ping)
	want := []string{"1", "2|" + big + "||2", big, "3"}
	for _, step := range []int{1 << 20, 100, 3} {
		synctest.Test(t, func(t *testing.T) {
			r, peer := welcomed(t, pull())
			for chunk := range slices.Chunk(says, step) {
				peer.Write(chunk)
			}
			synctest.Wait()
			if got := r.all(); !slices.Equal(got, want) {
				t.Errorf("in steps of %d: %d messages, %.40q", step, len(got), got)
			}
			if said := heard(t, peer); !bytes.HasSuffix(said, wire.AppendPong(nil, []byte("p"))) {
				t.Errorf("in steps of %d: answered with %q", step, said)
			}
		})
	}
}

// TestOwnCommandsInBetween wants a PONG between messages, never inside one, while the network takes
// a few bytes at a time.
func TestOwnCommandsInBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := simnet.Pair(simnet.Options{Buffer: 200})
		r := newRig(t, near, Config{SocketType: "PUSH", Mechanism: pull().Mechanism, MaxSize: -1})
		far.Write(append(greeting("NULL", 1), ready("PULL")...))
		heard(t, far)
		var want []byte
		for i := range 50 {
			part := fmt.Sprintf("%0*d", i*7, i)
			r.send(part, "", part)
			want = append(append(append(want, frame(wire.FlagMore, part)...), frame(wire.FlagMore, "")...), frame(0, part)...)
		}
		var said []byte
		for range 1000 {
			far.Write(wire.AppendPing(nil, 0, []byte("x")))
			said = append(said, heard(t, far)...)
			if len(said) > len(want) && bytes.HasSuffix(said, want[len(want)-100:]) {
				break
			}
		}
		pong := wire.AppendPong(nil, []byte("x"))
		pongs := bytes.Count(said, pong)
		if got := bytes.ReplaceAll(said, pong, nil); !bytes.Equal(got, want) || pongs == 0 {
			t.Fatalf("%d bytes with %d PONGs, want %d", len(got), pongs, len(want))
		}
		inside := false
		for rest := said; len(rest) > 0; {
			flags, n, size, _ := wire.ParseHeader(rest)
			if flags&wire.FlagCommand != 0 && inside {
				t.Fatal("a command inside a message")
			}
			inside = flags&wire.FlagMore != 0
			rest = rest[size+n:]
		}
	})
}

// TestPingFlood: a peer that sends PINGs and reads nothing gets one answer, the newest.
func TestPingFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const room, floods = 100, 20_000
		near, far := simnet.Pair(simnet.Options{Buffer: room})
		r := newRig(t, near, pull())
		far.Write(hello())
		heard(t, far)
		before := heap()
		for i := range floods {
			far.Write(wire.AppendPing(nil, 0, fmt.Appendf(nil, "%d", i)))
		}
		synctest.Wait()
		if grown := heap() - before; grown > 256<<10 {
			t.Errorf("%d PINGs cost %d bytes", floods, grown)
		}
		said := heard(t, far)
		if !bytes.HasSuffix(said, wire.AppendPong(nil, fmt.Appendf(nil, "%d", floods-1))) {
			t.Errorf("the newest PING was not answered last: %q", said)
		}
		if n := bytes.Count(said, []byte("PONG")); n > 20 {
			t.Errorf("%d PONGs were kept for a peer that reads nothing", n)
		}
		if r.over() {
			t.Errorf("ended with %v", r.err)
		}
	})
}

// floodable is a connection whose peer reads nothing and whose network holds little.
func floodable(t *testing.T) (*rig, *simnet.Conn) {
	near, far := simnet.Pair(simnet.Options{Buffer: 2000})
	r := newRig(t, near, pull())
	give(t, far, hello())
	return r, far
}

// TestFloodInsideMessage: commands between the parts of a message are legal, and cost memory until
// it ends: there is a bound.
func TestFloodInsideMessage(t *testing.T) {
	pings := bytes.Repeat(wire.AppendPing(nil, 0, nil), 1000)
	most := maxBetween / len(pings) // of these in one message
	large := string(make([]byte, pipe.Large))
	for name, part := range map[string]string{"one gap": "", "many gaps": "x", "large parts": large} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, peer := floodable(t)
				between := func() {
					give(t, peer, pings)
					if part != "" {
						give(t, peer, frame(wire.FlagMore, part))
					}
				}
				for range 5 { // each message has its own bound
					give(t, peer, frame(wire.FlagMore, "begin"))
					for range most {
						between()
					}
					give(t, peer, frame(0, part))
					if got := r.all(); len(got) != 1 || r.over() {
						t.Fatalf("received %d messages; %v", len(got), r.over())
					}
				}
				give(t, peer, frame(wire.FlagMore, "begin"))
				for range most {
					between()
				}
				peer.Write(pings)
				synctest.Wait()
				var broken *wire.Error
				if !r.over() || !errors.As(r.err, &broken) || broken.Code != wire.CodeMalformedMessage {
					t.Errorf("over: %v, with %v", r.over(), r.err)
				}
			})
		})
	}
}

// TestFloodBehindUnread: commands behind a message that nobody has received cost nothing.
func TestFloodBehindUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, peer := floodable(t)
		give(t, peer, frame(0, "unread"))
		pings := bytes.Repeat(wire.AppendPing(nil, 0, nil), 1000)
		before := heap()
		for range 1000 {
			say(t, peer, pings, len(pings))
		}
		if grown := heap() - before; grown > 1<<20 {
			t.Errorf("the heap has grown by %d bytes", grown)
		}
		if got := r.all(); !slices.Equal(got, []string{"unread"}) || r.over() {
			t.Errorf("received %q, %v", got, r.err)
		}
	})
}
