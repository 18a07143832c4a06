// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gzmq/zmq/internal/security"
	"github.com/gzmq/zmq/internal/wire"
)

// announce is the header of a long frame.
func announce(flags byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{flags | wire.FlagLong}, n)
}

// command is a command frame of any body.
func command(body string) []byte { return frame(wire.FlagCommand, body) }

// changed is b with byte i set.
func changed(b []byte, i int, to byte) []byte {
	b = slices.Clone(b)
	b[i] = to
	return b
}

// hostile is what a peer may say that ends its connection.
type hostile struct {
	name string
	says []byte
	want any // a wire.Code, or a target of errors.As
}

// hostileHandshakes are scripts from the first byte.
func hostileHandshakes() []hostile {
	g := greeting("NULL", 1)
	refused := new(*security.Refusal)
	return []hostile{
		{"another protocol", []byte("GET / HTTP/1.1\r\n\r\n"), new(*wire.VersionError)},
		{"no mechanism", changed(changed(changed(changed(g, 12, 0), 13, 0), 14, 0), 15, 0), wire.CodeMechanismMismatch},
		{"other mechanism", greeting("PLAIN", 1), wire.CodeMechanismMismatch},
		{"mechanism in lower case", greeting("null", 1), wire.CodeMechanismMismatch},
		{"mechanism with bytes behind it", changed(g, 20, 'x'), wire.CodeMechanismMismatch},
		{"as-server of 2", changed(g, 32, 2), wire.CodeUnspecified},
		{"a message", script(g, frame(0, "hello")), wire.CodeUnexpectedCommand},
		{"a long message", script(g, announce(0, 1<<40)), wire.CodeUnexpectedCommand},
		{"reserved flags", script(g, changed(ready("PUSH"), 0, 0x84)), wire.CodeMalformedMessage},
		{"one reserved flag", script(g, []byte{8}), wire.CodeMalformedMessage},
		{"command with MORE", script(g, changed(ready("PUSH"), 0, 5)), wire.CodeMalformedCommand},
		{"command of 64 KiB and 1", script(g, announce(wire.FlagCommand, 64<<10+1)), wire.CodeMalformedCommand},
		{"command of 2^62", script(g, announce(wire.FlagCommand, 1<<62)), wire.CodeMalformedCommand},
		{"command of 2^63", script(g, announce(wire.FlagCommand, 1<<63)), wire.CodeMalformedMessage},
		{"command of 2^64-1", script(g, announce(wire.FlagCommand, math.MaxUint64)), wire.CodeMalformedMessage},
		{"empty command", script(g, command("")), wire.CodeMalformedCommand},
		{"command without a name", script(g, command("\x00")), wire.CodeMalformedCommand},
		{"command shorter than its name", script(g, command("\x06READY")), wire.CodeMalformedCommand},
		{"PING", script(g, wire.AppendPing(nil, 0, nil)), wire.CodeUnexpectedCommand},
		{"HELLO", script(g, command("\x05HELLO")), wire.CodeUnexpectedCommand},
		{"READY with half a property", script(g, command("\x05READY\x0bSocket-Type\x00\x00")), wire.CodeInvalidMetadata},
		{"READY with a value longer than it", script(g, command("\x05READY\x0bSocket-Type\x00\x00\x00\x05PUSH")), wire.CodeInvalidMetadata},
		{"READY with a value of 2^32-1", script(g, command("\x05READY\x01a\xff\xff\xff\xff")), wire.CodeInvalidMetadata},
		{"READY without a type", script(g, command("\x05READY")), new(*IncompatibleError)},
		{"ERROR", script(g, wire.AppendError(nil, "go away")), refused},
		{"ERROR without a reason", script(g, command("\x05ERROR")), wire.CodeMalformedError},
	}
}

// hostileTraffic are scripts behind a handshake, against a limit of 1000 bytes.
func hostileTraffic() []hostile {
	part := frame(wire.FlagMore, "")
	return []hostile{
		{"READY again", ready("PUSH"), wire.CodeUnexpectedCommand},
		{"reserved flag", frame(8, "x"), wire.CodeMalformedMessage},
		{"top flag", frame(0x80, "x"), wire.CodeMalformedMessage},
		{"flags of a long frame, and one more", []byte{0x12, 0}, wire.CodeMalformedMessage},
		{"command with MORE", frame(wire.FlagCommand|wire.FlagMore, "\x04PING\x00\x00"), wire.CodeMalformedCommand},
		{"above the limit", frame(0, strings.Repeat("x", 1001)), wire.CodeMalformedMessage},
		{"announced above the limit", announce(0, 1001), wire.CodeMalformedMessage},
		{"1 GiB", announce(0, 1<<30), wire.CodeMalformedMessage},
		{"2^62", announce(0, 1<<62), wire.CodeMalformedMessage},
		{"2^63-1", announce(0, math.MaxInt64), wire.CodeMalformedMessage},
		{"2^63", announce(0, 1<<63), wire.CodeMalformedMessage},
		{"2^64-1", announce(wire.FlagMore, math.MaxUint64), wire.CodeMalformedMessage},
		{"parts above the limit", script(frame(wire.FlagMore, strings.Repeat("x", 600)), frame(0, strings.Repeat("y", 401))), wire.CodeMalformedMessage},
		{"2^63-1 behind another part", script(frame(wire.FlagMore, "x"), announce(0, math.MaxInt64)), wire.CodeMalformedMessage},
		{"too many parts", bytes.Repeat(part, MaxParts+1), wire.CodeMalformedMessage},
		{"command of 64 KiB and 1", announce(wire.FlagCommand, 64<<10+1), wire.CodeMalformedCommand},
		{"command of 2^63-1", announce(wire.FlagCommand, math.MaxInt64), wire.CodeMalformedCommand},
		{"empty command", command(""), wire.CodeMalformedCommand},
		{"command without a name", command("\x00x"), wire.CodeMalformedCommand},
		{"command shorter than its name", command("\x05PING"), wire.CodeMalformedCommand},
		{"command with blanks in its name", command("\x04PI G"), wire.CodeMalformedCommand},
		{"PING without a ttl", command("\x04PING\x00"), wire.CodeMalformedCommand},
		{"PING with 17 bytes of context", command("\x04PING\x00\x00" + strings.Repeat("c", 17)), wire.CodeMalformedCommand},
		{"ERROR", wire.AppendError(nil, "enough"), new(*security.Refusal)},
		{"ERROR longer than it says", command("\x05ERROR\x01no"), wire.CodeMalformedError},
	}
}

// check judges how a connection ended.
func (h *hostile) check(t *testing.T, err error) {
	t.Helper()
	if code, ok := h.want.(wire.Code); ok {
		var broken *wire.Error
		if !errors.As(err, &broken) || broken.Code != code {
			t.Errorf("ended with %v, want %v", err, code)
		}
		if broken != nil && strings.ContainsAny(broken.Text, "\x00\x1b\n") {
			t.Errorf("the peer's bytes are shown as they are: %q", broken.Text)
		}
	} else if !errors.As(err, h.want) {
		t.Errorf("ended with %v, want %T", err, h.want)
	}
}

func TestHostileHandshake(t *testing.T) {
	for _, test := range hostileHandshakes() {
		t.Run(test.name, func(t *testing.T) {
			for _, step := range []int{1 << 20, 1} {
				synctest.Test(t, func(t *testing.T) {
					r, peer := raw(t, pull())
					say(t, peer, test.says, step)
					if !r.over() {
						t.Fatal("the connection lives")
					}
					test.check(t, r.end())
					if r.up() != nil {
						t.Error("the peer was welcome")
					}
				})
			}
		})
	}
}

func TestHostileTraffic(t *testing.T) {
	for _, test := range hostileTraffic() {
		t.Run(test.name, func(t *testing.T) {
			for _, step := range []int{1 << 20, 1} {
				if step == 1 && len(test.says) > 10_000 {
					continue
				}
				synctest.Test(t, func(t *testing.T) {
					cfg := pull()
					cfg.MaxSize = 1000
					r, peer := welcomed(t, cfg)
					give(t, peer, frame(0, "before"))
					say(t, peer, test.says, step)
					if !r.over() {
						t.Fatal("the connection lives")
					}
					test.check(t, r.end())
					if got := r.all(); !slices.Equal(got, []string{"before"}) {
						t.Errorf("received %.100q", got)
					}
				})
			}
		})
	}
}

// say writes b in steps until the connection under test has had enough.
func say(t *testing.T, peer interface{ Write([]byte) (int, error) }, b []byte, step int) {
	for chunk := range slices.Chunk(b, step) {
		if _, err := peer.Write(chunk); err != nil {
			break
		}
		synctest.Wait()
	}
	synctest.Wait()
}

// TestTolerated is the other side: what looks odd and is allowed.
func TestTolerated(t *testing.T) {
	odd := slices.Clone(greeting("NULL", 1))
	copy(odd[1:9], "\xde\xad\xbe\xef\x00\x01\x02\x03") // padding
	odd[9] = 0xff                                      // its low bit counts
	copy(odd[33:], "filler that means nothing now")
	says := script(odd, command("\x05READY\x0bSOCKET-TYPE\x00\x00\x00\x04PUSH\x01x\x00\x00\x00\x00"),
		append(announce(0, 3), "abc"...), // a long header for a short body
		command("\x06FUTURE\x01\x02"), command("\x04PONG"), command("\x09SUBSCRIBEtopic"),
		frame(wire.FlagMore, ""), command("\x04PING\x00\x00"), frame(0, ""))
	synctest.Test(t, func(t *testing.T) {
		r, peer := raw(t, pull())
		say(t, peer, says, 1)
		if r.over() {
			t.Fatalf("ended with %v", r.err)
		}
		if got := r.all(); !slices.Equal(got, []string{"abc", "|"}) {
			t.Errorf("received %q", got)
		}
		if got := r.owner.commands; !slices.Equal(got, []string{"SUBSCRIBE topic"}) {
			t.Errorf("commands %q", got)
		}
		r.close()
	})
}
