// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"syscall"
	"time"
)

const lockPatience = 5 * time.Second

// lockFor keeps other processes that use this package from changing what is at path. Directories
// cannot be locked here; but a file that is shared with nobody is a lock, and one that goes with
// its last handle leaves nothing behind.
func lockFor(path string) (unlock func(), locked bool) {
	const (
		deleteOnClose    = 0x04000000 // FILE_FLAG_DELETE_ON_CLOSE
		sharingViolation = syscall.Errno(32)
		shareNothing     = 0
	)
	none := func() {}
	name, err := syscall.UTF16PtrFromString(path + ".lock")
	if err != nil {
		return none, false
	}
	end := time.Now().Add(lockPatience)
	for pause := time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, shareNothing, nil,
			syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL|deleteOnClose, 0)
		if err == nil {
			return func() { syscall.CloseHandle(h) }, true
		}
		// While the last handle closes, the name is refused for a moment.
		busy := err == sharingViolation || err == syscall.ERROR_ACCESS_DENIED
		if !busy || time.Now().After(end) {
			return none, false
		}
		time.Sleep(pause)
	}
}
