// SPDX-License-Identifier: MPL-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// A row is one measurement as it is printed: each number the median of the runs.
type row struct {
	Test           string   `json:"test"`    // thr or lat
	Pattern        string   `json:"pattern"` // the two sockets
	Transport      string   `json:"transport"`
	Size           int      `json:"size"`  // bytes of one message
	Count          int      `json:"count"` // messages, for lat round trips, of one run
	Runs           int      `json:"runs"`
	PerSecond      float64  `json:"msgs_per_second"` // lat: round trips
	Slowest        float64  `json:"msgs_per_second_min"`
	Fastest        float64  `json:"msgs_per_second_max"`
	BytesPerSecond float64  `json:"bytes_per_second"` // lat: in each direction
	P50            *float64 `json:"p50_us,omitempty"`
	P99            *float64 `json:"p99_us,omitempty"`
	P999           *float64 `json:"p999_us,omitempty"`
}

// sample is the row of a single run, as that run found it.
func (r row) sample() sample {
	duration := func(us *float64) time.Duration {
		if us == nil {
			return 0
		}
		return time.Duration(*us * float64(time.Microsecond))
	}
	return sample{r.PerSecond, duration(r.P50), duration(r.P99), duration(r.P999)}
}

// A report prints rows.
type report interface{ row(row) error }

// jsonReport prints one object per line.
type jsonReport struct{ out io.Writer }

func (t *jsonReport) row(r row) error { return json.NewEncoder(t.out).Encode(r) }

// tableReport prints columns of fixed width, so that each row can be shown when it is known.
type tableReport struct {
	out  io.Writer
	test string // of the row above
}

func (t *tableReport) row(r row) error {
	head := ""
	if r.Test != t.test {
		if t.test != "" {
			head = "\n"
		}
		t.test = r.Test
		if r.P50 == nil {
			head += fmt.Sprintf("%-10s %-9s %8s %11s %13s %6s %12s\n", "pattern", "transport", "size", "count", "messages/s", "+-", "bytes/s")
		} else {
			head += fmt.Sprintf("%-10s %-9s %8s %11s %13s %6s %9s %9s %9s\n", "pattern", "transport", "size", "count", "round trips/s", "+-", "p50 us", "p99 us", "p99.9 us")
		}
	}
	line := fmt.Sprintf("%-10s %-9s %8s %11d %13s %6s", r.Pattern, r.Transport, sizeText(r.Size), r.Count, rateText(r.PerSecond), spreadText(r))
	if r.P50 == nil {
		line += fmt.Sprintf(" %12s", rateText(r.BytesPerSecond)+"B")
	} else {
		line += fmt.Sprintf(" %9.1f %9.1f %9.1f", *r.P50, *r.P99, *r.P999)
	}
	_, err := fmt.Fprint(t.out, head, line, "\n")
	return err
}

// sizeText is bytes with the largest unit that leaves a whole number.
func sizeText(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}

// rateText is a number with three digits or more and a decimal unit.
func rateText(v float64) string {
	switch {
	case v >= 1e9:
		return fmt.Sprintf("%.2f G", v/1e9)
	case v >= 1e6:
		return fmt.Sprintf("%.2f M", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%.1f k", v/1e3)
	}
	return fmt.Sprintf("%.0f ", v)
}

// spreadText is half the way from the slowest run to the fastest.
func spreadText(r row) string {
	if r.Runs < 2 || r.PerSecond == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f%%", 50*(r.Fastest-r.Slowest)/r.PerSecond)
}

// progress is one line on a terminal that says what is being measured; elsewhere it is silent.
type progress struct {
	out   io.Writer // nil: silent
	label string
	shown time.Time
}

// The line is not written more often than this: it must not show in the measurement.
const progressInterval = 100 * time.Millisecond

func newProgress(stderr io.Writer) *progress {
	f, ok := stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &progress{}
	}
	return &progress{out: stderr}
}

// begin names what is measured now.
func (p *progress) begin(label string) {
	p.label = label
	p.show("")
}

// step says how far it is.
func (p *progress) step(done, all int) {
	if p.out != nil && time.Since(p.shown) >= progressInterval {
		p.show(fmt.Sprintf(" %3d%%", 100*done/max(all, 1)))
	}
}

func (p *progress) show(text string) {
	if p.out != nil {
		fmt.Fprintf(p.out, "\r\x1b[K%s%s", p.label, text) // to the line's start, clear it, write
		p.shown = time.Now()
	}
}

// clear takes the line away, for what stdout has to say on the same terminal.
func (p *progress) clear() {
	if p.out != nil {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
