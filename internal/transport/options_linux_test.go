// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func getInt(t *testing.T, c any, level, option int) int {
	t.Helper()
	if s, ok := c.(*Stream); ok {
		c = s.Conn
	}
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var value int
	var optErr error
	if err := raw.Control(func(fd uintptr) { value, optErr = unix.GetsockoptInt(int(fd), level, option) }); err != nil {
		t.Fatal(err)
	}
	if optErr != nil {
		t.Fatal(optErr)
	}
	return value
}

func TestSocketOptions(t *testing.T) {
	o := Options{SendBuffer: 20_000, RecvBuffer: 30_000, Backlog: 17}
	l := listen(t, "tcp://127.0.0.1:0", o)
	a := dial(t, l.Endpoint(), o)
	b := accept(t, l)
	for _, test := range []struct {
		name          string
		level, option int
		want          int
	}{
		{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 0},
		{"SO_SNDBUF", unix.SOL_SOCKET, unix.SO_SNDBUF, 2 * 20_000}, // Linux doubles them
		{"SO_RCVBUF", unix.SOL_SOCKET, unix.SO_RCVBUF, 2 * 30_000},
		{"SO_PROTOCOL", unix.SOL_SOCKET, unix.SO_PROTOCOL, unix.IPPROTO_TCP}, // not MPTCP
	} {
		if got := getInt(t, a, test.level, test.option); got != test.want {
			t.Errorf("%s, dialled: %d, want %d", test.name, got, test.want)
		}
		if got := getInt(t, b, test.level, test.option); got != test.want {
			t.Errorf("%s, accepted: %d, want %d", test.name, got, test.want)
		}
	}
	raw, err := l.ln.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		// Of a listener, tcp_info tells the backlog as "sacked".
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil || info.Sacked != 17 {
			t.Errorf("backlog %+v, %v", info, err)
		}
	})

	l = listen(t, "ipc://"+filepath.Join(shortDir(t), "s"), o)
	for _, c := range []net.Conn{dial(t, l.Endpoint(), o), accept(t, l)} {
		if got := getInt(t, c, unix.SOL_SOCKET, unix.SO_SNDBUF); got != 2*20_000 {
			t.Errorf("ipc SO_SNDBUF %d", got)
		}
	}
}

// TestLockWaitsForOthers: a bind lets whoever has the directory's lock finish.
func TestLockWaitsForOthers(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	unlock, locked := lockFor(path)
	if !locked {
		t.Fatal("no lock")
	}
	done := make(chan struct{})
	go func() {
		l, err := Listen(parse(t, "ipc://"+path, true), Options{})
		if err != nil {
			t.Error(err)
		} else {
			l.Close()
		}
		close(done)
	}()
	select {
	case <-done:
		t.Fatal("bound without the lock")
	case <-time.After(20 * time.Millisecond): // no bind that ignored the lock takes so long
	}
	unlock()
	<-done
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc")
	}
	return len(entries)
}

// TestNothingLeft opens and closes everything, failures included, and counts.
func TestNothingLeft(t *testing.T) {
	dir := shortDir(t)
	round := func() {
		for _, endpoint := range []string{"tcp://127.0.0.1:0", "ipc://" + dir + "/s", "ipc://*"} {
			l, err := Listen(parse(t, endpoint, true), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Listen(parse(t, l.Endpoint(), true), Options{}); err == nil {
				t.Error("bound twice")
			}
			if endpoint != "tcp://127.0.0.1:0" {
				looked, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				looked.Close()
			}
			a, err := Dial(t.Context(), parse(t, l.Endpoint(), false), Options{})
			if err != nil {
				t.Fatal(err)
			}
			b, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			a.Close()
			b.Close()
			l.Close()
			if _, err := Dial(t.Context(), parse(t, l.Endpoint(), false), Options{}); err == nil {
				t.Error("connected to nobody")
			}
		}
	}
	round() // what Go opens once and keeps
	files, routines := openFiles(t), runtime.NumGoroutine()
	for range 5 {
		round()
	}
	if n := openFiles(t); n != files {
		t.Errorf("%d descriptors, %d before", n, files)
	}
	for range 100 {
		if runtime.NumGoroutine() <= routines {
			break
		}
		runtime.Gosched() // a timer's or a dialer's goroutine may be on its way out
	}
	if n := runtime.NumGoroutine(); n > routines {
		t.Errorf("%d goroutines, %d before", n, routines)
	}
}
