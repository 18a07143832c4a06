// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// A message in JSON is an array with one element per part: a string, or {"base64":"..."} for a part
// that is no UTF-8 and so no JSON string.

const base64Key = "base64"

// appendJSON adds the message as one array.
func appendJSON(dst []byte, parts [][]byte) []byte {
	dst = append(dst, '[')
	for i, part := range parts {
		if i > 0 {
			dst = append(dst, ',')
		}
		if !utf8.Valid(part) {
			dst = append(dst, `{"`+base64Key+`":"`...)
			dst = base64.StdEncoding.AppendEncode(dst, part)
			dst = append(dst, `"}`...)
			continue
		}
		dst = appendJSONString(dst, part)
	}
	return append(dst, ']')
}

// appendJSONString keeps <, > and & readable, as json.Marshal would not.
func appendJSONString(dst, part []byte) []byte {
	buf := bytes.NewBuffer(dst)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(string(part)); err != nil {
		return strconv.AppendQuote(dst, string(part)) // a string always has an encoding
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

// parseJSON reads one array and refuses what it could not give on unchanged.
func parseJSON(line []byte) ([][]byte, error) {
	// encoding/json would put U+FFFD in place of what is no UTF-8, and so change the message.
	if !utf8.Valid(line) {
		return nil, errors.New(`not UTF-8: write such a part as {"base64":"..."}`)
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(line, &elements); err != nil {
		return nil, fmt.Errorf("not a JSON array: %w", err)
	}
	if len(elements) == 0 {
		return nil, errors.New(`a message has at least one part: [""] is the empty one`)
	}
	parts := make([][]byte, len(elements))
	for i, element := range elements {
		part, err := parseJSONPart(element)
		if err != nil {
			return nil, fmt.Errorf("part %d: %w", i+1, err)
		}
		parts[i] = part
	}
	return parts, nil
}

// parseJSONPart reads one element. It looks at the first byte because json.Unmarshal takes null for
// anything, and would make an empty part of it.
func parseJSONPart(element json.RawMessage) ([]byte, error) {
	switch element[0] {
	case '"':
		if loneSurrogate(element) {
			return nil, errors.New(`half a surrogate pair is no character: write the bytes as {"base64":"..."}`)
		}
		var s string
		err := json.Unmarshal(element, &s)
		return []byte(s), err
	case '{':
		var object map[string]string
		if err := json.Unmarshal(element, &object); err != nil {
			return nil, fmt.Errorf(`not {"base64":"..."}: %w`, err)
		}
		encoded, ok := object[base64Key]
		if !ok || len(object) != 1 {
			return nil, errors.New(`an object has "base64" and nothing else`)
		}
		part, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if err != nil {
			return nil, fmt.Errorf("not base64: %w", err)
		}
		return part, nil
	}
	return nil, fmt.Errorf(`neither a string nor {"base64":"..."}: %.20s`, element)
}

// loneSurrogate says whether a valid JSON string has a \ud800 to \udfff without its other half.
// encoding/json reads that as U+FFFD without a word.
func loneSurrogate(s []byte) bool {
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			continue
		}
		i++ // the escape's letter; valid JSON always has one
		high, ok := surrogate(s[i:])
		if !ok {
			continue
		}
		if high >= 0xdc00 || i+6 > len(s) || s[i+5] != '\\' {
			return true
		}
		low, ok := surrogate(s[i+6:])
		if !ok || low < 0xdc00 {
			return true
		}
		i += 10 // "uD83D\uDE00", less the one that the loop adds
	}
	return false
}

// surrogate reads "uD83D" at the start of s.
func surrogate(s []byte) (uint64, bool) {
	if len(s) < 5 || s[0] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(s[1:5]), 16, 32)
	return v, err == nil && v >= 0xd800 && v <= 0xdfff
}
