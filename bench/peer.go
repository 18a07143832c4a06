// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Both implementations are driven through one little language, so that nothing about a run depends
// on which of them it is:
//
//	PROGRAM bind    ENDPOINT SIZE COUNT RECEIVE   PULL or REP; first says "bound ENDPOINT"
//	PROGRAM connect ENDPOINT SIZE COUNT RECEIVE   PUSH or REQ
//	PROGRAM inproc  ENDPOINT SIZE COUNT RECEIVE   both, on two threads of one process
//
// Whoever measured says "took NANOSECONDS" (thr: from the first message to the last) or
// "trips P50 P99" (lat: nanoseconds), and each side exits with 0 only if every message came and
// had its size.

// Roles of a process.
const (
	roleBind    = "bind"
	roleConnect = "connect"
	roleInproc  = "inproc"
)

// A side is one implementation: how its programs are started.
type side interface {
	name() string
	// command returns the program for a pattern and the arguments that come before the role.
	command(pattern string) (program string, args []string)
}

// runLimit ends a run that hangs. It is far from what a run takes on any machine.
const runLimit = 3 * time.Minute

// A sample is what one run measured.
type sample struct {
	value float64       // thr: messages per second; lat: the p50 in microseconds
	p99   float64       // lat: microseconds
	cpu   time.Duration // of all processes of the run, their start included
}

// once makes one run of a row with one side.
func once(ctx context.Context, s side, r row, count int, endpoint string) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	got, err := start(ctx, cancel, s, r, count, endpoint)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("no end after %v: %w", runLimit, err)
	}
	if err != nil {
		return sample{}, fmt.Errorf("%s, %s: %w", r.name(), s.name(), err)
	}
	return got, nil
}

func start(ctx context.Context, cancel func(), s side, r row, count int, endpoint string) (sample, error) {
	role := roleBind
	if r.transport == "inproc" {
		role = roleInproc
	}
	first, err := startPeer(ctx, s, r, count, role, endpoint)
	if err != nil {
		return sample{}, err
	}
	if role == roleInproc {
		text, err := first.finish()
		if err != nil {
			return sample{}, err
		}
		return measured(r, count, text, first.cpu())
	}
	bound, err := first.bound()
	if err != nil {
		cancel()
		_, ended := first.finish()
		return sample{}, errors.Join(err, ended)
	}
	second, err := startPeer(ctx, s, r, count, roleConnect, bound)
	if err != nil {
		cancel()
		first.finish() // only to be rid of it
		return sample{}, err
	}
	text, err := finishBoth(cancel, first, second)
	if err != nil {
		return sample{}, err
	}
	return measured(r, count, text, first.cpu()+second.cpu())
}

// finishBoth waits for two peers; when one fails, the other one, which would wait for it, is ended.
// What it returns is the first failure: the second is only its consequence.
func finishBoth(cancel func(), a, b *peer) (string, error) {
	type ending struct {
		text string
		err  error
	}
	ends := make(chan ending, 2)
	for _, p := range []*peer{a, b} {
		go func() {
			text, err := p.finish()
			ends <- ending{text, err}
		}()
	}
	var all string
	var failed error
	for range 2 {
		end := <-ends
		all += end.text
		if end.err != nil && failed == nil {
			failed = end.err
			cancel()
		}
	}
	return all, failed
}

// measured finds the measurement in what the peers said.
func measured(r row, count int, text string, cpu time.Duration) (sample, error) {
	word, numbers := "took", 1
	if r.pattern == lat {
		word, numbers = "trips", 2
	}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) != 1+numbers || fields[0] != word {
			continue
		}
		var ns [2]float64
		for i, field := range fields[1:] {
			n, err := strconv.ParseInt(field, 10, 64)
			if err != nil || n <= 0 {
				return sample{}, fmt.Errorf("not a time in %q", strings.TrimSpace(line))
			}
			ns[i] = float64(n)
		}
		if r.pattern == lat {
			return sample{value: ns[0] / 1e3, p99: ns[1] / 1e3, cpu: cpu}, nil
		}
		// The first message starts the clock and is not counted.
		return sample{value: float64(count-1) / ns[0] * 1e9, cpu: cpu}, nil
	}
	return sample{}, fmt.Errorf("no %q in what the peers said: %q", word, text)
}

// A peer is one process of a run.
type peer struct {
	role string
	cmd  *exec.Cmd
	out  *bufio.Reader
	errs bytes.Buffer
}

func startPeer(ctx context.Context, s side, r row, count int, role, endpoint string) (*peer, error) {
	program, args := s.command(r.pattern)
	args = append(args, role, endpoint, strconv.Itoa(r.size), strconv.Itoa(count), r.receive)
	p := &peer{role: role, cmd: exec.CommandContext(ctx, program, args...)}
	p.cmd.Stderr = &p.errs
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	return p, p.cmd.Start()
}

// bound waits for the endpoint that a binding peer announces.
func (p *peer) bound() (string, error) {
	line, err := p.out.ReadString('\n')
	endpoint, ok := strings.CutPrefix(strings.TrimSpace(line), "bound ")
	if err != nil || !ok {
		return "", fmt.Errorf("the binding side did not say where it is bound, but %q", line)
	}
	return endpoint, nil
}

// finish reads what is left of the peer's words and waits for its end.
func (p *peer) finish() (string, error) {
	text, err := io.ReadAll(p.out)
	if ended := p.cmd.Wait(); ended != nil {
		err = ended
	}
	if err != nil {
		return "", fmt.Errorf("%s side: %w: %s", p.role, err, bytes.TrimSpace(p.errs.Bytes()))
	}
	return string(text), nil
}

// cpu is the time that an ended peer spent on any processor.
func (p *peer) cpu() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}
