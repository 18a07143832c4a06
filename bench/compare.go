// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Counts of a --smoke run: more messages than both high-water marks together hold, so that the
// sender has to wait for the receiver at least once.
const (
	smokeMessages = 5000
	smokeTrips    = 100
)

// checkTries is how often --check measures a row before it believes in a failure. A machine that
// is busy with other things makes a run slow, never fast.
const checkTries = 3

// A bench holds what all rows of one start share.
type bench struct {
	dir          string // for ipc sockets
	ours, theirs side
	version      string // libzmq's
	out          io.Writer
	number       int // of the last run
}

// A result is one row of the table, measured.
type result struct {
	row          row
	ours, theirs series
}

// A series is all runs of one side of a row.
type series struct {
	count   int // messages or round trips of each run
	samples []sample
}

// median of what value takes from each run: the middle one, or the mean of the middle two.
func (s series) median(value func(sample) float64) float64 {
	var all []float64
	for _, one := range s.samples {
		all = append(all, value(one))
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	half := len(all) / 2
	if len(all)%2 == 1 {
		return all[half]
	}
	return (all[half-1] + all[half]) / 2
}

// value is what the row is about: messages per second, or the p50 in microseconds.
func (s series) value() float64 {
	return s.median(func(s sample) float64 { return s.value })
}

func (s series) p99() float64 {
	return s.median(func(s sample) float64 { return s.p99 })
}

// cpu is the processor time in seconds of one message or round trip, both ends together.
func (s series) cpu() float64 {
	return s.median(func(s sample) float64 { return s.cpu.Seconds() }) / float64(s.count)
}

func (r result) ratio() float64 { return r.row.better(r.ours.value(), r.theirs.value()) }

// one makes the next run of a row with one side.
func (b *bench) one(ctx context.Context, s side, r row, count int) (sample, error) {
	b.number++
	return once(ctx, s, r, count, r.bindEndpoint(b.dir, b.number))
}

// pair makes one run of each side, one right after the other. Who goes first changes from pair to
// pair, so that neither always finds the machine as the other one left it.
func (b *bench) pair(ctx context.Context, res *result, oursFirst bool) error {
	sides := []struct {
		side side
		s    *series
	}{{b.ours, &res.ours}, {b.theirs, &res.theirs}}
	if !oursFirst {
		slices.Reverse(sides)
	}
	for _, x := range sides {
		got, err := b.one(ctx, x.side, res.row, x.s.count)
		if err != nil {
			return err
		}
		x.s.samples = append(x.s.samples, got)
	}
	return nil
}

// compare measures the rows and prints each as soon as it is there. A row that fails does not keep
// the others from being measured.
func (b *bench) compare(ctx context.Context, set settings) error {
	print := b.tableRow
	if set.json {
		print = b.jsonRow
	} else {
		b.tableHead(set)
	}
	var failed []error
	for _, r := range set.rows {
		res := result{row: r, ours: series{count: r.ours / set.shrink}, theirs: series{count: r.theirs / set.shrink}}
		var err error
		for i := 0; i < set.runs && err == nil; i++ {
			err = b.pair(ctx, &res, i%2 == 0)
		}
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		if err := print(res); err != nil {
			return err
		}
	}
	return errors.Join(failed...)
}

// smoke only finds out whether every row runs.
func (b *bench) smoke(ctx context.Context, rows []row) error {
	var failed []error
	for _, r := range rows {
		count := smokeMessages
		if r.pattern == lat {
			count = smokeTrips
		}
		res := result{row: r, ours: series{count: count}, theirs: series{count: count}}
		if err := b.pair(ctx, &res, true); err != nil {
			failed = append(failed, err)
			continue
		}
		fmt.Fprintf(b.out, "%s runs\n", r.name())
	}
	return errors.Join(failed...)
}

// check fails unless each row reaches half its goal at least once. Half is far below what the
// library reaches on a quiet machine, and far above what a broken data path does.
func (b *bench) check(ctx context.Context, rows []row) error {
	var failed []error
	for _, r := range rows {
		best, want := 0.0, r.goal/2
		for try := 0; try < checkTries && best < want; try++ {
			res := result{row: r, ours: series{count: r.ours}, theirs: series{count: r.theirs}}
			if err := b.pair(ctx, &res, try%2 == 0); err != nil {
				return err
			}
			best = max(best, res.ratio())
		}
		verdict := "ok"
		if best < want {
			verdict = "too slow"
			failed = append(failed, fmt.Errorf("%s: %.2f times libzmq, want at least %.2f", r.name(), best, want))
		}
		fmt.Fprintf(b.out, "%s: %.2f times libzmq, at least %.2f wanted: %s\n", r.name(), best, want, verdict)
	}
	return errors.Join(failed...)
}
