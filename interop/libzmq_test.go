// SPDX-License-Identifier: MPL-2.0

package interop

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
)

// The kinds of libzmq peers, and how each is started. TestMain fills in what it built.
var peerCommands = map[string][]string{
	"pyzmq": {"python3", filepath.Join("peer", "peer.py")},
	"c":     nil,
}

// TestMain builds the C peer and sees that both libzmqs are there. A missing one is a failure: a
// test that steps aside in silence proves nothing.
func TestMain(m *testing.M) {
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "z")
	if err != nil {
		return missing("%v", err)
	}
	defer os.RemoveAll(dir)
	flags, err := exec.Command("pkg-config", "--cflags", "--libs", "libzmq").Output()
	if err != nil {
		return missing("pkg-config does not know libzmq (%v): install pkg-config and libzmq3-dev", err)
	}
	program := filepath.Join(dir, "peer")
	args := append([]string{"-O2", "-Wall", "-Werror", "-o", program, filepath.Join("peer", "peer.c")},
		strings.Fields(string(flags))...)
	if out, err := exec.Command("cc", args...).CombinedOutput(); err != nil {
		return missing("peer.c does not build (%v): install gcc and libzmq3-dev\n%s", err, out)
	}
	peerCommands["c"] = []string{program}
	if out, err := exec.Command("python3", "-c", "import zmq").CombinedOutput(); err != nil {
		return missing("python3 has no pyzmq (%v): pip install pyzmq\n%s", err, out)
	}
	if err := buildCommand(dir); err != nil {
		return missing("%v", err)
	}
	pipe.Poison() // whoever keeps recycled memory gets wrong bytes, and is found
	before := runtime.NumGoroutine()
	code := m.Run()
	if code == 0 && !settled(before) {
		fmt.Fprintln(os.Stderr, "interop: goroutines are left behind:")
		_ = pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
		return 1
	}
	return code
}

// settled says whether there are no more goroutines than before, once those that are about to end
// have ended.
func settled(before int) bool {
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(time.Millisecond) // between two looks; what counts is what is seen
	}
	return true
}

func missing(format string, args ...any) int {
	fmt.Fprintf(os.Stderr, "interop: "+format+"\n", args...)
	return 1
}

// libzmq is a Side in another process.
type libzmq struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr *bytes.Buffer // read only after the process has ended
	ended  bool
}

// openPeer starts a peer of that kind with one socket. It is killed with the test, if not before.
func openPeer(t *testing.T, kind, socketType string, options ...string) *libzmq {
	t.Helper()
	argv := peerCommands[kind]
	p := &libzmq{cmd: exec.Command(argv[0], argv[1:]...), stderr: new(bytes.Buffer)}
	p.cmd.Stderr = p.stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.in, p.out = in, bufio.NewReader(out)
	t.Cleanup(p.kill)
	must(t, p.do("socket", append([]string{socketType}, options...)...))
	return p
}

// kill ends the process at once, as a crash would.
func (p *libzmq) kill() {
	if p.ended {
		return
	}
	p.ended = true
	// Kill fails only for a process that has ended, and Wait then reports the signal: both are
	// what was asked for.
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// ask sends one command and returns what stands behind "ok".
func (p *libzmq) ask(verb string, words ...string) (string, error) {
	line := strings.Join(append([]string{verb}, words...), " ")
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		return "", fmt.Errorf("peer: %s: %w", line, err)
	}
	// A peer gives up by itself after a minute. One that does not is no help to anybody.
	hung := time.AfterFunc(2*patience, func() { _ = p.cmd.Process.Kill() })
	defer hung.Stop()
	answer, err := p.out.ReadString('\n')
	if err != nil {
		p.kill()
		return "", fmt.Errorf("peer: %s: %w\n%s", line, err, p.stderr)
	}
	status, value, _ := strings.Cut(strings.TrimSpace(answer), " ")
	if status != "ok" {
		return "", fmt.Errorf("peer: %s: %s", line, value)
	}
	return value, nil
}

func (p *libzmq) do(verb string, words ...string) error {
	_, err := p.ask(verb, words...)
	return err
}

// words is the batch as the lines carry it.
func (b Batch) words() []string {
	return strings.Fields(fmt.Sprint(b.First, b.Count, b.Size, b.Parts, b.Hops))
}

func (p *libzmq) Bind(endpoint string) (string, error) { return p.ask("bind", endpoint) }
func (p *libzmq) Connect(endpoint string) error        { return p.do("connect", endpoint) }
func (p *libzmq) Send(b Batch) error                   { return p.do("send", b.words()...) }
func (p *libzmq) Recv(b Batch) error                   { return p.do("recv", b.words()...) }
func (p *libzmq) Request(b Batch) error                { return p.do("request", b.words()...) }
func (p *libzmq) Reply(b Batch) error                  { return p.do("reply", b.words()...) }

func (p *libzmq) Drain(b Batch) (int, error) {
	value, err := p.ask("drain", b.words()[1:]...)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(value)
}

// libzmq's number of the monitor event that a connection has ended.
const eventDisconnected = "512"

// waitDisconnected returns when the peer knows that a connection of its has ended.
func (p *libzmq) waitDisconnected() error { return p.do("wait", eventDisconnected) }

// Close closes the socket, which sends what is left, and ends the process.
func (p *libzmq) Close() error {
	err := p.do("close")
	p.ended = true
	return errors.Join(err, p.in.Close(), p.cmd.Wait())
}
