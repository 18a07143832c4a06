// SPDX-License-Identifier: MPL-2.0

// Command zmq talks ZeroMQ from a shell and measures how fast it goes.
//
//	zmq push|pull|req|rep   one message per line: stdin to the socket, the socket to stdout
//	zmq perf                what this machine moves: messages per second and round trips
//	zmq completion          a completion script for bash, zsh, fish or PowerShell
//
// zmq help COMMAND explains each with examples. The exit code is 0 when all went well, 1 for a failure
// and 2 for wrong usage.
//
// The files: talk.go has the four talkers' flags and setup, patterns.go their loops, format.go and
// format_json.go the line of a message, lines.go a stdin that can be interrupted and life.go the
// signals. perf.go has the flags of perf, perf_plan.go what is measured and for how long, perf_run.go
// brings the two sides together, perf_side.go is what each does, perf_table.go what is printed.
// completion.go is what the shells ask for.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/gzmq/zmq"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	os.Exit(run(os.Args, stdio{os.Stdin, os.Stdout, os.Stderr}))
}

// stdio is what a process is born with.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// run is the whole command; its result is the exit code.
func run(args []string, std stdio) int {
	err := root(std).Run(context.Background(), args)
	if err == nil {
		return exitOK
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		line = strings.ReplaceAll(line, "zmq: ", "") // the library's prefix is this command's name too
		fmt.Fprintf(std.err, "zmq: %s\n", line)
	}
	var failed *failure
	if errors.As(err, &failed) {
		return exitFailure
	}
	fmt.Fprintln(std.err, `Try "zmq help".`)
	return exitUsage
}

// failure is an error of the work itself. Every other error is one of the command line: the parser's
// own, and what the actions find wrong before they begin.
type failure struct{ err error }

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// failed marks an error as one of the work.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return &failure{err}
}

// misused says whether the library refused what the user wrote, rather than failed to do it.
func misused(err error) bool {
	return errors.Is(err, zmq.ErrInvalid) || errors.Is(err, zmq.ErrNotSupported)
}

// rootHelp teaches by two pairs of commands that a reader can run at once.
const rootHelp = `Talk over ZeroMQ, line by line:

   zmq pull --bind 'tcp://*:5555'                 prints each message that arrives
   echo hello | zmq push --connect tcp://localhost:5555

   zmq rep --bind ipc:///tmp/answers --echo       answers every request with itself
   echo hello | zmq req --connect ipc:///tmp/answers

Measure this machine in under 20 seconds:

   zmq perf

The other side can be any program that speaks ZeroMQ.`

// root is the tree of commands.
func root(std stdio) *cli.Command {
	cmd := &cli.Command{
		Name:                            "zmq",
		Usage:                           "send, receive and measure ZeroMQ messages",
		Description:                     rootHelp,
		Version:                         version(),
		Reader:                          std.in,
		Writer:                          std.out,
		ErrWriter:                       std.err,
		EnableShellCompletion:           true,
		ConfigureShellCompletionCommand: configureCompletion,
		Commands: []*cli.Command{
			talkCommand(zmq.PUSH, std),
			talkCommand(zmq.PULL, std),
			talkCommand(zmq.REQ, std),
			talkCommand(zmq.REP, std),
			perfCommand(std),
		},
		Action: func(_ context.Context, c *cli.Command) error {
			if c.Args().Present() {
				return noSuchCommand(c)
			}
			return cli.ShowRootCommandHelp(c)
		},
	}
	prepare(cmd)
	return cmd
}

// prepare gives every command what each would have to say for itself: errors come back to run as they
// are, and the values of flags are completed.
func prepare(c *cli.Command) {
	c.OnUsageError = func(_ context.Context, _ *cli.Command, err error, _ bool) error { return err }
	c.ExitErrHandler = func(context.Context, *cli.Command, error) {}
	c.ShellComplete = complete
	if len(c.Commands) == 0 {
		c.HideHelpCommand = true
	}
	for _, sub := range c.Commands {
		prepare(sub)
	}
}

// noSuchCommand says what would have been a command.
func noSuchCommand(c *cli.Command) error {
	var names []string
	for _, sub := range c.VisibleCommands() {
		names = append(names, sub.Name)
	}
	return fmt.Errorf("%s has no command %q, only %s", c.FullName(), c.Args().First(), strings.Join(names, ", "))
}

// noArguments refuses words that no flag took; a forgotten --connect is the usual reason.
func noArguments(c *cli.Command) error {
	if c.Args().Present() {
		return fmt.Errorf("%s takes flags only: what is %q?", c.FullName(), c.Args().First())
	}
	return nil
}

// version is the module's, as the Go toolchain stamped it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(unknown)"
	}
	return info.Main.Version
}
