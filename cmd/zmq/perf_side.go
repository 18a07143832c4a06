// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gzmq/zmq"
)

// A side is one end of a measurement, not yet bound or connected.
type side struct {
	sock     zmq.Socket
	measures bool   // it has the clock
	did      string // with the messages, for the user
	loop     func(ctx context.Context, step stepFunc) (sample, error)
}

// A stepFunc is told now and then how many of all messages are through.
type stepFunc func(done, all int)

// work runs the side to its end and closes its socket.
func (s side) work(ctx context.Context, step stepFunc) (sample, error) {
	got, err := s.loop(ctx, step)
	return got, errors.Join(err, s.sock.CloseContext(ctx))
}

// receiver is the side that binds.
func (j job) receiver(o zmq.Options) (side, error) {
	if j.pattern == latency {
		rep, err := zmq.NewRep(o)
		return side{rep, false, "answered", func(ctx context.Context, step stepFunc) (sample, error) {
			return sample{}, j.answer(ctx, rep, step)
		}}, err
	}
	pull, err := zmq.NewPull(o)
	return side{pull, true, "received", func(ctx context.Context, step stepFunc) (sample, error) {
		return j.receive(ctx, pull, step)
	}}, err
}

// sender is the side that connects.
func (j job) sender(o zmq.Options) (side, error) {
	if j.pattern == latency {
		req, err := zmq.NewReq(o)
		return side{req, true, "asked", func(ctx context.Context, step stepFunc) (sample, error) {
			return j.ask(ctx, req, step)
		}}, err
	}
	push, err := zmq.NewPush(o)
	return side{push, false, "sent", func(ctx context.Context, step stepFunc) (sample, error) {
		return sample{}, j.send(ctx, push, step)
	}}, err
}

// send pushes all messages, those of the warm-up too.
func (j job) send(ctx context.Context, push *zmq.Push, step stepFunc) error {
	body := make([]byte, j.size)
	return j.inSteps(j.warmup+j.count, step, func() error { return push.Send(ctx, body) })
}

// receive takes all messages and times those after the warm-up. The clock starts when the last message
// before them has arrived; without a warm-up that is the first of the count itself.
func (j job) receive(ctx context.Context, pull *zmq.Pull, step stepFunc) (sample, error) {
	var m zmq.Message
	next := func() error {
		if err := pull.RecvInto(ctx, &m); err != nil {
			return err
		}
		return j.check(&m)
	}
	before := max(j.warmup, 1)
	if err := j.inSteps(before, func(int, int) {}, next); err != nil {
		return sample{}, err
	}
	// One message is the mark at which the clock starts, and so is not counted.
	timed := j.warmup + j.count - before
	start := time.Now()
	err := j.inSteps(timed, step, next)
	return sample{perSecond: perSecond(timed, time.Since(start))}, err
}

// answer sends every request back.
func (j job) answer(ctx context.Context, rep *zmq.Rep, step stepFunc) error {
	var m zmq.Message
	return j.inSteps(j.warmup+j.count, step, func() error {
		if err := rep.RecvInto(ctx, &m); err != nil {
			return err
		}
		if err := j.check(&m); err != nil {
			return err
		}
		return rep.Send(ctx, m.Bytes())
	})
}

// ask times every round trip after the warm-up.
func (j job) ask(ctx context.Context, req *zmq.Req, step stepFunc) (sample, error) {
	// No trip includes the way to the first connection, warm-up or not.
	if err := req.WaitConnected(ctx, 1); err != nil {
		return sample{}, err
	}
	body := make([]byte, j.size)
	var m zmq.Message
	var trip time.Duration
	next := func() error {
		start := time.Now()
		if err := req.Send(ctx, body); err != nil {
			return err
		}
		if err := req.RecvInto(ctx, &m); err != nil {
			return err
		}
		trip = time.Since(start)
		return j.check(&m)
	}
	if err := j.inSteps(j.warmup, func(int, int) {}, next); err != nil {
		return sample{}, err
	}
	trips := make([]time.Duration, 0, min(j.count, 1<<20))
	start := time.Now()
	err := j.inSteps(j.count, step, func() error {
		err := next()
		trips = append(trips, trip)
		return err
	})
	if err != nil {
		return sample{}, err
	}
	s := sample{perSecond: perSecond(j.count, time.Since(start))}
	slices.Sort(trips)
	s.p50, s.p99, s.p999 = percentile(trips, 0.5), percentile(trips, 0.99), percentile(trips, 0.999)
	return s, nil
}

// check finds a peer that does not measure the same thing.
func (j job) check(m *zmq.Message) error {
	if m.Len() != 1 || len(m.Bytes()) != j.size {
		return fmt.Errorf("got %d bytes in %d parts, want %d bytes in one: the other side needs the same --size", m.Size(), m.Len(), j.size)
	}
	return nil
}

// inSteps does it n times and reports a hundred times on the way.
func (j job) inSteps(n int, step stepFunc, do func() error) error {
	every := max(n/100, 1) // rarely enough not to show in the measurement
	for done := 0; done < n; {
		for range min(every, n-done) {
			if err := do(); err != nil {
				return err
			}
			done++
		}
		step(done, n)
	}
	return nil
}
