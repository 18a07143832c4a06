// SPDX-License-Identifier: MPL-2.0

package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// zmqCommand is the command of this library, built by TestMain.
var zmqCommand string

// buildCommand builds it. It belongs to another module, and so is built from there.
func buildCommand(dir string) error {
	zmqCommand = filepath.Join(dir, "zmq")
	build := exec.Command("go", "build", "-o", zmqCommand, "./cmd/zmq")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("cmd/zmq does not build: %w\n%s", err, out)
	}
	return nil
}

// command runs the command to its end, which must be a good one, and returns what it printed.
func command(t *testing.T, stdin string, args ...string) (stdout string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, zmqCommand, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("zmq %s: %w: %s", strings.Join(args, " "), err, &errs)
	}
	return out.String(), nil
}

// lines are a batch as the command reads and prints it with --format hex --parts.
func (b Batch) lines() string {
	var text strings.Builder
	for n := b.First; n < b.First+b.Count; n++ {
		for i, part := range b.message(n) {
			if i > 0 {
				text.WriteByte('\t')
			}
			fmt.Fprintf(&text, "%x", part)
		}
		text.WriteByte('\n')
	}
	return text.String()
}

// TestCommandTalks runs each talker of the command against libzmq.
func TestCommandTalks(t *testing.T) {
	b := Batch{First: 1, Count: 100, Size: 300, Parts: 2, Hops: -1}
	count := strconv.Itoa(b.Count)
	for _, c := range []struct {
		verb, partner string
		stdin, want   string
		flags         []string
		theirs        func(s Side) error
	}{
		{"push", "PULL", b.lines(), "", nil, func(s Side) error { return s.Recv(b) }},
		{"pull", "PUSH", "", b.lines(), []string{"--count", count}, func(s Side) error { return s.Send(b) }},
		{"req", "REP", b.lines(), b.lines(), nil, func(s Side) error { return s.Reply(b) }},
		{"rep", "REQ", "", b.lines(), []string{"--count", count, "--echo"}, func(s Side) error { return s.Request(b) }},
	} {
		for _, kind := range kinds {
			t.Run(c.verb+"/"+kind+" binds", func(t *testing.T) {
				t.Parallel()
				peer := openPeer(t, kind, c.partner)
				bound, err := peer.Bind(endpoint(t, "tcp"))
				must(t, err)
				args := append([]string{c.verb, "--connect", bound, "--format", "hex", "--parts"}, c.flags...)
				must(t, both(func() error { return c.theirs(peer) }, func() error {
					return commandPrints(t, c.stdin, c.want, args)
				}))
			})
			t.Run(c.verb+"/"+kind+" connects", func(t *testing.T) {
				t.Parallel()
				peer := openPeer(t, kind, c.partner)
				bound := freeEndpoint(t, "tcp")
				must(t, peer.Connect(bound))
				args := append([]string{c.verb, "--bind", bound, "--format", "hex", "--parts"}, c.flags...)
				must(t, both(func() error { return c.theirs(peer) }, func() error {
					return commandPrints(t, c.stdin, c.want, args)
				}))
			})
		}
	}
}

func commandPrints(t *testing.T, stdin, want string, args []string) error {
	got, err := command(t, stdin, args...)
	if err == nil && got != want {
		err = fmt.Errorf("zmq %s: printed %.100q, want %.100q", strings.Join(args, " "), got, want)
	}
	return err
}

// TestCommandMeasures runs one side of a measurement against libzmq: perf's --bind is the receiving
// side and --connect the sending one.
func TestCommandMeasures(t *testing.T) {
	const count = 2000
	// perf takes any bytes. What it sends is zeroes: so are the first four of message 0.
	arbitrary, zeroes := Batch{First: 1, Count: count, Size: 300, Parts: 1, Hops: -1}, Batch{Count: 1, Size: 4, Parts: 1, Hops: -1}
	countTimes := func(do func(b Batch) error) error {
		for range count {
			if err := do(zeroes); err != nil {
				return err
			}
		}
		return nil
	}
	for _, c := range []struct {
		pattern, role, partner string
		size                   int
		measures               bool // the command prints a row
		theirs                 func(s Side) error
	}{
		{"thr", "--bind", "PUSH", arbitrary.Size, true, func(s Side) error { return s.Send(arbitrary) }},
		{"thr", "--connect", "PULL", zeroes.Size, false, func(s Side) error { return countTimes(s.Recv) }},
		{"lat", "--bind", "REQ", arbitrary.Size, false, func(s Side) error { return s.Request(arbitrary) }},
		{"lat", "--connect", "REP", zeroes.Size, true, func(s Side) error { return countTimes(s.Reply) }},
	} {
		flags := []string{"--json", "--size", strconv.Itoa(c.size), "--count", strconv.Itoa(count)}
		for _, kind := range kinds {
			t.Run(c.pattern+c.role+"/"+kind, func(t *testing.T) {
				t.Parallel()
				peer := openPeer(t, kind, c.partner)
				var at string
				var err error
				if c.role == "--bind" {
					at = freeEndpoint(t, "tcp")
					must(t, peer.Connect(at))
				} else {
					at, err = peer.Bind(endpoint(t, "tcp"))
					must(t, err)
				}
				var out string
				must(t, both(func() error { return c.theirs(peer) }, func() (err error) {
					out, err = command(t, "", append([]string{"perf", c.pattern, c.role, at}, flags...)...)
					return err
				}))
				must(t, checkRow(out, c.measures, count))
			})
		}
	}
}

// checkRow looks at what a measurement printed: one row, or nothing.
func checkRow(out string, measures bool, count int) error {
	if !measures {
		if out != "" {
			return fmt.Errorf("printed %q without a clock", out)
		}
		return nil
	}
	var row struct {
		Count     int     `json:"count"`
		PerSecond float64 `json:"msgs_per_second"`
	}
	d := json.NewDecoder(strings.NewReader(out))
	if err := d.Decode(&row); err != nil {
		return fmt.Errorf("%w: %q", err, out)
	}
	if row.Count != count || row.PerSecond <= 0 {
		return fmt.Errorf("%d messages, %g per second: want %d messages and a rate", row.Count, row.PerSecond, count)
	}
	if err := d.Decode(&row); !errors.Is(err, io.EOF) {
		return fmt.Errorf("more than one row: %q", out)
	}
	return nil
}
