// SPDX-License-Identifier: MPL-2.0

package route

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gzmq/zmq/internal/pipe"
)

// TestManyReceivers: whatever receivers and senders do at the same time, each message is received
// once, each sender's are in order for each receiver, and nobody waits for what is there.
func TestManyReceivers(t *testing.T) {
	const senders, each, receivers = 4, 6000, 4
	q := NewFairQueue()
	ctx, cancel := context.WithCancel(context.Background())
	var got atomic.Int64
	var counts [senders]atomic.Int64
	var receiving, sending sync.WaitGroup
	for id := range receivers {
		receiving.Go(func() {
			var last [senders]uint32
			var m pipe.Message
			for i := 0; ; i++ {
				limit := Limit{Duration: -1}
				if (i+id)%5 == 0 {
					limit.Duration = time.Microsecond // and give up again and again
				}
				ok, err := q.TryInto(&m)
				if !ok && err == nil {
					err = q.Recv(ctx, limit, &m, id%2 == 0)
				}
				if err == ErrTimeout {
					continue
				}
				if err != nil {
					return
				}
				from, n := m.Part(0)[0], binary.BigEndian.Uint32(m.Part(0)[1:])
				if n <= last[from] {
					t.Errorf("message %d of %d after %d", n, from, last[from])
				}
				last[from] = n
				counts[from].Add(1)
				if got.Add(1) == senders*each {
					cancel()
				}
			}
		})
	}
	for id := range senders {
		var p *pipe.Pipe
		var s *pipe.Pipe
		if id%2 == 0 {
			p = conn(q)
		} else {
			s, _ = source(q)
		}
		sending.Go(func() {
			for n := range each {
				body := string(binary.BigEndian.AppendUint32([]byte{byte(id)}, uint32(n+1)))
				if s != nil {
					send(t, s, body)
				} else {
					arrive(p, body)
				}
				if n%64 == id {
					runtime.Gosched() // so that receivers come to wait
				}
			}
		})
	}
	sending.Wait()
	if !eventually(func() bool { return got.Load() == senders*each }) {
		t.Errorf("%d messages of %d were received", got.Load(), senders*each)
	}
	cancel()
	receiving.Wait()
	for id := range counts {
		if n := counts[id].Load(); n != each {
			t.Errorf("sender %d: %d messages of %d", id, n, each)
		}
	}
}

// TestManyWaitingSenders: through pipes that are full nearly always each message goes once, in
// order from each sender, and nobody waits while there is room.
func TestManyWaitingSenders(t *testing.T) {
	for _, pipes := range []int{1, 3} {
		t.Run(fmt.Sprint(pipes, " pipes"), func(t *testing.T) {
			const senders, each = 3, 5000
			b, o := dealer()
			q := NewFairQueue()
			for range pipes {
				s, r := link(o, &owner{fq: q}, 3, 2)
				q.Attach(r)
				b.Attach(s)
			}
			var wg sync.WaitGroup
			for id := range senders {
				wg.Go(func() {
					for n := range each {
						body := string(binary.BigEndian.AppendUint32([]byte{byte(id)}, uint32(n)))
						for {
							p, err := sendNext(b, body)
							if err != nil {
								t.Error(err)
								return
							}
							if p != nil {
								break
							}
							limit := Limit{Duration: 20 * time.Second}
							if n%3 == 0 {
								limit.Duration = time.Microsecond
							}
							if err := b.Wait(t.Context(), &limit); err != nil && n%3 > 0 {
								t.Errorf("sender %d, message %d: %v", id, n, err)
								return
							}
						}
					}
				})
			}
			var next [senders][]bool
			for id := range next {
				next[id] = make([]bool, each)
			}
			var m pipe.Message
			for i := range senders * each {
				if err := q.Recv(t.Context(), Limit{Duration: 20 * time.Second}, &m, false); err != nil {
					t.Fatalf("message %d: %v", i, err)
				}
				id, n := m.Part(0)[0], binary.BigEndian.Uint32(m.Part(0)[1:])
				if next[id][n] || pipes == 1 && n > 0 && !next[id][n-1] {
					t.Fatalf("sender %d: message %d twice or too early", id, n)
				}
				next[id][n] = true
			}
			wg.Wait()
		})
	}
}
