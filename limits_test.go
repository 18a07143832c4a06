// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// The tests of this file are about high-water marks and other limits: zmq_setsockopt(3), ZMQ_SNDHWM,
// ZMQ_RCVHWM, ZMQ_MAXMSGSIZE; libzmq's tests hwm and sockopt_hwm.

// accepts counts the messages that s takes without waiting, up to most.
func (a *arena) accepts(s Sender, most int) (n int) {
	a.Helper()
	for n < most {
		switch err := s.TrySend(fmt.Append(nil, n)); {
		case errors.Is(err, ErrAgain):
			return n
		case err != nil:
			a.Fatal(err)
		}
		n++
	}
	return n
}

// Within the process both marks count together, before and after the bind; one without limit is no
// limit at all.
func TestInprocMarks(t *testing.T) {
	for _, c := range []struct{ snd, rcv, want int }{
		{0, 0, 2000}, {1, 1, 2}, {1, 0, 1001}, {0, 1, 1001}, {3, 4, 7}, {Unlimited, 1, 5000}, {1, Unlimited, 5000}, {Unlimited, Unlimited, 5000},
	} {
		for _, senderBinds := range []bool{false, true} {
			for _, connectFirst := range []bool{false, true} {
				a := newArena(t)
				push, pull := a.push(Options{SendHWM: c.snd}), a.pull(Options{RecvHWM: c.rcv})
				binder, connector := Socket(pull), Socket(push)
				if senderBinds {
					binder, connector = push, pull
				}
				if connectFirst {
					a.connect(connector, "inproc://hwm")
					a.bind(binder, "inproc://hwm")
				} else {
					a.bind(binder, "inproc://hwm")
					a.connect(connector, "inproc://hwm")
				}
				got := a.accepts(push, 5000)
				if got != c.want {
					t.Errorf("SNDHWM %d, RCVHWM %d, senderBinds %v, connectFirst %v: %d messages, want %d",
						c.snd, c.rcv, senderBinds, connectFirst, got, c.want)
				}
				for n := range got {
					a.recv(pull, fmt.Sprint(n))
				}
				if again := a.accepts(push, 5000); again != got {
					t.Errorf("%+v: %d messages after all were received, want %d", c, again, got)
				}
			}
		}
	}
}

// A mark counts whole messages, however many parts they have, and never cuts one.
func TestMarkCountsWholeMessages(t *testing.T) {
	a := newArena(t)
	push, pull := a.push(Options{SendHWM: 2}), a.pull(Options{RecvHWM: 1})
	a.connect(push, "inproc://hwm")
	parts := strings.Split(strings.Repeat("part ", 50), " ")
	for range 2 {
		if err := push.TrySend(bodies(parts)...); err != nil {
			t.Fatal(err)
		}
	}
	a.wantError("the third", push.TrySend(bodies(parts)...), ErrAgain)
	a.bind(pull, "inproc://hwm")
	if err := push.TrySend(bodies(parts)...); err != nil {
		t.Fatal("RCVHWM adds one: ", err)
	}
	a.wantError("the fourth", push.TrySend(bodies(parts)...), ErrAgain)
	for range 3 {
		a.recv(pull, parts...)
	}
}

// Without a connection exactly SNDHWM messages wait. The mark is for each peer.
func TestMarkIsForEachPeer(t *testing.T) {
	a := newArena(t)
	for _, mark := range []int{1, 2, 10, 1000} {
		push := a.push(Options{SendHWM: mark, Linger: NoWait})
		for peers := 1; peers <= 3; peers++ {
			a.connect(push, a.unused("tcp://127.0.0.1:0"))
			if got := a.accepts(push, 10_000); got != mark {
				t.Errorf("SNDHWM %d, peer %d: %d more messages", mark, peers, got)
			}
		}
	}
	unlimited := a.push(Options{SendHWM: Unlimited, Linger: NoWait})
	a.connect(unlimited, "inproc://nobody")
	if got := a.accepts(unlimited, 10_000); got != 10_000 {
		t.Errorf("without a mark: %d messages", got)
	}
}

// SNDHWM and RCVHWM act at once, on the pipes that are there: larger, smaller, with somebody waiting.
func TestMarksAreLive(t *testing.T) {
	a := newArena(t)
	set := func(s Socket, name, value string) {
		t.Helper()
		if err := s.SetOption(name, value); err != nil {
			t.Fatal(err)
		}
	}
	push, pull := a.push(Options{SendHWM: 1}), a.pull(Options{RecvHWM: 1})
	a.join(pull, push, "inproc://hwm")
	count := func(want int) {
		t.Helper()
		if got := a.accepts(push, 5000); got != want {
			t.Errorf("%d more messages, want %d", got, want)
		}
	}
	count(2)
	set(push, "SNDHWM", "5") // libzmq's test: 6 in all
	count(4)
	set(pull, "RCVHWM", "3")
	count(2)
	set(push, "SNDHWM", "1")
	count(0)
	recv := func(n int) {
		for range n {
			if _, err := pull.Recv(a.ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	recv(4)
	count(0) // 4 wait, where 4 may
	recv(2)  // the sender hears of room in steps of half a mark
	count(2)
	sent := together(1, func(int) error { return push.Send(a.ctx, []byte("waits")) })
	set(push, "ZMQ_SNDHWM", "0")
	a.all(sent, 1)
	count(5000)

	over := a.push(Options{SendHWM: 1, Linger: NoWait})
	a.connect(over, a.unused("tcp://127.0.0.1:0"))
	if got := a.accepts(over, 100); got != 1 {
		t.Errorf("%d messages, want 1", got)
	}
	sent = together(1, func(int) error { return over.Send(a.ctx, []byte("waits")) })
	set(over, "SNDHWM", "3")
	a.all(sent, 1)
	if got := a.accepts(over, 100); got != 1 {
		t.Errorf("%d more messages, want 1", got)
	}
}

// A PULL at its mark reads on when the mark is raised.
func TestRaisedRecvMarkReadsOn(t *testing.T) {
	a := newArena(t)
	pull, push := a.pull(Options{RecvHWM: 2}), a.push(Options{SendHWM: Unlimited})
	a.join(pull, push, "tcp://127.0.0.1:0")
	for range 20 {
		a.send(push, strings.Repeat("x", 100_000)) // one read is one message at most
	}
	a.until("the mark is reached", func() bool { return pull.Stats().RecvQueue >= 2 })
	if err := pull.SetOption("RCVHWM", "0"); err != nil {
		t.Fatal(err)
	}
	a.until("all are there", func() bool { return pull.Stats().RecvQueue == 20 })
}

// libzmq, hwm: a sender that connected within the process and closed before the bind is received.
func TestInprocSenderClosesBeforeTheBind(t *testing.T) {
	a := newArena(t)
	push := a.push(Options{SendHWM: 1})
	a.connect(push, "inproc://hwm")
	a.send(push, "still there")
	closed := together(1, func(int) error { return push.Close() })
	a.until("Close has begun", func() bool { return push.state() != nil })
	pull := a.pull()
	a.bind(pull, "inproc://hwm")
	a.recv(pull, "still there")
	a.all(closed, 1)
}

// ZMQ_MAXMSGSIZE bounds each frame and the sum of a message's parts: one byte more closes the
// connection, and no other.
func TestMaxMsgSize(t *testing.T) {
	const most = 100_000
	for name, c := range map[string]struct {
		parts []int
		fits  bool
	}{
		"a frame of that size": {[]int{most}, true}, "one byte more": {[]int{most + 1}, false},
		"parts of that size": {[]int{most / 2, most / 2}, true}, "one byte more in parts": {[]int{most / 2, most / 2, 1}, false},
		"empty parts": {[]int{0, 0, most, 0}, true}, "small ones": {[]int{254, 255, 256}, true},
	} {
		t.Run(name, func(t *testing.T) {
			a := newArena(t)
			pull := a.pull(Options{MaxMsgSize: most})
			bound := a.bind(pull, "tcp://127.0.0.1:0")
			good := a.push()
			a.connect(good, bound)
			a.peers(pull, 1)
			peer := a.dialRaw(bound).shake(PUSH)
			a.peers(pull, 2)
			peer.write(frames("before"))
			a.recv(pull, "before")
			parts := make([]string, len(c.parts))
			for i, n := range c.parts {
				parts[i] = strings.Repeat("x", n)
			}
			if c.fits {
				peer.write(frames(parts...))
				a.recv(pull, parts...)
			} else {
				peer.nc.Write(frames(parts...)) // it may be closed before all is written
				peer.closed()
				a.gone(pull, 1)
				if n := pull.Stats().ProtocolErrors; n != 1 {
					t.Errorf("%d protocol errors", n)
				}
				a.nothing(pull)
			}
			a.send(good, "good")
			a.recv(pull, "good")
		})
	}
}

// What the options say is what holds, without a zero that stands for a default; and a value that is
// wrong changes nothing.
func TestOptionsInForce(t *testing.T) {
	a := newArena(t)
	s := a.push(Options{SendHWM: 7})
	o := s.Options()
	if o.SendHWM != 7 || o.RecvHWM != 1000 || o.Linger == 0 || o.SendTimeout != Forever || o.Logger == nil || o.Context != a.zctx || o.MaxMsgSize != Unlimited {
		t.Errorf("%+v", o)
	}
	err := s.SetOptions(func(o *Options) { o.SendHWM, o.RecvHWM = 8, -7 })
	var wrong *OptionError
	if !errors.As(err, &wrong) || !errors.Is(err, ErrInvalid) || s.Options().SendHWM != 7 {
		t.Errorf("%v, SendHWM %d", err, s.Options().SendHWM)
	}
	runs := 0
	err = s.SetOptions(func(o *Options) {
		if runs++; runs == 1 { // somebody else is faster: it runs again, on what holds then
			if err := s.SetOption("SNDHWM", "20"); err != nil {
				t.Error(err)
			}
		}
		o.SendHWM++
	})
	if err != nil || runs != 2 || s.Options().SendHWM != 21 {
		t.Errorf("%v after %d runs, SendHWM %d", err, runs, s.Options().SendHWM)
	}
	for name, want := range map[string]string{"TYPE": "8", "zmq_type": "8", "MECHANISM": "0", "SNDHWM": "21", "LAST_ENDPOINT": "", "LINGER": "30000"} {
		if got, err := s.Option(name); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
	}
	for name, value := range map[string]string{"TYPE": "1", "SNDHWM": "x", "NO_SUCH": "1", "AFFINITY": "1", "REQ_RELAXED": "1", "CONTEXT": "x"} {
		if err := s.SetOption(name, value); !errors.As(err, &wrong) {
			t.Errorf("%s = %s: %v", name, value, err)
		}
	}
}

// A Context may be for so many sockets and no more; a closed one makes room.
func TestMaxSockets(t *testing.T) {
	a := newArena(t)
	a.zctx = NewContext(ContextOptions{MaxSockets: 2})
	first := a.push()
	a.pull()
	_, err := NewRep(Options{Context: a.zctx})
	a.wantError("the third", err, ErrInvalid)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	a.rep()
}
