//go:build unix

package term

import (
	"os"

	"golang.org/x/sys/unix"
)

// CanSuspend reports whether a shell waits for us to stop: somebody in our
// session, but not in our job, is the parent of one in it. Without one nobody
// would ever continue us, which is why the system drops the stop signals of the
// terminal then (POSIX: orphaned process group).
func CanSuspend() bool {
	ours, err := unix.Getsid(0)
	if err != nil {
		return false
	}
	job := unix.Getpgrp()
	for pid, ok := os.Getppid(), true; ok && pid > 1; pid, ok = parent(pid) {
		theirs, err := unix.Getsid(pid)
		if err != nil || theirs != ours {
			return false
		}
		if group, err := unix.Getpgid(pid); err != nil || group != job {
			return err == nil
		}
	}
	return false
}
