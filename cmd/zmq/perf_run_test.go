// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"encoding/json"
	"strings"
	"testing"
)

func rowsOf(t *testing.T, out string) []row {
	t.Helper()
	var rows []row
	for s := bufio.NewScanner(strings.NewReader(out)); s.Scan(); {
		var r row
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			t.Fatalf("%q: %v", s.Text(), err)
		}
		rows = append(rows, r)
	}
	return rows
}

// TestPerf: both sides, over each transport, with a count and with none.
func TestPerf(t *testing.T) {
	for _, transport := range transports {
		for _, p := range []pattern{throughput, latency} {
			for _, count := range []string{"", "--count 200"} {
				args := "perf " + p.name + " --json --runs 2 --size 0 --size 100 --transport " + transport + " " + count
				if count == "" && (transport != transportTCP || testing.Short()) {
					continue
				}
				out, errs := start(t, strings.Fields(args)...).ends(exitOK)
				rows := rowsOf(t, out)
				if len(rows) != 2 {
					t.Fatalf("zmq %s: %q, %s", args, out, errs)
				}
				for i, r := range rows {
					lat := r.P50 != nil && r.P99 != nil && r.P999 != nil && 0 < *r.P50 && *r.P50 <= *r.P99 && *r.P99 <= *r.P999
					if r.Pattern != p.what || r.Transport != transport || r.Size != []int{0, 100}[i] || r.Runs != 2 ||
						r.PerSecond <= 0 || r.BytesPerSecond < r.PerSecond*float64(r.Size)*0.99 || lat != (p == latency) {
						t.Errorf("zmq %s: %+v", args, r)
					}
					if count != "" && r.Count != 200 {
						t.Errorf("zmq %s: count %d", args, r.Count)
					}
				}
			}
		}
	}
}

// TestPerfOneSide: two commands that know of each other only the endpoint.
func TestPerfOneSide(t *testing.T) {
	for _, p := range []pattern{throughput, latency} {
		receiver := start(t, "perf", p.name, "--json", "--bind", loopback, "--size", "10", "--count", "100")
		sender := start(t, "perf", p.name, "--json", "--connect", receiver.bound(), "--size", "10", "--count", "100")
		sent, said := sender.ends(exitOK)
		received, heard := receiver.ends(exitOK)
		measured, note := received, said
		if p == latency {
			measured, note = sent, heard
		}
		if rows := rowsOf(t, measured); len(rows) != 1 || rows[0].Count != 100 || rows[0].Transport != transportTCP {
			t.Errorf("%s: %q", p.name, measured)
		}
		if sent+received != measured || !strings.Contains(note, "100 messages") {
			t.Errorf("%s: sender %q, %q; receiver %q, %q", p.name, sent, said, received, heard)
		}
	}
}

// TestPerfSizesDiffer: two sides that do not measure the same thing must not make a number of it.
func TestPerfSizesDiffer(t *testing.T) {
	receiver := start(t, "perf", "thr", "--bind", loopback, "--size", "10", "--count", "100")
	sender := start(t, "perf", "thr", "--connect", receiver.bound(), "--size", "11", "--count", "100")
	if out, errs := receiver.ends(exitFailure); out != "" || !strings.Contains(errs, "--size") {
		t.Errorf("%q, %q", out, errs)
	}
	sender.cmd.Process.Kill()
}
