// SPDX-License-Identifier: MPL-2.0

//go:build unix

package transport

import (
	"os"
	"syscall"
)

func setInt(fd uintptr, level, option, value int) error {
	return syscall.SetsockoptInt(int(fd), level, option, value)
}

func listenAgain(fd uintptr, backlog int) error {
	return os.NewSyscallError("listen", syscall.Listen(int(fd), backlog))
}

// portable leaves errors alone: here errno is what everybody compares with.
func portable(err error) error { return err }
