// SPDX-License-Identifier: MPL-2.0

package session

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/route"
	"github.com/gzmq/zmq/internal/security"
	"github.com/gzmq/zmq/internal/simnet"
	"github.com/gzmq/zmq/internal/wire"
)

// socket is what a session needs of one: it owns pipes and notes what it is told.
type socket struct {
	t  *testing.T
	fq *route.FairQueue
	lb *route.LoadBalancer

	mu       sync.Mutex
	events   []Event
	live     map[*pipe.Pipe]*pipe.Peer // between Up and Down
	attached map[*pipe.Pipe]bool       // between Attached and Detached
	counts   pipe.Counts               // of pipes that were detached
	refuse   error                     // what Up answers
}

func newSocket(t *testing.T) *socket {
	return &socket{
		t: t, fq: route.NewFairQueue(), lb: route.NewLoadBalancer(),
		live: make(map[*pipe.Pipe]*pipe.Peer), attached: make(map[*pipe.Pipe]bool),
	}
}

// Attached implements pipe.Owner, as do the following.
func (s *socket) Attached(p *pipe.Pipe) {
	s.mu.Lock()
	if s.attached[p] {
		s.t.Error("a pipe was attached twice")
	}
	s.attached[p] = true
	s.mu.Unlock()
	s.fq.Attach(p)
	s.lb.Attach(p)
}

func (s *socket) Up(p *pipe.Pipe, peer *pipe.Peer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return s.refuse
	}
	if s.live[p] != nil {
		s.t.Error("a pipe went up twice")
	}
	s.live[p] = peer
	return nil
}

func (s *socket) Delivered(p *pipe.Pipe)                { s.fq.Delivered(p) }
func (s *socket) Command(*pipe.Pipe, wire.Kind, []byte) {}
func (s *socket) Writable(p *pipe.Pipe)                 { s.lb.Writable(p) }

func (s *socket) Down(p *pipe.Pipe, peer *pipe.Peer) {
	s.fq.TakeRest(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live[p] == nil || s.live[p] != peer {
		s.t.Errorf("down came with %v, up with %v", peer, s.live[p])
	}
	delete(s.live, p)
}

func (s *socket) Detached(p *pipe.Pipe) {
	s.lb.Detach(p)
	s.fq.Detach(p, true)
	c := p.Counts()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.attached[p] {
		s.t.Error("a pipe was detached that was not attached")
	}
	delete(s.attached, p)
	s.counts.SentMessages += c.SentMessages
	s.counts.RecvMessages += c.RecvMessages
	s.counts.Unsent += c.Unsent
}

// raise takes an event.
func (s *socket) raise(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
}

// told returns the events since the last call.
func (s *socket) told() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := s.events
	s.events = nil
	return events
}

var names = map[EventType]string{
	Connected: "connected", ConnectDelayed: "delayed", ConnectRetried: "retried", Listening: "listening",
	BindFailed: "bind failed", Accepted: "accepted", AcceptFailed: "accept failed", Closed: "closed",
	CloseFailed: "close failed", Disconnected: "disconnected", HandshakeFailedNoDetail: "failed",
	HandshakeSucceeded: "succeeded", HandshakeFailedProtocol: "broken", HandshakeFailedAuth: "refused",
}

// wantEvents compares the events since the last call with a list like "connected, succeeded".
func (s *socket) wantEvents(want string) []Event {
	s.t.Helper()
	events := s.told()
	var got []string
	for _, e := range events {
		got = append(got, names[e.Type])
		if e.Time.IsZero() || e.Endpoint == "" {
			s.t.Errorf("an event without time or endpoint: %+v", e)
		}
	}
	if g := strings.Join(got, ", "); g != want {
		s.t.Errorf("events: %s\nwant:   %s", g, want)
	}
	return events
}

// counted is what is left to be told apart after the end: how many peers and pipes there are.
func (s *socket) counted() (live, attached int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.live), len(s.attached)
}

// gone wants no peer and no pipe left.
func (s *socket) gone() {
	s.t.Helper()
	if live, attached := s.counted(); live+attached > 0 {
		s.t.Errorf("left: %d peers, %d pipes", live, attached)
	}
}

// try sends a message if a pipe takes it.
func (s *socket) try(parts ...string) bool {
	bodies := make([][]byte, len(parts))
	for i, part := range parts {
		bodies[i] = []byte(part)
	}
	for {
		p, err := s.lb.Next()
		if p == nil || err != nil {
			return false
		}
		switch r := p.Send(nil, bodies); r {
		case pipe.Sent, pipe.Paced:
			return true
		default:
			s.lb.Refused(p, r)
		}
	}
}

func (s *socket) send(parts ...string) {
	s.t.Helper()
	if !s.try(parts...) {
		s.t.Fatalf("nobody takes %.40q", parts)
	}
}

// receive waits for the next message, up to a minute.
func (s *socket) receive() (string, error) {
	var m pipe.Message
	ok, err := s.fq.TryInto(&m)
	if !ok && err == nil {
		err = s.fq.Recv(context.Background(), route.Limit{Duration: time.Minute}, &m, false)
	}
	return text(&m), err
}

func (s *socket) want(messages ...string) {
	s.t.Helper()
	for _, want := range messages {
		if got, err := s.receive(); got != want || err != nil {
			s.t.Fatalf("received %.40q, %v, want %.40q", got, err, want)
		}
	}
}

// all takes all messages that are there.
func (s *socket) all() (messages []string) {
	for {
		var m pipe.Message
		if ok, _ := s.fq.TryInto(&m); !ok {
			return messages
		}
		messages = append(messages, text(&m))
	}
}

func text(m *pipe.Message) string {
	var parts []string
	for i := range m.Len() {
		parts = append(parts, string(m.Part(i)))
	}
	return strings.Join(parts, "|")
}

// config is that of a socket type, with a peer within reach by way of n.
func (s *socket) config(socketType string, n *network) Config {
	c := Config{
		Owner: s, SocketType: socketType, Limits: func() pipe.Limits { return pipe.Limits{} },
		Mechanism: security.Null{}, MaxSize: -1, HandshakeTimeout: 30 * time.Second,
		ReconnectInterval: 100 * time.Millisecond, Raise: s.raise,
	}
	if n != nil {
		c.Dial, c.Listen = n.dial, n.listen
	}
	return c
}

// network is a place to listen at that comes and goes.
type network struct {
	options simnet.Options

	mu    sync.Mutex
	ln    *simnet.Listener // nil: nobody listens
	conns []*simnet.Conn   // the dialled ends
	dials []time.Time
}

func (n *network) dial(ctx context.Context) (net.Conn, error) {
	n.mu.Lock()
	n.dials = append(n.dials, time.Now())
	ln := n.ln
	n.mu.Unlock()
	if ln == nil {
		ln = simnet.NewListener()
		ln.Close()
	}
	nc, err := ln.Dial(ctx)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	n.conns = append(n.conns, nc.(*simnet.Conn))
	n.mu.Unlock()
	return nc, nil
}

func (n *network) listen() (Acceptor, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ln = simnet.NewListener()
	n.ln.Options = n.options
	return place{n.ln}, nil
}

// last is the newest connection, at its dialled end.
func (n *network) last() *simnet.Conn {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.conns) == 0 {
		return nil
	}
	return n.conns[len(n.conns)-1]
}

// place makes an Acceptor of a listener.
type place struct{ *simnet.Listener }

func (place) Endpoint() string { return "tcp://bound:1" }

const somewhere = "tcp://127.0.0.1:1"

// bind and connect make endpoints, which end with the test.
func bind(t *testing.T, cfg Config, endpoint string) Endpoint {
	t.Helper()
	e, err := Bind(cfg, endpoint)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Stop(over()) })
	return e
}

func connect(t *testing.T, cfg Config, endpoint string) Endpoint {
	t.Helper()
	e, err := Connect(cfg, endpoint)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Stop(over()) })
	return e
}

// over is a context that leaves no time.
func over() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// within is one that leaves d.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// numbers are the messages from to to-1.
func numbers(from, to int) (all []string) {
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprint(i))
	}
	return all
}
