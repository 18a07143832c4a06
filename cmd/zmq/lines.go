// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"
)

// lines reads a stream line by line and can be told to stop while it waits. A read of a terminal or
// a pipe cannot be interrupted, so a goroutine does it: one read at a time, only when asked, so that
// nothing is taken from the stream that nobody wants. That goroutine may stay behind in its last read;
// the process ends with it there.
type lines struct {
	number int // of the line returned last, from 1

	ask  chan []byte    // the memory to read into
	got  chan readChunk // what was read
	rest []byte         // read and not yet returned
	seen int            // bytes at the start of rest that hold no newline
	err  error          // why there is no more
}

// readChunk is the result of one read.
type readChunk struct {
	data []byte
	err  error
}

const (
	readSize = 64 << 10              // of one read: many lines of a file, one of a terminal
	lastRead = 20 * time.Millisecond // for a read that returned just when the stop came
)

// newLines reads nothing until the first next.
func newLines(r io.Reader) *lines {
	l := &lines{ask: make(chan []byte, 1), got: make(chan readChunk, 1)}
	go func() {
		// Both channels have room for one, so that nobody waits for this goroutine but in next.
		for buf := range l.ask {
			n, err := r.Read(buf)
			l.got <- readChunk{buf[:n], err}
		}
	}()
	return l
}

// errUnfinished means that stop came in the middle of a line.
var errUnfinished = errors.New("stopped in the middle of a line, which was not sent")

// next returns the next line without its newline, or io.EOF. What was read before stop ended is still
// returned; a line that had not ended by then is errUnfinished. The bytes are good until the next call.
func (l *lines) next(stop context.Context) ([]byte, error) {
	for {
		if i := bytes.IndexByte(l.rest[l.seen:], '\n'); i >= 0 {
			line := l.rest[:l.seen+i]
			l.rest, l.seen = l.rest[l.seen+i+1:], 0
			l.number++
			return line, nil
		}
		l.seen = len(l.rest)
		if l.err != nil {
			return l.last()
		}
		l.read(stop)
	}
}

// last is the line at the end of the stream that has no newline, once, and then the error.
func (l *lines) last() ([]byte, error) {
	line := l.rest
	l.rest, l.seen = nil, 0
	if len(line) == 0 || l.err != io.EOF {
		return nil, l.err
	}
	l.number++
	return line, nil
}

// read waits for one read of the stream, or for stop.
func (l *lines) read(stop context.Context) {
	// Doubling keeps a line of any length linear; the lines returned so far stay where they are.
	buf := make([]byte, len(l.rest)+max(readSize, len(l.rest)))
	n := copy(buf, l.rest)
	if stop.Err() != nil {
		l.end(buf[:n])
	} else {
		l.ask <- buf[n:]
		select {
		case c := <-l.got:
			l.rest, l.err = buf[:n+len(c.data)], c.err
		case <-stop.Done():
			l.stopped(buf, n)
		}
	}
	if l.err != nil {
		close(l.ask)
	}
}

// stopped ends the stream where it is. The read under way may have its bytes already and not yet be
// here: they get a moment, for they are gone from the stream.
func (l *lines) stopped(buf []byte, n int) {
	select {
	case c := <-l.got:
		n += len(c.data)
	case <-time.After(lastRead):
	}
	l.end(buf[:n])
}

// end makes rest the last of the stream.
func (l *lines) end(rest []byte) {
	l.rest, l.err = rest, io.EOF
	if len(rest) > 0 && rest[len(rest)-1] != '\n' {
		l.err = errUnfinished
	}
}
