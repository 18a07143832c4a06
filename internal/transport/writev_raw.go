// SPDX-License-Identifier: MPL-2.0

//go:build freebsd || (linux && !race)

package transport

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxVecs is how many buffers go into one system call. It is far below the kernel's 1024, because
// every stream keeps room for so many once it has needed it.
const maxVecs = 128

type vec = unix.Iovec

func makeVec(b []byte) vec {
	v := vec{Base: &b[0]}
	v.SetLen(len(b))
	return v
}

// writev is the system call. The wrapper in x/sys builds an array of its own on each call.
func writev(fd int, vecs []vec) (int, error) {
	n, _, errno := unix.Syscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&vecs[0])), uintptr(len(vecs)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
