// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/gzmq/zmq/internal/security"
	"github.com/gzmq/zmq/internal/security/securitytest"
	"github.com/gzmq/zmq/internal/simnet"
	"github.com/gzmq/zmq/internal/wire"
)

// sealedPeer is a client that the test plays, after its handshake.
type sealedPeer struct {
	t    *testing.T
	nc   *simnet.Conn
	seal security.Sealer
	open security.Opener
}

// sealedRig is a PULL behind the sealing mechanism.
func sealedRig(t *testing.T, maxSize int64) (*rig, *sealedPeer) {
	cfg := pull()
	cfg.MaxSize, cfg.Mechanism = maxSize, &securitytest.Mechanism{Server: true, Key: "k"}
	r, nc := raw(t, cfg)
	return r, newSealedPeer(t, nc)
}

func newSealedPeer(t *testing.T, nc *simnet.Conn) *sealedPeer { return newSealedPeerOf(t, nc, "PUSH") }

func newSealedPeerOf(t *testing.T, nc *simnet.Conn, socketType string) *sealedPeer {
	t.Helper()
	h := (&securitytest.Mechanism{Key: "k"}).Handshake(wire.Metadata{{Name: "Socket-Type", Value: socketType}})
	nc.Write(greeting(securitytest.Name, 1))
	g := make([]byte, 64)
	if _, err := io.ReadFull(nc, g); err != nil || g[32] != 1 {
		t.Fatalf("greeting % x, %v", g, err)
	}
	next := h.Start()[0]
	for done := false; !done; {
		if next != nil {
			nc.Write(frame(wire.FlagCommand, string(next)))
		}
		flags, body := readFrame(t, nc)
		if flags != wire.FlagCommand {
			t.Fatalf("flags %#x in the handshake", flags)
		}
		var err error
		if next, done, err = h.Receive(body); err != nil {
			t.Fatal(err)
		}
	}
	p := &sealedPeer{t: t, nc: nc}
	p.seal, p.open = h.Session()
	synctest.Wait()
	return p
}

// readFrame reads one frame as it is on the wire.
func readFrame(t *testing.T, r io.Reader) (flags byte, body []byte) {
	t.Helper()
	header := make([]byte, 0, wire.MaxHeader)
	for {
		flags, n, size, err := wire.ParseHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		if size > 0 {
			body := make([]byte, n)
			if _, err := io.ReadFull(r, body); err != nil {
				t.Fatal(err)
			}
			return flags &^ wire.FlagLong, body
		}
		header = header[:len(header)+1]
		if _, err := io.ReadFull(r, header[len(header)-1:]); err != nil {
			t.Fatal(err)
		}
	}
}

// sealed is one frame, sealed, as it is on the wire.
func (p *sealedPeer) sealed(flags byte, body string) []byte {
	return frame(0, string(p.seal.Seal(nil, flags, []byte(body))))
}

// opened reads the next frame.
func (p *sealedPeer) opened() (flags byte, body string) {
	p.t.Helper()
	outer, sealed := readFrame(p.t, p.nc)
	plain, err := p.open.Open(nil, sealed)
	if err != nil || outer != 0 {
		p.t.Fatalf("outer flags %#x, %v", outer, err)
	}
	return plain[0], string(plain[1:])
}

// TestSealedFrames sends all sizes and shapes, with commands between, in several steps.
func TestSealedFrames(t *testing.T) {
	for _, step := range []int{1 << 20, 4096, 50} {
		synctest.Test(t, func(t *testing.T) {
			r, peer := sealedRig(t, -1)
			var want []string
			var says []byte
			for i, parts := range messages(70_000) {
				want = append(want, join(parts))
				for j, part := range parts {
					says = append(says, peer.sealed(moreBefore(j, parts), part)...)
					says = append(says, peer.sealed(wire.FlagCommand, "\x04PING\x00\x00"+fmt.Sprint(i))...)
				}
			}
			for chunk := range slices.Chunk(says, step) {
				peer.nc.Write(chunk)
			}
			synctest.Wait()
			if got := r.all(); !slices.Equal(got, want) {
				t.Errorf("in steps of %d: %d messages, want %d; %v", step, len(got), len(want), r.over())
			}
			var last string
			for last != "\x04PONG"+fmt.Sprint(len(want)-1) {
				var flags byte
				if flags, last = peer.opened(); flags != wire.FlagCommand {
					t.Fatalf("flags %#x", flags)
				}
			}
		})
	}
}

func moreBefore(i int, parts []string) byte {
	if i < len(parts)-1 {
		return wire.FlagMore
	}
	return 0
}

// TestSealedOut looks at the wire: one plain frame is one sealed frame, without flags.
func TestSealedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{SocketType: "DEALER", Mechanism: &securitytest.Mechanism{Server: true, Key: "k"}, MaxSize: -1}
		near, far := simnet.Pair(simnet.Options{Buffer: 3000})
		r := newRig(t, near, cfg)
		go func() {
			<-r.ended
			far.Close()
		}()
		peer := newSealedPeerOf(t, far, "DEALER")
		for _, parts := range messages(200_000) {
			r.send(parts...)
		}
		for _, parts := range messages(200_000) {
			for i, part := range parts {
				if flags, body := peer.opened(); flags != moreBefore(i, parts) || body != part {
					t.Fatalf("part of %d bytes with flags %#x, want %d", len(body), flags, len(part))
				}
			}
		}
	})
}

// TestSealedHostile: whatever was not sealed right ends the connection, and what came before it is
// delivered.
func TestSealedHostile(t *testing.T) {
	long := string(bytes.Repeat([]byte("x"), 100_000))
	for name, test := range map[string]struct {
		says func(p *sealedPeer) []byte
		code wire.Code
	}{
		"bit changed": {func(p *sealedPeer) []byte { b := p.sealed(0, "x"); b[len(b)-1] ^= 1; return b }, wire.CodeCryptographic},
		"bit changed in a long one": {func(p *sealedPeer) []byte {
			b := p.sealed(0, long)
			b[len(b)/2] ^= 0x10
			return b
		}, wire.CodeCryptographic},
		"number repeated":        {func(p *sealedPeer) []byte { b := p.sealed(0, "x"); return append(b, b...) }, wire.CodeCryptographic},
		"number left out":        {func(p *sealedPeer) []byte { p.sealed(0, "x"); return p.sealed(0, "y") }, wire.CodeCryptographic},
		"a command left out":     {func(p *sealedPeer) []byte { p.sealed(wire.FlagCommand, "\x01x"); return p.sealed(0, "y") }, wire.CodeCryptographic},
		"plain message":          {func(p *sealedPeer) []byte { return frame(0, "plain") }, wire.CodeMalformedMessage},
		"plain message, longer":  {func(p *sealedPeer) []byte { return frame(0, long) }, wire.CodeCryptographic},
		"MORE outside":           {func(p *sealedPeer) []byte { b := p.sealed(0, "x"); b[0] |= wire.FlagMore; return b }, wire.CodeMalformedMessage},
		"reserved flag outside":  {func(p *sealedPeer) []byte { b := p.sealed(0, "x"); b[0] |= 0x40; return b }, wire.CodeMalformedMessage},
		"reserved flag inside":   {func(p *sealedPeer) []byte { return p.sealed(0x40, "x") }, wire.CodeMalformedMessage},
		"command with MORE":      {func(p *sealedPeer) []byte { return p.sealed(wire.FlagCommand|wire.FlagMore, "\x01x") }, wire.CodeMalformedCommand},
		"long command":           {func(p *sealedPeer) []byte { return p.sealed(wire.FlagCommand, "\x01x"+long[:70_000]) }, wire.CodeMalformedCommand},
		"malformed command":      {func(p *sealedPeer) []byte { return p.sealed(wire.FlagCommand, "") }, wire.CodeMalformedCommand},
		"READY again":            {func(p *sealedPeer) []byte { return p.sealed(wire.FlagCommand, "\x05READY") }, wire.CodeUnexpectedCommand},
		"above the limit":        {func(p *sealedPeer) []byte { return p.sealed(0, long+long) }, wire.CodeMalformedMessage},
		"just above the limit":   {func(p *sealedPeer) []byte { return p.sealed(0, long+"x") }, wire.CodeMalformedMessage},
		"parts above the limit":  {func(p *sealedPeer) []byte { return append(p.sealed(1, long), p.sealed(0, "x")...) }, wire.CodeMalformedMessage},
		"announced 1 GiB":        {func(p *sealedPeer) []byte { return announce(0, 1<<30) }, wire.CodeMalformedMessage},
		"announced 2^63-1":       {func(p *sealedPeer) []byte { return announce(0, math.MaxInt64) }, wire.CodeMalformedMessage},
		"announced 2^64-1":       {func(p *sealedPeer) []byte { return announce(0, math.MaxUint64) }, wire.CodeMalformedMessage},
		"announced nothing":      {func(p *sealedPeer) []byte { return []byte{0, 0} }, wire.CodeMalformedMessage},
		"too short to be sealed": {func(p *sealedPeer) []byte { return frame(0, string(make([]byte, 32))) }, wire.CodeMalformedMessage},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, peer := sealedRig(t, 100_000)
				var want []string
				for _, body := range []string{"one", long, ""} {
					peer.nc.Write(peer.sealed(0, body))
					want = append(want, body)
				}
				says := test.says(peer)
				peer.nc.Write(says)
				synctest.Wait()
				var broken *wire.Error
				if !r.over() || !errors.As(r.err, &broken) || broken.Code != test.code {
					t.Fatalf("over: %v, with %v, want %v", r.over(), r.err, test.code)
				}
				if name == "number repeated" {
					want = append(want, "x")
				}
				if got := r.all(); !slices.Equal(got, want) {
					t.Errorf("received %d messages, want %d", len(got), len(want))
				}
			})
		})
	}
}

// TestSealedOverflow: without a limit only what no memory holds is refused, and nothing panics.
func TestSealedOverflow(t *testing.T) {
	for _, n := range []uint64{math.MaxInt64, math.MaxInt64 - 8, math.MaxInt64 - 9, math.MaxInt64 - 40, 1 << 62} {
		synctest.Test(t, func(t *testing.T) {
			r, peer := sealedRig(t, -1)
			say(t, peer.nc, append(announce(0, n), make([]byte, 10_000)...), 900)
			if r.over() {
				var broken *wire.Error
				if !errors.As(r.err, &broken) {
					t.Errorf("a frame of %d bytes ended with %v", n, r.err)
				}
			}
		})
	}
}

// TestSealedCommandsAndLimit: a limit for messages is none for commands.
func TestSealedCommandsAndLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, peer := sealedRig(t, 5)
		give(t, peer.nc, peer.sealed(wire.FlagCommand, "\x04PING\x00\x00context"))
		give(t, peer.nc, peer.sealed(0, "12345"))
		if r.over() {
			t.Fatalf("ended with %v", r.err)
		}
		if _, body := peer.opened(); body != "\x04PONGcontext" {
			t.Errorf("answered with %q", body)
		}
		give(t, peer.nc, peer.sealed(0, "123456"))
		if got := r.all(); !slices.Equal(got, []string{"12345"}) || !r.over() {
			t.Errorf("received %q, over: %v", got, r.over())
		}
	})
}

// TestSpoiledOnTheWay: what our own side seals and the network changes ends the peer's connection.
func TestSpoiledOnTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := simnet.Pair(simnet.Options{})
		client := &securitytest.Mechanism{Key: "k", Spoil: func(n uint64, sealed []byte) {
			if n == 5 {
				sealed[20] ^= 4
			}
		}}
		a := newRig(t, near, Config{SocketType: "PUSH", Mechanism: client, MaxSize: -1})
		cfg := pull()
		cfg.Mechanism = &securitytest.Mechanism{Server: true, Key: "k"}
		b := newRig(t, far, cfg)
		for i := range 10 {
			a.trySend(fmt.Sprint(i))
			synctest.Wait()
		}
		var broken *wire.Error
		if !b.over() || !errors.As(b.err, &broken) || broken.Code != wire.CodeCryptographic {
			t.Errorf("over: %v, with %v", b.over(), b.err)
		}
		if got := b.all(); !slices.Equal(got, []string{"0", "1", "2", "3", "4"}) {
			t.Errorf("received %q", got)
		}
	})
}
