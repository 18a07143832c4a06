// SPDX-License-Identifier: MPL-2.0

// Package route decides whose turn it is: which pipe the next message goes to, and from which the
// next one comes.
//
// A strategy keeps its pipes in one list, the ones that can be used as a prefix of it. A pipe that
// is full, empty or dead leaves the prefix by changing places with the last of it, and comes back
// the same way, so that neither costs more with many pipes than with few. The turn moves on with
// each whole message.
package route

import "github.com/gzmq/zmq/internal/pipe"

// places is a list of pipes whose usable ones come first. slot says where a pipe keeps its place in
// this list.
type places struct {
	pipes  []*pipe.Pipe
	active int // pipes[:active] can be used
	turn   int // < active, unless active is 0
	slot   func(*pipe.Pipe) *int
}

func sendSlot(p *pipe.Pipe) *int { return &p.SendSlot }
func recvSlot(p *pipe.Pipe) *int { return &p.RecvSlot }

// add puts p at the end, not active.
func (l *places) add(p *pipe.Pipe) {
	*l.slot(p) = len(l.pipes)
	l.pipes = append(l.pipes, p)
}

// has reports whether p is in the list.
func (l *places) has(p *pipe.Pipe) bool { return *l.slot(p) >= 0 }

// activate makes p usable.
func (l *places) activate(p *pipe.Pipe) {
	if i := *l.slot(p); i >= l.active {
		l.swap(i, l.active)
		l.active++
	}
}

// deactivate makes p unusable. The turn is the next pipe's.
func (l *places) deactivate(p *pipe.Pipe) {
	i := *l.slot(p)
	if i < 0 || i >= l.active {
		return
	}
	if i < l.turn {
		// Those before the turn have had theirs in this round; the last, which takes the place that
		// becomes free, has not.
		l.turn--
		l.swap(i, l.turn)
		i = l.turn
	}
	l.active--
	l.swap(i, l.active)
	if l.turn >= l.active {
		l.turn = 0
	}
}

// remove takes p out of the list.
func (l *places) remove(p *pipe.Pipe) {
	if !l.has(p) {
		return
	}
	l.deactivate(p)
	last := len(l.pipes) - 1
	l.swap(*l.slot(p), last)
	l.pipes[last] = nil
	l.pipes = l.pipes[:last]
	*l.slot(p) = -1
}

func (l *places) swap(i, j int) {
	if i == j {
		return
	}
	a, b := l.pipes[i], l.pipes[j]
	l.pipes[i], l.pipes[j] = b, a
	*l.slot(a), *l.slot(b) = j, i
}

// next is the usable pipe whose turn it is; the turn moves on. nil when none is usable.
func (l *places) next() *pipe.Pipe {
	if l.active == 0 {
		return nil
	}
	p := l.pipes[l.turn]
	l.turn++
	if l.turn >= l.active {
		l.turn = 0
	}
	return p
}

// back undoes next for a pipe that was not used.
func (l *places) back() {
	if l.turn--; l.turn < 0 {
		l.turn = l.active - 1
	}
}
