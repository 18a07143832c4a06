// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
)

// The tests of this file are about many goroutines and many sockets at once.

// crowd is what a crowd of senders has sent: each message has the sender's number and the message's
// in all of its parts.
type crowd struct {
	mu   sync.Mutex
	seen map[[2]int]int
	last map[[2]int]int // by receiver and sender
}

func newCrowd() *crowd { return &crowd{seen: make(map[[2]int]int), last: make(map[[2]int]int)} }

func (c *crowd) parts(sender, n int) [][]byte {
	text := fmt.Appendf(nil, "%d %d", sender, n)
	parts := make([][]byte, 1+n%5)
	for i := range parts {
		parts[i] = text
	}
	if n%50 == 0 { // some take other ways
		parts = append(parts, pattern(70_000, n))
	}
	return parts
}

// received checks that a message is whole and notes it. ordered says that what one receiver gets of
// one sender is in order.
func (c *crowd) received(receiver int, m *Message, ordered bool) error {
	var sender, n int
	if _, err := fmt.Sscanf(string(m.Bytes()), "%d %d", &sender, &n); err != nil {
		return fmt.Errorf("message %q: %w", m.Bytes(), err)
	}
	want := c.parts(sender, n)
	if m.Len() != len(want) {
		return fmt.Errorf("message %d of sender %d has %d parts, not %d", n, sender, m.Len(), len(want))
	}
	for i, part := range m.Parts() {
		if string(part) != string(want[i]) {
			return fmt.Errorf("part %d of message %d of sender %d is another's", i, n, sender)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[[2]int{sender, n}]++
	who := [2]int{receiver, sender}
	if last, ok := c.last[who]; ok && ordered && last >= n {
		return fmt.Errorf("receiver %d: message %d of sender %d came after %d", receiver, n, sender, last)
	}
	c.last[who] = n
	return nil
}

// complete fails unless each message came once.
func (c *crowd) complete(a *arena, senders, each int) {
	a.Helper()
	for sender := range senders {
		for n := range each {
			if got := c.seen[[2]int{sender, n}]; got != 1 {
				a.Fatalf("message %d of sender %d came %d times", n, sender, got)
			}
		}
	}
}

// Many goroutines send on one socket and many receive on one: nothing is lost, nothing comes twice,
// nothing is mixed, and a goroutine's messages stay in order.
func TestManyGoroutinesOnOneSocket(t *testing.T) {
	for name, marks := range map[string]int{"wide": 1000, "narrow": 3} {
		t.Run(name, func(t *testing.T) {
			eachTransport(t, func(a *arena, endpoint string) {
				const senders, receivers, each = 4, 3, 500
				push, pull := a.push(Options{SendHWM: marks}), a.pull(Options{RecvHWM: marks})
				a.join(pull, push, endpoint)
				c := newCrowd()
				sent := together(senders, func(i int) error {
					for n := range each {
						if err := push.Send(a.ctx, c.parts(i, n)...); err != nil {
							return err
						}
					}
					return nil
				})
				ctx, cancel := context.WithCancel(a.ctx)
				var left sync.WaitGroup
				left.Add(senders * each)
				received := together(receivers, func(i int) error {
					var reused Message
					for n := 0; ; n++ {
						m := &reused
						var err error
						if n%2 == 0 {
							err = pull.RecvInto(ctx, m)
						} else {
							var fresh Message
							fresh, err = pull.Recv(ctx)
							m = &fresh
						}
						if errors.Is(err, context.Canceled) {
							return nil
						}
						if err == nil {
							err = c.received(i, m, true)
						}
						if err != nil {
							return err
						}
						left.Done()
					}
				})
				all := make(chan error, 1)
				go func() { left.Wait(); all <- nil }()
				a.all(sent, senders)
				select {
				case <-all:
				case err := <-received:
					t.Fatal(err)
				}
				cancel()
				a.all(received, receivers)
				c.complete(a, senders, each)
				a.nothing(pull)
			})
		})
	}
}

// Several sockets send to several, everybody to everybody.
func TestManySocketsToMany(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		const senders, receivers, each = 3, 3, 300
		var pulls [receivers]*Pull
		var bound [receivers]string
		for i := range pulls {
			pulls[i] = a.pull(Options{RecvHWM: 10})
			bound[i] = a.bind(pulls[i], anotherEndpoint(a, endpoint))
		}
		c := newCrowd()
		sent := together(senders, func(i int) error {
			push, err := NewPush(a.options([]Options{{SendHWM: 10}}))
			if err != nil {
				return err
			}
			for _, endpoint := range bound {
				err = errors.Join(err, push.Connect(endpoint))
			}
			for n := range each {
				err = errors.Join(err, push.Send(a.ctx, c.parts(i, n)...))
			}
			return errors.Join(err, push.Close())
		})
		ctx, cancel := context.WithCancel(a.ctx)
		var left sync.WaitGroup
		left.Add(senders * each)
		received := together(receivers, func(i int) error {
			for m, err := range pulls[i].Messages(ctx) {
				if errors.Is(err, context.Canceled) {
					return nil
				}
				if err == nil {
					err = c.received(i, &m, true)
				}
				if err != nil {
					return err
				}
				left.Done()
			}
			return nil
		})
		a.all(sent, senders)
		all := make(chan error, 1)
		go func() { left.Wait(); all <- nil }()
		a.all(all, 1)
		cancel()
		a.all(received, receivers)
		c.complete(a, senders, each)
	})
}

// Peers come and go while others are sent to: what a peer that stays gets is whole, and what was
// accepted is sent, or counted as dropped.
func TestPeersComeAndGo(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		push, stays := a.push(Options{SendHWM: 20}), a.pull()
		bound := a.bind(push, endpoint)
		a.connect(stays, bound)
		a.peers(push, 1)
		stop := make(chan struct{})
		comings := together(2, func(int) error {
			for {
				select {
				case <-stop:
					return nil
				default:
				}
				guest, err := NewPull(a.options(nil))
				if err != nil {
					return err
				}
				if err := guest.Connect(bound); err != nil {
					return err
				}
				m, err := guest.Recv(a.ctx)
				if err != nil || m.Len() != 2 || string(m.Part(0)) != string(m.Part(1)) {
					return fmt.Errorf("a guest received %q, %v", texts(&m), err)
				}
				if err := guest.Close(); err != nil {
					return err
				}
			}
		})
		const each = 2000
		sent := together(1, func(int) error {
			for n := range each {
				text := fmt.Append(nil, n)
				if err := push.Send(a.ctx, text, text); err != nil {
					return err
				}
			}
			close(stop)
			return nil
		})
		done := together(1, func(int) error {
			last := -1
			for m, err := range stays.Messages(a.ctx) {
				if errors.Is(err, ErrClosed) {
					return nil
				}
				var n int
				fmt.Sscan(string(m.Bytes()), &n)
				if err != nil || m.Len() != 2 || string(m.Part(0)) != string(m.Part(1)) || n <= last {
					return fmt.Errorf("after %d: %q, %v", last, texts(&m), err)
				}
				last = n
			}
			return nil
		})
		a.all(sent, 1)
		for n, left := each, 2; left > 0; n++ { // a guest may wait for a message still
			select {
			case err := <-comings:
				if err != nil {
					t.Fatal(err)
				}
				left--
			default:
				text := fmt.Append(nil, n)
				push.TrySend(text, text)
			}
		}
		drop(stays)
		a.all(done, 1)
	})
}
