// SPDX-License-Identifier: MPL-2.0

package wire_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gzmq/zmq/internal/wire"
)

// A recording is what libzmq sent, as interop/record/record.py wrote it down, and what it means.
type recording struct {
	file      string
	mechanism string   // of the greeting; "" when the file begins after it
	frames    []string // as describe puts them
}

var golden = []recording{
	{"handshake-pair", "NULL", []string{`READY Socket-Type="PAIR"`}},
	{"handshake-pub", "NULL", []string{`READY Socket-Type="PUB"`}},
	{"handshake-sub", "NULL", []string{`READY Socket-Type="SUB"`}},
	{"handshake-req", "NULL", []string{`READY Socket-Type="REQ" Identity=""`}},
	{"handshake-rep", "NULL", []string{`READY Socket-Type="REP"`}},
	{"handshake-dealer", "NULL", []string{`READY Socket-Type="DEALER" Identity=""`}},
	{"handshake-dealer-identity", "NULL", []string{`READY Socket-Type="DEALER" Identity="alice"`}},
	{"handshake-router", "NULL", []string{`READY Socket-Type="ROUTER" Identity=""`}},
	{"handshake-pull", "NULL", []string{`READY Socket-Type="PULL"`}},
	{"handshake-push", "NULL", []string{`READY Socket-Type="PUSH"`}},
	{"handshake-xpub", "NULL", []string{`READY Socket-Type="XPUB"`}},
	{"handshake-xsub", "NULL", []string{`READY Socket-Type="XSUB"`}},
	{"greeting-plain", "PLAIN", nil},
	{"greeting-curve", "CURVE", nil},

	{"frame-0", "", []string{`last ""`}},
	{"frame-1", "", []string{`last "\x00"`}},
	{"frame-255", "", []string{`last, 255 counted bytes`}},
	{"frame-256", "", []string{`last, 256 counted bytes`}},
	{"frame-65536", "", []string{`last, header of 65536`}},
	{"frame-70000", "", []string{`last, header of 70000`}},
	{"multipart", "", []string{`more "first"`, `more ""`, `more, 300 counted bytes`, `last "last"`}},

	{"req", "", []string{`more ""`, `last "question"`}},
	{"req-correlate", "", []string{`more, 4 bytes of id`, `more ""`, `last "question"`}},
	{"rep", "", []string{`more "hop"`, `more ""`, `last "answer"`}},

	{"ping-ttl-0", "", []string{`PING ttl 0, context ""`}},
	{"ping-ttl-2500", "", []string{`PING ttl 25, context ""`}},
	{"pong", "", []string{`PONG ""`}},
	{"pong-context", "", []string{`PONG "0123456789abcdef"`}},
	{"sub-3.1", "", []string{`SUBSCRIBE "A"`, `SUBSCRIBE ""`, `CANCEL "A"`}},
	{"sub-3.0", "", []string{`last "\x01A"`, `last "\x01"`, `last "\x00A"`}},
	{"error", "", []string{`ERROR "400"`}},
}

// TestGolden reads every recording, compares its meaning with the row, and encodes it again: the
// bytes must be libzmq's.
func TestGolden(t *testing.T) {
	for _, row := range golden {
		t.Run(row.file, func(t *testing.T) {
			rest := readGolden(t, row.file)
			if row.mechanism != "" {
				rest = checkGreeting(t, rest, row.mechanism)
			}
			var got []string
			for len(rest) > 0 {
				flags, n, size, err := wire.ParseHeader(rest)
				if err != nil || size == 0 {
					t.Fatalf("header of % x...: size %d, %v", rest[:min(9, len(rest))], size, err)
				}
				if again := wire.AppendHeader(nil, flags, n); !bytes.Equal(again, rest[:size]) {
					t.Errorf("header % x is encoded as % x", rest[:size], again)
				}
				if size == len(rest) && n > 1<<15 { // the recorder leaves huge bodies out
					got, rest = append(got, fmt.Sprintf("%s, header of %d", position(flags), n)), nil
					continue
				}
				frame := rest[:size+n]
				got, rest = append(got, describe(t, row.file, flags, frame, frame[size:])), rest[size+n:]
			}
			if !slices.Equal(got, row.frames) {
				t.Errorf("frames\n got %q\nwant %q", got, row.frames)
			}
		})
	}
}

// TestGoldenIsWhole finds recordings that no row of the table reads.
func TestGoldenIsWhole(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.hex")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".hex")
		if !slices.ContainsFunc(golden, func(row recording) bool { return row.file == name }) {
			t.Errorf("%s is read by no row", file)
		}
	}
}

// readGolden returns the bytes of a file of hex lines, of which those with # are comments.
func readGolden(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "golden", name+".hex"))
	if err != nil {
		t.Fatal(err)
	}
	var digits strings.Builder
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			digits.WriteString(strings.Join(strings.Fields(line), ""))
		}
	}
	data, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// checkGreeting reads the greeting, writes the same one, and returns what follows it.
func checkGreeting(t *testing.T, b []byte, mechanism string) []byte {
	t.Helper()
	var r wire.GreetingReader
	n, err := r.Feed(b)
	if err != nil || r.Stage() != wire.StageDone {
		t.Fatalf("greeting: stage %d after %d bytes, %v", r.Stage(), n, err)
	}
	want := wire.Greeting{Major: 3, Minor: 1, Mechanism: mechanism}
	if g := r.Greeting(); g != want {
		t.Errorf("greeting %+v, want %+v", g, want)
	}
	again := wire.AppendRest(wire.AppendVersion(wire.AppendSignature(nil)), want)
	// The padding tells a 1.0 peer how long the identity is. Ours is always sent as if it were
	// empty; libzmq's counts. 37/ZMTP, Detecting ZMTP 1.0 and 2.0 Peers
	padding := slices.Clone(b[:n])
	padding[8] = again[8]
	if !bytes.Equal(again, padding) {
		t.Errorf("greeting\n libzmq % x\n   ours % x", b[:n], again)
	}
	return b[n:]
}

func position(flags byte) string {
	if flags&wire.FlagMore != 0 {
		return "more"
	}
	return "last"
}

// describe says what a frame means, having checked that its meaning encodes to the same frame.
func describe(t *testing.T, file string, flags byte, frame, body []byte) string {
	t.Helper()
	if flags&wire.FlagCommand != 0 {
		text, again := describeCommand(t, body)
		if !bytes.Equal(again, frame) {
			t.Errorf("%s\n libzmq % x\n   ours % x", text, frame, again)
		}
		return text
	}
	switch {
	case file == "req-correlate" && len(body) == 4:
		return position(flags) + ", 4 bytes of id" // libzmq's id begins anywhere
	case file == "sub-3.0":
		again := wire.AppendSubscribeLegacy(nil, body[1:])
		if body[0] == 0 {
			again = wire.AppendCancelLegacy(nil, body[1:])
		}
		if !bytes.Equal(again, frame) {
			t.Errorf("subscription\n libzmq % x\n   ours % x", frame, again)
		}
	case len(body) > 32 && isCounted(body):
		return fmt.Sprintf("%s, %d counted bytes", position(flags), len(body))
	}
	return fmt.Sprintf("%s %q", position(flags), body)
}

// describeCommand says what a command means and encodes it from that.
func describeCommand(t *testing.T, body []byte) (text string, again []byte) {
	t.Helper()
	kind, data, err := wire.KindOf(body)
	if err != nil {
		t.Fatal(err)
	}
	switch kind {
	case wire.KindReady:
		var m wire.Metadata
		m, err = wire.ParseMetadata(data)
		for _, p := range m {
			text += fmt.Sprintf(" %s=%q", p.Name, p.Value)
		}
		text, again = kind.String()+text, wire.AppendReady(nil, m)
	case wire.KindError:
		var reason string
		reason, err = wire.ParseError(data)
		text, again = fmt.Sprintf("%v %q", kind, reason), wire.AppendError(nil, reason)
	case wire.KindPing:
		var ttl uint16
		var context []byte
		ttl, context, err = wire.ParsePing(data)
		text, again = fmt.Sprintf("%v ttl %d, context %q", kind, ttl, context), wire.AppendPing(nil, ttl, context)
	case wire.KindPong:
		text, again = fmt.Sprintf("%v %q", kind, data), wire.AppendPong(nil, data)
	case wire.KindSubscribe:
		text, again = fmt.Sprintf("%v %q", kind, data), wire.AppendSubscribe(nil, data)
	case wire.KindCancel:
		text, again = fmt.Sprintf("%v %q", kind, data), wire.AppendCancel(nil, data)
	default:
		t.Fatalf("command % x", body)
	}
	if err != nil {
		t.Fatalf("%v: %v", kind, err)
	}
	return text, again
}

// isCounted reports whether body is the recorder's pattern: 0, 1, 2 ... 250, 0, 1 ...
func isCounted(body []byte) bool {
	for i, c := range body {
		if int(c) != i%251 {
			return false
		}
	}
	return true
}
