// SPDX-License-Identifier: MPL-2.0

package interop

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
)

// A pattern is two socket types that talk. The hops are what a side sees or puts in front of a
// message itself: REQ and REP do so behind the program's back.
type pattern struct {
	client, server         string
	clientHops, serverHops int
}

var patterns = []pattern{
	{"PUSH", "PULL", -1, -1},
	{"REQ", "REP", -1, -1},
	{"REQ", "ROUTER", -1, 0}, // the ROUTER sees REQ's delimiter
	{"DEALER", "REP", 0, -1}, // the DEALER makes REQ's delimiter
	{"DEALER", "REP", 2, -1}, // as if two ROUTERs stood between them
}

// ourTypes are the socket types that the library has.
var ourTypes = []string{"PUSH", "PULL", "REQ", "REP"}

// talk sends the batch, there alone or there and back.
func (p pattern) talk(client, server Side, b Batch) error {
	there, here := b, b
	there.Hops, here.Hops = p.serverHops, p.clientHops
	if p.client == "PUSH" {
		return both(func() error { return client.Send(here) }, func() error { return server.Recv(there) })
	}
	return both(func() error { return client.Request(here) }, func() error { return server.Reply(there) })
}

// both runs two halves of a conversation at once.
func both(a, b func() error) error {
	failed := make(chan error, 1)
	go func() { failed <- a() }()
	err := b()
	return errors.Join(<-failed, err)
}

// pairs are who talks with whom: client first. The last pair has nobody of ours; when it fails, the
// peers are to blame.
var pairs = [][2]string{
	{"ours", "c"}, {"c", "ours"}, {"ours", "pyzmq"}, {"pyzmq", "ours"}, {"c", "pyzmq"},
}

var transports = []string{"tcp", "ipc"}

// open makes a socket of that kind: ours, or a peer's.
func open(t *testing.T, kind, socketType string, options ...string) Side {
	t.Helper()
	if kind == "ours" {
		return openOurs(t, socketType, options...)
	}
	return openPeer(t, kind, socketType, options...)
}

// addresses counts the loopback addresses given out. Linux has the whole of 127/8.
var addresses atomic.Uint32

// endpoint is one to bind: a path of the test's own, or a port of the system's choice at an address
// of the test's own, so that no other test can take the port while nobody listens there.
func endpoint(t *testing.T, transport string) string {
	t.Helper()
	if transport == "tcp" {
		n := addresses.Add(1)
		return fmt.Sprintf("tcp://127.1.%d.%d:*", n>>8, n&255)
	}
	dir, err := os.MkdirTemp("", "z") // shorter than t.TempDir: 107 bytes must hold it
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return "ipc://" + filepath.Join(dir, "s")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// join binds one and connects the other, and returns the endpoint.
func join(t *testing.T, transport string, binder, connecter Side) string {
	t.Helper()
	bound, err := binder.Bind(endpoint(t, transport))
	must(t, err)
	must(t, connecter.Connect(bound))
	return bound
}

// shapes are the sizes at which something changes on the way: a frame's header, a slab, a buffer
// of the kernel; each of one part and of several.
func shapes() []Batch {
	var all []Batch
	first := 1
	add := func(count, size, parts int) {
		all = append(all, Batch{First: first, Count: count, Size: size, Parts: parts})
		first += count
	}
	for _, size := range []int{0, 1, 32, 255, 256, 65535, 65536, 300000, 4 << 20} {
		add(3, size, 1)
		add(3, size, 2)
	}
	add(20, 32, 200)
	add(500, 100, 3)
	return all
}

// TestMatrix sends every shape through every pattern, pair, transport and direction of connecting.
func TestMatrix(t *testing.T) {
	for _, p := range patterns {
		for _, pair := range pairs {
			if pair[0] == "ours" && !slices.Contains(ourTypes, p.client) ||
				pair[1] == "ours" && !slices.Contains(ourTypes, p.server) {
				continue
			}
			for _, transport := range transports {
				for _, binds := range []string{"client", "server"} {
					name := fmt.Sprintf("%s-%s/%d hops/%s-%s/%s/%s binds",
						p.client, p.server, p.clientHops+1, pair[0], pair[1], transport, binds)
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						testConversation(t, p, pair, transport, binds)
					})
				}
			}
		}
	}
}

func testConversation(t *testing.T, p pattern, pair [2]string, transport, binds string) {
	client, server := open(t, pair[0], p.client), open(t, pair[1], p.server)
	if binds == "client" {
		join(t, transport, client, server)
	} else {
		join(t, transport, server, client)
	}
	for _, b := range shapes() {
		if err := p.talk(client, server, b); err != nil {
			t.Fatalf("%v: %v", b, err)
		}
	}
	must(t, client.Close())
	must(t, server.Close())
}

// TestConnectFirst connects before there is anybody to connect to; what was sent waits.
func TestConnectFirst(t *testing.T) {
	for _, pair := range pairs {
		for _, transport := range transports {
			t.Run(fmt.Sprintf("%s-%s/%s", pair[0], pair[1], transport), func(t *testing.T) {
				t.Parallel()
				bound := freeEndpoint(t, transport)
				push, pull := open(t, pair[0], "PUSH"), open(t, pair[1], "PULL")
				b := Batch{First: 1, Count: 100, Size: 64, Parts: 2, Hops: -1}
				must(t, push.Connect(bound))
				must(t, push.Send(b))
				_, err := pull.Bind(bound)
				must(t, err)
				must(t, pull.Recv(b))
			})
		}
	}
}

// freeEndpoint is an endpoint on which nobody listens: one that was bound a moment ago.
func freeEndpoint(t *testing.T, transport string) string {
	t.Helper()
	if transport != "tcp" {
		return endpoint(t, transport)
	}
	p := openPeer(t, "c", "PULL")
	bound, err := p.Bind(endpoint(t, transport))
	must(t, err)
	must(t, p.Close())
	return bound
}

// TestSidesNotice shows each side something else than it was told to expect: a receiver that takes
// everything for right would make the whole matrix green.
func TestSidesNotice(t *testing.T) {
	sent := Batch{First: 1, Count: 1, Size: 100, Parts: 2, Hops: -1}
	wrong := map[string]Batch{
		"another message": {First: 2, Count: 1, Size: 100, Parts: 2, Hops: -1},
		"a longer part":   {First: 1, Count: 1, Size: 101, Parts: 2, Hops: -1},
		"one part less":   {First: 1, Count: 1, Size: 100, Parts: 1, Hops: -1},
		"one part more":   {First: 1, Count: 1, Size: 100, Parts: 3, Hops: -1},
	}
	for _, kind := range append([]string{"ours"}, kinds...) {
		push, pull := openPeer(t, "c", "PUSH"), open(t, kind, "PULL")
		join(t, "tcp", pull, push)
		for name, expected := range wrong {
			must(t, push.Send(sent))
			if err := pull.Recv(expected); err == nil {
				t.Errorf("%s took a message for %s", kind, name)
			}
		}
		must(t, push.Send(sent))
		must(t, pull.Recv(sent))
	}
}
