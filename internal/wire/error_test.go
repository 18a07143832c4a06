// SPDX-License-Identifier: MPL-2.0

package wire

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// allCodes is in libzmq's order.
var allCodes = []Code{
	CodeUnspecified, CodeUnexpectedCommand, CodeInvalidSequence, CodeKeyExchange,
	CodeMalformedCommand, CodeMalformedMessage, CodeMalformedHello, CodeMalformedInitiate,
	CodeMalformedError, CodeMalformedReady, CodeMalformedWelcome, CodeInvalidMetadata,
	CodeCryptographic, CodeMechanismMismatch,
	CodeZAPUnspecified, CodeZAPMalformedReply, CodeZAPBadRequestID, CodeZAPBadVersion,
	CodeZAPInvalidStatusCode, CodeZAPInvalidMetadata, CodeWebSocket,
}

// A monitor's reader compares these with the numbers of zmq.h.
func TestCodeNumbers(t *testing.T) {
	want := []int{
		0x10000000, 0x10000001, 0x10000002, 0x10000003,
		0x10000011, 0x10000012, 0x10000013, 0x10000014,
		0x10000015, 0x10000016, 0x10000017, 0x10000018,
		0x11000001, 0x11000002,
		0x20000000, 0x20000001, 0x20000002, 0x20000003, 0x20000004, 0x20000005,
		0x30000000,
	}
	if len(allCodes) != len(want) {
		t.Fatalf("%d codes, want %d", len(allCodes), len(want))
	}
	for i, c := range allCodes {
		if int(c) != want[i] {
			t.Errorf("%v is %#x, want %#x", c, int(c), want[i])
		}
	}
}

func TestCodeString(t *testing.T) {
	seen := map[string]Code{}
	for _, c := range allCodes {
		s := c.String()
		if strings.Contains(s, "0x") {
			t.Errorf("%#x has no words: %q", int(c), s)
		}
		if other, ok := seen[s]; ok {
			t.Errorf("%#x and %#x are both %q", int(c), int(other), s)
		}
		seen[s] = c
	}
	if got := Code(0x1234).String(); !strings.Contains(got, "0x1234") {
		t.Errorf("an unknown code is %q", got)
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		err  error
		want string
	}{
		{Errorf(CodeInvalidMetadata, "byte %d", 7), "invalid metadata: byte 7"},
		{&Error{Code: CodeCryptographic}, "cryptographic failure"},
		{&VersionError{Major: 2, Minor: 0}, "peer speaks ZMTP 2.0, need 3.0 or later"},
	}
	for _, tt := range tests {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	wrapped := fmt.Errorf("reading: %w", Errorf(CodeMalformedReady, "x"))
	var e *Error
	if !errors.As(wrapped, &e) || e.Code != CodeMalformedReady {
		t.Errorf("errors.As finds %v", e)
	}
}
