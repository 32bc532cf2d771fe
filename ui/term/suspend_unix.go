//go:build unix

package term

import (
	"os"

	"golang.org/x/sys/unix"
)

// CanSuspend reports whether a shell waits for us to stop: the parent is in
// our session. Without one the stop signal is dropped and nobody would ever
// continue us.
func CanSuspend() bool {
	ours, err := unix.Getsid(0)
	if err != nil || ours == os.Getpid() {
		return false
	}
	theirs, err := unix.Getsid(os.Getppid())
	return err == nil && ours == theirs
}
