// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The tests of this file are about calls that wait: how long, and how they end.

// ZMQ_SNDTIMEO and ZMQ_RCVTIMEO: after a time, at once, or never.
func TestTimeouts(t *testing.T) {
	a := newArena(t)
	send := func(o Options) error { return a.push(o).Send(a.ctx, []byte("x")) }
	recv := func(o Options) error { _, err := a.pull(o).Recv(a.ctx); return err }
	into := func(o Options) error { return a.pull(o).RecvInto(a.ctx, new(Message)) }
	ask := func(o Options) error { return a.req(o).Send(a.ctx, []byte("x")) }
	serve := func(o Options) error { _, err := a.rep(o).Recv(a.ctx); return err }
	for name, call := range map[string]func(Options) error{"Send": send, "Recv": recv, "RecvInto": into, "REQ": ask, "REP": serve} {
		err := call(Options{SendTimeout: 2 * time.Millisecond, RecvTimeout: 2 * time.Millisecond})
		var timeout interface{ Timeout() bool }
		if !errors.Is(err, ErrTimeout) || !errors.Is(err, ErrAgain) || !errors.Is(err, os.ErrDeadlineExceeded) ||
			!errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%s, 2 ms: %v", name, err)
		}
		err = call(Options{SendTimeout: NoWait, RecvTimeout: NoWait})
		if !errors.Is(err, ErrAgain) || errors.Is(err, ErrTimeout) {
			t.Errorf("%s, NoWait: %v", name, err)
		}
	}
	pull := a.pull()
	if err := pull.SetOption("RCVTIMEO", "3"); err != nil { // live
		t.Fatal(err)
	}
	_, err := pull.Recv(a.ctx)
	a.wantError("after SetOption", err, ErrTimeout)
	for _, err = range pull.Messages(a.ctx) {
		a.wantError("Messages", err, ErrTimeout)
	}
}

// A timeout bounds the call, not each of its waits: other messages that come and go do not prolong it.
func TestTimeoutIsForTheWholeCall(t *testing.T) {
	a := newArena(t)
	req := a.req(Options{RecvTimeout: 30 * time.Millisecond})
	bound := a.bind(req, "tcp://127.0.0.1:0")
	asked := a.dialRaw(bound).shake(REP)
	a.send(req, "x")
	asked.message()
	other := a.dialRaw(bound).shake(REP)
	stop := make(chan struct{})
	chatter := together(1, func(int) error {
		for {
			select {
			case <-stop:
				return nil
			default:
				other.write(frames("", "not asked"))
			}
		}
	})
	result := together(1, func(int) error { _, err := req.Recv(a.ctx); return err })
	a.wantError("Recv", a.result(result), ErrTimeout)
	close(stop)
	a.all(chatter, 1)
}

// The end of a context is the context's own error, whatever cause it was given, and never one of
// this package's.
func TestContextErrors(t *testing.T) {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	caused, cancelCaused := context.WithCancelCause(context.Background())
	cancelCaused(errors.New("a cause of the caller's"))
	late, cancelLate := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancelLate()
	for name, c := range map[string]struct {
		ctx  context.Context
		want error
	}{"cancelled": {over, context.Canceled}, "with a cause": {caused, context.Canceled}, "deadline": {late, context.DeadlineExceeded}} {
		t.Run(name, func(t *testing.T) {
			a := newArena(t)
			calls := blocked(a) // with the arena's context
			a.ctx = c.ctx       // with this one
			for what, prepare := range calls {
				if strings.Contains(what, "mark") || what == "Flush" || what == "Recv of a REQ" {
					continue // preparing them sends, which does not wait
				}
				_, call := prepare()
				if err := call(); err != c.want {
					t.Errorf("%s: %v, want %v", what, err, c.want)
				}
			}
		})
	}
}

// A context is looked at only when the call would wait.
func TestContextIsNotLookedAtInVain(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		push, pull := a.push(), a.pull()
		a.join(pull, push, endpoint)
		over, cancel := context.WithCancel(a.ctx)
		cancel()
		for n := range 100 {
			if err := push.Send(over, fmt.Append(nil, n)); err != nil {
				t.Fatal(err)
			}
		}
		a.until("they are there", func() bool { return waitingIn(pull) == 100 })
		for n := range 100 {
			m, err := pull.Recv(over)
			if err != nil || string(m.Bytes()) != fmt.Sprint(n) {
				t.Fatalf("%q, %v", m.Bytes(), err)
			}
		}
		_, err := pull.Recv(over)
		a.wantError("with nothing there", err, context.Canceled)
	})
}

// A Recv that is cancelled or times out loses nothing, wherever the message is just then.
func TestCancelledRecvLosesNothing(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		push, pull := a.push(), a.pull(Options{RecvTimeout: 300 * time.Microsecond})
		a.join(pull, push, endpoint)
		const rounds = 2000
		sent := together(1, func(int) error {
			for n := range rounds {
				if err := push.Send(a.ctx, fmt.Append(nil, n), []byte("part")); err != nil {
					return err
				}
				for range n % 7 * 100 { // some while Recv waits, some not
					if push.Stats().SendQueue > 0 {
						break
					}
				}
			}
			return nil
		})
		ended := 0
		for n := 0; n < rounds; {
			ctx, cancel := context.WithTimeout(a.ctx, time.Duration(n%50)*10*time.Microsecond)
			m, err := pull.Recv(ctx)
			cancel()
			if err != nil {
				if m.Len() != 0 || a.ctx.Err() != nil {
					t.Fatalf("%q with %v", texts(&m), err)
				}
				ended++
				continue
			}
			if m.Len() != 2 || string(m.Bytes()) != fmt.Sprint(n) {
				t.Fatalf("received %q, want %d", texts(&m), n)
			}
			n++
		}
		a.all(sent, 1)
		a.nothing(pull)
		t.Logf("%d calls of Recv ended early", ended)
	})
}

// Calls of Recv that have no time do not keep the message away from the next one, however many there
// are.
func TestRecvWithoutTimeGetsThere(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		push, pull := a.push(), a.pull()
		a.join(pull, push, endpoint)
		yield := func() {
			for range 100 {
				runtime.Gosched()
			}
		}
		alternate := func() { // one at a time: the receiver reads by itself after that, if ever
			for range 50 {
				received := together(1, func(int) error { _, err := pull.Recv(a.ctx); return err })
				yield() // it waits by now, most of the time
				a.send(push, "x")
				a.all(received, 1)
				yield()
			}
		}
		over, cancel := context.WithCancel(a.ctx)
		cancel()
		calls := map[string]func() error{
			"a context that is over": func() error { _, err := pull.Recv(over); return err },
			"hardly a context": func() error {
				ctx, cancel := context.WithTimeout(a.ctx, time.Microsecond)
				defer cancel()
				_, err := pull.Recv(ctx)
				return err
			},
			"RCVTIMEO":          func() error { _, err := pull.Recv(a.ctx); return err },
			"TryRecv":           func() error { _, err := pull.TryRecv(); return err },
			"RecvInto, no time": func() error { return pull.RecvInto(over, new(Message)) },
		}
		for name, call := range calls {
			alternate()
			if err := pull.SetOptions(func(o *Options) { o.RecvTimeout = time.Microsecond }); err != nil {
				t.Fatal(err)
			}
			for range 10 {
				a.send(push, "y")
				for end := time.Now().Add(patience / 4); call() != nil; {
					if time.Now().After(end) {
						t.Fatalf("%s: the message never arrives", name)
					}
				}
			}
			pull.SetOption("RCVTIMEO", "-1")
		}
	})
}

// A Send that is cancelled or times out has sent nothing; one that succeeds has sent all.
func TestCancelledSendSendsNothing(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		push, pull := a.push(Options{SendHWM: 1}), a.pull(Options{RecvHWM: 1})
		a.join(pull, push, endpoint)
		accepted := make(chan string, 10_000)
		sent := together(1, func(int) error {
			for n := range 3000 {
				ctx, cancel := context.WithTimeout(a.ctx, time.Duration(n%20)*5*time.Microsecond)
				text := fmt.Sprint(n)
				err := push.Send(ctx, []byte(text))
				if cancel(); err == nil {
					accepted <- text
				} else if err != context.DeadlineExceeded {
					return err
				}
			}
			close(accepted)
			return nil
		})
		for text := range accepted {
			a.recv(pull, text)
		}
		a.all(sent, 1)
		a.nothing(pull)
	})
}

// After an error of RecvInto the message is empty.
func TestRecvIntoEmptiesTheMessage(t *testing.T) {
	a := newArena(t)
	for _, s := range []Receiver{a.pull(), a.req(), a.rep()} {
		var m Message
		m.Append([]byte("old"), []byte("parts"))
		a.wantError("TryRecvInto", s.TryRecvInto(&m), map[bool]error{true: ErrFSM, false: ErrAgain}[s.Type() == REQ])
		if m.Len() != 0 {
			t.Errorf("%s: TryRecvInto left %q", s.Type(), texts(&m))
		}
		m.Append([]byte("old"))
		over, cancel := context.WithCancel(a.ctx)
		cancel()
		if err := s.RecvInto(over, &m); err == nil || m.Len() != 0 {
			t.Errorf("%s: RecvInto left %q with %v", s.Type(), texts(&m), err)
		}
		m.Append([]byte("old"))
		drop(s)
		if err := s.RecvInto(a.ctx, &m); !errors.Is(err, ErrClosed) || m.Len() != 0 {
			t.Errorf("%s: RecvInto left %q with %v", s.Type(), texts(&m), err)
		}
	}
}

// SendMessage leaves the message as it was when it fails.
func TestSendMessageThatFails(t *testing.T) {
	a := newArena(t)
	for _, s := range []Sender{a.push(), a.req(), a.rep()} {
		var m Message
		m.Append([]byte("a"), make([]byte, 100_000), []byte("b"))
		if err := s.TrySendMessage(&m); err == nil || m.Len() != 3 || len(m.Part(1)) != 100_000 || string(m.Part(2)) != "b" {
			t.Errorf("%s: %v left %d parts", s.Type(), err, m.Len())
		}
		drop(s)
		if err := s.SendMessage(a.ctx, &m); err == nil || m.Len() != 3 || string(m.Part(0)) != "a" {
			t.Errorf("closed %s: %v left %d parts", s.Type(), err, m.Len())
		}
	}
}

// Messages goes on until the first error, which is the last pair; a break is no error.
func TestMessages(t *testing.T) {
	a := newArena(t)
	push, pull := a.push(), a.pull()
	a.join(pull, push, "inproc://x")
	for n := range 10 {
		a.send(push, fmt.Sprint(n))
	}
	n := 0
	for m, err := range pull.Messages(a.ctx) {
		if err != nil || string(m.Bytes()) != fmt.Sprint(n) {
			t.Fatalf("%q, %v", m.Bytes(), err)
		}
		if n++; n == 5 {
			break
		}
	}
	ctx, cancel := context.WithCancel(a.ctx)
	var last error
	for m, err := range pull.Messages(ctx) {
		if last != nil {
			t.Fatal("something after the error")
		}
		if last = err; err != nil {
			break
		}
		if string(m.Bytes()) != fmt.Sprint(n) {
			t.Fatalf("%q, want %d", m.Bytes(), n)
		}
		if n++; n == 10 {
			cancel()
		}
	}
	cancel()
	a.wantError("the last pair", last, context.Canceled)
}
