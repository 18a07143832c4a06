// SPDX-License-Identifier: MPL-2.0

package security

import (
	"errors"
	"strings"
	"testing"

	"github.com/gzmq/zmq/internal/wire"
)

func TestNull(t *testing.T) {
	var mechanism Null
	if mechanism.Name() != "NULL" || mechanism.AsServer() {
		t.Errorf("greets as %s, as-server %v", mechanism.Name(), mechanism.AsServer())
	}
	a := mechanism.Handshake(wire.Metadata{{Name: "Socket-Type", Value: "PUSH"}})
	b := mechanism.Handshake(wire.Metadata{{Name: "Socket-Type", Value: "PULL"}, {Name: "X-Note", Value: "\x00\xff"}})
	first := a.Start()
	if len(first) != 1 {
		t.Fatalf("%d commands at first", len(first))
	}
	if answer, done, err := b.Receive(first[0]); answer != nil || !done || err != nil {
		t.Fatalf("READY: answer %q, done %v, %v", answer, done, err)
	}
	if _, done, err := a.Receive(b.Start()[0]); !done || err != nil {
		t.Fatalf("READY: done %v, %v", done, err)
	}
	for name, want := range map[string]string{"socket-type": "PULL", "X-NOTE": "\x00\xff"} {
		if got, ok := a.Metadata().Get(name); got != want || !ok {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if s, o := a.Session(); s != nil || o != nil {
		t.Error("NULL seals")
	}
	// What is kept of a body that was lent is a copy.
	body := b.Start()[0]
	h := mechanism.Handshake(nil)
	h.Receive(body)
	clear(body)
	if got, _ := h.Metadata().Get("Socket-Type"); got != "PULL" {
		t.Errorf("the metadata changed with the bytes it came in: %q", got)
	}
}

func TestNullRefuses(t *testing.T) {
	ready := wire.AppendReadyBody(nil, nil)
	tests := []struct {
		name string
		body []byte
		code wire.Code
	}{
		{"nothing", nil, wire.CodeMalformedCommand},
		{"no name", []byte{0}, wire.CodeMalformedCommand},
		{"name too long", []byte("\x09READY"), wire.CodeMalformedCommand},
		{"name with a digit", []byte("\x05READ1"), wire.CodeMalformedCommand},
		{"another case", []byte("\x05ready"), wire.CodeUnexpectedCommand},
		{"HELLO", wire.AppendCommandBody(nil, "HELLO", nil), wire.CodeUnexpectedCommand},
		{"PING", wire.AppendCommandBody(nil, "PING", []byte{0, 0}), wire.CodeUnexpectedCommand},
		{"property without a name", append(ready, 0, 0, 0, 0, 0), wire.CodeInvalidMetadata},
		{"property cut in its name", append(ready, 9, 'a'), wire.CodeInvalidMetadata},
		{"property cut in its length", append(ready, 1, 'a', 0, 0), wire.CodeInvalidMetadata},
		{"property cut in its value", append(ready, 1, 'a', 0, 0, 0, 2, 'x'), wire.CodeInvalidMetadata},
		{"value of 2^32-1 bytes", append(ready, 1, 'a', 0xff, 0xff, 0xff, 0xff, 'x'), wire.CodeInvalidMetadata},
		{"name with a blank", append(ready, 1, ' ', 0, 0, 0, 0), wire.CodeInvalidMetadata},
		{"ERROR without a reason", wire.AppendCommandBody(nil, "ERROR", nil), wire.CodeMalformedError},
		{"ERROR longer than it says", wire.AppendCommandBody(nil, "ERROR", []byte("\x01no")), wire.CodeMalformedError},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := Null{}.Handshake(nil)
			answer, done, err := h.Receive(test.body)
			var broken *wire.Error
			if !errors.As(err, &broken) || broken.Code != test.code {
				t.Errorf("error %v, want %v", err, test.code)
			}
			if answer != nil || done {
				t.Errorf("answer %q, done %v", answer, done)
			}
		})
	}
	h := Null{}.Handshake(nil)
	if _, _, err := h.Receive(ready); err != nil {
		t.Fatal(err)
	}
	var broken *wire.Error
	if _, _, err := h.Receive(ready); !errors.As(err, &broken) || broken.Code != wire.CodeUnexpectedCommand {
		t.Errorf("a second READY: %v", err)
	}
}

func TestRefusal(t *testing.T) {
	h := Null{}.Handshake(nil)
	_, _, err := h.Receive(wire.AppendCommandBody(nil, "ERROR", []byte("\x09no \x1b[2J\n!")))
	var refused *Refusal
	if !errors.As(err, &refused) || refused.Reason != "no \x1b[2J\n!" {
		t.Fatalf("ERROR became %v", err)
	}
	if text := err.Error(); strings.ContainsAny(text, "\x1b\n") {
		t.Errorf("the peer's bytes are shown as they are: %q", text)
	}
	_, _, err = Null{}.Handshake(nil).Receive(wire.AppendCommandBody(nil, "ERROR", []byte{0}))
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "without a reason") {
		t.Errorf("an ERROR with an empty reason became %v", err)
	}
}

// FuzzNull gives the handshake two commands of any bytes.
func FuzzNull(f *testing.F) {
	f.Add(wire.AppendReadyBody(nil, wire.Metadata{{Name: "Socket-Type", Value: "PULL"}}), []byte{})
	f.Add(wire.AppendCommandBody(nil, "ERROR", []byte("\x02no")), []byte("\x05READY"))
	f.Add([]byte("\x05READY\x01a\x00\x00\x00\x01x"), []byte{0})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		h := Null{}.Handshake(nil)
		_, done, err := h.Receive(first)
		if done == (err != nil) {
			t.Fatalf("done %v, error %v", done, err)
		}
		if _, again, err := h.Receive(second); done && (again || err == nil) {
			t.Fatal("READY came twice")
		}
	})
}
