// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"errors"
	"runtime"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	const (
		both = iota
		bind
		connect
	)
	for _, test := range []struct {
		text string
		side int
		want string // "": as text
	}{
		{"tcp://127.0.0.1:5555", both, ""},
		{"tcp://0.0.0.0:5555", both, ""},
		{"tcp://0:5555", both, "tcp://0.0.0.0:5555"},
		{"tcp://127.0.0.1:05555", both, "tcp://127.0.0.1:5555"},
		{"tcp://[::1]:5555", both, ""},
		{"tcp://[0:0::1]:1", both, "tcp://[::1]:1"},
		{"tcp://[::ffff:10.0.0.1]:1", both, "tcp://10.0.0.1:1"},
		{"tcp://[fe80::1%eth0]:65535", both, ""},
		{"tcp://[fe80::1%3]:1", both, ""},
		{"tcp://localhost:5555", both, ""},
		{"tcp://eth0.100:5555", both, ""},
		{"tcp://a-b_c.example.:5555", both, ""},
		{"tcp://*:*", bind, ""},
		{"tcp://*:0", bind, ""},
		{"tcp://*:5555", bind, ""},
		{"tcp://lo:*", bind, ""},
		{"tcp://[::]:0", bind, ""},
		{"tcp://127.0.0.1:0;10.0.0.1:5555", connect, ""},
		{"tcp://*:5000;host:5555", connect, ""},
		{"tcp://eth1:*;[::1]:5555", connect, ""},
		{"tcp://[::1]:7;[0::1]:8", connect, "tcp://[::1]:7;[::1]:8"},
		{"ipc:///tmp/a", both, ""},
		{"ipc://relative/path", both, ""},
		{"ipc://*", bind, ""},
		{"ipc://**", both, ""},
		{"ipc://" + strings.Repeat("p", 103), both, ""},
		{"inproc://x", both, ""},
		{"inproc://any thing://at all", both, ""},
		{"inproc://" + strings.Repeat("n", 256), both, ""},
	} {
		want := test.want
		if want == "" {
			want = test.text
		}
		for side, ok := range map[bool]bool{true: test.side != connect, false: test.side != bind} {
			e, err := Parse(test.text, side)
			switch {
			case !ok && !errors.Is(err, ErrInvalid):
				t.Errorf("%s, bind %v: %v, want ErrInvalid", test.text, side, err)
			case ok && err != nil:
				t.Errorf("%s, bind %v: %v", test.text, side, err)
			case ok && (e.String() != want || e.Scheme+"://"+e.Address != want):
				t.Errorf("%s, bind %v: %q, %q, %q; want %q", test.text, side, e.Scheme, e.Address, e, want)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct {
		text string
		says string // part of what the error must tell
	}{
		{"", "tcp://host:port"},
		{"127.0.0.1:5555", "tcp://host:port"},
		{"://x", "no transport"},
		{"tcp:/x", "no transport"},
		{"tcp://", "nothing after tcp://"},
		{"ipc://", "nothing after ipc://"},
		{"inproc://", "nothing after inproc://"},
		{"TCP://127.0.0.1:1", "lower case"},
		{"http://x", "unknown transport"},
		{"ws wss://x", "unknown transport"},
		{" ://x", "unknown transport"},
		{"tcp://127.0.0.1", "no port"},
		{"tcp://[::1]", "no port"},
		{"tcp://:5555", "no host"},
		{"tcp://host:", "not a port"},
		{"tcp://host:65536", "not a port"},
		{"tcp://host:-1", "not a port"},
		{"tcp://host:+1", "not a port"},
		{"tcp://host:5555/path", "not a port"},
		{"tcp://host:http", "not a port"},
		{"tcp://::1:5555", "[::1]:port"},
		{"tcp://256.0.0.1:1", "not an IPv4 address"},
		{"tcp://1.2.3:1", "not an IPv4 address"},
		{"tcp://[127.0.0.1]:1", "not an IPv6 address"},
		{"tcp://[::1:1", "not an IPv6 address"},
		{"tcp://[fe80::1%]:1", "not an IPv6 address"},
		{"tcp://[fe80::1%0]:1", "not a zone"},
		{"tcp://[fe80::1%a b]:1", "not a zone"},
		{"tcp://ho st:1", "no host"},
		{"tcp://héé:1", "no host"},
		{"tcp://" + strings.Repeat("h", 254) + ":1", "no host"},
		{"tcp://;127.0.0.1:1", ""},
		{"tcp://127.0.0.1:1;", ""},
		{"tcp://a:1;b:2;c:3", ""},
		{"ipc://@", "no name"},
		{"ipc://a\x00b", "zero byte"},
		{"ipc://" + strings.Repeat("p", 108), "shorter"},
		{"inproc://" + strings.Repeat("n", 257), "256"},
	} {
		for _, bind := range []bool{true, false} {
			_, err := Parse(test.text, bind)
			if !errors.Is(err, ErrInvalid) || errors.Is(err, ErrNotSupported) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%q, bind %v: %v; want ErrInvalid with %q", test.text, bind, err, test.says)
			}
		}
	}
}

func TestParseNotSupported(t *testing.T) {
	for _, scheme := range strings.Fields(absent) {
		_, err := Parse(scheme+"://127.0.0.1:5555", true)
		if !errors.Is(err, ErrNotSupported) || !strings.Contains(err.Error(), "use tcp") {
			t.Errorf("%s: %v", scheme, err)
		}
	}
	_, err := Parse("ipc://@name", true)
	if linux := runtime.GOOS == "linux"; linux && err != nil || !linux && !errors.Is(err, ErrNotSupported) {
		t.Errorf("abstract name: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"tcp://*:*", "tcp://[fe80::1%eth0]:5555", "tcp://src:0;dst:1", "tcp://0:1", "tcp://lo:0",
		"ipc://*", "ipc://@a", "ipc:///tmp/x", "inproc://a", "udp://239.0.0.1:1", "://", "tcp://[]:1",
		"tcp://[::ffff:1.2.3.4]:01", "tcp://[::ffff:1.2.3.4%1]:1",
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, s string, bind bool) {
		e, err := Parse(s, bind)
		if err != nil {
			if !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrNotSupported) || e != (Endpoint{}) {
				t.Fatalf("%q: %+v, %v", s, e, err)
			}
			return
		}
		again, err := Parse(e.String(), bind)
		if err != nil || again != e {
			t.Fatalf("%q gave %+v, and that again %+v, %v", s, e, again, err)
		}
	})
}
