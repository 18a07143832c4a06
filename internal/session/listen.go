// SPDX-License-Identifier: MPL-2.0

package session

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
	"github.com/gzmq/zmq/internal/transport"
)

// listener is a bound endpoint: one goroutine that accepts, and one for each connection.
type listener struct {
	cfg   Config
	given string
	ln    Acceptor
	links links
	stop  chan struct{} // closed by Stop
	once  sync.Once
	idle  sync.WaitGroup // of the goroutines
}

// The pause after an accept that failed, since the process is out of descriptors or the like.
const (
	minAcceptPause = 5 * time.Millisecond
	maxAcceptPause = time.Second
)

func newListener(cfg Config, given string) (Endpoint, error) {
	l := &listener{cfg: cfg, given: given, stop: make(chan struct{})}
	l.links.init(&l.cfg, given)
	ln, err := cfg.Listen()
	if err != nil {
		l.links.raise(Event{Type: BindFailed, Err: err, Code: errno(err)})
		return nil, err
	}
	l.ln = ln
	l.links.endpoint = ln.Endpoint()
	l.links.raise(Event{Type: Listening, Local: ln.Endpoint()})
	l.idle.Add(1)
	go l.accept()
	return l, nil
}

func (l *listener) Given() string { return l.given }
func (l *listener) Name() string  { return l.links.endpoint }
func (l *listener) Bound() bool   { return true }

func (l *listener) accept() {
	defer l.idle.Done()
	pause := backoff{min: minAcceptPause, max: maxAcceptPause}
	for {
		nc, err := l.ln.Accept()
		if err != nil {
			if l.stopped() {
				return
			}
			l.links.raise(Event{Type: AcceptFailed, Err: err, Code: errno(err)})
			if !l.wait(pause.next(), err) {
				return
			}
			continue
		}
		pause.reset()
		l.idle.Add(1)
		go l.serve(nc)
	}
}

// wait pauses after a failed accept; it reports whether another one makes sense.
func (l *listener) wait(d time.Duration, err error) bool {
	if !transport.IsTransient(err) {
		d = maxAcceptPause
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.stop:
		return false
	}
}

func (l *listener) stopped() bool {
	select {
	case <-l.stop:
		return true
	default:
		return false
	}
}

// serve is one accepted connection. Its pipe ends with it.
func (l *listener) serve(nc net.Conn) {
	defer l.idle.Done()
	l.links.raise(Event{Type: Accepted}.at(nc))
	l.links.talk(nc, pipe.New(l.cfg.Owner, l.cfg.Limits(), false), true)
}

func (l *listener) State() (connections int, err error) { return l.links.ready(), nil }

func (l *listener) Pipes(f func(*pipe.Pipe)) {
	for _, k := range l.links.snapshot() {
		f(k.pipe)
	}
}

func (l *listener) Withdraw(ctx context.Context) (stays bool) {
	l.Stop(ctx)
	return false
}

func (l *listener) Stop(ctx context.Context) {
	l.once.Do(func() {
		close(l.stop)
		err := l.ln.Close()
		e := Event{Type: Closed}
		if err != nil {
			e = Event{Type: CloseFailed, Err: err, Code: errno(err)}
		}
		l.links.raise(e)
	})
	l.Pipes(func(p *pipe.Pipe) { p.End() })
	l.Pipes(func(p *pipe.Pipe) { p.Drain(ctx) })
	l.links.shut()
	l.idle.Wait()
}
