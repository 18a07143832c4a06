// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gzmq/zmq"
)

// talk is one talker at work.
type talk struct {
	codec codec
	lines *lines
	out   *bufio.Writer
	left  int  // messages still wanted; below 0: no limit
	echo  bool // rep: stdin has ended, or is not wanted
	life  *life

	parts [][]byte // of the message being printed or echoed
	line  []byte   // its line
}

// loop talks until stdin has ended, --count is reached or a signal came: no error. io.EOF is the word
// for all three on the way here.
func (t *talk) loop(sock zmq.Socket) error {
	var step func() error
	switch s := sock.(type) {
	case *zmq.Push:
		step = func() error { return t.push(s) }
	case *zmq.Pull:
		var m zmq.Message
		step = func() error { return t.pull(s, &m) }
	case *zmq.Req:
		var m zmq.Message
		step = func() error { return t.req(s, &m) }
	case *zmq.Rep:
		var m zmq.Message
		step = func() error { return t.rep(s, &m) }
	default:
		return fmt.Errorf("no way to talk over %s", sock.Type())
	}
	var err error
	for ; err == nil && t.left != 0; t.left-- {
		err = step()
	}
	if err == io.EOF {
		err = nil
	}
	return errors.Join(err, t.out.Flush())
}

// push sends one line.
func (t *talk) push(s *zmq.Push) error {
	parts, err := t.nextLine()
	if err != nil {
		return err
	}
	return t.send(s, parts)
}

// pull prints one message.
func (t *talk) pull(s *zmq.Pull, m *zmq.Message) error {
	if err := t.recv(t.life.stop, s, m); err != nil {
		if t.life.stop.Err() != nil && errors.Is(err, context.Canceled) {
			return io.EOF // a stopped Recv still hands out what has arrived; this was the last
		}
		return err
	}
	if t.life.drain.Err() != nil {
		t.left = 1 // this is the last: the peer may never pause
	}
	return t.print(m)
}

// req sends one line and prints the reply. A stop lets the reply still come; only kill ends that wait.
func (t *talk) req(s *zmq.Req, m *zmq.Message) error {
	parts, err := t.nextLine()
	if err != nil {
		return err
	}
	if err := t.send(s, parts); err != nil {
		return err
	}
	if err := t.recv(t.life.kill, s, m); err != nil {
		if t.life.kill.Err() != nil {
			err = errors.New("given up before the reply came")
		}
		return fmt.Errorf("line %d: %w", t.lines.number, err)
	}
	return t.print(m)
}

// rep prints one request and answers it.
func (t *talk) rep(s *zmq.Rep, m *zmq.Message) error {
	if t.life.stop.Err() != nil {
		return io.EOF // who asked is told by the connection's end
	}
	if err := t.recv(t.life.stop, s, m); err != nil {
		if t.life.stop.Err() != nil && errors.Is(err, context.Canceled) {
			return io.EOF
		}
		return err
	}
	if err := t.print(m); err != nil {
		return err
	}
	if t.echo {
		return t.send(s, t.partsOf(m))
	}
	parts, err := t.nextLine()
	switch {
	case err == io.EOF && t.life.stop.Err() != nil:
		return errors.New("stopped with a request that was not answered")
	case err == io.EOF:
		t.echo = true // from here on, without asking stdin again
		return t.send(s, t.partsOf(m))
	case err != nil:
		return err
	}
	return t.send(s, parts)
}

// nextLine is the next message of stdin. What is to be printed is out before it waits: whoever writes
// that line may be reading.
func (t *talk) nextLine() ([][]byte, error) {
	if err := t.out.Flush(); err != nil {
		return nil, err
	}
	line, err := t.lines.next(t.life.stop)
	if err != nil {
		return nil, err
	}
	parts, err := t.codec.parse(line)
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", t.lines.number, err)
	}
	return parts, nil
}

// send waits for a peer with room, for as long as kill allows.
func (t *talk) send(s zmq.Sender, parts [][]byte) error {
	err := s.Send(t.life.kill, parts...)
	if err != nil && t.life.kill.Err() != nil {
		return errors.New("given up with messages unsent: no peer took them")
	}
	if errors.Is(err, zmq.ErrTimeout) || errors.Is(err, zmq.ErrAgain) {
		return fmt.Errorf("line %d is unsent: no peer took it within SNDTIMEO", t.lines.number)
	}
	return err
}

// recv waits for a message, and shows what it has before it waits.
func (t *talk) recv(ctx context.Context, s zmq.Receiver, m *zmq.Message) error {
	err := s.TryRecvInto(m)
	if !errors.Is(err, zmq.ErrAgain) {
		return err
	}
	if err := t.out.Flush(); err != nil {
		return err
	}
	err = s.RecvInto(ctx, m)
	if errors.Is(err, zmq.ErrTimeout) || errors.Is(err, zmq.ErrAgain) {
		return errors.New("no message came within RCVTIMEO")
	}
	return err
}

// print leaves the line in the buffer; what waits next flushes it.
func (t *talk) print(m *zmq.Message) error {
	t.line = t.codec.append(t.line[:0], t.partsOf(m))
	_, err := t.out.Write(t.line)
	return err
}

// partsOf is the message as the codec and Send want it, good until the next message.
func (t *talk) partsOf(m *zmq.Message) [][]byte {
	t.parts = t.parts[:0]
	for _, part := range m.Parts() {
		t.parts = append(t.parts, part)
	}
	return t.parts
}

// close waits until all is with a peer, or says that it is not.
func (t *talk) close(sock zmq.Socket, linger time.Duration) error {
	ctx, cancel := t.life.closing(linger)
	defer cancel()
	err := sock.CloseContext(ctx)
	if errors.Is(err, zmq.ErrUnsent) {
		return fmt.Errorf("unsent when the time to wait was over: %w", err)
	}
	return err
}
