// SPDX-License-Identifier: MPL-2.0

package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
)

// The formats in which a message stands on a line.
const (
	formatText   = "text"
	formatQuoted = "quoted"
	formatHex    = "hex"
	formatJSON   = "json"
)

// formats are the values of --format, in the order of the help.
var formats = [...]string{formatText, formatQuoted, formatHex, formatJSON}

// A codec turns a line into a message and back. Both ways are the same format, so that what one
// command prints another can read.
type codec struct {
	format string
	parts  bool // a TAB stands between parts; json shows them anyhow

	read    [][]byte // the parts of the last line, used again for the next
	scratch []byte   // their bytes, where they are not the line's own
}

// append adds the message's line to dst, with its newline. Without --parts the parts run together.
func (c *codec) append(dst []byte, parts [][]byte) []byte {
	switch {
	case c.format == formatJSON:
		dst = appendJSON(dst, parts)
	case c.format == formatQuoted && !c.parts:
		// One message is one pair of quotes.
		dst = appendQuoted(dst, parts...)
	default:
		for i, part := range parts {
			if i > 0 && c.parts {
				dst = append(dst, '\t')
			}
			dst = c.appendPart(dst, part)
		}
	}
	return append(dst, '\n')
}

// appendPart adds one part, without what stands between it and the next.
func (c *codec) appendPart(dst, part []byte) []byte {
	switch c.format {
	case formatHex:
		return hex.AppendEncode(dst, part)
	case formatQuoted:
		return appendQuoted(dst, part)
	default:
		return append(dst, part...)
	}
}

// parse cuts a line, without its newline, into the parts of a message. They are good until the next
// call or the line's end of life. An empty line is one part of no bytes, in every format.
func (c *codec) parse(line []byte) ([][]byte, error) {
	c.read, c.scratch = c.read[:0], c.scratch[:0]
	if len(line) == 0 {
		return append(c.read, line), nil
	}
	if c.format == formatJSON {
		return parseJSON(line)
	}
	for more := true; more; {
		part := line
		more = false
		if c.parts {
			part, line, more = cutTab(line)
		}
		part, err := c.parsePart(part)
		if err != nil {
			return nil, err
		}
		c.read = append(c.read, part)
	}
	return c.read, nil
}

// parsePart is the bytes that one part of a line stands for.
func (c *codec) parsePart(part []byte) ([]byte, error) {
	if c.format == formatText {
		return part, nil // the line itself: nothing to copy
	}
	// The scratch may move as it grows; the parts cut from it before keep the older memory.
	start := len(c.scratch)
	var err error
	if c.format == formatHex {
		c.scratch, err = appendUnhexed(c.scratch, part)
	} else {
		c.scratch, err = appendUnquoted(c.scratch, part)
	}
	return c.scratch[start:], err
}

// cutTab cuts the line at its first TAB; more says that there was one, and so another part, be it empty.
func cutTab(line []byte) (part, rest []byte, more bool) {
	for i, b := range line {
		if b == '\t' {
			return line[:i], line[i+1:], true
		}
	}
	return line, nil, false
}

// appendUnhexed adds the bytes that the digits name, in either case, and nothing but digits.
func appendUnhexed(dst, part []byte) ([]byte, error) {
	dst, err := hex.AppendDecode(dst, part)
	if errors.Is(err, hex.ErrLength) {
		return dst, fmt.Errorf("%d hex digits: a byte has two", len(part))
	}
	if err != nil {
		return dst, fmt.Errorf("not hex: %w", err)
	}
	return dst, nil
}

// appendQuoted adds the parts, run together, as one Go string in double quotes.
func appendQuoted(dst []byte, parts ...[]byte) []byte {
	if len(parts) == 1 {
		return strconv.AppendQuote(dst, string(parts[0]))
	}
	var whole []byte
	for _, part := range parts {
		whole = append(whole, part...)
	}
	return strconv.AppendQuote(dst, string(whole))
}

// appendUnquoted reads Go's escapes, between double quotes or without any. A byte that is no escape
// stands for itself, valid UTF-8 or not; strconv.Unquote would replace it.
func appendUnquoted(dst, part []byte) ([]byte, error) {
	s := string(part)
	quoted := len(s) > 0 && s[0] == '"'
	if quoted {
		s = s[1:]
	}
	for len(s) > 0 {
		switch s[0] {
		case '"':
			if quoted && len(s) == 1 {
				return dst, nil
			}
			return dst, fmt.Errorf("a %q in the middle: write \\\"", '"')
		case '\\':
			r, multibyte, rest, err := strconv.UnquoteChar(s, '"')
			if err != nil {
				return dst, fmt.Errorf("no escape of Go's: %.6q", s)
			}
			if multibyte {
				dst = append(dst, string(r)...)
			} else {
				dst = append(dst, byte(r)) // \x and octal name a byte, \u and \U a rune
			}
			s = rest
		default:
			dst = append(dst, s[0])
			s = s[1:]
		}
	}
	if quoted {
		return dst, fmt.Errorf("no closing %q", '"')
	}
	return dst, nil
}
