// SPDX-License-Identifier: MPL-2.0

package simnet

import (
	"os"
	"sync"
	"time"
)

// A deadline is a time that can move while somebody waits for it.
type deadline struct {
	mu      sync.Mutex
	at      time.Time     // zero: never
	changed chan struct{} // closed, and made anew, when at moves
}

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = t
	close(d.changed)
	d.changed = make(chan struct{})
}

// check returns when the deadline is and the channel that tells of a new one, or an error if it
// has passed.
func (d *deadline) check() (at time.Time, changed chan struct{}, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.at.IsZero() && !time.Now().Before(d.at) {
		return d.at, d.changed, os.ErrDeadlineExceeded
	}
	return d.at, d.changed, nil
}

// wait returns when either channel is closed or the time has come; zero never comes.
func wait(one, other <-chan struct{}, until time.Time) {
	var due <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-one:
	case <-other:
	case <-due:
	}
}

// earlier returns the earlier time of the two; zero is the latest of all.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
