// SPDX-License-Identifier: MPL-2.0

package zmq

import "testing"

// The tests of this file are about requests and replies without the envelope of 28/REQREP.

// libzmq, invalid_rep: a reply without the delimiter breaks the protocol. The connection is closed,
// the peer may come back, and the socket still waits for what it asked or says that its peer is gone.
func TestReqClosesOnAReplyWithoutDelimiter(t *testing.T) {
	for name, reply := range map[string][]string{
		"no empty frame": {"answer"}, "nothing behind it": {""}, "a foreign envelope": {"id", "", "answer"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newArena(t)
			req := a.req()
			bound := a.bind(req, "tcp://127.0.0.1:0")
			peer := a.dialRaw(bound).shake(REP)
			a.send(req, "question")
			peer.message()
			peer.write(frames(reply...))
			_, err := req.Recv(a.ctx)
			a.wantError("after a malformed reply", err, ErrPeerGone)
			peer.closed()
			a.until("it is counted", func() bool { return req.Stats().ProtocolErrors == 1 })
			again := a.dialRaw(bound).shake(REP)
			a.send(req, "again")
			again.wants("", "again")
			again.write(frames("", "fine"))
			a.recv(req, "fine")
		})
	}
}

// A request without the delimiter, or with nothing behind it, closes its connection alone.
func TestRepClosesOnARequestWithoutDelimiter(t *testing.T) {
	for name, request := range map[string][]string{
		"no empty frame": {"question"}, "nothing behind it": {"id", ""}, "empty": {""}, "many parts": {"a", "b", "c"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newArena(t)
			rep := a.rep()
			bound := a.bind(rep, "tcp://127.0.0.1:0")
			bad, good := a.dialRaw(bound).shake(DEALER), a.dialRaw(bound).shake(DEALER)
			a.peers(rep, 2)
			bad.write(frames(request...))
			good.write(frames("", "question"))
			a.recv(rep, "question")
			a.send(rep, "answer")
			good.wants("", "answer")
			a.until("it is counted, and not received", func() bool {
				a.nothing(rep) // a REP looks at requests when it receives
				return rep.Stats().ProtocolErrors == 1
			})
			bad.closed()
		})
	}
}
