// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func readAll(t *testing.T, l *lines) ([]string, error) {
	t.Helper()
	var got []string
	for {
		line, err := l.next(context.Background())
		if err != nil {
			return got, err
		}
		got = append(got, string(line))
		if l.number != len(got) {
			t.Fatalf("line %d has number %d", len(got), l.number)
		}
	}
}

func TestNextLine(t *testing.T) {
	long := strings.Repeat("x", 3*readSize+7)
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", nil},
		{"\n", []string{""}},
		{"a\n\nb\n", []string{"a", "", "b"}},
		{"a\nb", []string{"a", "b"}},
		{"a\r\n", []string{"a\r"}},
		{long + "\n" + long, []string{long, long}},
	} {
		for name, r := range map[string]io.Reader{
			"whole":       strings.NewReader(c.in),
			"half":        iotest.HalfReader(strings.NewReader(c.in)),
			"with error":  iotest.DataErrReader(strings.NewReader(c.in)),
			"one at once": oneByte(c.in),
		} {
			got, err := readAll(t, newLines(r))
			if err != io.EOF || !slices.Equal(got, c.want) {
				t.Errorf("%.10q, %s: got %.40q, %v", c.in, name, got, err)
			}
		}
	}
}

// oneByte is a reader that gives a byte at a time, but for inputs where that would take long.
func oneByte(s string) io.Reader {
	if len(s) > readSize {
		return strings.NewReader(s)
	}
	return iotest.OneByteReader(strings.NewReader(s))
}

func TestNextLineFails(t *testing.T) {
	broken := errors.New("broken")
	r := io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken))
	got, err := readAll(t, newLines(r))
	if !errors.Is(err, broken) || !slices.Equal(got, []string{"a"}) {
		t.Fatalf("got %q, %v", got, err)
	}
}

// TestStop: a stop ends the wait; what was read before it is still there, and half a line is told.
func TestStop(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
		err  error
	}{
		{"a\nb\nc\n", []string{"b", "c"}, io.EOF},
		{"a\n", nil, io.EOF},
		{"a\nb\nhalf", []string{"b"}, errUnfinished},
	} {
		r, w := io.Pipe()
		l := newLines(r)
		go w.Write([]byte(c.in)) // one Write, one Read: all of it is read with the first line
		stop, cancel := context.WithCancel(context.Background())
		if first, err := l.next(stop); err != nil || string(first) != "a" {
			t.Fatalf("first line: %q, %v", first, err)
		}
		cancel()
		var got []string
		var err error
		for err == nil {
			var line []byte
			if line, err = l.next(stop); err == nil {
				got = append(got, string(line))
			}
		}
		if err != c.err || !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, %v", c.in, got, err)
		}
		r.Close()
	}
}

// TestStopWhileReading: the read that never returns is left behind.
func TestStopWhileReading(t *testing.T) {
	r, w := io.Pipe()
	defer r.Close()
	l := newLines(r)
	stop, cancel := context.WithCancel(context.Background())
	go func() {
		w.Write(nil) // returns when the read is under way
		cancel()
	}()
	if line, err := l.next(stop); err != io.EOF {
		t.Fatalf("got %q, %v", line, err)
	}
}
