// SPDX-License-Identifier: MPL-2.0

package simnet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var (
	_ net.Conn     = (*Conn)(nil)
	_ net.Listener = (*Listener)(nil)
)

func mustRead(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v; want %q", got, err, want)
	}
}

func mustWrite(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if n, err := c.Write([]byte(s)); n != len(s) || err != nil {
		t.Fatalf("wrote %d of %d: %v", n, len(s), err)
	}
}

func TestBothWays(t *testing.T) {
	a, b := Pair(Options{})
	mustWrite(t, a, "hello")
	mustWrite(t, b, "you")
	mustRead(t, b, "hello")
	mustRead(t, a, "you")
	if a.LocalAddr() != b.RemoteAddr() || a.RemoteAddr() != b.LocalAddr() || a.LocalAddr().Network() != "sim" {
		t.Errorf("addresses: %v %v, %v %v", a.LocalAddr(), a.RemoteAddr(), b.LocalAddr(), b.RemoteAddr())
	}
}

func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pair(Options{Latency: 30 * time.Millisecond})
		start := time.Now()
		mustWrite(t, a, "x")
		time.Sleep(10 * time.Millisecond)
		mustWrite(t, a, "y")
		for i, want := range []time.Duration{30 * time.Millisecond, 40 * time.Millisecond} {
			mustRead(t, b, "xy"[i:i+1])
			if took := time.Since(start); took != want {
				t.Errorf("byte %d took %v, want %v", i, took, want)
			}
		}
	})
}

func TestFullBufferHoldsWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pair(Options{Buffer: 4})
		wrote := make(chan error, 1)
		go func() {
			_, err := a.Write([]byte("abcdefgh"))
			wrote <- err
		}()
		synctest.Wait()
		select {
		case <-wrote:
			t.Fatal("eight bytes went into a buffer of four")
		default:
		}
		mustRead(t, b, "abcdefgh")
		if err := <-wrote; err != nil {
			t.Error(err)
		}
	})
}

func TestTryWrite(t *testing.T) {
	for _, test := range []struct {
		name    string
		options Options
		bufs    []string
		want    int
	}{
		{"room", Options{}, []string{"ab", "", "cd"}, 4},
		{"buffer", Options{Buffer: 3}, []string{"ab", "cd"}, 3},
		{"limit", Options{MaxWrite: 3}, []string{"ab", "cd"}, 3},
		{"limit at an edge", Options{MaxWrite: 2}, []string{"ab", "cd"}, 2},
		{"nothing", Options{}, nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, b := Pair(test.options)
			var bufs [][]byte
			var all []byte
			for _, s := range test.bufs {
				bufs = append(bufs, []byte(s))
				all = append(all, s...)
			}
			if n, err := a.TryWrite(bufs); n != test.want || err != nil {
				t.Errorf("TryWrite: %d, %v; want %d", n, err, test.want)
			}
			mustRead(t, b, string(all[:test.want]))
		})
	}
}

func TestMaxRead(t *testing.T) {
	a, b := Pair(Options{MaxRead: 2})
	mustWrite(t, a, "abc")
	p := make([]byte, 8)
	if n, err := b.Read(p); n != 2 || err != nil {
		t.Errorf("Read: %d, %v; want 2", n, err)
	}
}

func TestDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pair(Options{Buffer: 1})
		p := make([]byte, 1)

		a.SetReadDeadline(time.Now().Add(time.Second))
		start := time.Now()
		if _, err := a.Read(p); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("read ended with %v after %v", err, time.Since(start))
		}
		// A deadline that has passed wins over bytes that are there; taking it away brings them.
		mustWrite(t, b, "x")
		if _, err := a.Read(p); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read after its deadline: %v", err)
		}
		a.SetDeadline(time.Time{})
		mustRead(t, a, "x")

		// One that is set while a read waits interrupts it.
		ended := make(chan error)
		go func() {
			_, err := a.Read(p)
			ended <- err
		}()
		synctest.Wait()
		a.SetReadDeadline(time.Now().Add(-time.Second))
		if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("interrupted read: %v", err)
		}

		a.SetWriteDeadline(time.Now().Add(time.Second))
		if n, err := a.Write([]byte("xyz")); n != 1 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write: %d, %v; want 1 and the deadline", n, err)
		}
		if _, err := a.TryWrite([][]byte{p}); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("TryWrite after its deadline: %v", err)
		}
	})
}

func TestClose(t *testing.T) {
	a, b := Pair(Options{})
	mustWrite(t, a, "last")
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	mustRead(t, b, "last")
	p := make([]byte, 1)
	if _, err := b.Read(p); err != io.EOF {
		t.Errorf("peer reads %v, want EOF", err)
	}
	if _, err := b.Write(p); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("peer writes %v, want EPIPE", err)
	}
	for name, err := range map[string]error{
		"Read":        second(a.Read(p)),
		"Write":       second(a.Write(p)),
		"SetDeadline": a.SetDeadline(time.Time{}),
		"Close":       a.Close(),
	} {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
}

func second(_ int, err error) error { return err }

func TestCloseWrite(t *testing.T) {
	a, b := Pair(Options{})
	mustWrite(t, a, "q")
	a.CloseWrite()
	if got, err := io.ReadAll(b); string(got) != "q" || err != nil {
		t.Errorf("peer read %q, %v", got, err)
	}
	mustWrite(t, b, "answer")
	mustRead(t, a, "answer")
	if _, err := a.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("write after CloseWrite: %v", err)
	}
}

func TestCutEndsBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pair(Options{Buffer: 1})
		ended := make(chan error, 4)
		for _, c := range []*Conn{a, b} {
			go func() { ended <- second(c.Read(make([]byte, 1))) }()
		}
		synctest.Wait()
		b.Cut()
		for range 2 {
			if err := <-ended; !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("read ended with %v", err)
			}
		}
		if _, err := a.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("write: %v", err)
		}
	})
}

func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pair(Options{})
		b.Stall(true)
		mustWrite(t, a, "late")
		b.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := b.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("read through a standstill: %v", err)
		}
		b.SetReadDeadline(time.Time{})
		go func() {
			time.Sleep(time.Second)
			a.Stall(false)
		}()
		mustRead(t, b, "late")
	})
}

func TestListener(t *testing.T) {
	l := NewListener()
	a, err := l.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, a, "hi")
	mustRead(t, b, "hi")

	waiting, err := l.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := waiting.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a connection never accepted: %v", err)
	}
	if _, err := l.Dial(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("Dial after Close: %v", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v", err)
	}
	mustWrite(t, b, "still there")
	mustRead(t, a, "still there")
}

func TestListenerWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewListener()
		ended := make(chan error)
		go func() {
			_, err := l.Accept()
			ended <- err
		}()
		synctest.Wait()
		l.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept: %v", err)
		}

		l = NewListener()
		for range Backlog {
			if _, err := l.Dial(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := l.Dial(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Dial with a full backlog: %v", err)
		}
	})
}

// TestStream moves more than any buffer holds through a network that does everything in pieces.
func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pair(Options{Buffer: 1000, Latency: time.Millisecond, MaxRead: 7, MaxWrite: 13})
		want := make([]byte, 20_000)
		for i := range want {
			want[i] = byte(i * i >> 3)
		}
		go func() {
			a.Write(want)
			a.Close()
		}()
		got, err := io.ReadAll(b)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes came, %v", len(got), err)
		}
	})
}
