// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"errors"
	"syscall"
)

func setInt(fd uintptr, level, option, value int) error {
	return syscall.SetsockoptInt(syscall.Handle(fd), level, option, value)
}

// listenAgain does nothing: Windows keeps the backlog of the first call.
func listenAgain(uintptr, int) error { return nil }

// Winsock's numbers for what errno has names for.
const (
	wsaMFile       = syscall.Errno(10024)
	wsaAddrInUse   = syscall.Errno(10048)
	wsaConnAborted = syscall.Errno(10053)
	wsaNoBufs      = syscall.Errno(10055)
	wsaConnRefused = syscall.Errno(10061)
)

// portable makes an error also answer to the errno that other systems have for it.
func portable(err error) error {
	for _, pair := range [][2]syscall.Errno{
		{wsaMFile, syscall.EMFILE},
		{wsaAddrInUse, syscall.EADDRINUSE},
		{wsaConnAborted, syscall.ECONNABORTED},
		{wsaNoBufs, syscall.ENOBUFS},
		{wsaConnRefused, syscall.ECONNREFUSED},
	} {
		if errors.Is(err, pair[0]) && !errors.Is(err, pair[1]) {
			return &translated{err, pair[1]}
		}
	}
	return err
}

type translated struct {
	err   error
	errno syscall.Errno
}

func (t *translated) Error() string   { return t.err.Error() }
func (t *translated) Unwrap() []error { return []error{t.err, t.errno} }
