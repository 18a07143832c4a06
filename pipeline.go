// SPDX-License-Identifier: MPL-2.0

package zmq

import "github.com/gzmq/zmq/internal/route"

// Push sends each message to one of its peers, in turn. With no peer that can take a message, Send
// waits. 30/PIPELINE.
type Push struct {
	socket
	sender
}

// NewPush returns a PUSH socket. An error is an *OptionError, or ErrTerm.
func NewPush(o Options) (*Push, error) {
	p := new(Push)
	lb := route.NewLoadBalancer()
	p.sender = sender{socket: &p.socket, lb: lb}
	if err := p.socket.init(PUSH, o, lb, nil, nil); err != nil {
		return nil, err
	}
	return p, nil
}

// Pull receives from its peers, one message each in turn. 30/PIPELINE.
type Pull struct {
	socket
	receiver
}

// NewPull returns a PULL socket. An error is an *OptionError, or ErrTerm.
func NewPull(o Options) (*Pull, error) {
	p := new(Pull)
	fq := route.NewFairQueue()
	p.receiver = receiver{socket: &p.socket, fq: fq}
	if err := p.socket.init(PULL, o, nil, fq, nil); err != nil {
		return nil, err
	}
	return p, nil
}
