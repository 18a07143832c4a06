// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/gzmq/zmq"
)

// talkFlags are the flags of push, pull, req and rep.
type talkFlags struct {
	bind, connect []string
	options       []string
	count         int // 0 is no limit
	format        string
	parts, echo   bool
}

// talkUsage is each talker's one line in the list of commands.
var talkUsage = map[zmq.SocketType]string{
	zmq.PUSH: "send each line of stdin",
	zmq.PULL: "print each message received",
	zmq.REQ:  "send each line of stdin as a request and print the reply",
	zmq.REP:  "print each request and answer it with a line of stdin",
}

// The help of the four talkers is put together from what they share and what is their own.

const lineHelp = `

A line is one message. --format says how its bytes are written:
   text     as they are; a newline ends the message
   quoted   with Go's escapes: "tab\there, any byte \x00"
   hex      two digits per byte
   json     ["one","string","per part"], {"base64":"/w=="} for a part that is no UTF-8
--parts puts a TAB between the parts of a message; without it they run together. An empty line is an
empty message.
`

const sendHelp = `
At the end of stdin all is sent before the command ends, for as long as LINGER allows (30 s, or
--option LINGER=milliseconds, -1 for ever). The first SIGINT or SIGTERM ends the input in the same
way; a second gives up. The exit code is 1 when something was left unsent.

Examples:
`

const recvHelp = `
The first SIGINT or SIGTERM ends the command; what had already arrived is still printed.

Examples:
`

// talkHelp is what zmq help says about each.
var talkHelp = map[zmq.SocketType]string{
	zmq.PUSH: `Sends each line of stdin as a message to one of the PULL peers, in turn.` + lineHelp + sendHelp + `   seq 100 | zmq push --bind 'tcp://*:5555'
   printf 'to\tBob\n' | zmq push --connect tcp://localhost:5555 --parts
   cat jobs | zmq push --connect tcp://a:5555 --connect tcp://b:5555 --option SNDHWM=10`,
	zmq.PULL: `Prints each message that PUSH peers send, taken from all of them in turn.` + lineHelp + recvHelp + `   zmq pull --bind 'tcp://*:5555'
   zmq pull --connect ipc:///tmp/jobs --count 10 --format json
   zmq pull --bind 'tcp://127.0.0.1:*' --option RCVHWM=100`,
	zmq.REQ: `Sends each line of stdin as a request and prints the reply before it reads the next.` + lineHelp + sendHelp + `   echo hello | zmq req --connect tcp://localhost:5555
   zmq req --connect tcp://localhost:5555 --option RCVTIMEO=1000`,
	zmq.REP: `Prints each request and answers it with the next line of stdin. When stdin has ended, or
with --echo, the answer is the request itself.` + lineHelp + recvHelp + `   zmq rep --bind 'tcp://*:5555' --echo
   yes ok | zmq rep --bind 'tcp://*:5555'`,
}

// talkCommand is the command of one socket type.
func talkCommand(t zmq.SocketType, std stdio) *cli.Command {
	f := new(talkFlags)
	flags := []cli.Flag{
		&cli.StringSliceFlag{
			Name: "bind", Destination: &f.bind,
			Usage: "listen at `EP`: tcp://host:port, ipc://path; may be repeated",
		},
		&cli.StringSliceFlag{
			Name: "connect", Destination: &f.connect,
			Usage: "connect to `EP`, now and again after a fall; may be repeated",
		},
		&cli.StringSliceFlag{
			Name: "option", Destination: &f.options,
			Usage: "a socket option as `NAME=VALUE`, in ZeroMQ's names and units: SNDHWM=10, LINGER=0; may be repeated",
		},
		&cli.IntFlag{
			Name: "count", HideDefault: true, Config: decimal, Validator: atLeast(1), Destination: &f.count,
			Usage: "end after `N` messages",
		},
		&cli.StringFlag{
			Name: "format", Value: formatText, Validator: oneOf(formats[:]), Destination: &f.format,
			Usage: "the `FORMAT` of a line: text, quoted, hex or json",
		},
		&cli.BoolFlag{
			Name: "parts", Destination: &f.parts,
			Usage: "a TAB stands between the parts of a message",
		},
	}
	if t == zmq.REP {
		flags = append(flags, &cli.BoolFlag{Name: "echo", Usage: "answer with the request itself, and leave stdin alone", Destination: &f.echo})
	}
	name := strings.ToLower(string(t))
	return &cli.Command{
		Name:        name,
		Usage:       talkUsage[t],
		Description: talkHelp[t],
		Flags:       flags,
		// An ipc path may have a comma.
		DisableSliceFlagSeparator: true,
		Action: func(_ context.Context, c *cli.Command) error {
			if err := noArguments(c); err != nil {
				return err
			}
			return f.run(t, std)
		},
	}
}

var decimal = cli.IntegerConfig{Base: 10} // "010" is ten

// atLeast and oneOf let the parser refuse a value where it stands.
func atLeast(least int) func(int) error {
	return func(n int) error {
		if n < least {
			return fmt.Errorf("at least %d", least)
		}
		return nil
	}
}

func oneOf(values []string) func(string) error {
	return func(s string) error {
		for _, value := range values {
			if s == value {
				return nil
			}
		}
		return fmt.Errorf("one of %s", strings.Join(values, ", "))
	}
}

// run is one talker from its flags to its end.
func (f *talkFlags) run(t zmq.SocketType, std stdio) error {
	if len(f.bind)+len(f.connect) == 0 {
		return errors.New("nobody to talk to: give --bind or --connect")
	}
	var o zmq.Options
	for _, option := range f.options {
		name, value, ok := strings.Cut(option, "=")
		if !ok {
			return fmt.Errorf("--option %s: write NAME=VALUE", option)
		}
		if err := o.Set(name, value); err != nil {
			return fmt.Errorf("--option %s: %w", option, err)
		}
	}
	life := newLife() // before anybody can see the socket, so that no signal finds the default
	defer life.release()
	sock, err := zmq.New(t, o)
	if err != nil {
		return failedUnlessMisused(err)
	}
	talk := &talk{
		codec: codec{format: f.format, parts: f.parts},
		lines: newLines(std.in),
		out:   bufio.NewWriterSize(std.out, readSize),
		left:  f.count,
		echo:  f.echo,
		life:  life,
	}
	if f.count == 0 {
		talk.left = -1
	}
	linger := sock.Options().Linger
	life.linger(linger, func() {
		fmt.Fprintf(std.err, "zmq: still finishing what was begun (LINGER %s); interrupt again to give it up\n", lingerText(linger))
	})
	if err = f.attach(sock, std.err); err == nil {
		err = failed(talk.loop(sock))
	}
	return errors.Join(err, failed(talk.close(sock, linger)))
}

// attach binds and connects. The user must learn which port a wildcard got.
func (f *talkFlags) attach(sock zmq.Socket, stderr io.Writer) error {
	for _, endpoint := range f.bind {
		bound, err := sock.Bind(endpoint)
		if err != nil {
			return failedUnlessMisused(err)
		}
		if bound != endpoint {
			fmt.Fprintf(stderr, "zmq: bound to %s\n", bound)
		}
	}
	for _, endpoint := range f.connect {
		if err := sock.Connect(endpoint); err != nil {
			return failedUnlessMisused(err)
		}
	}
	return nil
}

// failedUnlessMisused tells an endpoint or option that no machine would take from one that this machine
// does not take now.
func failedUnlessMisused(err error) error {
	if misused(err) {
		return err
	}
	return failed(err)
}

// lingerText is LINGER for the user.
func lingerText(d time.Duration) string {
	if d == zmq.Forever {
		return "for ever"
	}
	return d.String()
}
