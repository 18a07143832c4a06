// SPDX-License-Identifier: MPL-2.0

package wire

import (
	"slices"
	"strings"
	"testing"
)

// typeNumbers is what zmq.h defines.
var typeNumbers = map[string]int{
	"PAIR": 0, "PUB": 1, "SUB": 2, "REQ": 3, "REP": 4, "DEALER": 5, "ROUTER": 6, "PULL": 7,
	"PUSH": 8, "XPUB": 9, "XSUB": 10, "STREAM": 11, "SERVER": 12, "CLIENT": 13, "RADIO": 14,
	"DISH": 15, "GATHER": 16, "SCATTER": 17, "DGRAM": 18, "PEER": 19, "CHANNEL": 20,
}

func TestTypeNumber(t *testing.T) {
	for name, want := range typeNumbers {
		if got := TypeNumber(name); got != want {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
	for _, name := range []string{"", "push", "PUSH ", "XREQ", "PUSHY"} {
		if got := TypeNumber(name); got != -1 {
			t.Errorf("%q is %d", name, got)
		}
	}
}

// Each pair stands here once, in either order; all others must not talk.
func TestCompatible(t *testing.T) {
	pairs := strings.Fields("PAIR-PAIR PUB-SUB PUB-XSUB XPUB-SUB XPUB-XSUB REQ-REP REQ-ROUTER " +
		"REP-DEALER DEALER-DEALER DEALER-ROUTER ROUTER-ROUTER PUSH-PULL CLIENT-SERVER " +
		"RADIO-DISH SCATTER-GATHER PEER-PEER CHANNEL-CHANNEL")
	names := []string{"", "push", "BOGUS"}
	for name := range typeNumbers {
		names = append(names, name)
	}
	for _, a := range names {
		for _, b := range names {
			want := slices.Contains(pairs, a+"-"+b) || slices.Contains(pairs, b+"-"+a)
			if got := Compatible(a, b); got != want {
				t.Errorf("Compatible(%q, %q) = %v", a, b, got)
			}
		}
	}
}

func TestTypesAllocateNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		if TypeNumber("CHANNEL") != 20 || !Compatible("ROUTER", "REQ") {
			t.Error("wrong answer")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
