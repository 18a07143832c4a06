// SPDX-License-Identifier: MPL-2.0

package route

import (
	"context"
	"errors"

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
		return context.Cause(ctx)
	case outcome == pipe.TimedOut:
		return ErrTimeout
	}
	return nil
}
