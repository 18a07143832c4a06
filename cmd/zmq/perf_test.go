// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"
)

func TestPercentile(t *testing.T) {
	sorted := make([]time.Duration, 1000)
	for i := range sorted {
		sorted[i] = time.Duration(i + 1)
	}
	for _, c := range []struct {
		values []time.Duration
		share  float64
		want   time.Duration
	}{
		{sorted, 0.5, 500}, {sorted, 0.99, 990}, {sorted, 0.999, 999}, {sorted, 1, 1000}, {sorted, 0, 1},
		{sorted[:1], 0.5, 1}, {sorted[:1], 0.999, 1}, {sorted[:2], 0.5, 1}, {sorted[:10], 0.99, 10},
	} {
		if got := percentile(c.values, c.share); got != c.want {
			t.Errorf("%v of %d: got %d, want %d", c.share, len(c.values), got, c.want)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		sorted []float64
		want   float64
	}{{[]float64{7}, 7}, {[]float64{1, 3}, 2}, {[]float64{1, 2, 9}, 2}, {[]float64{1, 2, 4, 9}, 3}} {
		if got := median(c.sorted); got != c.want {
			t.Errorf("%v: got %v, want %v", c.sorted, got, c.want)
		}
	}
}

func TestFit(t *testing.T) {
	for _, c := range []struct {
		rate float64
		d    time.Duration
		want int
	}{{1e6, time.Second, 1_000_000}, {1_234_567, time.Second, 1_200_000}, {10, time.Millisecond, 10}, {157, time.Second, 160}} {
		if got := fit(c.rate, c.d); got != c.want {
			t.Errorf("%v for %v: got %d, want %d", c.rate, c.d, got, c.want)
		}
	}
}

// TestOverview holds the promise of zmq perf: all transports, both patterns, under 20 seconds. The
// warm-up adds a tenth; each run and the choice of a count take a start besides, which gets a half.
func TestOverview(t *testing.T) {
	var total time.Duration
	seen := map[string]bool{}
	for _, j := range overview(5) {
		total += time.Duration(j.runs) * j.target
		seen[j.pattern.name+" "+j.transport] = true
	}
	if limit := 20 * time.Second / 2; total > limit {
		t.Errorf("the runs alone take %v, more than %v", total, limit)
	}
	for _, want := range []string{"thr tcp", "thr ipc", "thr inproc", "lat tcp", "lat ipc", "lat inproc"} {
		if !seen[want] {
			t.Errorf("no row for %s", want)
		}
	}
}

func TestJobs(t *testing.T) {
	both := (&perfFlags{transport: transportTCP, runs: 5, warmup: -1}).jobs(throughput)
	if len(both) < 2 || both[0].count != 0 || both[0].runs != 5 {
		t.Errorf("both sides: %+v", both)
	}
	alone := (&perfFlags{bind: "tcp://*:1", runs: 5, warmup: -1}).jobs(latency)
	if len(alone) != 1 || alone[0].count != oneSideCount[latency] || alone[0].warmup != 0 || alone[0].runs != 1 {
		t.Errorf("one side: %+v", alone)
	}
}

func testRow() row {
	j := job{pattern: latency, transport: transportTCP, size: 1 << 10, count: 100}
	us := time.Microsecond
	return j.row([]sample{{1000, 5 * us, 50 * us, 500 * us}, {3000, 4 * us, 40 * us, 400 * us}, {2000, 9 * us, 90 * us, 900 * us}})
}

// TestRow: each column is its own median.
func TestRow(t *testing.T) {
	var buf bytes.Buffer
	if err := (&jsonReport{&buf}).row(testRow()); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(buf.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"test": "lat", "pattern": "REQ/REP", "transport": "tcp", "size": 1024.0, "count": 100.0, "runs": 3.0,
		"msgs_per_second": 2000.0, "msgs_per_second_min": 1000.0, "msgs_per_second_max": 3000.0,
		"bytes_per_second": 2048000.0, "p50_us": 5.0, "p99_us": 50.0, "p999_us": 500.0,
	} {
		if got[key] != want {
			t.Errorf("%s: got %v, want %v", key, got[key], want)
		}
	}
	back := testRow().sample()
	if want := (sample{2000, 5 * time.Microsecond, 50 * time.Microsecond, 500 * time.Microsecond}); back != want {
		t.Errorf("as a sample: %+v, want %+v", back, want)
	}
}

func TestTable(t *testing.T) {
	var buf bytes.Buffer
	table := &tableReport{out: &buf}
	thr := job{pattern: throughput, transport: transportInproc, size: 8, count: 5_000_000}
	fast := thr.row([]sample{{perSecond: 12_345_678}})
	for _, r := range []row{fast, fast, testRow()} {
		if err := table.row(r); err != nil {
			t.Fatal(err)
		}
	}
	const want = `pattern    transport     size       count    messages/s     +-      bytes/s
PUSH/PULL  inproc         8 B     5000000       12.35 M      -     98.77 MB
PUSH/PULL  inproc         8 B     5000000       12.35 M      -     98.77 MB

pattern    transport     size       count round trips/s     +-    p50 us    p99 us  p99.9 us
REQ/REP    tcp          1 KiB         100         2.0 k    50%       5.0      50.0     500.0
`
	if got := buf.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestTogether: who fails first ends the other and is the error.
func TestTogether(t *testing.T) {
	broken := errors.New("broken")
	wait := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	fail := func(context.Context) error { return broken }
	fine := func(context.Context) error { return nil }
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		a, b func(context.Context) error
		want error
	}{
		{"a fails", context.Background(), fail, wait, broken},
		{"b fails", context.Background(), wait, fail, broken},
		{"both fine", context.Background(), fine, fine, nil},
		{"interrupted", ended, wait, wait, context.Canceled},
	} {
		if err := together(c.ctx, c.a, c.b); err != c.want {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func TestInSteps(t *testing.T) {
	for _, n := range []int{0, 1, 99, 100, 101, 12345} {
		did, last := 0, 0
		err := job{}.inSteps(n, func(done, all int) { last = done }, func() error { did++; return nil })
		if err != nil || did != n || last != n {
			t.Errorf("%d: did %d, told %d, %v", n, did, last, err)
		}
	}
}
