// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/gzmq/zmq"
)

// life says how long a command goes on. A signal ends it in steps: stop takes nothing more in, and what
// was taken is finished; drain ends the printing of what had already arrived; kill gives up the rest.
//
//	first SIGINT or SIGTERM          stop
//	drainTime after it               drain
//	LINGER after it, or the second   kill
type life struct {
	stop, drain, kill context.Context

	stopNow, drainNow, killNow context.CancelFunc
	signals                    chan os.Signal
}

const (
	drainTime  = time.Second // a peer that never pauses must not keep a stopped command alive
	noticeable = time.Second // a wait of this length is explained
)

// newLife listens for signals until release.
func newLife() *life {
	l := &life{signals: make(chan os.Signal, 2)}
	l.stop, l.stopNow = context.WithCancel(context.Background())
	l.drain, l.drainNow = context.WithCancel(context.Background())
	l.kill, l.killNow = context.WithCancel(context.Background())
	context.AfterFunc(l.stop, func() { time.AfterFunc(drainTime, l.drainNow) })
	signal.Notify(l.signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		for range l.signals {
			if l.stop.Err() != nil {
				l.killNow()
			}
			l.stopNow()
		}
	}()
	return l
}

// release ends all steps and gives the signals back to the system.
func (l *life) release() {
	signal.Stop(l.signals)
	close(l.signals)
	l.killNow()
	l.stopNow()
	l.drainNow()
}

// linger sets the time between stop and kill; waiting is called when it gets noticeable.
func (l *life) linger(d time.Duration, waiting func()) {
	context.AfterFunc(l.stop, func() {
		if d != zmq.Forever {
			time.AfterFunc(max(d, 0), l.killNow) // NoWait is below 0
		}
		time.AfterFunc(noticeable, func() {
			if l.kill.Err() == nil {
				waiting()
			}
		})
	})
}

// closing is how long Close may take: LINGER, or what the first signal left of it. A signal that comes
// only now has no input to end, and gives up at once.
func (l *life) closing(d time.Duration) (context.Context, context.CancelFunc) {
	if l.stop.Err() != nil {
		return context.WithCancel(l.kill)
	}
	context.AfterFunc(l.stop, l.killNow)
	if d == zmq.Forever {
		return context.WithCancel(l.kill)
	}
	return context.WithTimeout(l.kill, max(d, 0))
}
