// SPDX-License-Identifier: MPL-2.0

package wire

// MaxCommand bounds the body of a command frame, whatever its peer announces. No command of
// 37/ZMTP comes near: the longest are READY with its metadata and SUBSCRIBE with its topic.
const MaxCommand = 64 << 10

// Stop says why Scan did not go on.
type Stop uint8

const (
	// StopShort: the bytes end before the frame at Found.N does.
	StopShort Stop = iota
	// StopCommand: a whole command frame stands at Found.N.
	StopCommand
	// StopLarge: the frame at Found.N has a body of at least Scanner.Large bytes, of which some
	// may be there.
	StopLarge
)

// Found is what Scan saw.
type Found struct {
	N        int  // whole message frames end here, and what Stop is about begins
	End      int  // the last whole message ends here; meaningful when Messages > 0
	Messages int  // messages that ended
	Middle   bool // at N a message has begun and not ended
	Stop     Stop
	Flags    byte // of the frame at N, when Header > 0
	Header   int  // header length of the frame at N; 0 when its header is not whole
	Body     int  // body length of the frame at N, judged by MaxSize already
}

// A Scanner finds the boundaries of frames and messages in bytes as they were read, and judges
// every length by its header, before anybody makes room for the body. It copies nothing.
type Scanner struct {
	MaxSize  int64 // bytes, of each frame and of a message's parts together; negative: no limit
	MaxParts int   // parts of one message
	Large    int   // from this body length on, more than 255, Scan stops at the frame

	size  int64 // of the parts of the message that has begun
	parts int
}

// Scan goes over b, which begins at a frame, up to the first frame that is not whole, is a command
// or is large. An error is a *Error: the peer broke the protocol or the limits.
//
// A large frame is counted when Scan stops at it: the caller takes header and body from there and
// calls Scan next with what follows.
func (s *Scanner) Scan(b []byte) (f Found, err error) {
	off := 0
	for off+2 <= len(b) {
		if b[off] == 0 && s.parts == 0 && (s.MaxSize < 0 || s.MaxSize > 0xFF) {
			if end, n := shortRun(b, off); n > 0 {
				off, f.End = end, end
				f.Messages += n
				continue
			}
		}
		flags, n, size := b[off], int(b[off+1]), 2
		if flags > FlagMore {
			if flags, n, size, err = ParseHeader(b[off:]); err != nil {
				return f, err
			}
			if size == 0 {
				break
			}
			if flags&FlagCommand != 0 {
				if err = s.judgeCommand(n); err != nil {
					return f, err
				}
				f.Flags, f.Header, f.Body = flags, size, n
				if n <= len(b)-off-size {
					f.Stop = StopCommand
				}
				break
			}
		}
		large := n >= s.Large
		if n > len(b)-off-size && !large {
			// Judged now: room is made for the rest of this frame before it arrives.
			if err = s.judge(n); err != nil {
				return f, err
			}
			f.Flags, f.Header, f.Body = flags, size, n
			break
		}
		f.Middle = s.parts > 0
		if flags&FlagMore != 0 || s.parts > 0 || s.MaxSize >= 0 {
			if err = s.judge(n); err != nil {
				return f, err
			}
			s.count(flags, n)
		}
		if large {
			f.N, f.Flags, f.Header, f.Body, f.Stop = off, flags, size, n, StopLarge
			return f, nil
		}
		off += size + n
		if flags&FlagMore == 0 {
			f.Messages++
			f.End = off
		}
	}
	f.N, f.Middle = off, s.parts > 0
	return f, nil
}

// shortRun goes over the common case by itself: short messages of one part, one after another.
func shortRun(b []byte, off int) (end, messages int) {
	for off+2 <= len(b) && b[off] == 0 {
		next := off + 2 + int(b[off+1])
		if next > len(b) {
			break
		}
		off = next
		messages++
	}
	return off, messages
}

func (s *Scanner) count(flags byte, n int) {
	if flags&FlagMore == 0 {
		s.size, s.parts = 0, 0
		return
	}
	s.size += int64(n)
	s.parts++
}

func (s *Scanner) judge(n int) error {
	if s.MaxSize >= 0 && int64(n) > s.MaxSize-s.size { // the sum may be more than an int64 holds
		return Errorf(CodeMalformedMessage, "frame of %d bytes behind %d of the same message, the limit is %d", n, s.size, s.MaxSize)
	}
	if s.parts >= s.MaxParts {
		return Errorf(CodeMalformedMessage, "message of more than %d parts", s.MaxParts)
	}
	return nil
}

func (s *Scanner) judgeCommand(n int) error {
	if n > MaxCommand {
		return Errorf(CodeMalformedCommand, "command of %d bytes, the limit is %d", n, MaxCommand)
	}
	return nil
}

// Count judges and counts a frame that did not come through Scan.
func (s *Scanner) Count(flags byte, n int) error {
	if err := s.judge(n); err != nil {
		return err
	}
	s.count(flags, n)
	return nil
}
