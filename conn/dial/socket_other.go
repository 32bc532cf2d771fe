//go:build !linux

package dial

import "syscall"

// socketOptions has nothing to set: this system has no such limit.
func socketOptions(_, _ string, _ syscall.RawConn) error { return nil }
