// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v3"
)

// The transports that perf measures, and the endpoint each binds to.
const (
	transportTCP    = "tcp"
	transportIPC    = "ipc"
	transportInproc = "inproc"
)

var transports = [...]string{transportTCP, transportIPC, transportInproc}

// A pattern is what perf measures: which two sockets, and what of them.
type pattern struct {
	name string // the subcommand
	what string // in the table and in JSON
}

var (
	throughput = pattern{"thr", "PUSH/PULL"}
	latency    = pattern{"lat", "REQ/REP"}
)

// maxSize keeps a slip of the finger from taking all memory: 1 GiB.
const maxSize = 1 << 30

// perfFlags are the flags of perf and its two subcommands.
type perfFlags struct {
	json          bool
	runs          int
	transport     string
	sizes         []int
	count, warmup int // 0 and -1: perf chooses
	bind, connect string
}

const perfHelp = `Without a subcommand, measures a sensible set in under 20 seconds.

Throughput is PUSH to PULL: how many messages per second arrive, from the first to the last. Latency
is REQ to REP: the time of one round trip. Sender and receiver are two processes (for inproc, one).
Every number is the median of --runs runs; +- is how far the runs lie apart. Close other programs
before you compare numbers.

   zmq perf
   zmq perf thr --size 64 --size 1024 --transport ipc
   zmq perf lat --transport inproc --json`

const thrHelp = `Measures messages per second from PUSH to PULL, at the receiver, from the first message
to the last.

--bind runs the receiver only and --connect the sender only, with the --size and --count that the
other side has. The other side may be any ZeroMQ program:

   zmq perf thr --bind 'tcp://*:5555' --size 64 --count 1000000      prints the rate
   zmq perf thr --connect tcp://host:5555 --size 64 --count 1000000`

const latHelp = `Measures round trips from REQ to REP and back: median (p50) and the worst of a hundred
(p99) and of a thousand (p99.9), in microseconds.

--bind runs the REP side only and --connect the REQ side only, with the --size and --count that the
other side has. The other side may be any ZeroMQ program:

   zmq perf lat --bind 'tcp://*:5555' --size 64 --count 10000
   zmq perf lat --connect tcp://host:5555 --size 64 --count 10000  prints the round trips`

// perfCommand is perf with its two subcommands; --json and --runs belong to all three.
func perfCommand(std stdio) *cli.Command {
	f := new(perfFlags)
	return &cli.Command{
		Name:        "perf",
		Usage:       "measure messages per second and round trips on this machine",
		Description: perfHelp,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object per row", Destination: &f.json},
			&cli.IntFlag{
				Name: "runs", Value: 5, Config: decimal, Validator: atLeast(1), Destination: &f.runs,
				Usage: "measure each row `N` times and take the median",
			},
		},
		Commands: []*cli.Command{
			perfPatternCommand(throughput, "messages per second, PUSH to PULL", thrHelp, f, std),
			perfPatternCommand(latency, "round trips, REQ to REP", latHelp, f, std),
		},
		Action: func(_ context.Context, c *cli.Command) error {
			if c.Args().Present() {
				return noSuchCommand(c)
			}
			return f.measure(overview(f.runs), std)
		},
	}
}

// perfPatternCommand is thr or lat, which differ in nothing but their words.
func perfPatternCommand(p pattern, usage, help string, f *perfFlags, std stdio) *cli.Command {
	return &cli.Command{
		Name:        p.name,
		Usage:       usage,
		Description: help,
		Flags: []cli.Flag{
			&cli.StringFlag{
				Name: "transport", Value: transportTCP, Validator: oneOf(transports[:]), Destination: &f.transport,
				Usage: "tcp (over loopback), ipc or inproc",
			},
			&cli.IntSliceFlag{
				Name: "size", HideDefault: true, Config: decimal, Destination: &f.sizes,
				Usage: "messages of `N` bytes; may be repeated",
			},
			&cli.IntFlag{
				Name: "count", HideDefault: true, Config: decimal, Validator: atLeast(1), Destination: &f.count,
				Usage: "`N` messages per run; chosen for a short run if not given",
			},
			&cli.IntFlag{
				Name: "warmup", Value: -1, HideDefault: true, Config: decimal, Validator: atLeast(0), Destination: &f.warmup,
				Usage: "`N` more messages before the clock starts; a tenth of --count, none with --bind or --connect",
			},
			&cli.StringFlag{
				Name: "bind", Destination: &f.bind,
				Usage: "be the receiving side only, bound to `EP`",
			},
			&cli.StringFlag{
				Name: "connect", Destination: &f.connect,
				Usage: "be the sending side only, connected to `EP`",
			},
		},
		Action: func(_ context.Context, c *cli.Command) error {
			if err := noArguments(c); err != nil {
				return err
			}
			for _, size := range f.sizes {
				if size < 0 || size > maxSize {
					return fmt.Errorf("--size %d: 0 to %d bytes", size, maxSize)
				}
			}
			if f.bind+f.connect == "" {
				return f.measure(f.jobs(p), std)
			}
			return f.oneSide(p, c.IsSet("transport"), std)
		},
	}
}

// measure runs the jobs, both sides, and prints a row as soon as it is known.
func (f *perfFlags) measure(jobs []job, std stdio) error {
	life := newLife()
	defer life.release()
	out := f.report(std.out)
	progress := newProgress(std.err)
	defer progress.clear()
	for _, j := range jobs {
		row, err := j.measure(life.stop, progress)
		progress.clear()
		if err != nil {
			return failed(interrupted(life, err))
		}
		if err := out.row(row); err != nil {
			return failed(err)
		}
	}
	return nil
}

// oneSide runs one side of one measurement, against whoever is at the other end.
func (f *perfFlags) oneSide(p pattern, transportSet bool, std stdio) error {
	switch {
	case f.bind != "" && f.connect != "":
		return errors.New("--bind is the receiving side and --connect the sending one: give one of them")
	case len(f.sizes) > 1:
		return errors.New("one side alone has one --size, the other side's")
	case transportSet:
		return errors.New("with --bind or --connect the endpoint names the transport: leave --transport away")
	}
	life := newLife()
	defer life.release()
	j := f.jobs(p)[0]
	progress := newProgress(std.err)
	row, note, err := j.oneSide(life.stop, f.bind, f.connect, std.err, progress)
	progress.clear()
	if err != nil && misused(err) {
		return err
	}
	if err != nil {
		return failed(interrupted(life, err))
	}
	if row == nil {
		fmt.Fprintf(std.err, "zmq: %s\n", note)
		return nil
	}
	return failed(f.report(std.out).row(*row))
}

// interrupted says what really ended a measurement that a signal cut off.
func interrupted(l *life, err error) error {
	if l.stop.Err() != nil {
		return errors.New("interrupted")
	}
	return err
}

// report is what prints the rows.
func (f *perfFlags) report(out io.Writer) report {
	if f.json {
		return &jsonReport{out}
	}
	return &tableReport{out: out}
}
