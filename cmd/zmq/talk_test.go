// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

const loopback = "tcp://127.0.0.1:*"

// TestPushPull: what goes in at one end in some format comes out at the other in that format.
func TestPushPull(t *testing.T) {
	for _, c := range []struct {
		flags string
		lines []string
	}{
		{"--format text", []string{"hello", "", "tab\there", "\xff\xfe", strings.Repeat("long", 50_000)}},
		{"--format text --parts", []string{"a\tb", "\t", "", "one"}},
		{"--format quoted", []string{`"a\x00\n\xff"`, `""`, `"é\\\""`}},
		{"--format quoted --parts", []string{"\"a\\t\"\t\"\"\t\"b\""}},
		{"--format hex", []string{"000aff", "", "00"}},
		{"--format hex --parts", []string{"00\t\t0a"}},
		{"--format json", []string{`["a","","b"]`, `[""]`, `[{"base64":"/w=="},"\n"]`}},
	} {
		flags := strings.Fields(c.flags)
		pull := start(t, append([]string{"pull", "--bind", loopback, "--count", strconv.Itoa(len(c.lines))}, flags...)...)
		push := start(t, append([]string{"push", "--connect", pull.bound()}, flags...)...)
		whole := strings.Join(c.lines, "\n") + "\n"
		push.write(whole)
		push.ends(exitOK)
		if got, _ := pull.ends(exitOK); got != whole {
			t.Errorf("%s: %.200q came out as %.200q", c.flags, whole, got)
		}
	}
}

// TestTranslate: the format is each command's own; the message is the same.
func TestTranslate(t *testing.T) {
	for _, c := range []struct{ push, line, pull, want string }{
		{"--format json", `["to","Bob"]`, "--parts", "to\tBob"},
		{"--format json", `["to","Bob"]`, "", "toBob"},
		{"--parts", "to\tBob", "--format json", `["to","Bob"]`},
		{"", "to\tBob", "--format json", `["to\tBob"]`},
		{"--format hex", "ff00", "--format quoted", `"\xff\x00"`},
		{"--format quoted", `no quotes\x21`, "", "no quotes!"},
	} {
		pull := start(t, append([]string{"pull", "--bind", loopback, "--count", "1"}, strings.Fields(c.pull)...)...)
		push := start(t, append([]string{"push", "--connect", pull.bound()}, strings.Fields(c.push)...)...)
		push.write(c.line) // the last line needs no newline
		push.ends(exitOK)
		if got, _ := pull.ends(exitOK); got != c.want+"\n" {
			t.Errorf("push %s %q, pull %s: got %q, want %q", c.push, c.line, c.pull, got, c.want)
		}
	}
}

// TestReqRep: each line is out before the next wait, so that two people could talk.
func TestReqRep(t *testing.T) {
	rep := start(t, "rep", "--bind", loopback)
	req := start(t, "req", "--connect", rep.bound())
	for _, c := range [][2]string{{"hello", "world"}, {"again", ""}} {
		req.write(c[0] + "\n")
		if got := rep.line(); got != c[0] {
			t.Errorf("rep printed %q, want %q", got, c[0])
		}
		rep.write(c[1] + "\n")
		if got := req.line(); got != c[1] {
			t.Errorf("req printed %q, want %q", got, c[1])
		}
	}
	// With the end of stdin the answer is the request.
	rep.in.Close()
	req.write("echo\n")
	if got := req.line(); got != "echo" {
		t.Errorf("req printed %q after the end of rep's stdin", got)
	}
	req.ends(exitOK)
	rep.signal(os.Interrupt)
	rep.ends(exitOK)
}

func TestRepEcho(t *testing.T) {
	rep := start(t, "rep", "--bind", loopback, "--echo", "--count", "3", "--parts")
	req := start(t, "req", "--connect", rep.bound(), "--parts", "--count", "3")
	rep.write("not this\n")
	req.write("a\tb\n\nc\nnot sent\n")
	if got, _ := req.ends(exitOK); got != "a\tb\n\nc\n" {
		t.Errorf("req printed %q", got)
	}
	if got, _ := rep.ends(exitOK); got != "a\tb\n\nc\n" {
		t.Errorf("rep printed %q", got)
	}
}

// TestManyEndpoints: --bind and --connect may stand there more than once.
func TestManyEndpoints(t *testing.T) {
	dir, err := os.MkdirTemp("", "z")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	comma := "ipc://" + dir + "/a,b"
	pull := start(t, "pull", "--bind", loopback, "--bind", comma, "--count", "4")
	push := start(t, "push", "--connect", pull.bound(), "--connect", comma)
	push.write("1\n2\n3\n4\n")
	push.ends(exitOK)
	got, _ := pull.ends(exitOK)
	if lines := strings.Fields(got); len(lines) != 4 {
		t.Errorf("got %q", lines)
	}
}

// TestMalformedLine: the line's number is on stderr, and what stood before it has gone out.
func TestMalformedLine(t *testing.T) {
	pull := start(t, "pull", "--bind", loopback, "--format", "hex", "--count", "2")
	push := start(t, "push", "--connect", pull.bound(), "--format", "hex")
	push.write("01\n02\nzz\n03\n")
	if _, errs := push.ends(exitFailure); !strings.Contains(errs, "line 3") {
		t.Errorf("no number in %q", errs)
	}
	if got, _ := pull.ends(exitOK); got != "01\n02\n" {
		t.Errorf("pull printed %q", got)
	}
}

// TestUnsent: nobody takes the message, and LINGER is over.
func TestUnsent(t *testing.T) {
	push := start(t, "push", "--connect", "tcp://127.0.0.1:1", "--option", "LINGER=50")
	push.write("lost\n")
	if _, errs := push.ends(exitFailure); !strings.Contains(errs, "unsent") {
		t.Errorf("stderr does not say so: %q", errs)
	}
}

func TestFailures(t *testing.T) {
	pull := start(t, "pull", "--bind", loopback)
	endpoint := pull.bound()
	if _, errs := start(t, "pull", "--bind", endpoint).ends(exitFailure); !strings.Contains(errs, endpoint) {
		t.Errorf("the endpoint in use is not named: %q", errs)
	}
	if _, errs := start(t, "pull", "--bind", loopback, "--option", "RCVTIMEO=20").ends(exitFailure); !strings.Contains(errs, "RCVTIMEO") {
		t.Errorf("the option whose time is over is not named: %q", errs)
	}
	push := start(t, "push", "--bind", loopback, "--option", "SNDTIMEO=20")
	push.write("nobody is there\n")
	if _, errs := push.ends(exitFailure); !strings.Contains(errs, "line 1") || !strings.Contains(errs, "SNDTIMEO") {
		t.Errorf("the line and the option are not named: %q", errs)
	}
	pull.signal(os.Interrupt)
	pull.ends(exitOK)
}

// TestInterrupt: the first signal ends each command, and nothing is lost.
func TestInterrupt(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		pull := start(t, "pull", "--bind", loopback)
		push := start(t, "push", "--connect", pull.bound())
		push.write("one\ntwo\n")
		for _, want := range []string{"one", "two"} {
			if got := pull.line(); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		// Both wait now: the one for stdin, which is still open, and the other for a message.
		push.signal(sig)
		push.waits(exitOK)
		pull.signal(sig)
		pull.ends(exitOK)
	}
}

// inProcess runs the command in this process, where a test can see how far it has read its stdin. The
// code comes when it has ended.
func inProcess(args ...string) (stdin *io.PipeWriter, stderr *syncBuffer, code <-chan int) {
	r, w := io.Pipe()
	errs, done := new(syncBuffer), make(chan int, 1)
	go func() { done <- run(append([]string{"zmq"}, args...), stdio{r, io.Discard, errs}) }()
	return w, errs, done
}

// syncBuffer is a buffer that one writes while another reads.
type syncBuffer struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	written chan struct{} // a word for waitFor, if it is waiting
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.written != nil {
		close(b.written)
		b.written = nil
	}
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (b *syncBuffer) waitFor(text string) {
	for {
		b.mu.Lock()
		if strings.Contains(b.buf.String(), text) {
			b.mu.Unlock()
			return
		}
		written := make(chan struct{})
		b.written = written
		b.mu.Unlock()
		<-written
	}
}

func signalSelf(t *testing.T, s os.Signal) {
	t.Helper()
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Signal(s)
	}
	if err != nil {
		t.Skipf("no such signal here: %v", err)
	}
}

// TestInterruptUnsent: a signal ends the input, LINGER the wait, and what was not sent is told.
func TestInterruptUnsent(t *testing.T) {
	stdin, stderr, code := inProcess("push", "--connect", "tcp://127.0.0.1:1", "--option", "LINGER=50")
	stdin.Write([]byte("lost\n"))
	stdin.Write(nil) // returns with the next read, and so after the line was sent
	signalSelf(t, os.Interrupt)
	if got := <-code; got != exitFailure || !strings.Contains(stderr.String(), "unsent") {
		t.Errorf("exit code %d: %s", got, stderr)
	}
}

// TestInterruptTwice: without an end to LINGER the second signal gives up.
func TestInterruptTwice(t *testing.T) {
	stdin, stderr, code := inProcess("push", "--connect", "tcp://127.0.0.1:1", "--option", "LINGER=-1")
	stdin.Write([]byte("lost\n"))
	stdin.Write(nil)
	signalSelf(t, os.Interrupt)
	stderr.waitFor("interrupt again")
	signalSelf(t, os.Interrupt)
	if got := <-code; got != exitFailure || !strings.Contains(stderr.String(), "unsent") {
		t.Errorf("exit code %d: %s", got, stderr)
	}
}

// TestInterruptUnanswered: a request that rep took and nobody answered is lost, and told.
func TestInterruptUnanswered(t *testing.T) {
	rep := start(t, "rep", "--bind", loopback)
	req := start(t, "req", "--connect", rep.bound(), "--option", "LINGER=50")
	req.write("hello?\n")
	if got := rep.line(); got != "hello?" {
		t.Errorf("rep printed %q", got)
	}
	rep.signal(os.Interrupt)
	if _, errs := rep.waits(exitFailure); !strings.Contains(errs, "not answered") {
		t.Errorf("rep says %q", errs)
	}
	req.signal(os.Interrupt)
	if _, errs := req.ends(exitFailure); !strings.Contains(errs, "line 1") {
		t.Errorf("req says %q", errs)
	}
}
