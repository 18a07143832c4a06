// SPDX-License-Identifier: MPL-2.0

package zmq

import (
	"strings"
	"testing"
)

// The tests of this file are about the end of a Context.

// zmq_ctx_term(3): every socket ends, with its LINGER, and no new one is made.
func TestTerm(t *testing.T) {
	eachTransport(t, func(a *arena, endpoint string) {
		pull := a.pull(Options{Context: NewContext(ContextOptions{})})
		if strings.HasPrefix(endpoint, "inproc:") {
			pull = a.pull() // names are a context's own
		}
		bound := a.bind(pull, endpoint)
		var pushes [3]*Push
		for i := range pushes {
			pushes[i] = a.push()
			a.connect(pushes[i], bound)
			a.send(pushes[i], "x")
		}
		a.peers(pull, len(pushes))
		if pull.ctx == a.zctx {
			for range pushes {
				a.recv(pull, "x")
			}
		}
		if err := a.zctx.Term(a.ctx); err != nil {
			t.Fatal(err)
		}
		if err := a.zctx.Term(a.ctx); err != nil {
			t.Error("the second Term: ", err)
		}
		_, err := NewPush(Options{Context: a.zctx})
		a.wantError("New after Term", err, ErrTerm)
		a.wantError("Send after Term", pushes[0].TrySend([]byte("x")), ErrTerm)
		a.wantError("Connect after Term", pushes[0].Connect(bound), ErrTerm)
		if pull.ctx != a.zctx {
			for range pushes {
				a.recv(pull, "x")
			}
		}
	})
}

// zmq_ctx_shutdown(3): calls end, nothing is closed, and what was accepted is still on its way.
func TestShutdown(t *testing.T) {
	a := newArena(t)
	pull, push := a.pull(Options{Context: NewContext(ContextOptions{})}), a.push()
	bound := a.unused("tcp://127.0.0.1:0")
	a.connect(push, bound)
	a.send(push, "accepted")
	a.zctx.Shutdown()
	a.zctx.Shutdown()
	a.wantError("Send", push.Send(a.ctx, []byte("x")), ErrTerm)
	_, err := NewPull(Options{Context: a.zctx})
	a.wantError("New", err, ErrTerm)
	a.bind(pull, bound)
	a.recv(pull, "accepted")
	if err := push.Close(); err != nil {
		t.Error(err)
	}
}
