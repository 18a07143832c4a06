// SPDX-License-Identifier: MPL-2.0

package simnet

import (
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// A lane carries bytes in one direction.
type lane struct {
	latency time.Duration
	room    int

	mu      sync.Mutex
	way     []parcel // bytes written and not read
	held    int      // how many they are
	still   bool
	done    error         // what further writes get; the reader gets io.EOF after the last byte
	broken  error         // what everybody gets at once
	left    bool          // the reader has gone
	changed chan struct{} // closed, and made anew, when anything above changes
}

// A parcel is what one write put on its way.
type parcel struct {
	data    []byte
	arrives time.Time
}

func newLane(o Options) *lane {
	return &lane{latency: o.Latency, room: o.Buffer, changed: make(chan struct{})}
}

// wakeAll is called with the lock held.
func (l *lane) wakeAll() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// put takes as much of p as there is room for. If that is nothing, wake is closed when it is worth
// another try.
func (l *lane) put(p []byte) (n int, wake chan struct{}, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.broken != nil:
		return 0, nil, l.broken
	case l.done != nil:
		return 0, nil, l.done
	case l.left:
		return 0, nil, syscall.EPIPE
	}
	n = min(len(p), l.room-l.held)
	if n > 0 {
		data := append([]byte(nil), p[:n]...)
		l.way = append(l.way, parcel{data, time.Now().Add(l.latency)})
		l.held += n
		l.wakeAll()
	}
	return n, l.changed, nil
}

// take moves bytes that have arrived into p. If there are none, it says when the next ones do
// (zero: unknown) and which channel is closed when something else happens.
func (l *lane) take(p []byte) (n int, arrives time.Time, wake chan struct{}, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.broken != nil:
		return 0, arrives, nil, l.broken
	case l.left:
		return 0, arrives, nil, net.ErrClosed
	case l.still:
		return 0, arrives, l.changed, nil
	}
	now := time.Now()
	for n < len(p) && len(l.way) > 0 && !l.way[0].arrives.After(now) {
		k := copy(p[n:], l.way[0].data)
		n += k
		if l.way[0].data = l.way[0].data[k:]; len(l.way[0].data) == 0 {
			l.way = l.way[1:]
		}
	}
	switch {
	case n > 0:
		l.held -= n
		l.wakeAll()
	case len(l.way) > 0:
		arrives = l.way[0].arrives
	case l.done != nil:
		err = io.EOF
	}
	return n, arrives, l.changed, err
}

// finish ends the writing; further writes get err.
func (l *lane) finish(err error) {
	l.change(func() { l.done = err })
}

// leave ends the reading.
func (l *lane) leave() {
	l.change(func() { l.left, l.way, l.held = true, nil, 0 })
}

func (l *lane) cut() {
	l.change(func() { l.broken, l.way, l.held = syscall.ECONNRESET, nil, 0 })
}

func (l *lane) stall(still bool) {
	l.change(func() { l.still = still })
}

func (l *lane) change(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
	l.wakeAll()
}
