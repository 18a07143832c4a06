// SPDX-License-Identifier: MPL-2.0

//go:build darwin || (linux && race)

package transport

import "golang.org/x/sys/unix"

// maxVecs is how many buffers the wrapper takes without an allocation.
const maxVecs = 8

type vec = []byte

func makeVec(b []byte) vec { return b }

// writev goes through x/sys. macOS has no stable system calls below its library. The race detector
// learns here that what happened before a write has happened before the read of the same bytes,
// so that a program which passes work through sockets is not accused.
func writev(fd int, vecs []vec) (int, error) { return unix.Writev(fd, vecs) }
