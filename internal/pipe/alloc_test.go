// SPDX-License-Identifier: MPL-2.0

//go:build !race

package pipe

import "testing"

// The race detector makes pools forget at random, so that what is allocated with it says nothing.

// TestSendAllocates: nothing, once there is a slab.
func TestSendAllocates(t *testing.T) {
	p, sink, _ := connected(Limits{Send: 1000}, true)
	var bufs [][]byte
	write := func() {
		for b := p.Take(); b != nil; b = p.Take() {
			bufs = b.AppendTo(bufs[:0])
			n := 0
			for _, buf := range bufs {
				n += len(buf)
			}
			p.Wrote(n, 0, nil)
		}
	}
	sink.flush, sink.tryFlush = nil, write
	var envelope = []byte{1, 0}
	for name, c := range map[string]struct {
		head  []byte
		parts message
		n     int
	}{
		"one":       {nil, message{body(1, 64)}, 1},
		"ten":       {nil, message{body(1, 64)}, 10},
		"long":      {nil, message{body(1, 3000)}, 10},
		"parts":     {nil, message{body(1, 10), nil, body(2, 500)}, 3},
		"envelope":  {envelope, message{body(1, 10)}, 1},
		"large":     {nil, message{body(1, Large)}, 1},
		"a mixture": {nil, message{body(1, 10), body(2, Large), body(3, 300)}, 2},
	} {
		got := testing.AllocsPerRun(200, func() {
			p.out.writing = true
			for range c.n {
				p.Send(c.head, c.parts)
			}
			write()
		})
		if got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}

// TestReceiveAllocates: nothing, into a message that is used again.
func TestReceiveAllocates(t *testing.T) {
	for name, m := range map[string]message{
		"short": {body(1, 64)},
		"long":  {body(1, 3000)},
		"parts": {body(1, 10), nil, body(2, 500)},
		"large": {body(1, 3*Large)},
		"mixed": {body(1, 10), body(2, Large), body(3, 300)},
	} {
		stream := m.frames()
		f := newFeeder(Limits{Recv: 10}, Large, nil)
		var into Message
		got := testing.AllocsPerRun(200, func() {
			f.stream = stream
			for ok := true; ok; ok, _ = f.read(1 << 20) {
			}
			if !receive(f.p, &into) {
				t.Fatal("no message")
			}
		})
		if got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}

// TestLinkedAllocates: nothing either, in any direction.
func TestLinkedAllocates(t *testing.T) {
	a, b := linked(Limits{Send: 100}, Limits{Recv: 100})
	var into, back Message
	for name, m := range map[string]message{
		"short": {body(1, 64)},
		"parts": {body(1, 10), nil, body(2, 500)},
		"own":   {body(1, Own)},
		"large": {body(1, Large)},
	} {
		got := testing.AllocsPerRun(200, func() {
			a.Send(nil, m)
			receive(b, &into)
		})
		if got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
		room := make(message, 8)
		got = testing.AllocsPerRun(200, func() {
			a.Send(nil, m)
			receive(b, &into)
			b.SendMessage(nil, &into, room)
			receive(a, &back)
		})
		if got != 0 {
			t.Errorf("%s, sent back: %v allocations", name, got)
		}
	}
}
