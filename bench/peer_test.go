// SPDX-License-Identifier: MPL-2.0

package main

import (
	"strings"
	"testing"
)

// scriptSide is a side whose peers are a shell script; the role is its $1.
type scriptSide string

func (scriptSide) name() string { return "script" }

func (s scriptSide) command(string) (string, []string) {
	return "sh", []string{"-c", string(s), "peer"}
}

func TestOnce(t *testing.T) {
	tcp := row{pattern: thr, transport: "tcp", size: 8, receive: into}
	inproc := row{pattern: lat, transport: "inproc", size: 8, receive: into}
	// Where one side fails, the other one would wait for good: the run must end all the same, and
	// say what the failing side said.
	tests := []struct {
		name   string
		row    row
		script string
		want   float64
		err    string // part of the error; "": none
	}{
		{"two processes", tcp, `case $1 in bind) echo bound here; echo took 1000000;; connect) [ "$2" = here ];; esac`, 1e6, ""},
		{"one process", inproc, `[ "$1" = inproc ] && echo trips 2000 3000`, 2, ""},
		{"the connecting side measures", row{pattern: lat, transport: "tcp"}, `case $1 in bind) echo bound here;; connect) echo trips 2000 3000;; esac`, 2, ""},
		{"cannot bind", tcp, `echo no room >&2; exit 1`, 0, "no room"},
		{"connecting side dies", tcp, `case $1 in bind) echo bound here; exec sleep 1000;; connect) echo lost >&2; exit 1;; esac`, 0, "connect side: exit status 1: lost"},
		{"binding side dies", tcp, `case $1 in bind) echo bound here; echo lost >&2; exit 1;; connect) exec sleep 1000;; esac`, 0, "bind side: exit status 1: lost"},
		{"one process dies", inproc, `echo lost >&2; exit 1`, 0, "lost"},
		{"nobody measured", tcp, `[ "$1" != bind ] || echo bound here`, 0, `no "took"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := once(t.Context(), scriptSide(tt.script), tt.row, 1001, "endpoint")
			switch {
			case tt.err == "" && err != nil:
				t.Errorf("error %v", err)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("error %v, want one with %q", err, tt.err)
			case got.value != tt.want:
				t.Errorf("measured %v, want %v", got.value, tt.want)
			}
		})
	}
}

func TestParseJob(t *testing.T) {
	tests := []struct {
		args  string
		fails bool
	}{
		{"thr bind tcp://127.0.0.1:0 64 1000 into", false},
		{"thr bind tcp://127.0.0.1:0 64 1000", true},
		{"thr bind tcp://127.0.0.1:0 many 1000 into", true},
		{"thr bind tcp://127.0.0.1:0 64 many into", true},
		{"thr bind tcp://127.0.0.1:0 -1 1000 into", true},
		{"thr bind tcp://127.0.0.1:0 64 1 into", true}, // one message has no first and last
	}
	for _, tt := range tests {
		if _, err := parseJob(strings.Fields(tt.args)); (err != nil) != tt.fails {
			t.Errorf("%q: error %v", tt.args, err)
		}
	}
}
