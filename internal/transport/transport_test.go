// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func parse(t testing.TB, s string, bind bool) Endpoint {
	t.Helper()
	e, err := Parse(s, bind)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return e
}

func listen(t testing.TB, s string, o Options) *Listener {
	t.Helper()
	l, err := Listen(parse(t, s, true), o)
	if err != nil {
		t.Fatalf("listen on %s: %v", s, err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func dial(t testing.TB, s string, o Options) net.Conn {
	t.Helper()
	c, err := Dial(t.Context(), parse(t, s, false), o)
	if err != nil {
		t.Fatalf("dial %s: %v", s, err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func accept(t testing.TB, l *Listener) net.Conn {
	t.Helper()
	c, err := l.Accept()
	if err != nil {
		t.Fatalf("accept on %s: %v", l.Endpoint(), err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// shortDir is a directory whose name leaves room in a socket's path.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "z")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// exchange sends a byte each way.
func exchange(t *testing.T, a, b net.Conn) {
	t.Helper()
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		if _, err := way[0].Write([]byte{42}); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 1)
		if _, err := io.ReadFull(way[1], got); err != nil || got[0] != 42 {
			t.Fatalf("read %v, %v", got, err)
		}
	}
}

// names is a Resolver that knows its entries by heart.
type names map[string][]string

func (n names) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	var ips []netip.Addr
	for _, s := range n[host] {
		if ip := netip.MustParseAddr(s); network == "ip" || ip.Is4() {
			ips = append(ips, ip)
		}
	}
	if len(ips) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return ips, nil
}

// always is a Resolver with one answer to everything.
type always string

func (a always) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr(string(a))}, nil
}

func hasIPv6(t testing.TB) bool {
	t.Helper()
	ln, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	ln.Close()
	return true
}

func port(t *testing.T, l *Listener) int {
	t.Helper()
	return l.Addr().(*net.TCPAddr).Port
}

func TestConnectToWhatWasBound(t *testing.T) {
	ipv6 := hasIPv6(t)
	dir := shortDir(t)
	tests := []struct {
		bind string
		o    Options
		ipv6 bool
		want string // with %d for the port
	}{
		{bind: "tcp://127.0.0.1:*", want: "tcp://127.0.0.1:%d"},
		{bind: "tcp://*:*", want: "tcp://0.0.0.0:%d"},
		{bind: "tcp://0:0", want: "tcp://0.0.0.0:%d"},
		{bind: "tcp://0.0.0.0:0", o: Options{IPv6: true}, want: "tcp://0.0.0.0:%d"},
		{bind: "tcp://localhost:0", want: "tcp://127.0.0.1:%d"},
		{bind: "tcp://*:0", o: Options{IPv6: true}, ipv6: true, want: "tcp://[::]:%d"},
		{bind: "tcp://[::]:0", ipv6: true, want: "tcp://[::]:%d"},
		{bind: "tcp://[::1]:0", ipv6: true, want: "tcp://[::1]:%d"},
		{bind: "tcp://[::ffff:127.0.0.1]:0", want: "tcp://127.0.0.1:%d"},
		{bind: "ipc://" + dir + "/s", want: "ipc://" + dir + "/s"},
		{bind: "ipc://*"},
	}
	for _, test := range tests {
		t.Run(test.bind, func(t *testing.T) {
			if test.ipv6 && !ipv6 {
				t.Skip("no IPv6 here")
			}
			l := listen(t, test.bind, test.o)
			want := test.want
			if addr, ok := l.Addr().(*net.TCPAddr); ok {
				want = fmt.Sprintf(test.want, addr.Port)
			}
			if want != "" && l.Endpoint() != want {
				t.Errorf("bound %s, want %s", l.Endpoint(), want)
			}
			exchange(t, dial(t, l.Endpoint(), Options{}), accept(t, l))
		})
	}
}

func TestCloseWakesAccept(t *testing.T) {
	for _, endpoint := range []string{"tcp://127.0.0.1:0", "ipc://" + filepath.Join(shortDir(t), "s")} {
		l := listen(t, endpoint, Options{})
		ended := make(chan error)
		go func() {
			_, err := l.Accept()
			ended <- err
		}()
		if err := l.Close(); err != nil {
			t.Errorf("%s: Close: %v", endpoint, err)
		}
		if err := <-ended; !errors.Is(err, net.ErrClosed) || IsTransient(err) {
			t.Errorf("%s: Accept: %v", endpoint, err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("%s: second Close: %v", endpoint, err)
		}
	}
}

func TestRefused(t *testing.T) {
	l := listen(t, "tcp://127.0.0.1:0", Options{})
	dir := shortDir(t)
	dead := listen(t, "ipc://"+dir+"/dead", Options{})
	dead.ln.Close() // and its file stays
	endpoints := []string{l.Endpoint(), dead.Endpoint()}
	l.Close()
	for _, endpoint := range endpoints {
		_, err := Dial(t.Context(), parse(t, endpoint, false), Options{})
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
	_, err := Dial(t.Context(), parse(t, "ipc://"+dir+"/none", false), Options{})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestInprocHasNoWire(t *testing.T) {
	e := parse(t, "inproc://x", true)
	if _, err := Dial(t.Context(), e, Options{}); !errors.Is(err, ErrNotSupported) {
		t.Errorf("Dial: %v", err)
	}
	if _, err := Listen(e, Options{}); !errors.Is(err, ErrNotSupported) {
		t.Errorf("Listen: %v", err)
	}
}

func TestIsTransient(t *testing.T) {
	wrapped := func(err error) error {
		return &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", err)}
	}
	for err, want := range map[error]bool{
		wrapped(syscall.EMFILE):       true,
		wrapped(syscall.ENFILE):       true,
		wrapped(syscall.ENOBUFS):      true,
		wrapped(syscall.ENOMEM):       true,
		wrapped(syscall.ECONNABORTED): true,
		wrapped(syscall.EINTR):        true,
		wrapped(syscall.EBADF):        false,
		net.ErrClosed:                 false,
	} {
		if got := IsTransient(err); got != want {
			t.Errorf("%v: %v", err, got)
		}
	}
	if IsTransient(nil) {
		t.Error("nil passes by itself")
	}
}
