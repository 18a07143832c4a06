// SPDX-License-Identifier: MPL-2.0

//go:build linux || darwin || freebsd

package transport

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

// pair returns both ends of a connection through a listener on endpoint.
func pair(t testing.TB, endpoint string) (dialled, accepted net.Conn) {
	t.Helper()
	l := listen(t, endpoint, Options{})
	dialled = dial(t, l.Endpoint(), Options{})
	return dialled, accept(t, l)
}

// onEach runs a test over every kind of stream.
func onEach(t *testing.T, test func(t *testing.T, a, b *Stream)) {
	for name, endpoint := range map[string]string{
		"tcp": "tcp://127.0.0.1:0",
		"ipc": "ipc://" + filepath.Join(shortDir(t), "s"),
	} {
		t.Run(name, func(t *testing.T) {
			a, b := pair(t, endpoint)
			test(t, a.(*Stream), b.(*Stream))
		})
	}
}

// pieces cuts n bytes that are hard to mix up into buffers of the given size, with empty ones
// in between.
func pieces(n, size int) (bufs [][]byte, all []byte) {
	all = make([]byte, n)
	for i := range all {
		all[i] = byte(i*7 + i>>8)
	}
	for b := range slices.Chunk(all, size) {
		bufs = append(bufs, b, nil)
	}
	return bufs, all
}

// after leaves out the first n bytes of bufs.
func after(bufs [][]byte, n int) [][]byte {
	for len(bufs) > 0 && n >= len(bufs[0]) {
		n -= len(bufs[0])
		bufs = bufs[1:]
	}
	if len(bufs) == 0 {
		return nil
	}
	return append([][]byte{bufs[0][n:]}, bufs[1:]...)
}

// collect is a Feeder that keeps what it is fed.
type collect struct {
	buf  [8 << 10]byte
	all  []byte
	lent bool
	idle int
	rest chan struct{} // if not nil, gets a value at each Idle
}

func (c *collect) Buffer() []byte { c.lent = true; return c.buf[:] }

func (c *collect) Idle() {
	c.lent = false
	c.idle++
	if c.rest != nil {
		c.rest <- struct{}{}
	}
}

func (c *collect) feed(s *Stream) error {
	n, err := s.Feed(c)
	c.all = append(c.all, c.buf[:n]...)
	return err
}

// readAll feeds until the end.
func (c *collect) readAll(s *Stream) error {
	for {
		if err := c.feed(s); err != nil {
			return err
		}
	}
}

func TestTryWriteNeverWaits(t *testing.T) {
	for _, size := range []int{1 << 20, 5000, 700} { // 700: far more buffers than one call takes
		onEach(t, func(t *testing.T, a, b *Stream) {
			bufs, all := pieces(8<<20, size)
			given := slices.Clone(bufs)
			sent, err := a.TryWrite(bufs)
			if err != nil || sent == 0 || sent == len(all) {
				t.Fatalf("TryWrite took %d of %d, %v", sent, len(all), err)
			}
			for range 3 { // until the kernel has settled
				n, err := a.TryWrite(after(bufs, sent))
				if err != nil {
					t.Fatal(err)
				}
				sent += n
			}
			for i := range bufs {
				if !bytes.Equal(bufs[i], given[i]) || len(bufs[i]) != len(given[i]) {
					t.Fatalf("buffer %d was changed", i)
				}
			}
			wrote := make(chan error)
			go func() {
				n, err := a.WriteBuffers(after(bufs, sent))
				if n != len(all)-sent {
					t.Errorf("WriteBuffers wrote %d of %d", n, len(all)-sent)
				}
				a.CloseWrite()
				wrote <- err
			}()
			var c collect
			if err := c.readAll(b); err != io.EOF {
				t.Errorf("read ended with %v", err)
			}
			if err := <-wrote; err != nil {
				t.Error(err)
			}
			if !bytes.Equal(c.all, all) {
				t.Errorf("%d bytes came, not the %d sent", len(c.all), len(all))
			}
		})
	}
}

func TestWritesOfNothing(t *testing.T) {
	onEach(t, func(t *testing.T, a, b *Stream) {
		for _, bufs := range [][][]byte{nil, {}, {nil}, {{}, nil, {}}} {
			if n, err := a.TryWrite(bufs); n != 0 || err != nil {
				t.Errorf("TryWrite: %d, %v", n, err)
			}
			if n, err := a.WriteBuffers(bufs); n != 0 || err != nil {
				t.Errorf("WriteBuffers: %d, %v", n, err)
			}
		}
	})
}

// TestWriteTellsHowMuch interrupts a write and compares what it says with what arrives.
func TestWriteTellsHowMuch(t *testing.T) {
	onEach(t, func(t *testing.T, a, b *Stream) {
		bufs, all := pieces(16<<20, 9999)
		a.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
		sent, err := a.WriteBuffers(bufs)
		if !errors.Is(err, os.ErrDeadlineExceeded) || sent == len(all) {
			t.Fatalf("wrote %d, %v", sent, err)
		}
		if n, err := a.TryWrite(bufs); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("TryWrite after the deadline: %d, %v", n, err)
		}
		a.CloseWrite()
		var c collect
		if err := c.readAll(b); err != io.EOF {
			t.Errorf("read ended with %v", err)
		}
		if !bytes.Equal(c.all, all[:sent]) {
			t.Errorf("said %d bytes, %d came", sent, len(c.all))
		}
	})
}

func TestWriteToTheDead(t *testing.T) {
	onEach(t, func(t *testing.T, a, b *Stream) {
		bufs, _ := pieces(16<<20, 1<<20)
		ended := make(chan error)
		go func() {
			var err error
			for err == nil { // the first may still fit the kernel's buffers
				_, err = a.WriteBuffers(bufs)
			}
			ended <- err
		}()
		io.ReadFull(b, make([]byte, 1000)) // with bytes unread, Close resets
		b.Close()
		err := <-ended
		if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("write ended with %v", err)
		}
		var op *net.OpError
		if !errors.As(err, &op) || op.Op != "write" {
			t.Errorf("%#v is no OpError of a write", err)
		}
		a.Close()
		if _, err := a.TryWrite(bufs); !errors.Is(err, net.ErrClosed) {
			t.Errorf("TryWrite after Close: %v", err)
		}
	})
}

func TestFeed(t *testing.T) {
	onEach(t, func(t *testing.T, a, b *Stream) {
		c := collect{rest: make(chan struct{})}
		ended := make(chan error)
		feed := func() { ended <- c.feed(b) }

		go feed()
		<-c.rest // nothing there: the buffer is given back, then the wait begins
		if _, err := a.Write([]byte("abc")); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil || string(c.all) != "abc" || !c.lent || c.idle != 1 {
			t.Fatalf("fed %q, lent %v, idle %d, %v", c.all, c.lent, c.idle, err)
		}

		go feed()
		<-c.rest
		b.SetReadDeadline(time.Unix(1, 0))
		if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) || c.lent {
			t.Fatalf("interrupted: lent %v, %v", c.lent, err)
		}
		b.SetReadDeadline(time.Time{})

		go feed()
		<-c.rest
		a.Close()
		if err := <-ended; err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
		b.Close()
		if err := c.feed(b); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

func TestFeedEndsWithClose(t *testing.T) {
	onEach(t, func(t *testing.T, a, b *Stream) {
		c := collect{rest: make(chan struct{})}
		ended := make(chan error)
		go func() { ended <- c.feed(b) }()
		<-c.rest
		b.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) || c.lent {
			t.Errorf("lent %v, %v", c.lent, err)
		}
	})
}

func TestFeedTellsOfReset(t *testing.T) {
	a, b := pair(t, "tcp://127.0.0.1:0")
	a.(*Stream).Conn.(*net.TCPConn).SetLinger(0)
	a.Close()
	err := new(collect).feed(b.(*Stream))
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%v, want a reset", err)
	}
}

type noBuffer struct{}

func (noBuffer) Buffer() []byte { return nil }
func (noBuffer) Idle()          {}

func TestFeedNeedsBuffer(t *testing.T) {
	a, _ := pair(t, "tcp://127.0.0.1:0")
	if _, err := a.(*Stream).Feed(noBuffer{}); !errors.Is(err, io.ErrShortBuffer) {
		t.Errorf("without a buffer: %v", err)
	}
}

// plain is a Feeder for which nothing is written down.
type plain struct{ buf [4096]byte }

func (p *plain) Buffer() []byte { return p.buf[:] }
func (p *plain) Idle()          {}

func TestNothingAllocated(t *testing.T) {
	onEach(t, func(t *testing.T, a, b *Stream) {
		// An echo on the other side makes a's Feed wait now and then.
		go func() {
			var p plain
			bufs := make([][]byte, 1)
			for {
				n, err := b.Feed(&p)
				if err != nil {
					return
				}
				bufs[0] = p.buf[:n]
				if _, err := b.WriteBuffers(bufs); err != nil {
					return
				}
			}
		}()
		var p plain
		bufs, all := pieces(600, 100)
		round := func(write func([][]byte) (int, error)) func() {
			return func() {
				if n, err := write(bufs); n != len(all) || err != nil {
					t.Errorf("wrote %d, %v", n, err)
				}
				for left := len(all); left > 0; {
					n, err := a.Feed(&p)
					if err != nil {
						t.Fatal(err)
					}
					left -= n
				}
			}
		}
		if n := testing.AllocsPerRun(200, round(a.TryWrite)); n != 0 {
			t.Errorf("TryWrite and Feed allocate %v times", n)
		}
		if n := testing.AllocsPerRun(200, round(a.WriteBuffers)); n != 0 {
			t.Errorf("WriteBuffers and Feed allocate %v times", n)
		}
	})
}
