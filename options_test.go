// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestOptionTable holds that the table and the struct are about the same fields.
func TestOptionTable(t *testing.T) {
	rows := make(map[string]int)
	var names []string
	for _, row := range optionTable {
		names = append(names, row.name)
		if (row.field == "") != (row.value == nil) || (row.value == nil) != (row.live == never) {
			t.Errorf("%s: a row has a field, a value and an effect, or is read only", row.name)
		}
		if row.field != "" {
			rows[row.field]++
		}
		if row.doc == "" || !strings.HasSuffix(row.doc, ".") {
			t.Errorf("%s: no sentence", row.name)
		}
	}
	for field := range reflect.TypeFor[Options]().Fields() {
		if rows[field.Name] != 1 {
			t.Errorf("field %s has %d rows", field.Name, rows[field.Name])
		}
		delete(rows, field.Name)
	}
	if len(rows) != 0 {
		t.Errorf("rows without a field: %v", rows)
	}
	names = append(names, notHere...)
	slices.Sort(names)
	if unique := slices.Compact(slices.Clone(names)); len(unique) != len(names) {
		t.Errorf("a name stands twice among %v", names)
	}
}

// TestOptionRowOwnsItsField sets each row alone and looks which field of the struct moved.
func TestOptionRowOwnsItsField(t *testing.T) {
	for _, row := range optionTable {
		if row.value == nil {
			continue
		}
		var o Options
		if o.Set(row.name, "1") != nil {
			continue // a Go value
		}
		v := reflect.ValueOf(o)
		for i := range v.NumField() {
			moved := !v.Field(i).IsZero()
			if want := v.Type().Field(i).Name == row.field; moved != want {
				t.Errorf("Set(%s) moved %s: %v", row.name, v.Type().Field(i).Name, moved)
			}
		}
	}
}

func TestOptionsSetGet(t *testing.T) {
	tests := []struct {
		name, value string
		want        Options
		text        string // what Get says then; empty: the value again
	}{
		{"SNDHWM", "17", Options{SendHWM: 17}, ""},
		{"ZMQ_SNDHWM", "0", Options{SendHWM: Unlimited}, ""},
		{"rcvhwm", "2147483647", Options{RecvHWM: 2147483647}, ""},
		{"zmq_MaxMsgSize", "-1", Options{MaxMsgSize: Unlimited}, ""},
		{"MAXMSGSIZE", "9223372036854775807", Options{MaxMsgSize: 1<<63 - 1}, ""},
		{"SNDBUF", "-1", Options{}, ""},
		{"RCVBUF", "65536", Options{RecvBuffer: 65536}, ""},
		{"BACKLOG", "5", Options{Backlog: 5}, ""},
		{"LINGER", "0", Options{Linger: NoWait}, ""},
		{"LINGER", "-1", Options{Linger: Forever}, ""},
		{"LINGER", "250", Options{Linger: 250 * time.Millisecond}, ""},
		{"LINGER", "30s", Options{Linger: 30 * time.Second}, "30000"},
		{"LINGER", "0s", Options{Linger: NoWait}, "0"},
		{"LINGER", "1.5ms", Options{Linger: 1500 * time.Microsecond}, ""},
		{"SNDTIMEO", "0", Options{SendTimeout: NoWait}, ""},
		{"RCVTIMEO", "-1", Options{RecvTimeout: Forever}, ""},
		{"HANDSHAKE_IVL", "0", Options{HandshakeTimeout: Forever}, ""},
		{"CONNECT_TIMEOUT", "0", Options{}, ""},
		{"RECONNECT_IVL", "-1", Options{ReconnectInterval: Forever}, ""},
		{"RECONNECT_IVL", "0", Options{ReconnectInterval: Forever}, "-1"},
		{"RECONNECT_IVL_MAX", "1m", Options{ReconnectMax: time.Minute}, "60000"},
		{"IPV6", "1", Options{IPv6: true}, ""},
		{"IMMEDIATE", "true", Options{Immediate: true}, "1"},
		{"IMMEDIATE", "0", Options{}, ""},
		{"REQUEST_TIMEOUT", "-1", Options{RequestTimeout: Forever}, ""},
		{"REQUEST_RETRIES", "3", Options{RequestRetries: 3}, ""},
		{"REQ_RELAXED", "1", Options{ReqRelaxed: true}, ""},
		{"REQ_CORRELATE", "1", Options{ReqCorrelate: true}, ""},
	}
	for _, test := range tests {
		var o Options
		if err := o.Set(test.name, test.value); err != nil {
			t.Errorf("Set(%s, %s): %v", test.name, test.value, err)
			continue
		}
		if o != test.want {
			t.Errorf("Set(%s, %s) = %+v", test.name, test.value, o)
		}
		if test.text == "" {
			test.text = test.value
		}
		if text, err := o.Get(test.name); text != test.text || err != nil {
			t.Errorf("Get(%s) = %q, %v, want %q", test.name, text, err, test.text)
		}
	}
}

func TestOptionsSetRefuses(t *testing.T) {
	tests := []struct {
		name, value string
		is          error
		reason      string // a part of it
	}{
		{"SNDHWM", "-1", ErrInvalid, "takes 1 to 2147483647; 0: without limit"},
		{"SNDHWM", "2147483648", ErrInvalid, "takes 1 to"},
		{"SNDHWM", "30s", ErrInvalid, "takes 1 to"},
		{"SNDHWM", "", ErrInvalid, "takes 1 to"},
		{"MAXMSGSIZE", "0", ErrInvalid, "-1: without limit"},
		{"MAXMSGSIZE", "9223372036854775808", ErrInvalid, "takes"},
		{"BACKLOG", "0", ErrInvalid, "takes 1 to"},
		{"LINGER", "-2", ErrInvalid, "-1: until all is sent; 0: drop at once"},
		{"LINGER", "-1ns", ErrInvalid, "takes"},
		{"LINGER", "9223372036855", ErrInvalid, "takes"}, // more than a Duration holds
		{"HANDSHAKE_IVL", "-1", ErrInvalid, "0: without limit"},
		{"REQUEST_TIMEOUT", "0", ErrInvalid, "-1: without limit"},
		{"IPV6", "2", ErrInvalid, "takes 0 or 1"},
		{"LOGGER", "x", ErrInvalid, "is a Go value"},
		{"TYPE", "7", ErrInvalid, "can only be read"},
		{"HWM_OF_SENDING", "1", ErrInvalid, "no option of this name"},
		{"", "1", ErrInvalid, "no option of this name"},
		{"zmq_fd", "1", ErrNotSupported, "libzmq has this option"},
	}
	for _, test := range tests {
		o := Options{SendHWM: 5, Linger: time.Second}
		before := o
		err := o.Set(test.name, test.value)
		var option *OptionError
		if !errors.As(err, &option) || !errors.Is(err, test.is) {
			t.Errorf("Set(%s, %s): %v, want %v", test.name, test.value, err, test.is)
			continue
		}
		if option.Name != bareName(test.name) || option.Value != test.value {
			t.Errorf("Set(%s, %s): the error names %s = %s", test.name, test.value, option.Name, option.Value)
		}
		if !strings.Contains(option.Reason, test.reason) {
			t.Errorf("Set(%s, %s): %v, want %q in it", test.name, test.value, err, test.reason)
		}
		if o != before {
			t.Errorf("Set(%s, %s) failed and changed something", test.name, test.value)
		}
	}
}

func TestOptionsGetRefuses(t *testing.T) {
	for name, is := range map[string]error{"LAST_ENDPOINT": ErrInvalid, "CONTEXT": ErrInvalid,
		"NONSENSE": ErrInvalid, "EVENTS": ErrNotSupported} {
		if text, err := new(Options).Get(name); text != "" || !errors.Is(err, is) {
			t.Errorf("Get(%s) = %q, %v, want %v", name, text, err, is)
		}
	}
}

func TestOptionsEffective(t *testing.T) {
	got := Options{RecvHWM: 7, Linger: NoWait}.effective()
	if got.Logger == nil {
		t.Error("no Logger")
	}
	got.Logger = nil
	want := Options{
		SendHWM: 1000, RecvHWM: 7, MaxMsgSize: Unlimited, Backlog: 100, Linger: NoWait,
		SendTimeout: Forever, RecvTimeout: Forever, HandshakeTimeout: 30 * time.Second,
		ReconnectInterval: 100 * time.Millisecond, RequestTimeout: Forever,
	}
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if linger := (Options{}).effective().Linger; linger != 30*time.Second {
		t.Errorf("LINGER is %v", linger)
	}
}

func TestOptionsValidate(t *testing.T) {
	effective := Options{}.effective()
	tests := []struct {
		o    Options
		t    SocketType
		is   error // nil: valid
		text string
	}{
		{Options{}, PUSH, nil, ""},
		{effective, PULL, nil, ""}, // one socket's Options make another
		{Options{SendHWM: Unlimited, MaxMsgSize: Unlimited, Linger: NoWait}, PULL, nil, ""},
		{Options{Linger: time.Nanosecond, ReconnectMax: 1<<63 - 1}, PULL, nil, ""},
		{Options{RequestTimeout: time.Second, RequestRetries: 2, ReqRelaxed: true, ReqCorrelate: true}, REQ, nil, ""},
		{Options{SendHWM: -2}, PUSH, ErrInvalid,
			`zmq: option SNDHWM = "-2": in the struct it must be zero for the default, Unlimited, 1 to 2147483647`},
		{Options{MaxMsgSize: -2}, PUSH, ErrInvalid, "Unlimited"},
		{Options{SendBuffer: -1}, PUSH, ErrInvalid, "zero for the default, 1 to"},
		{Options{Backlog: -1}, PUSH, ErrInvalid, "BACKLOG"},
		{Options{Linger: -time.Second}, PUSH, ErrInvalid,
			`LINGER = "-1s": in the struct it must be zero for the default, Forever, NoWait, a positive time`},
		{Options{ReconnectInterval: NoWait}, PUSH, ErrInvalid, "zero for the default, Forever"},
		{Options{ConnectTimeout: Forever}, PUSH, ErrInvalid, "CONNECT_TIMEOUT"},
		{Options{RequestRetries: -1}, REQ, ErrInvalid, "REQUEST_RETRIES"},
		{Options{RequestTimeout: time.Second}, PUSH, ErrNotSupported,
			`REQUEST_TIMEOUT = "1000": a PUSH socket does not have it, only REQ`},
		{Options{ReqCorrelate: true}, REP, ErrNotSupported, "REQ_CORRELATE"},
	}
	for _, test := range tests {
		err := test.o.validate(test.t)
		if test.is == nil {
			if err != nil {
				t.Errorf("%s: %v", test.t, err)
			}
			continue
		}
		if !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("got  %v\nwant %v, with %s", err, test.is, test.text)
		}
	}
}

func TestOptionsChangedNotLive(t *testing.T) {
	old := Options{}.effective()
	changed := old
	changed.Linger, changed.SendHWM, changed.IPv6 = NoWait, 5, true
	if err := changedNotLive(old, changed); err != nil {
		t.Errorf("a live option: %v", err)
	}
	changed.Logger = slog.Default()
	if err := changedNotLive(old, changed); !errors.Is(err, ErrNotSupported) || !strings.Contains(err.Error(), "LOGGER") {
		t.Errorf("another Logger: %v", err)
	}
	changed = old
	changed.Context = new(Context)
	if err := changedNotLive(old, changed); !errors.Is(err, ErrNotSupported) || !strings.Contains(err.Error(), "CONTEXT") {
		t.Errorf("another Context: %v", err)
	}
}

// FuzzOptionsSet holds that what Set takes, validate takes, and Get gives back exactly.
func FuzzOptionsSet(f *testing.F) {
	for _, row := range optionTable {
		for _, value := range []string{"0", "1", "-1", "1000", "1.5ms", "1h0m0.000000001s", "x", ""} {
			f.Add(row.name, value)
		}
	}
	f.Add("ZMQ_FD", "1")
	f.Fuzz(func(t *testing.T, name, value string) {
		var o, again Options
		if err := o.Set(name, value); err != nil {
			if !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrNotSupported) {
				t.Fatalf("Set(%q, %q): %v", name, value, err)
			}
			if o != again {
				t.Fatalf("Set(%q, %q) failed and changed something", name, value)
			}
			return
		}
		if err := o.validate(REQ); err != nil {
			t.Fatalf("Set(%q, %q), but %v", name, value, err)
		}
		text, err := o.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Set(name, text); err != nil {
			t.Fatalf("Get(%q) = %q: %v", name, text, err)
		}
		if o != again {
			t.Fatalf("%q: %+v became %+v by %q", name, o, again, text)
		}
	})
}
