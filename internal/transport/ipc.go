// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

func dialIPC(ctx context.Context, e Endpoint, o Options) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", e.Address)
	if err != nil {
		return nil, err
	}
	if err := setBuffers(conn, o); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func listenIPC(e Endpoint, o Options) (*Listener, error) {
	var ln *net.UnixListener
	var file *socketFile
	var err error
	path := e.Address
	switch {
	case path == "*":
		ln, file, err = claimAnywhere()
	case path[0] == '@':
		ln, err = listenUnix(path)
	default:
		ln, file, err = claim(path)
	}
	if err != nil {
		return nil, err
	}
	if path == "*" {
		path = file.path
	}
	l := &Listener{ln: ln, endpoint: "ipc://" + path, file: file}
	// Unlike TCP's, these do not inherit the listener's buffers.
	l.accepted = func(c net.Conn) error { return setBuffers(c, o) }
	return l, nil
}

func setBuffers(c net.Conn, o Options) error {
	uc, ok := c.(*net.UnixConn)
	if !ok {
		return nil
	}
	var sendErr, recvErr error
	if o.SendBuffer > 0 {
		sendErr = uc.SetWriteBuffer(o.SendBuffer)
	}
	if o.RecvBuffer > 0 {
		recvErr = uc.SetReadBuffer(o.RecvBuffer)
	}
	return errors.Join(sendErr, recvErr)
}

// A socketFile is the file of a bound socket, and how to know it again.
type socketFile struct {
	path string      // absolute: the process may change its directory
	info os.FileInfo // as it was when bound
	dir  string      // made for it, and gone with it; "" for none
}

// claimAnywhere binds in a directory of its own, where only this user can reach it.
func claimAnywhere() (*net.UnixListener, *socketFile, error) {
	dir, err := os.MkdirTemp("", "zmq-") // mode 0700
	if err != nil {
		return nil, nil, err
	}
	path := filepath.Join(dir, "socket")
	if err := checkPath(path, true); err != nil {
		os.Remove(dir)
		return nil, nil, fmt.Errorf("directory for temporary files: %w", err)
	}
	ln, file, err := claim(path)
	if err != nil {
		os.Remove(dir)
		return nil, nil, err
	}
	file.dir = dir
	return ln, file, nil
}

// claim binds path. A file on which nobody listens any more is replaced; a living socket and
// anything that is no socket stay.
//
// The lock spans bind and listen as well as the look at what is there. Without it, a rival could
// take a socket that is bound but does not listen yet for a dead one, or remove the winner's file
// that has come to where the dead one was.
func claim(path string) (*net.UnixListener, *socketFile, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, nil, err
	}
	unlock, locked := lockFor(absolute)
	defer unlock()

	ln, err := listenUnix(path)
	if errors.Is(portable(err), syscall.EADDRINUSE) {
		if err := checkDead(path); err != nil {
			return nil, nil, err
		}
		if !locked {
			return nil, nil, fmt.Errorf("nobody listens on %s, but it cannot be replaced safely: remove it: %w",
				path, syscall.EADDRINUSE)
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, fmt.Errorf("replace a socket on which nobody listens: %w", err)
		}
		ln, err = listenUnix(path)
	}
	if err != nil {
		return nil, nil, err
	}
	info, err := os.Lstat(path)
	if err != nil {
		ln.Close()
		return nil, nil, err
	}
	return ln, &socketFile{path: absolute, info: info}, nil
}

func listenUnix(path string) (*net.UnixListener, error) {
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	ln.SetUnlinkOnClose(false) // it would remove whatever is at the path by then
	return ln, nil
}

// checkDead returns nil if path is a socket on which nobody listens, or has gone meanwhile, and
// says otherwise what is in the way.
func checkDead(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSocket == 0:
		return fmt.Errorf("%s exists and is no socket: remove it or choose another path: %w", path, syscall.EADDRINUSE)
	}
	conn, err := net.Dial("unix", path)
	err = portable(err)
	switch {
	case err == nil:
		conn.Close()
		return fmt.Errorf("somebody listens on %s: choose another path: %w", path, syscall.EADDRINUSE)
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return nil
	}
	// A full backlog, another kind of socket, no permission: whatever it is, it may be alive.
	return fmt.Errorf("%s is in use, or may be (%v): choose another path: %w", path, err, syscall.EADDRINUSE)
}

// remove takes the file away if it still is the one that was bound.
func (f *socketFile) remove() error {
	unlock, _ := lockFor(f.path)
	defer unlock()
	info, err := os.Lstat(f.path)
	if err == nil && os.SameFile(info, f.info) {
		err = os.Remove(f.path)
	}
	if f.dir != "" {
		err = errors.Join(err, os.Remove(f.dir))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil // somebody was faster
	}
	return err
}
