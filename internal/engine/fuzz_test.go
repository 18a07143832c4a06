// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/security"
	"github.com/gzmq/zmq/internal/security/securitytest"
	"github.com/gzmq/zmq/internal/simnet"
	"github.com/gzmq/zmq/internal/wire"
)

// bench is an engine without any connection: bytes are fed by hand, and what it writes is kept.
type bench struct {
	*Engine
	owner   *owner
	written []byte
	closed  error
}

func newBench(cfg Config) *bench {
	b := &bench{owner: newOwner()}
	cfg.Pipe = pipe.New(b.owner, pipe.Limits{}, false)
	cfg.Ready = func(*pipe.Peer) error { return nil }
	b.owner.Attached(cfg.Pipe)
	b.Engine = New(cfg)
	cfg.Pipe.StartReading(b)
	cfg.Pipe.Connect(b, true)
	b.Start(time.Unix(0, 0))
	return b
}

// Flush, TryFlush, Room and Close implement pipe.Sink.
func (b *bench) Flush() { b.TryFlush() }
func (b *bench) TryFlush() {
	for bufs := b.Take(); bufs != nil; bufs = b.Take() {
		all := bytes.Join(bufs, nil)
		b.written = append(b.written, all...)
		b.Wrote(len(all), nil)
	}
}
func (b *bench) Room()           {}
func (b *bench) Close(err error) { b.closed = err }

// feed hands over data, as much at a time as step and the engine allow.
func (b *bench) feed(t *testing.T, data []byte, step int) error {
	for len(data) > 0 {
		buf := b.Buffer()
		if len(buf) == 0 {
			t.Fatal("an empty buffer")
		}
		n := copy(buf, data[:min(len(data), step)])
		data = data[n:]
		if err := b.Fed(n); err != nil {
			return err
		}
	}
	b.Idle()
	return nil
}

// received takes all messages and returns how many bytes and parts they have.
func (b *bench) received() (size, parts int) {
	var m pipe.Message
	for {
		if ok, _ := b.owner.fq.TryInto(&m); !ok {
			return size, parts
		}
		size += m.Size()
		parts += m.Len()
	}
}

// shake plays the peer's part of the sealing handshake.
func (b *bench) shake(t *testing.T) security.Sealer {
	h := (&securitytest.Mechanism{Key: "k"}).Handshake(wire.Metadata{{Name: "Socket-Type", Value: "PUSH"}})
	b.feed(t, greeting(securitytest.Name, 1), math.MaxInt)
	next, done := h.Start()[0], false
	for read := 64; !done; {
		b.feed(t, frame(wire.FlagCommand, string(next)), math.MaxInt)
		_, n, size, _ := wire.ParseHeader(b.written[read:])
		var err error
		if next, done, err = h.Receive(b.written[read+size : read+size+n]); err != nil {
			t.Fatal(err)
		}
		read += size + n
	}
	seal, _ := h.Session()
	return seal
}

// sealAll seals the frames that data is taken for: flags, two bytes of length, body.
func sealAll(seal security.Sealer, data []byte) (sealed []byte) {
	for len(data) >= 3 {
		flags, n := data[0], int(data[1])<<8|int(data[2])
		data = data[3:]
		n = min(n, len(data))
		body := seal.Seal(nil, flags, data[:n])
		sealed = append(wire.AppendHeader(sealed, 0, len(body)), body...)
		data = data[n:]
	}
	return sealed
}

// FuzzEngine feeds any bytes in any steps: from the first one on, behind a handshake, behind that
// of a sealing mechanism, and as the content of sealed frames.
func FuzzEngine(f *testing.F) {
	for _, h := range hostileHandshakes() {
		f.Add(byte(0), uint16(7), int64(-1), h.says)
	}
	for i, h := range hostileTraffic() {
		if len(h.says) < 10_000 {
			f.Add(byte(1), uint16(i), int64(1000), h.says)
			f.Add(byte(2), uint16(i), int64(-1), h.says)
		}
	}
	for i, parts := range messages(70_000) {
		var says []byte
		for j, part := range parts {
			says = append(says, frame(moreBefore(j, parts), part)...)
		}
		f.Add(byte(1), uint16(4000), int64(-1), says)
		f.Add(byte(5), uint16(i), int64(-1), says)
	}
	f.Add(byte(3), uint16(100), int64(50), []byte("\x01\x00\x01a\x04\x00\x07\x04PING\x00\x00\x00\x00\x01b\x00\xff\xff"))
	f.Fuzz(func(t *testing.T, mode byte, step uint16, maxSize int64, data []byte) {
		cfg := pull()
		cfg.MaxSize = maxSize
		if mode&2 != 0 {
			cfg.Mechanism = &securitytest.Mechanism{Server: true, Key: "k"}
		}
		if mode&4 != 0 {
			fuzzConn(t, cfg, int(step)+1, data)
			return
		}
		b := newBench(cfg)
		switch mode & 3 {
		case 1:
			b.feed(t, hello(), math.MaxInt)
		case 2:
			b.shake(t)
		case 3:
			data = sealAll(b.shake(t), data)
		}
		before := allocated()
		err := b.feed(t, data, int(step)+1)
		if cost := allocated() - before; cost > 8<<20+64*uint64(len(data)) {
			t.Errorf("%d bytes cost %d", len(data), cost)
		}
		typed(t, err)
		if size, parts := b.received(); size > len(data) || parts > len(data) {
			t.Errorf("%d bytes in %d parts out of %d bytes", size, parts, len(data))
		}
		b.pipe.Disconnect()
		b.received()
	})
}

// fuzzConn is the same with a connection, whose goroutines have to be gone at the end.
func fuzzConn(t *testing.T, cfg Config, step int, data []byte) {
	before := runtime.NumGoroutine()
	near, far := simnet.Pair(simnet.Options{MaxRead: step, MaxWrite: step, Buffer: len(data) + 1000})
	r := &rig{t: t, owner: newOwner()}
	r.pipe = pipe.New(r.owner, pipe.Limits{}, false)
	r.owner.Attached(r.pipe)
	cfg.Mechanism = security.Null{}
	r.start(near, cfg)
	far.Write(hello())
	far.Write(data)
	far.CloseWrite()
	typed(t, r.end())
	r.all()
	if stacks := left(before); stacks != "" {
		t.Error(stacks)
	}
}

// typed wants one of the errors that a peer may cause.
func typed(t *testing.T, err error) {
	t.Helper()
	var broken *wire.Error
	var version *wire.VersionError
	var types *IncompatibleError
	var refused *security.Refusal
	var network net.Error // the peer's end has gone while a PONG was written
	switch {
	case err == nil, errors.Is(err, io.EOF):
	case errors.As(err, &broken), errors.As(err, &version), errors.As(err, &types), errors.As(err, &refused), errors.As(err, &network):
	default:
		t.Errorf("ended with a %T: %v", err, err)
	}
}

// allocated is how many bytes were allocated until now.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
