// SPDX-License-Identifier: MPL-2.0

package interop

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gzmq/zmq"
)

// patience is how long a call may hang before the test is told. Nothing waits for it to pass.
const patience = time.Minute

// ours is a Side in this process. It takes the ways to send and to receive in turns.
type ours struct {
	socket   zmq.Socket
	sender   zmq.Sender   // nil for a PULL
	receiver zmq.Receiver // nil for a PUSH
}

// openOurs makes a socket with options by their ZeroMQ names. It is closed with the test.
func openOurs(t *testing.T, socketType string, options ...string) *ours {
	t.Helper()
	o := zmq.Options{SendTimeout: patience, RecvTimeout: patience}
	for _, option := range options {
		name, value, _ := strings.Cut(option, "=")
		must(t, o.Set(name, value))
	}
	socket, err := zmq.New(zmq.SocketType(socketType), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	s := &ours{socket: socket}
	s.sender, _ = socket.(zmq.Sender)
	s.receiver, _ = socket.(zmq.Receiver)
	return s
}

func (s *ours) Bind(endpoint string) (string, error) { return s.socket.Bind(endpoint) }
func (s *ours) Connect(endpoint string) error        { return s.socket.Connect(endpoint) }
func (s *ours) Close() error                         { return s.socket.Close() }

// sendOne sends message number n in one of the ways there are.
func (s *ours) sendOne(n int, parts [][]byte) error {
	ctx := context.Background()
	switch n % 3 {
	case 0:
		var m zmq.Message
		m.Append(parts...)
		return s.sender.SendMessage(ctx, &m)
	case 1:
		if err := s.sender.TrySend(parts...); !errors.Is(err, zmq.ErrAgain) {
			return err
		}
	}
	return s.sender.Send(ctx, parts...)
}

// recvOne receives one message in one of the ways there are. m is memory to use again.
func (s *ours) recvOne(n int, m *zmq.Message) ([][]byte, error) {
	got := m
	if n%2 == 0 {
		fresh, err := s.receiver.Recv(context.Background())
		if err != nil {
			return nil, err
		}
		got = &fresh
	} else if err := s.receiver.RecvInto(context.Background(), m); err != nil {
		return nil, err
	}
	parts := make([][]byte, got.Len())
	for i, part := range got.Parts() {
		parts[i] = part
	}
	return parts, nil
}

func (s *ours) Send(b Batch) error {
	for n := b.First; n < b.First+b.Count; n++ {
		if err := s.sendOne(n, b.message(n)); err != nil {
			return fmt.Errorf("ours: send message %d: %w", n, err)
		}
	}
	return nil
}

func (s *ours) Recv(b Batch) error {
	var m zmq.Message
	for n := b.First; n < b.First+b.Count; n++ {
		if err := s.recvAndCheck(b, n, &m); err != nil {
			return err
		}
	}
	return nil
}

func (s *ours) recvAndCheck(b Batch, n int, m *zmq.Message) error {
	got, err := s.recvOne(n, m)
	if err == nil {
		err = b.check(n, got)
	}
	if err != nil {
		return fmt.Errorf("ours: receive message %d: %w", n, err)
	}
	return nil
}

func (s *ours) Request(b Batch) error {
	req, ok := s.socket.(*zmq.Req)
	if !ok {
		return fmt.Errorf("ours: %s makes no requests", s.socket.Type())
	}
	var m zmq.Message
	for n := b.First; n < b.First+b.Count; n++ {
		if n%2 == 0 { // by hand
			err := s.sendOne(n, b.message(n))
			if err == nil {
				err = s.recvAndCheck(b, n, &m)
			}
			if err != nil {
				return fmt.Errorf("ours: request %d: %w", n, err)
			}
			continue
		}
		reply, err := req.Request(context.Background(), b.message(n)...)
		if err != nil {
			return fmt.Errorf("ours: request %d: %w", n, err)
		}
		parts := make([][]byte, 0, reply.Len())
		for _, part := range reply.Parts() {
			parts = append(parts, part)
		}
		if err := b.check(n, parts); err != nil {
			return fmt.Errorf("ours: reply %d: %w", n, err)
		}
	}
	return nil
}

func (s *ours) Reply(b Batch) error {
	var m zmq.Message
	for n := b.First; n < b.First+b.Count; n++ {
		got, err := s.recvOne(n, &m)
		if err == nil {
			err = b.check(n, got)
		}
		if err == nil {
			err = s.sendOne(n, got)
		}
		if err != nil {
			return fmt.Errorf("ours: answer request %d: %w", n, err)
		}
	}
	return nil
}

func (s *ours) Drain(b Batch) (count int, err error) {
	var m zmq.Message
	for n := 0; n < b.Count; count++ {
		got, err := s.recvOne(count, &m)
		if err != nil {
			return count, fmt.Errorf("ours: after message %d: %w", n, err)
		}
		before := n
		if len(got) > 0 && len(got[0]) >= 4 {
			n = int(binary.BigEndian.Uint32(got[0]))
		}
		if err := b.check(n, got); err != nil {
			return count, err
		}
		if n <= before {
			return count, fmt.Errorf("ours: message %d came after message %d", n, before)
		}
	}
	return count, nil
}

// waitConnections returns when the socket has exactly n live connections.
func (s *ours) waitConnections(t *testing.T, n int) {
	t.Helper()
	waitFor(t, fmt.Sprintf("%d connections", n), func() bool { return len(s.socket.Stats().Peers) == n })
}

// waitFor returns when it is so.
func waitFor(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !so(); {
		if time.Now().After(deadline) {
			t.Errorf("waited in vain for %s", what)
			return
		}
		time.Sleep(time.Millisecond) // between two looks; what counts is what is seen
	}
}
