// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	tests := []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{7}, 7},
		{[]float64{9, 1}, 5},
		{[]float64{100, 1, 3}, 3},
		{[]float64{4, 1, 100, 2}, 3},
	}
	for _, tt := range tests {
		var s series
		for _, v := range tt.values {
			s.samples = append(s.samples, sample{value: v})
		}
		if got := s.value(); got != tt.want {
			t.Errorf("median of %v is %v, want %v", tt.values, got, tt.want)
		}
	}
}

func TestMeasured(t *testing.T) {
	tests := []struct {
		name    string
		pattern string
		count   int
		text    string
		want    sample
		fails   bool
	}{
		{"thr", thr, 1001, "took 1000000\n", sample{value: 1e6}, false},
		{"lat", lat, 100, "trips 50000 90000\n", sample{value: 50, p99: 90}, false},
		{"among other lines", thr, 3, "bound x\ntook 2000000000\nbye\n", sample{value: 1}, false},
		{"nothing", thr, 10, "", sample{}, true},
		{"the other pattern", lat, 10, "took 5\n", sample{}, true},
		{"no number", thr, 10, "took long\n", sample{}, true},
		{"no time at all", thr, 10, "took 0\n", sample{}, true},
		{"half a line", lat, 10, "trips 5\n", sample{}, true},
	}
	for _, tt := range tests {
		got, err := measured(row{pattern: tt.pattern}, tt.count, tt.text, 0)
		if (err != nil) != tt.fails || got != tt.want {
			t.Errorf("%s: %+v, %v; want %+v", tt.name, got, err, tt.want)
		}
	}
}

// someResult is a row with a goal of 4: the rates are in M msg/s.
func someResult(ours, theirs float64) result {
	one := func(v float64) series {
		return series{count: 1000, samples: []sample{{value: v * 1e6, cpu: time.Millisecond}}}
	}
	return result{row: allRows[0], ours: one(ours), theirs: one(theirs)}
}

func TestTableLines(t *testing.T) {
	var out bytes.Buffer
	b := &bench{out: &out, version: "4.3.4"}
	b.tableHead(settings{runs: 5})
	b.tableRow(someResult(20, 4))
	b.tableRow(someResult(12, 4))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 6 {
		t.Fatalf("%d lines:\n%s", len(lines), out.String())
	}
	for _, l := range lines[2:] {
		if len(l) != len(lines[2]) || strings.Count(l, "|") != 7 {
			t.Errorf("not a line of the table: %q", l)
		}
	}
	for i, want := range []string{"|  5.00x |  4.0x | yes  |", "|  3.00x |  4.0x | no   |"} {
		if !strings.HasSuffix(lines[4+i], want) {
			t.Errorf("got %q, want it to end in %q", lines[4+i], want)
		}
	}
}

func TestJSONRow(t *testing.T) {
	var out bytes.Buffer
	b := &bench{out: &out}
	if err := b.jsonRow(someResult(20, 4)); err != nil {
		t.Fatal(err)
	}
	var got jsonResult
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Row != "thr-tcp-8" || got.Ratio != 5 || got.Goal == nil || *got.Goal != 4 || got.OK == nil || !*got.OK {
		t.Errorf("got %s", out.Bytes())
	}
	if got.Gzmq.Rate != 20e6 || got.Gzmq.Bytes != 160e6 || got.Gzmq.CPU != 1000 || got.Libzmq.Rate != 4e6 {
		t.Errorf("got %s", out.Bytes())
	}
}

func TestParse(t *testing.T) {
	tests := []struct {
		args  string
		fails bool
	}{
		{"", false},
		{"--quick --json --runs 3 --rows thr-*", false},
		{"--check", false},
		{"--mechanism null", false},
		{"--mechanism CURVE", true},
		{"--runs 0", true},
		{"--check --json", true},
		{"--smoke --quick", true},
		{"--check --rows thr-ipc-64", true}, // it has no goal
		{"--rows nothing", true},
		{"surplus", true},
	}
	for _, tt := range tests {
		_, err := parse(strings.Fields(tt.args), io.Discard)
		if (err != nil) != tt.fails {
			t.Errorf("%q: error %v", tt.args, err)
		}
	}
}

// rateSide is a side whose thr rows reach the given rate in M msg/s, and whose lat rows fail. It
// adds its mark to the log at each run.
func rateSide(log, mark string, rate int) side {
	return scriptSide(fmt.Sprintf(`
		case $1 in
		bind) echo bound here; printf %s >>%s; echo took $(($4 / %d * 1000));;
		inproc) echo broken >&2; exit 1;;
		esac`, mark, log, rate))
}

func TestCheck(t *testing.T) {
	tests := []struct {
		ours, theirs int
		want         string // the part of the error, or "" for none
		runs         string // o: ours, t: theirs
	}{
		{20, 5, "", "ot"},
		{10, 5, "", "ot"}, // half the goal is enough, at the first try
		{9, 5, "1.80 times libzmq, want at least 2.00", "ottoot"},
	}
	for _, tt := range tests {
		log := filepath.Join(t.TempDir(), "log")
		b := &bench{ours: rateSide(log, "o", tt.ours), theirs: rateSide(log, "t", tt.theirs), out: io.Discard}
		err := b.check(t.Context(), allRows[:1])
		if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%d against %d: error %v, want %q", tt.ours, tt.theirs, err, tt.want)
		}
		if runs, err := os.ReadFile(log); err != nil || string(runs) != tt.runs {
			t.Errorf("%d against %d: runs %q, %v; want %q", tt.ours, tt.theirs, runs, err, tt.runs)
		}
	}
}

func TestCompare(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	var out bytes.Buffer
	b := &bench{ours: rateSide(log, "o", 20), theirs: rateSide(log, "t", 5), out: &out}
	broken := row{lat, "inproc", 64, into, 0, 100, 100}
	err := b.compare(t.Context(), settings{rows: []row{broken, allRows[0]}, runs: 3, shrink: 1})
	if err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("error %v, want the broken row's", err)
	}
	if !strings.Contains(out.String(), "| thr tcp 8 B RecvInto") || strings.Contains(out.String(), "lat") {
		t.Errorf("want the row that runs, and only that:\n%s", out.String())
	}
	if runs, err := os.ReadFile(log); err != nil || string(runs) != "ottoot" {
		t.Errorf("runs %q, %v; want them to alternate", runs, err)
	}
}
