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
	pings   bool // PINGs are sent to this peer

	handshakeEnd time.Time
	nextPing     time.Time
	answerBy     time.Time     // when silence after a PING of ours ends the connection
	wordBy       time.Time     // when silence ends it since the peer has said so
	patience     time.Duration // for how long the peer says that it may be silent; 0: it has not
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

// handshakeDone says that heartbeats may begin, if the peer knows what a PING is.
func (c *clock) handshakeDone(knowsPing bool) {
	c.handshakeEnd = time.Time{}
	c.pings = knowsPing && c.cfg.HeartbeatInterval > 0
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

// tick looks whether something is over and whether a PING is due, and returns when to look again.
func (c *clock) tick(now time.Time) (ping bool, next time.Time, err error) {
	if due(c.handshakeEnd, now) {
		return false, next, ErrHandshakeTimeout
	}
	if c.heard {
		c.heard = false
		c.answerBy, c.wordBy = time.Time{}, time.Time{}
	}
	if c.patience > 0 && c.wordBy.IsZero() {
		c.wordBy = now.Add(c.patience)
	}
	if due(c.answerBy, now) || due(c.wordBy, now) {
		return false, next, ErrSilent
	}
	if ping = c.pings && due(c.nextPing, now); ping && c.cfg.HeartbeatTimeout > 0 && c.answerBy.IsZero() {
		c.answerBy = now.Add(c.cfg.HeartbeatTimeout)
	}
	if ping || c.pings && c.nextPing.IsZero() {
		c.nextPing = now.Add(c.cfg.HeartbeatInterval)
	}
	for _, t := range [...]time.Time{c.handshakeEnd, c.nextPing, c.answerBy, c.wordBy} {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	return ping, next, nil
}

// due reports whether the time t has come; zero never comes.
func due(t, now time.Time) bool { return !t.IsZero() && !now.Before(t) }
