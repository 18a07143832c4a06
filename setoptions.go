// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"strconv"

	"github.com/gzmq/zmq/internal/pipe"
)

// Options returns the options as they are in force: see Socket.
func (s *socket) Options() Options { return *s.opts.Load() }

// SetOptions changes options: see Socket.
func (s *socket) SetOptions(change func(*Options)) error {
	return s.replace(func(o *Options) error {
		change(o)
		return nil
	})
}

// SetOption changes one option by its name: see Socket.
func (s *socket) SetOption(name, value string) error {
	return s.replace(func(o *Options) error { return setByName(o, name, value) })
}

// replace puts a changed copy in force.
func (s *socket) replace(change func(*Options) error) error {
	for {
		if err := s.state(); err != nil {
			return err
		}
		old := s.opts.Load()
		changed := *old
		if err := change(&changed); err != nil {
			return err
		}
		if err := changed.validate(s.typ); err != nil {
			return err
		}
		changed = changed.effective()
		if err := changedNotLive(*old, changed); err != nil {
			return err
		}
		if !s.opts.CompareAndSwap(old, &changed) {
			continue
		}
		if old.SendHWM != changed.SendHWM || old.RecvHWM != changed.RecvHWM {
			for _, e := range s.all() {
				e.Pipes(func(p *pipe.Pipe) { p.SetLimits(s.limits()) })
			}
		}
		return nil
	}
}

// Option returns one option by its name: see Socket.
func (s *socket) Option(name string) (string, error) {
	row, err := lookupOption(name, "")
	if err != nil {
		return "", err
	}
	switch row.name {
	case "TYPE":
		return strconv.Itoa(s.typ.Number()), nil
	case "LAST_ENDPOINT":
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.last, nil
	case "MECHANISM":
		return "0", nil // ZMQ_NULL
	}
	return getByName(s.opts.Load(), name)
}
