// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func parts(words ...string) [][]byte {
	var p [][]byte
	for _, word := range words {
		p = append(p, []byte(word))
	}
	return p
}

func equalParts(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

// TestLines holds both ways of every format at once: the message's line, and the line's message.
func TestLines(t *testing.T) {
	for _, c := range []struct {
		format string
		tabs   bool
		parts  [][]byte
		line   string
	}{
		{formatText, false, parts("hello"), "hello"},
		{formatText, false, parts(""), ""},
		{formatText, false, parts("a\tb \xff\r"), "a\tb \xff\r"},
		{formatText, true, parts("a", "", "b"), "a\t\tb"},
		{formatText, true, parts("", ""), "\t"},
		{formatQuoted, false, parts("a\n\"\x00\xff\té\\"), `"a\n\"\x00\xff\té\\"`},
		{formatQuoted, true, parts("a\tb", ""), `"a\tb"` + "\t" + `""`},
		{formatHex, false, parts("\x00\xffA"), "00ff41"},
		{formatHex, true, parts("\x01", "", "\x02"), "01\t\t02"},
		{formatJSON, false, parts("a", "b\tc", "<&>"), `["a","b\tc","<&>"]`},
		{formatJSON, false, parts(""), `[""]`},
		{formatJSON, true, parts("\xff", "é"), `[{"base64":"/w=="},"é"]`},
	} {
		codec := codec{format: c.format, parts: c.tabs}
		if got := string(codec.append(nil, c.parts)); got != c.line+"\n" {
			t.Errorf("%s: %q printed as %q, not %q", c.format, c.parts, got, c.line)
		}
		got, err := codec.parse([]byte(c.line))
		if err != nil || !equalParts(got, c.parts) {
			t.Errorf("%s: %q read as %q, %v, not %q", c.format, c.line, got, err, c.parts)
		}
	}
}

// TestLinesRead has what is read but never printed.
func TestLinesRead(t *testing.T) {
	for _, c := range []struct {
		format, line string
		want         [][]byte
	}{
		{formatQuoted, "", parts("")},
		{formatHex, "", parts("")},
		{formatJSON, "", parts("")},
		{formatQuoted, `a\x00\u00e9b`, parts("a\x00éb")},
		{formatQuoted, `\101\x41`, parts("AA")},
		{formatQuoted, "\xff\\n", parts("\xff\n")},
		{formatQuoted, "\"\xff\"", parts("\xff")},
		{formatHex, "AbCd", parts("\xab\xcd")},
		{formatJSON, ` [ "\u00e9" , {"base64":""} ] `, parts("é", "")},
		{formatJSON, `["\ud83d\ude00","\\ud800"]`, parts("😀", `\ud800`)},
	} {
		codec := codec{format: c.format}
		got, err := codec.parse([]byte(c.line))
		if err != nil || !equalParts(got, c.want) {
			t.Errorf("%s: %q read as %q, %v, not %q", c.format, c.line, got, err, c.want)
		}
	}
}

// TestPartsRunTogether: a line without --parts is one message all the same.
func TestPartsRunTogether(t *testing.T) {
	for format, want := range map[string]string{
		formatText: "ab\n", formatQuoted: "\"ab\"\n", formatHex: "6162\n", formatJSON: "[\"a\",\"b\"]\n",
	} {
		codec := codec{format: format}
		if got := string(codec.append(nil, parts("a", "b"))); got != want {
			t.Errorf("%s: got %q, want %q", format, got, want)
		}
	}
}

func TestMalformed(t *testing.T) {
	for _, c := range []struct{ format, line, says string }{
		{formatQuoted, `"open`, "closing"},
		{formatQuoted, `"`, "closing"},
		{formatQuoted, `"a"b"`, "middle"},
		{formatQuoted, `a"`, "middle"},
		{formatQuoted, `\q`, "escape"},
		{formatQuoted, `\`, "escape"},
		{formatQuoted, `\x4`, "escape"},
		{formatHex, "0", "two"},
		{formatHex, "0g", "hex"},
		{formatHex, "00 11", "hex"},
		{formatHex, "00\t11", "hex"},
		{formatJSON, "hello", "array"},
		{formatJSON, `"hello"`, "array"},
		{formatJSON, `[]`, "at least one part"},
		{formatJSON, `null`, "at least one part"},
		{formatJSON, `["a"`, "array"},
		{formatJSON, `["a"] ["b"]`, "array"},
		{formatJSON, `["a",1]`, "part 2"},
		{formatJSON, `[null]`, "part 1"},
		{formatJSON, `[["a"]]`, "part 1"},
		{formatJSON, `[{}]`, "nothing else"},
		{formatJSON, `[{"base64":"","x":""}]`, "nothing else"},
		{formatJSON, `[{"base64":1}]`, "base64"},
		{formatJSON, `[{"base64":"?"}]`, "not base64"},
		{formatJSON, `["\ud800"]`, "surrogate"},
		{formatJSON, `["\ude00\ud83d"]`, "surrogate"},
		{formatJSON, `["\ud83dx"]`, "surrogate"},
		{formatJSON, "[\"\xff\"]", "UTF-8"},
	} {
		codec := codec{format: c.format}
		got, err := codec.parse([]byte(c.line))
		if err == nil {
			t.Errorf("%s: %q read as %q", c.format, c.line, got)
		} else if !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %q: %q does not say %q", c.format, c.line, err, c.says)
		}
	}
}

// FuzzRoundTrip: what any message is printed as is read as that message. Text cannot promise it.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("one"), []byte("two"), true)
	f.Add([]byte(""), []byte("\t\n\"\\"), false)
	f.Add([]byte("\xff\xfe"), []byte("\ufffd\u2028<"), true)
	f.Fuzz(func(t *testing.T, a, b []byte, two bool) {
		message := [][]byte{a}
		if two {
			message = append(message, b)
		}
		for _, format := range []string{formatQuoted, formatHex, formatJSON} {
			codec := codec{format: format, parts: two}
			line := codec.append(nil, message)
			if bytes.IndexByte(line, '\n') != len(line)-1 {
				t.Fatalf("%s: %q is not one line", format, line)
			}
			got, err := codec.parse(line[:len(line)-1])
			if err != nil || !equalParts(got, message) {
				t.Fatalf("%s: %q came back from %q as %q, %v", format, message, line, got, err)
			}
		}
	})
}

// FuzzText: a line of text is the same line again, whatever its bytes.
func FuzzText(f *testing.F) {
	f.Add([]byte("plain"), false)
	f.Add([]byte("\ta\t\xff\r"), true)
	f.Fuzz(func(t *testing.T, line []byte, tabs bool) {
		codec := codec{format: formatText, parts: tabs}
		message, err := codec.parse(line)
		if err != nil {
			t.Fatal(err)
		}
		if got := codec.append(nil, message); !bytes.Equal(got, append(line, '\n')) {
			t.Fatalf("%q came back as %q", line, got)
		}
	})
}

// FuzzParse: any line is refused or has a meaning that its own printing keeps.
func FuzzParse(f *testing.F) {
	for _, line := range []string{"", `"a\x00"`, `a\tb`, "00ff", `["a",{"base64":"/w=="}]`, `["\ud83d\ude00"]`, "\"a\"\t\"b\""} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		for _, format := range []string{formatQuoted, formatHex, formatJSON} {
			codec := codec{format: format, parts: true}
			message, err := codec.parse(line)
			if err != nil {
				continue
			}
			first := codec.append(nil, message)
			again, err := codec.parse(first[:len(first)-1])
			if err != nil || !bytes.Equal(codec.append(nil, again), first) {
				t.Fatalf("%s: %q, printed as %q, came back as %q, %v", format, line, first, again, err)
			}
		}
	})
}
