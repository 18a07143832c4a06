// SPDX-License-Identifier: MPL-2.0

package session

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
)

// dialer is a connecting endpoint: one goroutine that dials, reads, and dials again.
type dialer struct {
	cfg   Config
	given string
	links links

	// pipe outlives connections: what none of them took yet goes to the next. It is nil with
	// Immediate, where each connection has one of its own.
	pipe *pipe.Pipe

	ctx    context.Context // ends with Stop
	cancel context.CancelFunc
	done   chan struct{} // closed when run is over

	mu    sync.Mutex
	err   error // why there is no connection now; guarded by mu
	ended bool  // guarded by mu: pipe is given up
}

func newDialer(cfg Config, given string) *dialer {
	d := &dialer{cfg: cfg, given: given, done: make(chan struct{})}
	d.links.init(&d.cfg, given)
	d.ctx, d.cancel = context.WithCancel(context.Background())
	if !cfg.Immediate {
		d.pipe = pipe.New(cfg.Owner, cfg.Limits(), true)
		cfg.Owner.Attached(d.pipe)
	}
	go d.run()
	return d
}

func (d *dialer) Given() string { return d.given }
func (d *dialer) Name() string  { return d.given }
func (d *dialer) Bound() bool   { return false }

// run dials until Stop, or until the first fall when reconnecting is off.
func (d *dialer) run() {
	defer close(d.done)
	defer d.giveUp()
	pause := backoff{min: d.cfg.ReconnectInterval, max: d.cfg.ReconnectMax}
	for first := true; ; first = false {
		ready, err := d.connect(first)
		d.setErr(err)
		if d.ctx.Err() != nil || d.cfg.ReconnectInterval < 0 {
			return
		}
		if ready {
			pause.reset()
		}
		delay := pause.next()
		d.links.raise(Event{Type: ConnectRetried, Delay: delay, Err: err})
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-d.ctx.Done():
			timer.Stop()
			return
		}
	}
}

// connect makes one connection and stays with it to its end. It reports whether a handshake was
// done.
func (d *dialer) connect(first bool) (ready bool, err error) {
	nc, err := d.cfg.Dial(d.ctx)
	if err != nil {
		if first && d.ctx.Err() == nil {
			d.links.raise(Event{Type: ConnectDelayed, Err: err, Code: errno(err)})
		}
		return false, err
	}
	d.setErr(nil)
	d.links.raise(Event{Type: Connected}.at(nc))
	if d.pipe != nil {
		return d.links.talk(nc, d.pipe, false)
	}
	return d.links.talk(nc, pipe.New(d.cfg.Owner, d.cfg.Limits(), false), true)
}

func (d *dialer) setErr(err error) {
	d.mu.Lock()
	d.err = err
	d.mu.Unlock()
}

func (d *dialer) State() (connections int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.links.ready(), d.err
}

// giveUp ends the pipe that outlives connections: there will not be another one.
func (d *dialer) giveUp() {
	if d.pipe == nil {
		return
	}
	d.mu.Lock()
	d.ended = true
	d.mu.Unlock()
	d.pipe.Discard()
	d.cfg.Owner.Detached(d.pipe)
}

func (d *dialer) Pipes(f func(*pipe.Pipe)) {
	if d.pipe != nil {
		d.mu.Lock()
		ended := d.ended
		d.mu.Unlock()
		if !ended {
			f(d.pipe)
		}
		return
	}
	for _, k := range d.links.snapshot() {
		f(k.pipe)
	}
}

func (d *dialer) Withdraw(ctx context.Context) (stays bool) {
	d.Stop(ctx)
	return false
}

// Stop goes on dialling for what is queued as long as ctx allows.
func (d *dialer) Stop(ctx context.Context) {
	d.Pipes(func(p *pipe.Pipe) { p.End() })
	d.Pipes(func(p *pipe.Pipe) { p.Drain(ctx) })
	d.cancel()
	d.links.shut()
	<-d.done
}

// backoff is the pause between two goes: jittered, so that a thousand peers of one that restarts
// do not come back in the same instant, and growing when there is a maximum.
type backoff struct {
	min, max time.Duration
	current  time.Duration
}

func (b *backoff) reset() { b.current = 0 }

func (b *backoff) next() time.Duration {
	switch {
	case b.current == 0:
		b.current = b.min
		if b.max > 0 {
			b.current = min(b.min, b.max)
		}
	case b.max > b.min:
		b.current = min(2*b.current, b.max)
	}
	if b.current <= 0 {
		return 0
	}
	// Between three quarters and five quarters of the interval.
	return b.current*3/4 + rand.N(b.current/2+1)
}
