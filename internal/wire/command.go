// SPDX-License-Identifier: MPL-2.0

package wire

import (
	"bytes"
	"encoding/binary"
)

// The names of the commands, in the wire's own letters: their case counts.
const (
	nameReady     = "READY"
	nameError     = "ERROR"
	namePing      = "PING"
	namePong      = "PONG"
	nameSubscribe = "SUBSCRIBE"
	nameCancel    = "CANCEL"
	nameJoin      = "JOIN"
	nameLeave     = "LEAVE"
)

const (
	maxReason  = 255 // of ERROR: its length has one byte
	maxContext = 16  // of PING and PONG
	maxGroup   = 255 // of JOIN and LEAVE
	ttlLen     = 2
)

// Kind tells the commands apart that an engine acts on.
type Kind byte

// The kinds. KindOther is any command of another name, such as those of a security mechanism.
const (
	KindOther Kind = iota
	KindReady
	KindError
	KindPing
	KindPong
	KindSubscribe
	KindCancel
	KindJoin
	KindLeave
)

// String returns the command's name, or "other".
func (k Kind) String() string {
	switch k {
	case KindReady:
		return nameReady
	case KindError:
		return nameError
	case KindPing:
		return namePing
	case KindPong:
		return namePong
	case KindSubscribe:
		return nameSubscribe
	case KindCancel:
		return nameCancel
	case KindJoin:
		return nameJoin
	case KindLeave:
		return nameLeave
	}
	return "other"
}

// KindOf reads the name in a command's body and returns its kind and the data behind the name. It
// judges the name alone: the data is for the parser of that command. It allocates nothing.
func KindOf(body []byte) (Kind, []byte, error) {
	name, data, err := ParseCommand(body)
	if err != nil {
		return KindOther, nil, err
	}
	kind := KindOther
	switch string(name) {
	case nameReady:
		kind = KindReady
	case nameError:
		kind = KindError
	case namePing:
		kind = KindPing
	case namePong:
		kind = KindPong
	case nameSubscribe:
		kind = KindSubscribe
	case nameCancel:
		kind = KindCancel
	case nameJoin:
		kind = KindJoin
	case nameLeave:
		kind = KindLeave
	}
	return kind, data, nil
}

// ParseCommand cuts the body of a command frame into the command's name and its data.
func ParseCommand(body []byte) (name, data []byte, err error) {
	if len(body) == 0 {
		return nil, nil, Errorf(CodeMalformedCommand, "a command without a name")
	}
	n, rest := int(body[0]), body[1:]
	// 37/ZMTP, Formal Grammar: command-name has at least one letter, and letters only.
	if n == 0 {
		return nil, nil, Errorf(CodeMalformedCommand, "a command with an empty name")
	}
	if n > len(rest) {
		return nil, nil, Errorf(CodeMalformedCommand, "a name of %d bytes in %d", n, len(rest))
	}
	name, data = rest[:n], rest[n:]
	for _, c := range name {
		if !isLetter(c) {
			return nil, nil, Errorf(CodeMalformedCommand, "a command named %q", name)
		}
	}
	return name, data, nil
}

// AppendCommand appends a whole command frame. The name has 1 to 255 letters.
func AppendCommand(b []byte, name string, data []byte) []byte {
	b = appendCommandHead(b, name, len(data))
	return append(b, data...)
}

// AppendCommandBody appends the body of a command frame: name and data, without a frame's header.
func AppendCommandBody(b []byte, name string, data []byte) []byte {
	b = appendShortString(b, name)
	return append(b, data...)
}

// appendCommandHead appends a command frame up to its data, of which n bytes must follow.
func appendCommandHead(b []byte, name string, n int) []byte {
	b = AppendHeader(b, FlagCommand, 1+len(name)+n)
	return appendShortString(b, name)
}

// appendShortString appends s behind one byte of length.
func appendShortString(b []byte, s string) []byte {
	b = append(b, byte(len(s)))
	return append(b, s...)
}

// AppendPing appends a PING. The peer is asked to hang up when it hears nothing for ttl tenths of a
// second (0: however long), and to send context back. Of context 16 bytes fit, the rest is left out.
func AppendPing(b []byte, ttl uint16, context []byte) []byte {
	// 37/ZMTP, Connection Heartbeating
	context = context[:min(len(context), maxContext)]
	b = appendCommandHead(b, namePing, ttlLen+len(context))
	b = binary.BigEndian.AppendUint16(b, ttl)
	return append(b, context...)
}

// ParsePing reads the data of a PING: the time to live in tenths of a second and the context, which
// belongs into the PONG.
func ParsePing(data []byte) (ttl uint16, context []byte, err error) {
	if len(data) < ttlLen {
		return 0, nil, Errorf(CodeMalformedCommand, "PING of %d bytes, too short for a ttl", len(data))
	}
	ttl, context = binary.BigEndian.Uint16(data), data[ttlLen:]
	if len(context) > maxContext {
		return 0, nil, Errorf(CodeMalformedCommand, "PING with a context of %d bytes", len(context))
	}
	return ttl, context, nil
}

// AppendPong appends a PONG, the answer to a PING with that context. A PONG's data is the context
// and nothing else.
func AppendPong(b, context []byte) []byte {
	// 37/ZMTP, Connection Heartbeating
	return AppendCommand(b, namePong, context[:min(len(context), maxContext)])
}

// AppendError appends an ERROR, which tells the peer why it is refused. Of reason 255 bytes fit,
// the rest is left out.
func AppendError(b []byte, reason string) []byte {
	// 37/ZMTP, The NULL Security Mechanism
	reason = reason[:min(len(reason), maxReason)]
	b = appendCommandHead(b, nameError, 1+len(reason))
	return appendShortString(b, reason)
}

// ParseError reads the data of an ERROR. The reason is the peer's own bytes, whatever they are:
// quote it before anybody sees it.
func ParseError(data []byte) (reason string, err error) {
	if len(data) == 0 {
		return "", Errorf(CodeMalformedError, "ERROR without a reason")
	}
	n, rest := int(data[0]), data[1:]
	if n != len(rest) {
		return "", Errorf(CodeMalformedError, "a reason of %d bytes in %d", n, len(rest))
	}
	return string(rest), nil
}

// AppendSubscribe appends a SUBSCRIBE: the peer is to send what begins with topic.
func AppendSubscribe(b, topic []byte) []byte {
	// 37/ZMTP, The Publish-Subscribe Pattern
	return AppendCommand(b, nameSubscribe, topic)
}

// AppendCancel appends a CANCEL, which takes one SUBSCRIBE back.
func AppendCancel(b, topic []byte) []byte {
	// 37/ZMTP, The Publish-Subscribe Pattern
	return AppendCommand(b, nameCancel, topic)
}

// Before 3.1 a subscription is a message: this byte, then the topic.
const (
	legacyCancel    = 0
	legacySubscribe = 1
)

// AppendSubscribeLegacy appends a subscription in the form for peers that speak ZMTP 3.0.
func AppendSubscribeLegacy(b, topic []byte) []byte {
	return appendLegacy(b, legacySubscribe, topic)
}

// AppendCancelLegacy appends a cancellation in the form for peers that speak ZMTP 3.0.
func AppendCancelLegacy(b, topic []byte) []byte {
	return appendLegacy(b, legacyCancel, topic)
}

// appendLegacy appends the message frame (23/ZMTP, The Publish-Subscribe Pattern).
func appendLegacy(b []byte, first byte, topic []byte) []byte {
	b = AppendHeader(b, 0, 1+len(topic)) // the first byte counts: 255 of topic make a long frame
	b = append(b, first)
	return append(b, topic...)
}

// AppendJoin appends a JOIN: the peer is to send what belongs to group, of 0 to 255 bytes.
func AppendJoin(b []byte, group string) []byte {
	return appendGroup(b, nameJoin, group)
}

// AppendLeave appends a LEAVE, which takes a JOIN back.
func AppendLeave(b []byte, group string) []byte {
	return appendGroup(b, nameLeave, group)
}

// appendGroup appends the command, whose data is the group as it is (37/ZMTP, The Radio-Dish
// Pattern).
func appendGroup(b []byte, name, group string) []byte {
	b = appendCommandHead(b, name, len(group))
	return append(b, group...)
}

// ParseGroup reads the data of a JOIN or a LEAVE.
func ParseGroup(data []byte) (group []byte, err error) {
	if len(data) > maxGroup {
		return nil, Errorf(CodeMalformedCommand, "a group of %d bytes", len(data))
	}
	// 48/RADIO-DISH, Group: any byte but zero.
	if bytes.IndexByte(data, 0) >= 0 {
		return nil, Errorf(CodeMalformedCommand, "group %q has a zero byte", data)
	}
	return data, nil
}
