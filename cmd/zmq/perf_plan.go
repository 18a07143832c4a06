// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"
)

// A job is one row to measure.
type job struct {
	pattern       pattern
	transport     string
	size          int
	count, warmup int           // messages per run; count 0: as many as fit into target
	runs          int           // of which the row has the median
	target        time.Duration // of one run
}

// How long one run lasts when nobody says how many messages: long enough to forget the start, short
// enough that the overview, with 5 runs of 11 rows, stays well below its 20 seconds.
const (
	overviewTarget = 150 * time.Millisecond
	commandTarget  = 300 * time.Millisecond
)

// What one side alone sends or expects when nobody says how many: both sides must agree.
var oneSideCount = map[pattern]int{throughput: 1_000_000, latency: 10_000}

// overview is the set that zmq perf alone measures.
func overview(runs int) []job {
	var jobs []job
	add := func(p pattern, transport string, sizes ...int) {
		for _, size := range sizes {
			jobs = append(jobs, job{pattern: p, transport: transport, size: size, warmup: -1, runs: runs, target: overviewTarget})
		}
	}
	add(throughput, transportTCP, 8, 64, 256, 1<<10, 4<<10, 32<<10)
	add(throughput, transportIPC, 64)
	add(throughput, transportInproc, 64)
	add(latency, transportTCP, 64)
	add(latency, transportIPC, 64)
	add(latency, transportInproc, 64)
	return jobs
}

// jobs are the rows that the flags ask for. Alone, one side of a measurement has one.
func (f *perfFlags) jobs(p pattern) []job {
	alone := f.bind+f.connect != ""
	sizes := f.sizes
	if len(sizes) == 0 {
		sizes = []int{64}
		if p == throughput && !alone {
			sizes = []int{8, 64, 256, 1 << 10, 4 << 10, 32 << 10}
		}
	}
	var jobs []job
	for _, size := range sizes {
		j := job{p, f.transport, size, f.count, f.warmup, f.runs, commandTarget}
		if alone {
			j.runs, j.warmup = 1, max(f.warmup, 0)
			if j.count == 0 {
				j.count = oneSideCount[p]
			}
		}
		jobs = append(jobs, j)
	}
	return jobs
}

// sample is what one run found. The latencies are zero for a throughput.
type sample struct {
	perSecond      float64
	p50, p99, p999 time.Duration
}

// measure does all runs of the job.
func (j job) measure(ctx context.Context, p *progress) (row, error) {
	name := fmt.Sprintf("%s %s %s", j.pattern.what, j.transport, sizeText(j.size))
	if j.count == 0 {
		p.begin(name + ", how many")
		if err := j.choose(ctx); err != nil {
			return row{}, err
		}
	}
	// A new connection has small buffers and an idle machine a slow clock: a tenth runs unmeasured.
	if j.warmup < 0 {
		j.warmup = max(j.count/10, 1)
	}
	samples := make([]sample, 0, j.runs)
	for i := range j.runs {
		p.begin(fmt.Sprintf("%s, run %d of %d", name, i+1, j.runs))
		s, err := j.bothSides(ctx, p.step)
		if err != nil {
			return row{}, err
		}
		samples = append(samples, s)
	}
	return j.row(samples), nil
}

// choose finds a count that fills the target, with runs that grow until they are long enough to tell.
func (j *job) choose(ctx context.Context) error {
	trial := *j
	trial.warmup = 0
	trial.count = min(10_000, 32<<20/(j.size+1)) // no more than 32 MiB for a first look
	if j.pattern == latency {
		trial.count = min(trial.count, 200)
	}
	trial.count = max(trial.count, 10)
	for {
		s, err := trial.bothSides(ctx, func(int, int) {})
		if err != nil {
			return err
		}
		j.count = fit(s.perSecond, j.target)
		if j.count <= 10*trial.count {
			return nil
		}
		// A run this much shorter than the target says little: it may all have been in buffers.
		trial.count *= 10
	}
}

// fit is how many messages take the time at this rate, to two digits.
func fit(perSecond float64, d time.Duration) int {
	n := perSecond * d.Seconds()
	if n < 10 {
		return 10
	}
	unit := math.Pow(10, math.Floor(math.Log10(n))-1)
	return int(math.Round(n/unit) * unit)
}

// row takes the median of each column.
func (j job) row(samples []sample) row {
	// Each column has its own median: the run with the median p50 need not have the median p99.9.
	column := func(of func(sample) float64) []float64 {
		values := make([]float64, len(samples))
		for i, s := range samples {
			values[i] = of(s)
		}
		slices.Sort(values)
		return values
	}
	rates := column(func(s sample) float64 { return s.perSecond })
	r := row{
		Test: j.pattern.name, Pattern: j.pattern.what, Transport: j.transport,
		Size: j.size, Count: j.count, Runs: len(samples),
		PerSecond: math.Round(median(rates)),
		Slowest:   math.Round(rates[0]), Fastest: math.Round(rates[len(rates)-1]),
	}
	r.BytesPerSecond = math.Round(median(rates) * float64(j.size))
	if j.pattern == latency {
		micros := func(of func(sample) time.Duration) *float64 {
			m := median(column(func(s sample) float64 { return float64(of(s)) / float64(time.Microsecond) }))
			m = math.Round(m*1000) / 1000
			return &m
		}
		r.P50 = micros(func(s sample) time.Duration { return s.p50 })
		r.P99 = micros(func(s sample) time.Duration { return s.p99 })
		r.P999 = micros(func(s sample) time.Duration { return s.p999 })
	}
	return r
}

// median of sorted values; the middle of the two in the middle when their number is even.
func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// percentile is the smallest of the sorted values that at least this share of them does not exceed.
func percentile(sorted []time.Duration, share float64) time.Duration {
	i := int(math.Ceil(share*float64(len(sorted)))) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}
