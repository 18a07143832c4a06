// SPDX-License-Identifier: MPL-2.0

package pipe

import (
	"fmt"
	"testing"
	"time"
)

// denseSink says how it was asked to write, and writes all there is.
type denseSink struct {
	p   *Pipe
	how chan string
}

func (s *denseSink) write(how string) {
	for b := s.p.Take(); b != nil; b = s.p.Take() {
		s.p.Wrote(0, 0, nil)
	}
	s.how <- how
}

func (s *denseSink) Flush()      { s.write("by a flusher") }
func (s *denseSink) TryFlush()   { s.write("by the sender") }
func (s *denseSink) Room()       {}
func (s *denseSink) Close(error) {}

// TestDenseTrafficIsFlushed: a sender whose last message is a moment old leaves the writing to a
// flusher, so that what follows is written together; many parts are no reason to do otherwise. Only
// a large body is written from the sender's memory.
func TestDenseTrafficIsFlushed(t *testing.T) {
	for _, c := range []struct {
		parts, size int
		want        string
	}{
		{1, 0, "by a flusher"},
		{1, Own - 1, "by a flusher"},
		{1, Own, "by a flusher"},
		{1, Large - 1, "by a flusher"},
		{1, Large, "by the sender"},
		{2, 0, "by a flusher"},
		{2, 100, "by a flusher"},
		{2, Large - 1, "by a flusher"},
		{2, Large, "by the sender"},
	} {
		t.Run(fmt.Sprintf("%d parts of %d bytes", c.parts, c.size), func(t *testing.T) {
			p := New(nil, Limits{}, true)
			s := &denseSink{p, make(chan string, 1)}
			p.Connect(s, true)
			p.Open()
			p.out.lastStart.Store(int64(time.Since(epoch) + time.Hour)) // however slow this machine is, it is dense
			parts := make([][]byte, c.parts)
			for i := range parts {
				parts[i] = make([]byte, c.size)
			}
			p.Send(nil, parts)
			if got := <-s.how; got != c.want {
				t.Errorf("written %s, want %s", got, c.want)
			}
		})
	}
}
