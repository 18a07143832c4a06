// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// asCommand makes the test binary the command itself, so that the tests, and perf's own child, run
// what was compiled here, -race and all.
const asCommand = "ZMQ_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	os.Exit(m.Run())
}

// A process is the command at work.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	errs   *bufio.Reader
	stderr bytes.Buffer // what was read of it
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.CommandContext(t.Context(), os.Args[0], args...)}
	// With -race every process would wait a second at its end.
	p.cmd.Env = append(os.Environ(), asCommand+"=1", "GORACE="+os.Getenv("GORACE")+" atexit_sleep_ms=0")
	in, err := p.cmd.StdinPipe()
	out, err2 := p.cmd.StdoutPipe()
	errs, err3 := p.cmd.StderrPipe()
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	p.in, p.out, p.errs = in, bufio.NewReader(out), bufio.NewReader(io.TeeReader(errs, &p.stderr))
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.cmd.Process.Kill() })
	return p
}

// bound is the endpoint that the command says it is bound to.
func (p *process) bound() string {
	p.t.Helper()
	line, err := p.errs.ReadString('\n')
	_, endpoint, ok := strings.Cut(strings.TrimSpace(line), "bound to ")
	if !ok {
		p.t.Fatalf("%v: %q, %v", p.cmd.Args[1:], line, err)
	}
	return endpoint
}

func (p *process) write(s string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, s); err != nil {
		p.t.Fatal(err)
	}
}

// line is the next of stdout.
func (p *process) line() string {
	p.t.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil {
		p.t.Fatalf("%v: %q, %v", p.cmd.Args[1:], line, err)
	}
	return strings.TrimSuffix(line, "\n")
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Skipf("no such signal here: %v", err)
	}
}

// ends closes stdin and waits.
func (p *process) ends(code int) (out, errs string) {
	p.t.Helper()
	p.in.Close()
	return p.waits(code)
}

// waits is for the end of the process and holds its exit code. The results are the rest of stdout and
// all of stderr.
func (p *process) waits(code int) (out, errs string) {
	p.t.Helper()
	got, err := io.ReadAll(p.out)
	_, err2 := io.ReadAll(p.errs)
	if err := errors.Join(err, err2); err != nil {
		p.t.Error(err)
	}
	p.cmd.Wait()
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Errorf("%v: exit code %d, want %d: %s", p.cmd.Args[1:], got, code, p.stderr.String())
	}
	return string(got), p.stderr.String()
}

// TestUsage: what is wrong on the command line is told, and the exit code is 2.
func TestUsage(t *testing.T) {
	const somewhere = "tcp://127.0.0.1:1"
	for _, c := range []struct {
		args string
		says string
	}{
		{"shove", "no command"},
		{"push", "--connect"},
		{"pull --connect", "connect"},
		{"push --conect " + somewhere, "conect"},
		{"push --connect " + somewhere + " hello", "hello"},
		{"push --connect " + somewhere + " --format xml", "quoted"},
		{"push --connect " + somewhere + " --count 0", "at least 1"},
		{"push --connect " + somewhere + " --count ten", "ten"},
		{"push --connect " + somewhere + " --echo", "echo"},
		{"push --connect " + somewhere + " --option SNDHWM", "NAME=VALUE"},
		{"push --connect " + somewhere + " --option NOSUCH=1", "NOSUCH"},
		{"push --connect " + somewhere + " --option SNDHWM=many", "SNDHWM"},
		{"push --connect nowhere", "nowhere"},
		{"push --connect carrier://pigeon", "carrier"},
		{"pull --bind tcp://127.0.0.1:99999", "99999"},
		{"perf shove", "no command"},
		{"perf --runs 0", "at least 1"},
		{"perf thr --transport udp", "inproc"},
		{"perf thr --size -1", "-1"},
		{"perf thr --count 0", "at least 1"},
		{"perf thr 64", "64"},
		{"perf thr --bind tcp://*:1 --connect tcp://*:1", "one of them"},
		{"perf thr --connect " + somewhere + " --size 1 --size 2", "--size"},
		{"perf lat --connect " + somewhere + " --transport ipc", "--transport"},
		{"perf lat --connect nowhere", "nowhere"},
		{"help shove", "shove"},
	} {
		var out, errs bytes.Buffer
		code := run(append([]string{"zmq"}, strings.Fields(c.args)...), stdio{strings.NewReader(""), &out, &errs})
		if code != exitUsage || !strings.Contains(errs.String(), c.says) {
			t.Errorf("zmq %s: exit code %d, want %d, and %q in:\n%s", c.args, code, exitUsage, c.says, &errs)
		}
		if out.Len() != 0 {
			t.Errorf("zmq %s: on stdout:\n%s", c.args, &out)
		}
	}
}

// TestHelp: every command explains itself on stdout, with an example.
func TestHelp(t *testing.T) {
	for _, args := range []string{
		"", "--help", "help", "help push", "push --help", "help pull", "help req", "help rep", "help perf",
		"perf --help", "perf help thr", "perf thr --help", "perf lat -h",
	} {
		var out, errs bytes.Buffer
		code := run(append([]string{"zmq"}, strings.Fields(args)...), stdio{strings.NewReader(""), &out, &errs})
		if code != exitOK || errs.Len() != 0 {
			t.Errorf("zmq %s: exit code %d: %s", args, code, &errs)
		}
		if !strings.Contains(out.String(), "\n      zmq ") && !strings.Contains(out.String(), "| zmq ") {
			t.Errorf("zmq %s: no example in:\n%s", args, &out)
		}
	}
}

// TestCompletion: a script for each shell, and what such a script asks for.
func TestCompletion(t *testing.T) {
	for _, c := range []struct {
		args string
		want []string
	}{
		{"completion bash", []string{"complete", "zmq"}},
		{"completion zsh", []string{"compdef", "zmq"}},
		{"completion fish", []string{"complete", "zmq"}},
		{"completion pwsh", []string{"Register-ArgumentCompleter"}},
		{"--generate-shell-completion", []string{"push:", "pull:", "req:", "rep:", "perf:"}},
		{"perf --generate-shell-completion", []string{"thr:", "lat:"}},
		{"push --con --generate-shell-completion", []string{"--connect:"}},
		{"push --format --generate-shell-completion", formats[:]},
		{"perf thr --transport --generate-shell-completion", transports[:]},
	} {
		out, errs := start(t, strings.Fields(c.args)...).ends(exitOK)
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("zmq %s: no %q in:\n%s%s", c.args, want, out, errs)
			}
		}
	}
}

// TestBashCompletion presses TAB as bash does, without any package that completion scripts may rely
// on, and with a command substitution on the line that must not run.
func TestBashCompletion(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here")
	}
	dir := t.TempDir()
	if err := os.Symlink(os.Args[0], dir+"/zmq"); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	const press = `source <(zmq completion bash)
while read -r line; do
  COMP_WORDS=($line); [[ $line == *_ ]] && COMP_WORDS[${#COMP_WORDS[@]}-1]=
  COMP_CWORD=$((${#COMP_WORDS[@]}-1))
  _zmq_completion zmq; echo "${COMPREPLY[*]}"
done`
	for _, c := range []struct{ line, want string }{ // _ is the empty word under the cursor
		{"zmq pu", "push pull"},
		{"zmq perf _", "thr lat help"},
		{"zmq push --co", "--connect --count"},
		{"zmq push --format _", "text quoted hex json"},
		{"zmq push --format q", "quoted"},
		{"zmq perf thr --transport i", "ipc inproc"},
		{"zmq push --connect $(touch${IFS}" + dir + "/ran) --f", "--format"},
		{"zmq push --connect tcp : //host : 5555 --f", "--format"}, // bash cuts words at colons
	} {
		cmd := exec.CommandContext(t.Context(), bash, "--norc", "-c", press)
		cmd.Env = append(os.Environ(), asCommand+"=1", "PATH="+dir+":"+os.Getenv("PATH"), "GORACE=atexit_sleep_ms=0")
		cmd.Stdin = strings.NewReader(c.line + "\n")
		got, err := cmd.CombinedOutput()
		if strings.TrimSpace(string(got)) != c.want || err != nil {
			t.Errorf("%s: got %q, want %q: %v", c.line, got, c.want, err)
		}
	}
	if _, err := os.Stat(dir + "/ran"); err == nil {
		t.Error("a command on the line was run")
	}
}
