//go:build unix

package cert

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"dialtone/keys"
)

// keyMode refuses a key that others may read or own.
func keyMode(name string, fi fs.FileInfo) error {
	if fi.Mode().Perm()&0o077 != 0 {
		return &keys.Fault{Code: "TLS-PERM", What: fmt.Sprintf("%s can be read by others (mode %04o)", name, fi.Mode().Perm()), Do: "Run chmod 600 " + name}
	}
	if st, ok := fi.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Getuid() {
		return &keys.Fault{Code: "TLS-PERM", What: fmt.Sprintf("%s belongs to user %d", name, st.Uid), Do: "Copy it to a file of your own with mode 0600"}
	}
	return nil
}
