// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/gzmq/zmq"
)

// peerArg is the hidden first argument of a process that is one of gzmq's sides.
const peerArg = "gzmq-peer"

// gzmqSide starts this very program again.
type gzmqSide struct{ self string }

func newGzmq() (gzmqSide, error) {
	self, err := os.Executable()
	return gzmqSide{self}, err
}

func (gzmqSide) name() string { return "gzmq" }

func (g gzmqSide) command(pattern string) (string, []string) {
	return g.self, []string{peerArg, pattern}
}

// A job is what one process has to do, from its arguments.
type job struct {
	pattern, role, endpoint string
	size, count             int
	receive                 string
}

func parseJob(args []string) (job, error) {
	if len(args) != 6 {
		return job{}, fmt.Errorf("want PATTERN ROLE ENDPOINT SIZE COUNT RECEIVE, got %q", args)
	}
	j := job{pattern: args[0], role: args[1], endpoint: args[2], receive: args[5]}
	var sizeErr, countErr error
	j.size, sizeErr = strconv.Atoi(args[3])
	j.count, countErr = strconv.Atoi(args[4])
	if err := errors.Join(sizeErr, countErr); err != nil {
		return job{}, err
	}
	if j.size < 0 || j.count < 2 {
		return job{}, fmt.Errorf("cannot measure %d messages of %d B", j.count, j.size)
	}
	return j, nil
}

// peerMain is one gzmq process of a run.
func peerMain(args []string) error {
	j, err := parseJob(args)
	if err != nil {
		return err
	}
	receiving, sending := j.pull, j.push
	if j.pattern == lat {
		receiving, sending = j.echo, j.ask
	}
	switch j.role {
	case roleBind:
		return receiving(func(bound string) { fmt.Println("bound", bound) })
	case roleConnect:
		return sending(j.endpoint)
	case roleInproc:
		sent := make(chan error, 1)
		err := receiving(func(bound string) { go func() { sent <- sending(bound) }() })
		if err != nil {
			return err // the sender may never have been started
		}
		return <-sent
	}
	return fmt.Errorf("unknown role %q", j.role)
}

// pull receives count messages and says how long it took from the first to the last.
func (j job) pull(bound func(string)) error {
	s, err := zmq.NewPull(zmq.Options{})
	if err != nil {
		return err
	}
	at, err := s.Bind(j.endpoint)
	if err != nil {
		return err
	}
	bound(at)
	// One loop for each way, so that neither pays for the choice.
	run := j.pullInto
	if j.receive == fresh {
		run = j.pullFresh
	}
	took, err := run(s)
	if err != nil {
		return err
	}
	fmt.Println("took", took.Nanoseconds())
	return s.Close()
}

func (j job) pullInto(s *zmq.Pull) (time.Duration, error) {
	ctx := context.Background()
	var m zmq.Message
	var begin time.Time
	for i := range j.count {
		if err := s.RecvInto(ctx, &m); err != nil {
			return 0, err
		}
		if m.Size() != j.size {
			return 0, j.wrongSize(i, m.Size())
		}
		if i == 0 {
			begin = time.Now()
		}
	}
	return time.Since(begin), nil
}

func (j job) pullFresh(s *zmq.Pull) (time.Duration, error) {
	ctx := context.Background()
	var begin time.Time
	for i := range j.count {
		m, err := s.Recv(ctx)
		if err != nil {
			return 0, err
		}
		if m.Size() != j.size {
			return 0, j.wrongSize(i, m.Size())
		}
		if i == 0 {
			begin = time.Now()
		}
	}
	return time.Since(begin), nil
}

func (j job) wrongSize(i, got int) error {
	return fmt.Errorf("message %d has %d B, not %d", i, got, j.size)
}

// push sends count messages. Close waits until they are with the kernel.
func (j job) push(endpoint string) error {
	s, err := zmq.NewPush(zmq.Options{})
	if err != nil {
		return err
	}
	if err := s.Connect(endpoint); err != nil {
		return err
	}
	ctx, body := context.Background(), make([]byte, j.size)
	for range j.count {
		if err := s.Send(ctx, body); err != nil {
			return err
		}
	}
	return s.Close()
}

// echo answers count requests with themselves.
func (j job) echo(bound func(string)) error {
	s, err := zmq.NewRep(zmq.Options{})
	if err != nil {
		return err
	}
	at, err := s.Bind(j.endpoint)
	if err != nil {
		return err
	}
	bound(at)
	ctx := context.Background()
	var m zmq.Message
	for range j.count {
		if err := s.RecvInto(ctx, &m); err != nil {
			return err
		}
		if err := s.Send(ctx, m.Bytes()); err != nil {
			return err
		}
	}
	return s.Close()
}

// ask makes count round trips and says their percentiles. The first tenth warms up both sides and
// is not counted.
func (j job) ask(endpoint string) error {
	s, err := zmq.NewReq(zmq.Options{})
	if err != nil {
		return err
	}
	if err := s.Connect(endpoint); err != nil {
		return err
	}
	ctx, body := context.Background(), make([]byte, j.size)
	trips := make([]time.Duration, j.count)
	var m zmq.Message
	for i := range trips {
		begin := time.Now()
		if err := s.Send(ctx, body); err != nil {
			return err
		}
		if err := s.RecvInto(ctx, &m); err != nil {
			return err
		}
		trips[i] = time.Since(begin)
		if m.Size() != j.size {
			return j.wrongSize(i, m.Size())
		}
	}
	trips = trips[len(trips)/10:]
	slices.Sort(trips)
	fmt.Println("trips", trips[len(trips)/2].Nanoseconds(), trips[len(trips)*99/100].Nanoseconds())
	return s.Close()
}
