// SPDX-License-Identifier: MPL-2.0

//go:build linux || darwin || freebsd

package transport

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// leaveDead puts a socket at path on which nobody listens.
func leaveDead(t *testing.T, path string) {
	t.Helper()
	ln, err := listenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
}

func mustBeEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Errorf("left behind: %s", e.Name())
	}
}

func TestDeadSocketIsReplaced(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "s")
	leaveDead(t, path)
	l := listen(t, "ipc://"+path, Options{})
	exchange(t, dial(t, l.Endpoint(), Options{}), accept(t, l))
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	mustBeEmpty(t, dir)
}

func TestLivingSocketStays(t *testing.T) {
	l := listen(t, "ipc://"+filepath.Join(shortDir(t), "s"), Options{Backlog: 4})
	_, err := Listen(parse(t, l.Endpoint(), true), Options{})
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "somebody listens") {
		t.Fatalf("second bind: %v", err)
	}
	accept(t, l).Close() // the look whether somebody listens
	exchange(t, dial(t, l.Endpoint(), Options{}), accept(t, l))
}

// TestFullBacklogIsAlive: a listener that is too busy to answer is not a dead one.
func TestFullBacklogIsAlive(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems refuse when the backlog is full")
	}
	l := listen(t, "ipc://"+filepath.Join(shortDir(t), "s"), Options{Backlog: 1})
	for range 2 {
		dial(t, l.Endpoint(), Options{})
	}
	if _, err := Listen(parse(t, l.Endpoint(), true), Options{}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("second bind: %v", err)
	}
	exchange(t, dial(t, endpointAfter(t, l), Options{}), accept(t, l))
}

// endpointAfter makes room in the backlog and returns the endpoint.
func endpointAfter(t *testing.T, l *Listener) string {
	t.Helper()
	for range 2 {
		accept(t, l).Close()
	}
	return l.Endpoint()
}

func TestOtherFilesStay(t *testing.T) {
	dir := shortDir(t)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	sub := filepath.Join(dir, "sub")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, link, sub} {
		_, err := Listen(parse(t, "ipc://"+path, true), Options{})
		if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "no socket") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if got, err := os.ReadFile(link); string(got) != "precious" || err != nil {
		t.Errorf("the file is now %q, %v", got, err)
	}

	other, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "gram"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	_, err = Listen(parse(t, "ipc://"+other.LocalAddr().String(), true), Options{})
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a socket of another kind: %v", err)
	}

	_, err = Listen(parse(t, "ipc://"+filepath.Join(dir, "none", "s"), true), Options{})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
}

func TestCloseRemovesOnlyItsOwn(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	old := listen(t, "ipc://"+path, Options{})
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	young := listen(t, "ipc://"+path, Options{})
	if err := old.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	exchange(t, dial(t, young.Endpoint(), Options{}), accept(t, young))

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := young.Close(); err != nil {
		t.Errorf("Close without the file: %v", err)
	}
}

func TestRelativePath(t *testing.T) {
	dir := shortDir(t)
	t.Chdir(dir)
	l := listen(t, "ipc://s", Options{})
	exchange(t, dial(t, "ipc://s", Options{}), accept(t, l))
	t.Chdir("/")
	l.Close()
	mustBeEmpty(t, dir)
}

func TestWildcardPath(t *testing.T) {
	dir := shortDir(t)
	t.Setenv("TMPDIR", dir)
	a, b := listen(t, "ipc://*", Options{}), listen(t, "ipc://*", Options{})
	if a.Endpoint() == b.Endpoint() {
		t.Fatalf("both are %s", a.Endpoint())
	}
	info, err := os.Stat(filepath.Dir(strings.TrimPrefix(a.Endpoint(), "ipc://")))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("its directory: %v, %v", info, err)
	}
	exchange(t, dial(t, a.Endpoint(), Options{}), accept(t, a))
	a.Close()
	b.Close()
	mustBeEmpty(t, dir)

	long := filepath.Join(dir, strings.Repeat("d", 100))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", long)
	if _, err := Listen(parse(t, "ipc://*", true), Options{}); !errors.Is(err, ErrInvalid) {
		t.Errorf("no room for the path: %v", err)
	}
	mustBeEmpty(t, long)
}

func TestAbstractName(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("Linux only")
	}
	name := fmt.Sprintf("ipc://@zmq-test-%d", os.Getpid())
	l := listen(t, name, Options{})
	if l.Endpoint() != name {
		t.Errorf("bound %s", l.Endpoint())
	}
	exchange(t, dial(t, name, Options{}), accept(t, l))
	if _, err := Listen(parse(t, name, true), Options{}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("second bind: %v", err)
	}
	l.Close()
	listen(t, name, Options{})
}

// TestRaceForDeadSocket lets many bind one path at once, while some that win let go again: at no
// time have two of them the path, and in the end the last one is reached.
func TestRaceForDeadSocket(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, "s")
	e := parse(t, "ipc://"+path, true)
	for range 10 {
		leaveDead(t, path)
		var mu sync.Mutex
		var won []*Listener
		var all sync.WaitGroup
		start := make(chan struct{})
		for range 16 {
			all.Go(func() {
				<-start
				l, err := Listen(e, Options{})
				if err != nil {
					if !errors.Is(err, syscall.EADDRINUSE) {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				won = append(won, l)
				mu.Unlock()
			})
		}
		close(start)
		all.Wait()
		if len(won) != 1 {
			t.Fatalf("%d have won", len(won))
		}
		dial(t, e.Text, Options{}).Close()
		won[0].Close()
		mustBeEmpty(t, dir)
	}
}

// TestRaceWithClose has binds that come and go: one that succeeds is reachable until it closes,
// whatever others do meanwhile.
func TestRaceWithClose(t *testing.T) {
	dir := shortDir(t)
	e := parse(t, "ipc://"+filepath.Join(dir, "s"), true)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 25 {
				l, err := Listen(e, Options{})
				if errors.Is(err, syscall.EADDRINUSE) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				c, err := Dial(t.Context(), e, Options{})
				if err != nil {
					t.Errorf("the winner is not reached: %v", err)
				} else {
					c.Close()
				}
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	mustBeEmpty(t, dir)
}

// TestRaceOfProcesses is TestRaceForDeadSocket with processes. Each is this test again, with the
// path in its environment: it binds when its input has a line, tells how that went, and lets go
// when its input ends.
func TestRaceOfProcesses(t *testing.T) {
	const variable = "ZMQ_TEST_BIND"
	if path := os.Getenv(variable); path != "" {
		in := bufio.NewReader(os.Stdin)
		in.ReadString('\n')
		l, err := Listen(parse(t, "ipc://"+path, true), Options{})
		fmt.Println("won:", err == nil)
		io.Copy(io.Discard, in)
		if err == nil {
			l.Close()
		}
		return
	}
	dir := shortDir(t)
	path := filepath.Join(dir, "s")
	leaveDead(t, path)
	type child struct {
		cmd *exec.Cmd
		in  io.WriteCloser
		out *bufio.Reader
	}
	var children []child
	for range 4 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestRaceOfProcesses$")
		cmd.Env = append(os.Environ(), variable+"="+path)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		children = append(children, child{cmd, in, bufio.NewReader(out)})
	}
	for _, c := range children {
		io.WriteString(c.in, "go\n")
	}
	winners := 0
	for _, c := range children {
		line, err := c.out.ReadString('\n')
		if err != nil {
			t.Errorf("a child says %q, %v", line, err)
		}
		if line == "won: true\n" {
			winners++
		}
	}
	if winners != 1 {
		t.Errorf("%d have won", winners)
	} else {
		dial(t, "ipc://"+path, Options{}).Close()
	}
	for _, c := range children {
		c.in.Close()
	}
	for _, c := range children {
		io.Copy(io.Discard, c.out)
		if err := c.cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	mustBeEmpty(t, dir)
}
