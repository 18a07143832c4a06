// SPDX-License-Identifier: MPL-2.0

package security

import (
	"strconv"

	"github.com/gzmq/zmq/internal/wire"
)

// Null is the mechanism that proves and seals nothing: the peers exchange their metadata.
type Null struct{}

// Name implements Mechanism.
func (Null) Name() string { return "NULL" }

// AsServer implements Mechanism. 37/ZMTP, The NULL Security Mechanism: the bit is zero.
func (Null) AsServer() bool { return false }

// Handshake implements Mechanism.
func (Null) Handshake(local wire.Metadata) Handshake { return &nullHandshake{local: local} }

type nullHandshake struct {
	local, remote wire.Metadata
	done          bool
}

// Start implements Handshake: neither side waits for the other's READY.
func (h *nullHandshake) Start() [][]byte {
	return [][]byte{wire.AppendReadyBody(nil, h.local)}
}

// Receive implements Handshake.
func (h *nullHandshake) Receive(body []byte) (answer []byte, done bool, err error) {
	kind, data, err := wire.KindOf(body)
	if err != nil {
		return nil, false, err
	}
	switch {
	case kind == wire.KindError:
		return nil, false, refusal(data)
	case kind != wire.KindReady || h.done:
		return nil, false, wire.Errorf(wire.CodeUnexpectedCommand, "%v where READY was due", kind)
	}
	if h.remote, err = wire.ParseMetadata(data); err != nil {
		return nil, false, err
	}
	h.done = true
	return nil, true, nil
}

// Metadata implements Handshake.
func (h *nullHandshake) Metadata() wire.Metadata { return h.remote }

// Session implements Handshake.
func (h *nullHandshake) Session() (Sealer, Opener) { return nil, nil }

// refusal reads the peer's ERROR.
func refusal(data []byte) error {
	reason, err := wire.ParseError(data)
	if err != nil {
		return err
	}
	return &Refusal{Reason: reason}
}

// quote makes a peer's words safe to log.
func quote(s string) string { return strconv.Quote(s) }
