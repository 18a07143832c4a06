// SPDX-License-Identifier: MPL-2.0

package route

import (
	"context"
	"errors"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
)

// ErrTimeout says that the time limit of a wait is over.
var ErrTimeout = errors.New("time limit over")

// waitError is what a wait answers: the end of everything first, then why it ended itself.
func waitError(ctx context.Context, outcome pipe.Outcome, closed error) error {
	switch {
	case closed != nil:
		return closed
	case outcome == pipe.Cancelled:
		return ctx.Err()
	case outcome == pipe.TimedOut:
		return ErrTimeout
	}
	return nil
}

// Limit is the time that one call may wait in all, however often it wakes. The clock starts with
// the first wait.
type Limit struct {
	Duration time.Duration // negative: no limit
	deadline time.Time
}

// left is what remains, negative for no limit.
func (l *Limit) left() (time.Duration, error) {
	if l.Duration < 0 {
		return -1, nil
	}
	if l.deadline.IsZero() {
		l.deadline = time.Now().Add(l.Duration)
	}
	left := time.Until(l.deadline)
	if left <= 0 {
		return 0, ErrTimeout
	}
	return left, nil
}
