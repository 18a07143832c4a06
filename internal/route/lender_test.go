// SPDX-License-Identifier: MPL-2.0

package route

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
)

// fakeLender is a connection that can be read by a Recv. What Serve does is what its bubble tells it.
type fakeLender struct {
	lent  bool
	serve chan func() // run by the one that reads; nil ends Serve
	log   []string
}

func newLender(p *pipe.Pipe) *fakeLender {
	l := &fakeLender{serve: make(chan func(), 1)}
	p.SetLender(l)
	return l
}

func (l *fakeLender) Lend() bool {
	free := !l.lent
	l.lent = true
	return free
}

func (l *fakeLender) Serve(ctx context.Context, limit time.Duration) pipe.Outcome {
	if limit < 0 {
		limit = time.Hour
	}
	for {
		select {
		case f := <-l.serve:
			if f == nil {
				return pipe.Signalled
			}
			f()
			return pipe.Signalled
		case <-ctx.Done():
			return pipe.Cancelled
		case <-time.After(limit):
			return pipe.TimedOut
		}
	}
}

func (l *fakeLender) Leave(keep bool) {
	l.lent = !keep
	if keep {
		l.log = append(l.log, "left")
	} else {
		l.log = append(l.log, "given back")
	}
}

func (l *fakeLender) Interrupt() { l.serve <- nil }
func (l *fakeLender) Reclaim()   { l.log = append(l.log, "reclaimed") }

func (l *fakeLender) took() (log []string) {
	log, l.log = l.log, nil
	return log
}

func (l *fakeLender) want(t *testing.T, what string, want ...string) {
	t.Helper()
	if got := l.took(); len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
		t.Errorf("%s: the right to read was %q, want %q", what, got, want)
	}
}

// TestRecvReads: one that is alone with a connection reads it itself, and its own delivery needs no
// signal.
func TestRecvReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewFairQueue()
		p := conn(q)
		l := newLender(p)
		a := recv(q, -1)
		l.serve <- func() { arrive(p, "mine") }
		synctest.Wait()
		if a.body() != "mine" {
			t.Errorf("%v", a)
		}
		l.want(t, "its own message", "left")

		a = recv(q, time.Second)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if a.err() != ErrTimeout {
			t.Errorf("%v", a)
		}
		l.want(t, "its time is over", "left")

		a = recv(q, -1)
		a.cancel()
		synctest.Wait()
		if a.err() != context.Canceled {
			t.Errorf("%v", a)
		}
		l.want(t, "its context has ended", "left")
	})
}

// TestRecvReadsForOthers: with a second receiver nobody reads for himself any more, and a message
// that the first one finds on the way goes to it.
func TestRecvReadsForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewFairQueue()
		p := conn(q)
		l := newLender(p)
		a, b := recv(q, -1), recv(q, -1)
		l.serve <- func() { arrive(p, "1", "2") }
		synctest.Wait()
		if a.body() != "1" && b.body() != "1" || a.body() == b.body() {
			t.Errorf("%v, %v", a, b)
		}
		l.want(t, "others wait", "given back")
	})
}

// TestRecvInterrupted: a message from elsewhere, Kick and Close end the reading.
func TestRecvInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewFairQueue()
		p := conn(q)
		l := newLender(p)
		a := recv(q, -1)
		s, other := source(q)
		l.want(t, "a second pipe", "reclaimed")
		send(t, s, "from elsewhere")
		synctest.Wait()
		if a.body() != "from elsewhere" {
			t.Errorf("%v", a)
		}
		l.want(t, "not alone", "given back")

		q.Detach(other, false)
		l.lent = false
		a = recv(q, time.Hour)
		q.Kick()
		synctest.Wait()
		if a.over() {
			t.Errorf("%v", a)
		}
		l.want(t, "alone again", "left")
		q.Close(context.DeadlineExceeded)
		synctest.Wait()
		if a.err() != context.DeadlineExceeded {
			t.Errorf("%v", a)
		}
	})
}

// TestRecvCancelledWithMessage: the one that reads is cancelled in the moment in which it has
// delivered. Somebody else gets the message.
func TestRecvCancelledWithMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewFairQueue()
		p := conn(q)
		l := newLender(p)
		a, b := recv(q, -1), recv(q, time.Hour)
		// The message is delivered by the reader, and its Serve ends by the context.
		l.serve <- func() {
			a.cancel()
			arrive(p, "x")
		}
		synctest.Wait()
		if a.body() != "x" && b.body() != "x" {
			t.Errorf("nobody has it: %v, %v", a, b)
		}
		b.cancel()
		synctest.Wait()
	})
}
