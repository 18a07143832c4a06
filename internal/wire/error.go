// SPDX-License-Identifier: MPL-2.0

package wire

import "fmt"

// Code says which rule a peer broke. The numbers are libzmq's ZMQ_PROTOCOL_ERROR_*, which a
// monitor reports as the value of a handshake that failed.
type Code int

// The codes. The ZAP ones blame not the peer but the handler that was asked about it.
const (
	CodeUnspecified       Code = 0x10000000
	CodeUnexpectedCommand Code = 0x10000001
	CodeInvalidSequence   Code = 0x10000002
	CodeKeyExchange       Code = 0x10000003

	CodeMalformedCommand  Code = 0x10000011
	CodeMalformedMessage  Code = 0x10000012 // a frame, or the MESSAGE command of CURVE
	CodeMalformedHello    Code = 0x10000013
	CodeMalformedInitiate Code = 0x10000014
	CodeMalformedError    Code = 0x10000015
	CodeMalformedReady    Code = 0x10000016
	CodeMalformedWelcome  Code = 0x10000017
	CodeInvalidMetadata   Code = 0x10000018

	CodeCryptographic     Code = 0x11000001
	CodeMechanismMismatch Code = 0x11000002

	CodeZAPUnspecified       Code = 0x20000000
	CodeZAPMalformedReply    Code = 0x20000001
	CodeZAPBadRequestID      Code = 0x20000002
	CodeZAPBadVersion        Code = 0x20000003
	CodeZAPInvalidStatusCode Code = 0x20000004
	CodeZAPInvalidMetadata   Code = 0x20000005

	CodeWebSocket Code = 0x30000000
)

// String describes the code in a few words.
func (c Code) String() string {
	if name := c.name(); name != "" {
		return name
	}
	return fmt.Sprintf("protocol error %#x", int(c))
}

func (c Code) name() string {
	switch c {
	case CodeUnspecified:
		return "protocol error"
	case CodeUnexpectedCommand:
		return "unexpected command"
	case CodeInvalidSequence:
		return "invalid sequence"
	case CodeKeyExchange:
		return "key exchange failed"
	case CodeMalformedCommand:
		return "malformed command"
	case CodeMalformedMessage:
		return "malformed message"
	case CodeMalformedHello:
		return "malformed HELLO"
	case CodeMalformedInitiate:
		return "malformed INITIATE"
	case CodeMalformedError:
		return "malformed ERROR"
	case CodeMalformedReady:
		return "malformed READY"
	case CodeMalformedWelcome:
		return "malformed WELCOME"
	case CodeInvalidMetadata:
		return "invalid metadata"
	case CodeCryptographic:
		return "cryptographic failure"
	case CodeMechanismMismatch:
		return "mechanism mismatch"
	case CodeZAPUnspecified:
		return "ZAP error"
	case CodeZAPMalformedReply:
		return "malformed ZAP reply"
	case CodeZAPBadRequestID:
		return "ZAP reply with a wrong request id"
	case CodeZAPBadVersion:
		return "ZAP reply with a wrong version"
	case CodeZAPInvalidStatusCode:
		return "ZAP reply with an invalid status code"
	case CodeZAPInvalidMetadata:
		return "ZAP reply with invalid metadata"
	case CodeWebSocket:
		return "WebSocket error"
	}
	return ""
}

// An Error is a peer's breach of the protocol. It ends that peer's connection and no other.
type Error struct {
	Code Code
	Text string // what was wrong, and where
}

// Errorf makes an Error whose text is formatted as by fmt.Sprintf.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Text: fmt.Sprintf(format, args...)}
}

// Error says which rule was broken and how.
func (e *Error) Error() string {
	if e.Text == "" {
		return e.Code.String()
	}
	return e.Code.String() + ": " + e.Text
}

// A VersionError is a peer that speaks a ZMTP older than 3.0.
type VersionError struct{ Major, Minor int }

// Error names the version.
func (e *VersionError) Error() string {
	return fmt.Sprintf("peer speaks ZMTP %d.%d, need 3.0 or later", e.Major, e.Minor)
}
