//go:build unix

package keys

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// private refuses a file that others than its owner may read or write, or
// whose owner is somebody else (root may read what others own).
func private(path string, info fs.FileInfo) error {
	if info.Mode().Perm()&0o077 != 0 {
		return &Fault{Code: "KEY-PERM", What: fmt.Sprintf("%s may be read by others (mode %04o)", path, info.Mode().Perm()),
			Do: fmt.Sprintf("Run: chmod 600 '%s'", path)}
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if me := os.Geteuid(); ok && me != 0 && int(st.Uid) != me && st.Uid != 0 {
		return &Fault{Code: "KEY-PERM", What: fmt.Sprintf("%s belongs to user %d", path, st.Uid),
			Do: "Use a file of your own"}
	}
	return nil
}
