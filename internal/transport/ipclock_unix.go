// SPDX-License-Identifier: MPL-2.0

//go:build linux || darwin || freebsd

package transport

import (
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lockPatience is how long to wait for others to be done with a directory. Who holds its lock the
// way it is held here does so for less than a millisecond; but anybody may hold it for any reason.
const lockPatience = 5 * time.Second

// lockFor keeps other processes that use this package from changing what is at path. It locks the
// directory itself, so that no file is left behind, not even by a crash. Where that cannot be had
// (no right to read the directory, a file system without locks) locked is false.
func lockFor(path string) (unlock func(), locked bool) {
	fd, err := unix.Open(filepath.Dir(path), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return func() {}, false
	}
	unlock = func() { unix.Close(fd) } // which gives up the lock, too
	end := time.Now().Add(lockPatience)
	for pause := 100 * time.Microsecond; ; pause = min(2*pause, 5*time.Millisecond) {
		err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return unlock, true
		case err == unix.EINTR:
			continue
		case err != unix.EWOULDBLOCK || time.Now().After(end):
			return unlock, false
		}
		time.Sleep(pause)
	}
}
