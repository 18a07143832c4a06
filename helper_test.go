// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/security"
)

func TestMain(m *testing.M) {
	pipe.Poison() // whoever keeps recycled memory is found
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		l.Close() // the runtime's own descriptors are there from now on
	}
	os.Exit(m.Run())
}

// patience bounds what must happen. No test is green or red by how fast it does.
const patience = 20 * time.Second

// arena is where the sockets of one test live. At its end all of them are closed, and the test
// fails if a goroutine or a descriptor is left.
type arena struct {
	*testing.T
	ctx  context.Context
	zctx *Context

	// seal is what the sockets' connections are sealed with; nil is NULL.
	seal security.Mechanism
}

func newArena(t *testing.T) *arena {
	t.Helper()
	goroutines, descriptors := runtime.NumGoroutine(), openFiles()
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		settled := func() bool { return runtime.NumGoroutine() <= goroutines && openFiles() <= descriptors }
		if !poll(settled) {
			t.Errorf("%d goroutines and %d descriptors are left, there were %d and %d\n%s",
				runtime.NumGoroutine(), openFiles(), goroutines, descriptors, stacks())
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return &arena{T: t, ctx: ctx, zctx: NewContext(ContextOptions{})}
}

func stacks() string {
	var b bytes.Buffer
	pprof.Lookup("goroutine").WriteTo(&b, 1)
	return b.String()
}

// openFiles counts the descriptors of this process; 0 where it cannot.
func openFiles() int {
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(all)
}

// poll waits for what has no event.
func poll(done func() bool) bool {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if done() {
			return true
		}
	}
	return done()
}

func (a *arena) until(what string, done func() bool) {
	a.Helper()
	if !poll(done) {
		a.Fatalf("still not so: %s", what)
	}
}

// keep makes the socket part of the arena.
func (a *arena) keep(s Socket, err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
	if a.seal != nil {
		s.base().mechanism = a.seal
	}
	a.Cleanup(func() { drop(s) })
}

// drop closes without waiting for anybody.
func drop(s Socket) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.CloseContext(ctx)
}

func (a *arena) options(o []Options) Options {
	var one Options
	if len(o) > 0 {
		one = o[0]
	}
	if one.Context == nil {
		one.Context = a.zctx
	}
	if one.ReconnectInterval == 0 {
		one.ReconnectInterval = time.Millisecond
	}
	return one
}

func (a *arena) push(o ...Options) *Push {
	a.Helper()
	s, err := NewPush(a.options(o))
	a.keep(s, err)
	return s
}

func (a *arena) pull(o ...Options) *Pull {
	a.Helper()
	s, err := NewPull(a.options(o))
	a.keep(s, err)
	return s
}

func (a *arena) req(o ...Options) *Req {
	a.Helper()
	s, err := NewReq(a.options(o))
	a.keep(s, err)
	return s
}

func (a *arena) rep(o ...Options) *Rep {
	a.Helper()
	s, err := NewRep(a.options(o))
	a.keep(s, err)
	return s
}

// bind binds and returns what was bound.
func (a *arena) bind(s Socket, endpoint string) string {
	a.Helper()
	bound, err := s.Bind(endpoint)
	if err != nil {
		a.Fatal(err)
	}
	return bound
}

func (a *arena) connect(s Socket, endpoints ...string) {
	a.Helper()
	for _, endpoint := range endpoints {
		if err := s.Connect(endpoint); err != nil {
			a.Fatal(err)
		}
	}
}

// join binds one, connects the other and waits until both are there.
func (a *arena) join(binder, connector Socket, endpoint string) (bound string) {
	a.Helper()
	bound = a.bind(binder, endpoint)
	a.connect(connector, bound)
	a.peers(connector, 1)
	a.peers(binder, 1)
	return bound
}

func (a *arena) peers(s Socket, n int) {
	a.Helper()
	if err := s.WaitConnected(a.ctx, n); err != nil {
		a.Fatalf("waiting for %d peers: %v", n, err)
	}
}

// gone waits until s has n peers or fewer.
func (a *arena) gone(s Socket, n int) {
	a.Helper()
	a.until(fmt.Sprintf("at most %d peers", n), func() bool { return len(s.Stats().Peers) <= n })
}

func (a *arena) send(s Sender, parts ...string) {
	a.Helper()
	if err := s.Send(a.ctx, bodies(parts)...); err != nil {
		a.Fatalf("send %q: %v", parts, err)
	}
}

func (a *arena) recv(s Receiver, parts ...string) *PeerInfo {
	a.Helper()
	m, err := s.Recv(a.ctx)
	if err != nil {
		a.Fatalf("waiting for %q: %v", parts, err)
	}
	if got := texts(&m); !equal(got, parts) {
		a.Fatalf("received %q, want %q", got, parts)
	}
	return m.Peer()
}

func bodies(parts []string) [][]byte {
	all := make([][]byte, len(parts))
	for i, part := range parts {
		all[i] = []byte(part)
	}
	return all
}

func texts(m *Message) []string {
	all := make([]string, m.Len())
	for i, part := range m.Parts() {
		all[i] = string(part)
	}
	return all
}

func equal(a, b []string) bool {
	return len(a) == len(b) && fmt.Sprint(a) == fmt.Sprint(b)
}

// nothing says that there is no message now.
func (a *arena) nothing(s Receiver) {
	a.Helper()
	if m, err := s.TryRecv(); !errors.Is(err, ErrAgain) {
		a.Fatalf("received %q, %v; want ErrAgain", texts(&m), err)
	}
}

func (a *arena) wantError(what string, err, want error) {
	a.Helper()
	if !errors.Is(err, want) {
		a.Fatalf("%s: %v, want %v", what, err, want)
	}
}

// transports are all ways to reach each other. fresh returns an endpoint to bind, with a name of
// its own.
var transports = []struct {
	name  string
	fresh func(a *arena) string
}{
	{"tcp4", func(*arena) string { return "tcp://127.0.0.1:0" }},
	{"tcp6", func(a *arena) string {
		l, err := net.Listen("tcp6", "[::1]:0")
		if err != nil {
			a.Skip("no IPv6 here: ", err)
		}
		l.Close()
		return "tcp://[::1]:0"
	}},
	{"ipc", func(a *arena) string { return "ipc://" + filepath.Join(a.shortDir(), "s") }},
	{"ipc-abstract", func(a *arena) string {
		if runtime.GOOS != "linux" {
			a.Skip("abstract sockets are Linux's")
		}
		return fmt.Sprintf("ipc://@gzmq-test-%d-%d", os.Getpid(), serial.Add(1))
	}},
	{"ipc-wildcard", func(*arena) string { return "ipc://*" }},
	{"inproc", func(*arena) string { return fmt.Sprintf("inproc://%d", serial.Add(1)) }},
}

var serial atomic.Int64

// mainTransports are one of each kind.
var mainTransports = []int{0, 2, 5}

// eachTransport runs a test over tcp, ipc and inproc.
func eachTransport(t *testing.T, f func(a *arena, endpoint string)) {
	for _, i := range mainTransports {
		t.Run(transports[i].name, func(t *testing.T) {
			a := newArena(t)
			f(a, transports[i].fresh(a))
		})
	}
}

// shortDir is a folder whose path leaves room for a socket's name.
func (a *arena) shortDir() string {
	dir, err := os.MkdirTemp("", "z")
	if err != nil {
		a.Fatal(err)
	}
	a.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// logTo is a logger whose lines can be read.
func logTo(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// together runs f in n goroutines of its own and returns the errors.
func together(n int, f func(i int) error) <-chan error {
	results := make(chan error, n)
	for i := range n {
		go func() { results <- f(i) }()
	}
	return results
}

// all fails unless n results are nil.
func (a *arena) all(results <-chan error, n int) {
	a.Helper()
	for range n {
		if err := a.result(results); err != nil {
			a.Fatal(err)
		}
	}
}

// result is the next of results.
func (a *arena) result(results <-chan error) error {
	a.Helper()
	select {
	case err := <-results:
		return err
	case <-time.After(patience):
		a.Fatalf("a call does not return\n%s", stacks())
		return nil
	}
}

// allocated is how much memory was ever allocated.
func allocated() uint64 {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.TotalAlloc
}
