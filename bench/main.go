// SPDX-License-Identifier: MPL-2.0

// Command bench measures gzmq side by side with libzmq: the same rows, the same machine, the same
// minutes. Runs of the two alternate, each in fresh processes, and a row shows the medians.
//
//	go run .            all rows, as one markdown table
//	go run . --check    the one timed check that continuous integration makes
//
// It needs gcc and libzmq's headers (Debian: libzmq3-dev). README.md tells how to read the table.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// settings is the command line.
type settings struct {
	rows   []row
	runs   int
	shrink int // counts are divided by it
	smoke  bool
	check  bool
	json   bool
}

// errUsage stands for a message that the flag package, or parse, has already printed.
var errUsage = errors.New("wrong usage")

func main() {
	// A benchmark with two processes starts itself again for gzmq's sides.
	if len(os.Args) > 1 && os.Args[1] == peerArg {
		if err := peerMain(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run is main without the process around it.
func run(ctx context.Context, args []string, out, errs io.Writer) error {
	set, err := parse(args, errs)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "z") // short: it also holds the ipc sockets
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ours, err := newGzmq()
	if err != nil {
		return err
	}
	theirs, err := buildLibzmq(ctx, dir)
	if err != nil {
		return err
	}
	b := &bench{dir: dir, ours: ours, theirs: theirs, version: theirs.version, out: out}
	switch {
	case set.smoke:
		return b.smoke(ctx, set.rows)
	case set.check:
		return b.check(ctx, set.rows)
	}
	return b.compare(ctx, set)
}

func parse(args []string, errs io.Writer) (settings, error) {
	var set settings
	var names, mechanism string
	var quick bool
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(errs)
	f.StringVar(&names, "rows", "", "only these rows, by `name,...`; a * stands for any letters")
	f.IntVar(&set.runs, "runs", 5, "runs of each side per row")
	f.BoolVar(&quick, "quick", false, "a fifth of the messages: a rougher answer, sooner")
	f.BoolVar(&set.smoke, "smoke", false, "a handful of messages per row: does everything run?")
	f.BoolVar(&set.check, "check", false, "fail unless 8 B and 64 B reach half their goals, best of three")
	f.BoolVar(&set.json, "json", false, "one JSON object per row instead of the table")
	f.StringVar(&mechanism, "mechanism", "NULL", "the security `mechanism` of both sides: NULL")
	f.Usage = func() {
		fmt.Fprintln(errs, "usage: bench [flags]\n\ngzmq and libzmq side by side.")
		f.PrintDefaults()
		fmt.Fprintln(errs, "\nrows:", strings.Join(rowNames(allRows), " "))
	}
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return set, err
		}
		return set, errUsage
	}
	refuse := func(format string, a ...any) (settings, error) {
		fmt.Fprintf(errs, "bench: "+format+"\n", a...)
		return settings{}, errUsage
	}
	switch {
	case f.NArg() > 0:
		return refuse("no argument is expected, got %q", f.Arg(0))
	case set.runs < 1:
		return refuse("--runs must be at least 1")
	case set.check && (set.smoke || set.json || quick):
		return refuse("--check has its own counts and output: no --smoke, --json or --quick with it")
	case set.smoke && (set.json || quick):
		return refuse("--smoke measures nothing: no --json or --quick with it")
	case !strings.EqualFold(mechanism, "NULL"):
		return refuse("no rows for mechanism %q: NULL is the only one", mechanism)
	}
	set.shrink = 1
	if quick {
		set.shrink = 5
	}
	if names == "" && set.check {
		names = checkRows
	}
	var err error
	if set.rows, err = selectRows(names); err != nil {
		return refuse("%v", err)
	}
	for _, r := range set.rows {
		if set.check && r.goal == 0 {
			return refuse("row %s has no goal to check", r.name())
		}
	}
	return set, nil
}
