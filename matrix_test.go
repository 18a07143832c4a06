// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/gzmq/zmq/internal/security/securitytest"
)

// sizes stand on both sides of each place where something changes.
var sizes = []int{0, 1, 32, 255, 256, 65_535, 65_536, 300_000, 4 << 20}

// shapes are how the bytes of one size are divided among parts.
var shapes = []struct {
	name  string
	parts func(size int) [][]byte
}{
	{"one part", func(size int) [][]byte { return [][]byte{pattern(size, 0)} }},
	{"many parts", func(size int) [][]byte {
		return [][]byte{pattern(size, 1), {}, pattern(7, 2), pattern(size/3, 3), pattern(min(size, 100), 4), {}}
	}},
}

// pattern is a body whose bytes say where they belong.
func pattern(size, seed int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16 ^ seed*37)
	}
	return b
}

// TestMatrix moves messages of all sizes and shapes over all transports, whichever side has bound,
// plain and sealed.
func TestMatrix(t *testing.T) {
	for i, transport := range transports {
		for _, sealed := range []bool{false, true} {
			if sealed && transport.name == "inproc" {
				continue // there is nothing on any wire
			}
			if raceEnabled && !slices.Contains(mainTransports, i) {
				continue // the others differ in their names alone
			}
			for _, senderBinds := range []bool{false, true} {
				for _, pattern := range []string{"PUSH-PULL", "REQ-REP"} {
					name := fmt.Sprintf("%s/%s/sealed=%v/senderBinds=%v", pattern, transport.name, sealed, senderBinds)
					t.Run(name, func(t *testing.T) {
						m := matrix{arena: newArena(t), sealed: sealed, senderBinds: senderBinds}
						if pattern == "PUSH-PULL" {
							m.pipeline(transport.fresh(m.arena))
						} else {
							m.requests(transport.fresh(m.arena))
						}
					})
				}
			}
		}
	}
}

// matrix is one cell.
type matrix struct {
	*arena
	sealed, senderBinds bool
}

func (m matrix) meet(sender, receiver Socket, endpoint string) {
	binder, connector := receiver, sender
	if m.senderBinds {
		binder, connector = sender, receiver
	}
	if m.sealed {
		binder.base().mechanism = &securitytest.Mechanism{Server: true, Key: "k"}
		connector.base().mechanism = &securitytest.Mechanism{Key: "k"}
	}
	m.join(binder, connector, endpoint)
}

func (m matrix) mechanism() string {
	if m.sealed {
		return securitytest.Name
	}
	return "NULL"
}

// sizes are all of them. The race detector makes the sealing of the largest slow.
func (m matrix) sizes() []int {
	if m.sealed && raceEnabled {
		return sizes[:len(sizes)-1]
	}
	return sizes
}

// each calls f with each message, and a way to check what arrived of it.
func (m matrix) each(f func(parts [][]byte, check func(*Message))) {
	for _, shape := range shapes {
		for _, size := range m.sizes() {
			parts := shape.parts(size)
			f(parts, func(got *Message) {
				m.Helper()
				if got.Len() != len(parts) {
					m.Fatalf("%s of %d bytes: %d parts, want %d", shape.name, size, got.Len(), len(parts))
				}
				for i, part := range got.Parts() {
					if !bytes.Equal(part, parts[i]) {
						m.Fatalf("%s of %d bytes: part %d of %d bytes is not what was sent", shape.name, size, i, len(part))
					}
				}
			})
		}
	}
}

// pipeline sends all messages one after the other, each by Send and by SendMessage, and receives
// them alternately by Recv and RecvInto.
func (m matrix) pipeline(endpoint string) {
	push, pull := m.push(), m.pull()
	m.meet(push, pull, endpoint)
	sent := together(1, func(int) (err error) {
		m.each(func(parts [][]byte, _ func(*Message)) {
			var whole Message
			whole.Append(parts...)
			if err == nil {
				err = push.Send(m.ctx, parts...)
			}
			if err == nil {
				err = push.SendMessage(m.ctx, &whole)
			}
			if err == nil && whole.Len() != 0 {
				err = fmt.Errorf("a message that was given away has %d parts left", whole.Len())
			}
		})
		return err
	})
	var reused Message
	var kept []Message
	var checks []func(*Message)
	m.each(func(_ [][]byte, check func(*Message)) {
		fresh, err := pull.Recv(m.ctx)
		if err != nil {
			m.Fatal(err)
		}
		kept, checks = append(kept, fresh), append(checks, check)
		if err := pull.RecvInto(m.ctx, &reused); err != nil {
			m.Fatal(err)
		}
		check(&reused)
		if who := reused.Peer(); who.SocketType() != PUSH || who.Mechanism() != m.mechanism() {
			m.Fatalf("message of a %q with %s", who.SocketType(), who.Mechanism())
		}
	})
	for i, check := range checks {
		check(&kept[i]) // still, after all the others
	}
	m.all(sent, 1)
	m.nothing(pull)
}

// requests asks with each message and gets it back.
func (m matrix) requests(endpoint string) {
	req, rep := m.req(), m.rep()
	m.meet(req, rep, endpoint)
	answered := together(1, func(int) error {
		var request Message
		for range len(shapes) * len(m.sizes()) * 2 {
			if err := rep.RecvInto(m.ctx, &request); err != nil {
				return err
			}
			if err := rep.SendMessage(m.ctx, &request); err != nil {
				return err
			}
		}
		return nil
	})
	m.each(func(parts [][]byte, check func(*Message)) {
		reply, err := req.Request(m.ctx, parts...)
		if err != nil {
			m.Fatal(err)
		}
		check(&reply)
		if err := req.Send(m.ctx, parts...); err != nil {
			m.Fatal(err)
		}
		if err := req.RecvInto(m.ctx, &reply); err != nil {
			m.Fatal(err)
		}
		check(&reply)
	})
	m.all(answered, 1)
}
