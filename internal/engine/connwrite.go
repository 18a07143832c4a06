// SPDX-License-Identifier: MPL-2.0

package engine

// Flush implements pipe.Sink: it writes until there is nothing left, waiting for the kernel.
func (c *Conn) Flush() {
	for {
		if !c.pending && c.eng.Take() == nil {
			return
		}
		bufs, skip := c.eng.Taken(), c.partial
		c.pending, c.partial = false, 0
		n, err := c.writeAll(after(bufs, skip))
		c.eng.Wrote(skip+n, err)
		if err != nil {
			c.Close(err)
			return
		}
	}
}

// TryFlush implements pipe.Sink. After one batch it leaves the rest to another goroutine: whoever
// sent the first message has not asked to write everybody else's.
func (c *Conn) TryFlush() {
	for range 2 {
		bufs := c.eng.Take()
		if bufs == nil {
			return
		}
		n, err := c.try.TryWrite(bufs)
		if err != nil {
			c.eng.Own()
			c.eng.Wrote(n, err)
			c.Close(err)
			return
		}
		if n < total(bufs) {
			c.eng.Own()
			c.pending, c.partial = true, n
			break
		}
		c.eng.Wrote(n, nil)
	}
	go c.flush()
}

func (c *Conn) writeAll(bufs [][]byte) (int, error) {
	if c.wait != nil {
		return c.wait.WriteBuffers(bufs)
	}
	c.vec = append(c.vec[:0], bufs...)
	vec := c.vec // WriteTo moves its receiver
	n, err := vec.WriteTo(c.nc)
	clear(c.vec)
	return int(n), err
}

func total(bufs [][]byte) (n int) {
	for _, b := range bufs {
		n += len(b)
	}
	return n
}

// after is bufs without their first n bytes. It changes bufs.
func after(bufs [][]byte, n int) [][]byte {
	for n > 0 {
		if n < len(bufs[0]) {
			bufs[0] = bufs[0][n:]
			break
		}
		n -= len(bufs[0])
		bufs = bufs[1:]
	}
	return bufs
}
