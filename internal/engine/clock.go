// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"errors"
	"time"
)

// ErrHandshakeTimeout and ErrSilent are how Tick ends a connection.
var (
	ErrHandshakeTimeout = errors.New("the handshake was not done in time")
	ErrSilent           = errors.New("nothing was heard of the peer in time")
)

// clock is a connection's one clock. Every time in it is absolute; zero is never.
type clock struct {
	cfg     *Config
	heard   bool // something arrived since the last look
	rearmed bool

	handshakeEnd time.Time
	nextPing     time.Time
	silentAt     time.Time     // when silence ends the connection
	patience     time.Duration // how long a silence may be, once it is measured
	ttl          uint16        // what our PINGs promise, in tenths of a second
}

func (c *clock) init(cfg *Config) {
	c.cfg = cfg
	// 37/ZMTP, Connection Heartbeating: the TTL travels in tenths of a second.
	c.ttl = uint16(min(cfg.HeartbeatTTL/(100*time.Millisecond), 1<<16-1))
}

func (c *clock) start(now time.Time) {
	if c.cfg.HandshakeTimeout > 0 {
		c.handshakeEnd = now.Add(c.cfg.HandshakeTimeout)
	}
	c.rearmed = true
}

func (c *clock) handshakeDone() {
	c.handshakeEnd = time.Time{}
	c.rearmed = true
}

// peerTTL notes what a PING says: without any word for that long its sender is gone.
func (c *clock) peerTTL(tenths uint16) {
	if tenths == 0 {
		return
	}
	if patience := time.Duration(tenths) * 100 * time.Millisecond; patience != c.patience {
		c.patience = patience
		c.rearmed = true
	}
}

// pingDue reports whether it is time for a PING, and sets the time of the next one.
func (c *clock) pingDue(now time.Time) bool {
	if c.cfg.HeartbeatInterval <= 0 || !c.handshakeEnd.IsZero() {
		return false
	}
	if c.nextPing.IsZero() {
		c.nextPing = now.Add(c.cfg.HeartbeatInterval)
		return false
	}
	if now.Before(c.nextPing) {
		return false
	}
	c.nextPing = now.Add(c.cfg.HeartbeatInterval)
	if c.silentAt.IsZero() && c.cfg.HeartbeatTimeout > 0 {
		c.silentAt = now.Add(c.cfg.HeartbeatTimeout)
		c.heard = false
	}
	return true
}

// tick looks whether something is over, and returns when to look again.
func (c *clock) tick(now time.Time) (next time.Time, err error) {
	if !c.handshakeEnd.IsZero() && !now.Before(c.handshakeEnd) {
		return next, ErrHandshakeTimeout
	}
	if c.heard {
		c.heard = false
		c.silentAt = time.Time{}
	}
	if c.silentAt.IsZero() && c.patience > 0 {
		c.silentAt = now.Add(c.patience)
	}
	if !c.silentAt.IsZero() && !now.Before(c.silentAt) {
		return next, ErrSilent
	}
	for _, t := range [...]time.Time{c.handshakeEnd, c.nextPing, c.silentAt} {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	return next, nil
}
