// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/gzmq/zmq"
)

// wildcard is where perf binds when it runs both sides.
var wildcard = map[string]string{
	transportTCP:    "tcp://127.0.0.1:*",
	transportIPC:    "ipc://*",
	transportInproc: "inproc://perf",
}

// bothSides is one run. This process binds and has the receiving side; the sending one is a child that
// runs this very program with --connect, or for inproc a goroutine.
func (j job) bothSides(ctx context.Context, step stepFunc) (s sample, err error) {
	here, err := j.receiver(zmq.Options{})
	if err != nil {
		return sample{}, err
	}
	bound, err := here.sock.Bind(wildcard[j.transport])
	if err != nil {
		return sample{}, errors.Join(err, here.sock.Close())
	}
	// Who has the clock depends on the pattern; the other side has nothing to say.
	receive := func(ctx context.Context) error {
		got, err := here.work(ctx, step)
		if j.pattern == throughput {
			s = got
		}
		return err
	}
	send := func(ctx context.Context) error {
		got, err := j.sendFrom(ctx, bound)
		if j.pattern == latency {
			s = got
		}
		return err
	}
	err = together(ctx, receive, send)
	return s, err
}

// sendFrom is the sending side of a run; the sample is the latency it saw.
func (j job) sendFrom(ctx context.Context, endpoint string) (sample, error) {
	if j.transport != transportInproc {
		return j.child(ctx, endpoint)
	}
	there, err := j.sender(zmq.Options{})
	if err != nil {
		return sample{}, err
	}
	if err := there.sock.Connect(endpoint); err != nil {
		return sample{}, errors.Join(err, there.sock.Close())
	}
	return there.work(ctx, func(int, int) {})
}

// child runs the sending side in a process of its own.
func (j job) child(ctx context.Context, endpoint string) (sample, error) {
	exe, err := os.Executable()
	if err != nil {
		return sample{}, err
	}
	cmd := exec.CommandContext(ctx, exe, "perf", j.pattern.name, "--json", "--connect", endpoint,
		"--size", strconv.Itoa(j.size), "--count", strconv.Itoa(j.count), "--warmup", strconv.Itoa(j.warmup))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return sample{}, fmt.Errorf("the sending process: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	if j.pattern == throughput {
		return sample{}, nil // the receiver has the clock
	}
	var r row
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		return sample{}, fmt.Errorf("the sending process: %w: %s", err, stdout.Bytes())
	}
	return r.sample(), nil
}

// oneSide is one side of one run, against any program at the other end. The row is nil where the other
// side has the clock; note says what was done.
func (j job) oneSide(ctx context.Context, bind, connect string, stderr io.Writer, p *progress) (r *row, note string, err error) {
	open, attach := j.sender, func(s zmq.Socket) error { return s.Connect(connect) }
	j.transport = schemeOf(connect)
	if bind != "" {
		j.transport = schemeOf(bind)
		open, attach = j.receiver, func(s zmq.Socket) error {
			bound, err := s.Bind(bind)
			if err == nil && bound != bind {
				fmt.Fprintf(stderr, "zmq: bound to %s\n", bound)
			}
			return err
		}
	}
	side, err := open(zmq.Options{})
	if err != nil {
		return nil, "", err
	}
	if err := attach(side.sock); err != nil {
		return nil, "", errors.Join(err, side.sock.Close())
	}
	p.begin(fmt.Sprintf("%s %s %s", j.pattern.what, j.transport, sizeText(j.size)))
	s, err := side.work(ctx, p.step)
	if err != nil {
		return nil, "", err
	}
	if !side.measures {
		return nil, fmt.Sprintf("%s %d messages of %s", side.did, j.warmup+j.count, sizeText(j.size)), nil
	}
	found := j.row([]sample{s})
	return &found, "", nil
}

// schemeOf is the transport that an endpoint names.
func schemeOf(endpoint string) string {
	for i := range len(endpoint) {
		if endpoint[i] == ':' {
			return endpoint[:i]
		}
	}
	return endpoint
}

// together runs both and ends the one when the other fails. The error is the first failure.
func together(ctx context.Context, a, b func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := b(ctx); err != nil {
			cancel(err)
		}
	}()
	if err := a(ctx); err != nil {
		cancel(err)
	}
	<-done
	return context.Cause(ctx)
}

// perSecond is a rate that survives a clock too coarse to see the time pass.
func perSecond(n int, d time.Duration) float64 {
	return float64(n) / max(d, time.Nanosecond).Seconds()
}
