// SPDX-License-Identifier: MPL-2.0

package securitytest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/gzmq/zmq/internal/security"
	"github.com/gzmq/zmq/internal/wire"
)

// shake takes two sides through their handshakes.
func shake(t *testing.T, client, server *Mechanism) (c, s security.Handshake) {
	t.Helper()
	c = client.Handshake(wire.Metadata{{Name: "Socket-Type", Value: "PUSH"}})
	s = server.Handshake(wire.Metadata{{Name: "Socket-Type", Value: "PULL"}})
	ends := [2]security.Handshake{s, c}
	queues := [2][][]byte{c.Start(), s.Start()}
	var done [2]bool
	for i := 0; len(queues[i]) > 0 && !(done[0] && done[1]); i = 1 - i {
		for _, command := range queues[i] {
			answer, over, err := ends[i].Receive(command)
			if err != nil {
				t.Fatal(err)
			}
			if answer != nil {
				queues[1-i] = append(queues[1-i], answer)
			}
			done[i] = over
		}
		queues[i] = nil
	}
	if !done[0] || !done[1] {
		t.Fatalf("done: server %v, client %v", done[0], done[1])
	}
	return c, s
}

func TestHandshake(t *testing.T) {
	c, s := shake(t, &Mechanism{Key: "k"}, &Mechanism{Server: true, Key: "k"})
	if got, _ := c.Metadata().Get("socket-type"); got != "PULL" {
		t.Errorf("the client knows a %q", got)
	}
	if got, _ := s.Metadata().Get("socket-type"); got != "PUSH" {
		t.Errorf("the server knows a %q", got)
	}
}

func TestFrames(t *testing.T) {
	c, s := shake(t, &Mechanism{Key: "k"}, &Mechanism{Server: true, Key: "k"})
	clientSeals, clientOpens := c.Session()
	serverSeals, serverOpens := s.Session()
	for _, way := range []struct {
		seal security.Sealer
		open security.Opener
	}{{clientSeals, serverOpens}, {serverSeals, clientOpens}} {
		for i, n := range []int{0, 1, 1, 255, 4096, 5000, 70000} {
			plain := bytes.Repeat([]byte("secret"), n/6+1)[:n]
			flags := byte(i) & (wire.FlagMore | wire.FlagCommand)
			sealed := way.seal.Seal([]byte("before"), flags, plain)[6:]
			if len(sealed) != n+Overhead || way.seal.Overhead() != Overhead || way.open.Overhead() != Overhead {
				t.Fatalf("%d bytes became %d", n, len(sealed))
			}
			if n > 6 && bytes.Contains(sealed, []byte("secret")) {
				t.Errorf("a body of %d bytes can be read", n)
			}
			got, err := way.open.Open([]byte("x"), sealed)
			if err != nil || got[0] != 'x' || got[1] != flags || !bytes.Equal(got[2:], plain) {
				t.Fatalf("%d bytes came back as %d, %v", n, len(got)-2, err)
			}
		}
	}
}

// TestRefused changes, repeats and leaves out.
func TestRefused(t *testing.T) {
	tests := map[string]func(frames [][]byte) [][]byte{
		"repeated":  func(f [][]byte) [][]byte { return [][]byte{f[0], f[0]} },
		"left out":  func(f [][]byte) [][]byte { return [][]byte{f[0], f[2]} },
		"exchanged": func(f [][]byte) [][]byte { return [][]byte{f[1], f[0]} },
		"too short": func(f [][]byte) [][]byte { return [][]byte{f[0][:Overhead-1]} },
		"cut":       func(f [][]byte) [][]byte { return [][]byte{f[0][:len(f[0])-1]} },
	}
	for i := range Overhead + 3 { // a bit of each byte
		tests[fmt.Sprintf("bit in byte %d", i)] = func(f [][]byte) [][]byte {
			f[0][i] ^= 1 << (i % 8)
			return f[:1]
		}
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			c, s := shake(t, &Mechanism{Key: "k"}, &Mechanism{Server: true, Key: "k"})
			seal, _ := c.Session()
			_, open := s.Session()
			var frames [][]byte
			for _, body := range []string{"one", "two", "six"} {
				frames = append(frames, seal.Seal(nil, 0, []byte(body)))
			}
			var err error
			for _, f := range change(frames) {
				if _, err = open.Open(nil, f); err != nil {
					break
				}
			}
			var broken *wire.Error
			if !errors.As(err, &broken) {
				t.Fatalf("error %v", err)
			}
			if broken.Code != wire.CodeCryptographic && name != "too short" {
				t.Errorf("code %v", broken.Code)
			}
		})
	}
}

func TestAnotherKey(t *testing.T) {
	c, s := shake(t, &Mechanism{Key: "k"}, &Mechanism{Server: true, Key: "other"})
	seal, _ := c.Session()
	_, open := s.Session()
	if _, err := open.Open(nil, seal.Seal(nil, 0, []byte("x"))); err == nil {
		t.Error("opened with another key")
	}
}

func TestSpoil(t *testing.T) {
	var numbers []uint64
	spoil := func(number uint64, sealed []byte) {
		numbers = append(numbers, number)
		if number == 1 {
			sealed[len(sealed)-1] ^= 1
		}
	}
	c, s := shake(t, &Mechanism{Key: "k", Spoil: spoil}, &Mechanism{Server: true, Key: "k"})
	seal, _ := c.Session()
	_, open := s.Session()
	for i := range 2 {
		_, err := open.Open(nil, seal.Seal(nil, 0, []byte("x")))
		if (err != nil) != (i == 1) {
			t.Errorf("frame %d: %v", i, err)
		}
	}
	if !slices.Equal(numbers, []uint64{0, 1}) {
		t.Errorf("numbers %v", numbers)
	}
}

func TestWrongCommands(t *testing.T) {
	nonce := make([]byte, nonceLen)
	for name, test := range map[string]struct {
		server bool
		body   []byte
		code   wire.Code
	}{
		"two clients":   {false, wire.AppendCommandBody(nil, hello, nonce), wire.CodeUnexpectedCommand},
		"two servers":   {true, wire.AppendCommandBody(nil, welcome, nonce), wire.CodeUnexpectedCommand},
		"READY at once": {true, wire.AppendReadyBody(nil, nil), wire.CodeUnexpectedCommand},
		"short HELLO":   {true, wire.AppendCommandBody(nil, hello, nonce[1:]), wire.CodeMalformedHello},
		"no command":    {true, nil, wire.CodeMalformedCommand},
		"bad ERROR":     {false, wire.AppendCommandBody(nil, "ERROR", nil), wire.CodeMalformedError},
	} {
		t.Run(name, func(t *testing.T) {
			h := (&Mechanism{Server: test.server}).Handshake(nil)
			h.Start()
			_, _, err := h.Receive(test.body)
			var broken *wire.Error
			if !errors.As(err, &broken) || broken.Code != test.code {
				t.Errorf("error %v, want %v", err, test.code)
			}
		})
	}
	h := (&Mechanism{}).Handshake(nil)
	h.Start()
	var refused *security.Refusal
	if _, _, err := h.Receive(wire.AppendCommandBody(nil, "ERROR", []byte("\x02no"))); !errors.As(err, &refused) || refused.Reason != "no" {
		t.Errorf("ERROR became %v", err)
	}
}
