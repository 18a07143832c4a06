// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Patterns of a row.
const (
	thr = "thr" // one PUSH sends to one PULL: messages per second
	lat = "lat" // REQ asks, REP echoes: the median round trip
)

// Ways in which gzmq's receiver takes a message. libzmq has one way, zmq_recv into a buffer.
const (
	into  = "into" // RecvInto: the message's memory is used again
	fresh = "recv" // Recv: memory of its own for each message
)

// A row is one line of the table.
type row struct {
	pattern   string
	transport string
	size      int // bytes of a message
	receive   string
	goal      float64 // how many times as good as libzmq; 0: none is set

	// Messages or round trips of one run. They differ so that a run of either side takes half a
	// second to a second.
	ours, theirs int
}

// allRows is the whole table, in its order.
var allRows = []row{
	{thr, "tcp", 8, into, 4, 14_000_000, 4_000_000},
	{thr, "tcp", 64, into, 3.5, 8_000_000, 2_500_000},
	{thr, "tcp", 256, into, 3, 3_500_000, 1_200_000},
	{thr, "tcp", 1024, into, 2.5, 1_000_000, 400_000},
	{thr, "tcp", 4096, into, 2, 250_000, 110_000},
	{thr, "tcp", 32768, into, 2, 45_000, 20_000},
	{thr, "tcp", 8, fresh, 3, 10_000_000, 4_000_000},
	{thr, "tcp", 64, fresh, 3, 6_000_000, 2_500_000},
	{thr, "inproc", 64, into, 2, 6_000_000, 2_500_000},
	{thr, "ipc", 64, into, 0, 8_000_000, 2_500_000},
	{lat, "tcp", 64, into, 2, 15_000, 5_000},
	{lat, "inproc", 64, into, 0, 50_000, 12_000},
}

// checkRows are the rows whose goals must hold everywhere.
const checkRows = "thr-tcp-8,thr-tcp-64"

// name is what --rows takes: thr-tcp-64, thr-tcp-64-recv.
func (r row) name() string {
	name := fmt.Sprintf("%s-%s-%d", r.pattern, r.transport, r.size)
	if r.receive == fresh {
		name += "-recv"
	}
	return name
}

// bindEndpoint is where the receiving side binds. Each run has a number of its own, so that an ipc
// path is never used twice.
func (r row) bindEndpoint(dir string, number int) string {
	switch r.transport {
	case "ipc":
		return fmt.Sprintf("ipc://%s/%d", dir, number)
	case "inproc":
		return "inproc://bench"
	}
	return "tcp://127.0.0.1:0"
}

// better says how many times as good as theirs ours is: more messages, or less time.
func (r row) better(ours, theirs float64) float64 {
	if r.pattern == lat {
		ours, theirs = theirs, ours
	}
	if theirs == 0 {
		return 0
	}
	return ours / theirs
}

func rowNames(rows []row) []string {
	var names []string
	for _, r := range rows {
		names = append(names, r.name())
	}
	return names
}

// selectRows returns the rows named in a comma-separated list, in the table's order; all of them
// for an empty list. A name that fits no row is an error: a mistyped one must not pass as done.
func selectRows(list string) ([]row, error) {
	if list == "" {
		return allRows, nil
	}
	chosen := make([]bool, len(allRows))
	for want := range strings.SplitSeq(list, ",") {
		want = strings.TrimSpace(want)
		found := false
		for i, r := range allRows {
			fits, err := path.Match(want, r.name())
			if err != nil {
				return nil, fmt.Errorf("row %q: %w", want, err)
			}
			if fits {
				chosen[i], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("no row %q; there are %s", want, strings.Join(rowNames(allRows), " "))
		}
	}
	var rows []row
	for i, r := range allRows {
		if chosen[i] {
			rows = append(rows, r)
		}
	}
	return slices.Clip(rows), nil
}
