// SPDX-License-Identifier: MPL-2.0

package main

import (
	"encoding/json"
	"fmt"
	"runtime"
)

// line lays out one line of the table: fixed widths, because a row is printed before the next one
// is measured.
const line = "| %-24s | %14s | %14s | %6s | %5s | %-4s |\n"

func (b *bench) tableHead(set settings) {
	fmt.Fprintf(b.out, "gzmq against libzmq %s; %s, %s/%s, %d CPUs; median of %d\n\n",
		b.version, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), set.runs)
	fmt.Fprintf(b.out, line, "row", "gzmq", "libzmq", "ratio", "goal", "ok?")
	fmt.Fprintf(b.out, "|%s|%s|%s|%s|%s|%s|\n", dashes(26, false), dashes(16, true), dashes(16, true),
		dashes(8, true), dashes(7, true), dashes(6, false))
}

// dashes is a cell of the line under the head; a colon puts the column to the right.
func dashes(width int, right bool) string {
	cell := make([]byte, width)
	for i := range cell {
		cell[i] = '-'
	}
	if right {
		cell[width-1] = ':'
	}
	return string(cell)
}

func (b *bench) tableRow(res result) error {
	r := res.row
	goal, verdict := "", ""
	if r.goal > 0 {
		goal, verdict = fmt.Sprintf("%.1fx", r.goal), "no"
		if res.ok() {
			verdict = "yes"
		}
	}
	_, err := fmt.Fprintf(b.out, line, r.label(), r.value(res.ours.value()), r.value(res.theirs.value()),
		fmt.Sprintf("%.2fx", res.ratio()), goal, verdict)
	return err
}

// ok reports whether the goal is reached; without one there is nothing to miss.
func (r result) ok() bool { return r.ratio() >= r.row.goal }

// label is the row's name for readers.
func (r row) label() string {
	if r.pattern == lat {
		return fmt.Sprintf("lat %s %d B p50", r.transport, r.size)
	}
	how := "RecvInto"
	if r.receive == fresh {
		how = "Recv"
	}
	return fmt.Sprintf("thr %s %d B %s", r.transport, r.size, how)
}

// value writes a measurement in the row's unit.
func (r row) value(v float64) string {
	switch {
	case r.pattern == lat:
		return fmt.Sprintf("%.1f µs", v)
	case v >= 1e6:
		return fmt.Sprintf("%.2f M msg/s", v/1e6)
	}
	return fmt.Sprintf("%.1f k msg/s", v/1e3)
}

// jsonResult is one row under --json. Names end in their unit.
type jsonResult struct {
	Row       string   `json:"row"`
	Pattern   string   `json:"pattern"`
	Transport string   `json:"transport"`
	Size      int      `json:"size"`
	Receive   string   `json:"receive"`
	Version   string   `json:"libzmq_version"`
	Gzmq      jsonSide `json:"gzmq"`
	Libzmq    jsonSide `json:"libzmq"`
	Ratio     float64  `json:"ratio"`
	Goal      *float64 `json:"goal"` // null: none is set
	OK        *bool    `json:"ok"`
}

// jsonSide is one side of a row: medians, and under runs the value of each run in its order.
type jsonSide struct {
	Count  int       `json:"count"`
	Rate   float64   `json:"msgs_per_second,omitempty"` // thr
	Bytes  float64   `json:"bytes_per_second,omitempty"`
	P50    float64   `json:"p50_us,omitempty"` // lat
	P99    float64   `json:"p99_us,omitempty"`
	CPU    float64   `json:"cpu_ns_per_message"` // lat: per round trip
	Values []float64 `json:"runs"`
}

func (b *bench) jsonRow(res result) error {
	r := res.row
	out := jsonResult{
		Row: r.name(), Pattern: r.pattern, Transport: r.transport, Size: r.size, Receive: r.receive,
		Version: b.version, Gzmq: r.jsonSide(res.ours), Libzmq: r.jsonSide(res.theirs),
		Ratio: res.ratio(),
	}
	if ok := res.ok(); r.goal > 0 {
		out.Goal, out.OK = &r.goal, &ok
	}
	return json.NewEncoder(b.out).Encode(out)
}

func (r row) jsonSide(s series) jsonSide {
	out := jsonSide{Count: s.count, CPU: s.cpu() * 1e9}
	if r.pattern == lat {
		out.P50, out.P99 = s.value(), s.p99()
	} else {
		out.Rate, out.Bytes = s.value(), s.value()*float64(r.size)
	}
	for _, one := range s.samples {
		out.Values = append(out.Values, one.value)
	}
	return out
}
