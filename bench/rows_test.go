// SPDX-License-Identifier: MPL-2.0

package main

import (
	"slices"
	"testing"
)

func TestSelectRows(t *testing.T) {
	tests := []struct {
		list string
		want []string // nil: an error
	}{
		{"", rowNames(allRows)},
		{"thr-tcp-64", []string{"thr-tcp-64"}},
		{"thr-tcp-64-recv", []string{"thr-tcp-64-recv"}},
		{"lat-tcp-64, thr-tcp-8", []string{"thr-tcp-8", "lat-tcp-64"}},
		{"thr-tcp-8,thr-tcp-8", []string{"thr-tcp-8"}},
		{"lat-*", []string{"lat-tcp-64", "lat-inproc-64"}},
		{checkRows, []string{"thr-tcp-8", "thr-tcp-64"}},
		{"thr-tcp-9", nil},
		{"thr-tcp-8,", nil},
		{"[", nil},
	}
	for _, tt := range tests {
		rows, err := selectRows(tt.list)
		if (err != nil) != (tt.want == nil) {
			t.Errorf("selectRows(%q): error %v", tt.list, err)
		}
		if got := rowNames(rows); err == nil && !slices.Equal(got, tt.want) {
			t.Errorf("selectRows(%q) = %v, want %v", tt.list, got, tt.want)
		}
	}
}

func TestRowNamesDiffer(t *testing.T) {
	names := rowNames(allRows)
	slices.Sort(names)
	if unique := slices.Compact(slices.Clone(names)); len(unique) != len(names) {
		t.Errorf("two rows share a name: %v", names)
	}
}

func TestBetter(t *testing.T) {
	tests := []struct {
		pattern            string
		ours, theirs, want float64
	}{
		{thr, 8e6, 2e6, 4},
		{thr, 1e6, 2e6, 0.5},
		{lat, 50e-6, 150e-6, 3}, // less time is better
		{lat, 300e-6, 150e-6, 0.5},
		{thr, 1e6, 0, 0},
	}
	for _, tt := range tests {
		if got := (row{pattern: tt.pattern}).better(tt.ours, tt.theirs); got < tt.want*0.999 || got > tt.want*1.001 {
			t.Errorf("%s: better(%v, %v) = %v, want %v", tt.pattern, tt.ours, tt.theirs, got, tt.want)
		}
	}
}
