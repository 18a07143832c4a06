// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"context"
	"errors"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/route"
)

// sender is the half of a socket that sends. Most patterns send in turn; those that do not have a
// rule.
type sender struct {
	socket *socket
	lb     *route.LoadBalancer
	rule   sendRule // nil: to the next pipe that takes the message
}

// sendRule decides for patterns whose messages go to one peer and to no other. The methods see no
// part of a message: parts that went through an interface would have to be allocated.
type sendRule interface {
	// begin is asked before a message. Unless it answers an error, end follows.
	begin() error
	// target is the pipe that gets the message and the envelope that goes before it. A nil pipe
	// means that the message has to wait for one, errDiscard that it is dropped.
	target() (p *pipe.Pipe, head []byte, err error)
	// refused says that the target did not take it. done means that the message is dropped.
	refused(p *pipe.Pipe, r pipe.Result) (done bool)
	// end says how it ended: p took it, or nobody did.
	end(p *pipe.Pipe)
}

// Send sends one message: see Sender.
func (s *sender) Send(ctx context.Context, parts ...[]byte) error {
	if len(parts) == 0 {
		return errNoParts
	}
	if s.rule != nil {
		return s.sendByRule(ctx, parts, nil, true)
	}
	for {
		p, err := s.lb.Next()
		if err != nil {
			return err
		}
		if p == nil {
			return s.sendLater(ctx, parts, nil)
		}
		switch r := p.Send(nil, parts); r {
		case pipe.Sent:
			return nil
		case pipe.Paced:
			pace(ctx, p, s.socket.opts.Load().SendTimeout)
			return nil
		default:
			s.lb.Refused(p, r)
		}
	}
}

// TrySend is Send that never waits: see Sender.
func (s *sender) TrySend(parts ...[]byte) error {
	if len(parts) == 0 {
		return errNoParts
	}
	if s.rule != nil {
		return s.sendByRule(context.Background(), parts, nil, false)
	}
	for {
		p, err := s.lb.Next()
		if err != nil {
			return err
		}
		if p == nil {
			return ErrAgain
		}
		r := p.Send(nil, parts)
		if r == pipe.Sent || r == pipe.Paced {
			return nil
		}
		s.lb.Refused(p, r)
	}
}

// SendMessage gives a message away: see Sender.
func (s *sender) SendMessage(ctx context.Context, m *Message) error {
	if m.Len() == 0 {
		return errNoParts
	}
	if s.rule != nil {
		return s.sendByRule(ctx, nil, m, true)
	}
	return s.sendLater(ctx, nil, m)
}

// TrySendMessage is SendMessage that never waits: see Sender.
func (s *sender) TrySendMessage(m *Message) error {
	if m.Len() == 0 {
		return errNoParts
	}
	if s.rule != nil {
		return s.sendByRule(context.Background(), nil, m, false)
	}
	for {
		p, err := s.lb.Next()
		if err != nil {
			return err
		}
		if p == nil {
			return ErrAgain
		}
		r := put(p, nil, nil, m)
		if r == pipe.Sent || r == pipe.Paced {
			return nil
		}
		s.lb.Refused(p, r)
	}
}

// pace lets the writer catch up, for a sender that may wait. The message is in already.
func pace(ctx context.Context, p *pipe.Pipe, timeout time.Duration) {
	if timeout != NoWait {
		p.Pace(ctx, timeout)
	}
}

// put queues parts, or gives m away.
func put(p *pipe.Pipe, head []byte, parts [][]byte, m *Message) pipe.Result {
	if m == nil {
		return p.Send(head, parts)
	}
	var room [8][]byte
	return p.SendMessage(head, &m.m, room[:0])
}

// sendLater sends in turn and waits for a pipe when there is none.
func (s *sender) sendLater(ctx context.Context, parts [][]byte, m *Message) error {
	timeout := s.socket.opts.Load().SendTimeout
	clock := limit(timeout)
	for {
		p, err := s.lb.Next()
		if err != nil {
			return err
		}
		if p == nil {
			if err := s.lb.Wait(ctx, &clock); err != nil {
				return waitFailed(err, timeout)
			}
			continue
		}
		switch r := put(p, nil, parts, m); r {
		case pipe.Sent:
			return nil
		case pipe.Paced:
			pace(ctx, p, timeout)
			return nil
		default:
			s.lb.Refused(p, r)
		}
	}
}

// sendByRule sends to the peer that the pattern says.
func (s *sender) sendByRule(ctx context.Context, parts [][]byte, m *Message, wait bool) (err error) {
	if err := s.socket.state(); err != nil {
		return err
	}
	if err := s.rule.begin(); err != nil {
		return err
	}
	timeout := s.socket.opts.Load().SendTimeout
	if !wait {
		timeout = NoWait
	}
	clock := limit(timeout)
	for {
		p, head, err := s.rule.target()
		if err == nil && p == nil {
			if timeout == NoWait {
				err = ErrAgain
			} else if err = s.lb.Wait(ctx, &clock); err == nil {
				continue
			}
		}
		if err != nil && err != errDiscard {
			s.rule.end(nil)
			return waitFailed(err, timeout)
		}
		if err == nil {
			r := put(p, head, parts, m)
			if r == pipe.Sent || r == pipe.Paced {
				s.rule.end(p)
				return nil
			}
			if !s.rule.refused(p, r) {
				continue
			}
		}
		if m != nil {
			m.Reset()
		}
		s.rule.end(nil)
		return nil
	}
}

// errDiscard is a target's answer for a message that goes nowhere.
var errDiscard = errors.New("discarded")
