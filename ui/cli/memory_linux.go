package cli

import "golang.org/x/sys/unix"

// hideMemory keeps what is in memory out of core files and of other programs of
// the same person. Where it cannot, the program goes on: it is one more fence.
func hideMemory() {
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}
