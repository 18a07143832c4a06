// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"context"
	"fmt"
	"runtime/debug"
	"testing"
)

// allocations moves messages one at a time, and returns how many allocations each costs: those of
// both sides, of their goroutines and of the runtime.
func (a *arena) allocations(move func() error) float64 {
	a.Helper()
	// A collection in the middle would empty the pools, whose filling is counted then.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	const runs = 2000
	var failed error
	once := func() {
		if err := move(); err != nil {
			failed = err
		}
	}
	for range 500 { // until the slabs are as large as they get
		once()
	}
	n := testing.AllocsPerRun(runs, once)
	if failed != nil {
		a.Fatal(failed)
	}
	return n
}

// In the steady state Send, TrySend and RecvInto allocate nothing, and nor does what happens between
// them; SendMessage does not either, but for the message itself.
func TestNoAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	deadline, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		most float64
	}{
		"Background": {context.Background(), 0},
		// A Recv that waits on a connection of its own asks such a context to interrupt it: that
		// is what context.AfterFunc allocates.
		"WithTimeout": {deadline, 3},
	} {
		ctx := c.ctx
		for _, i := range mainTransports {
			for _, shape := range [][]int{{8}, {64}, {1024}, {4096}, {8, 64}, {1, 2, 3}, {0, 100, 1000, 8}} {
				t.Run(fmt.Sprint(name, "/", transports[i].name, "/", shape), func(t *testing.T) {
					a := newArena(t)
					push, pull := a.push(), a.pull()
					a.join(pull, push, transports[i].fresh(a))
					one, parts := make([]byte, shape[0]), make([][]byte, len(shape))
					for i, size := range shape {
						parts[i] = make([]byte, size)
					}
					var m Message
					recv := func(err error) error {
						if err == nil {
							err = pull.RecvInto(ctx, &m)
						}
						if err == nil && m.Len() != len(shape) {
							err = fmt.Errorf("%d parts", m.Len())
						}
						return err
					}
					calls := map[string]func() error{
						"Send":    func() error { return recv(push.Send(ctx, parts...)) },
						"TrySend": func() error { return recv(push.TrySend(parts...)) },
					}
					if len(shape) == 1 {
						calls["Send of one"] = func() error { return recv(push.Send(ctx, one)) }
					}
					for call, move := range calls {
						if n := a.allocations(move); n > c.most {
							t.Errorf("%s and RecvInto: %v allocations", call, n)
						}
					}
				})
			}
		}
	}
}

// A message that was received goes on without a copy of its own: what a proxy does costs nothing.
func TestNoAllocationsForwarding(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	for _, i := range mainTransports {
		for _, size := range []int{8, 1024} {
			t.Run(fmt.Sprint(transports[i].name, "/", size), func(t *testing.T) {
				a := newArena(t)
				in, out := a.push(), a.pull()
				front, back := a.pull(), a.push()
				a.join(front, in, transports[i].fresh(a))
				a.join(out, back, transports[i].fresh(a))
				ctx, part := context.Background(), make([]byte, size)
				var between, m Message
				n := a.allocations(func() error {
					if err := in.Send(ctx, part); err != nil {
						return err
					}
					if err := front.RecvInto(ctx, &between); err != nil {
						return err
					}
					if err := back.SendMessage(ctx, &between); err != nil {
						return err
					}
					return out.RecvInto(ctx, &m)
				})
				if n != 0 {
					t.Errorf("%v allocations", n)
				}
			})
		}
	}
}

// A request and its reply, by Send and RecvInto on both sides.
func TestNoAllocationsInRequests(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	for _, i := range mainTransports {
		t.Run(transports[i].name, func(t *testing.T) {
			a := newArena(t)
			req, rep := a.req(), a.rep()
			a.join(rep, req, transports[i].fresh(a))
			ctx, part := context.Background(), make([]byte, 64)
			var question, answer Message
			n := a.allocations(func() error {
				if err := req.Send(ctx, part); err != nil {
					return err
				}
				if err := rep.RecvInto(ctx, &question); err != nil {
					return err
				}
				if err := rep.Send(ctx, part); err != nil {
					return err
				}
				return req.RecvInto(ctx, &answer)
			})
			if n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}
