package dial

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// socketOptions bounds how long sent bytes may stay without acknowledgement.
func socketOptions(_, _ string, c syscall.RawConn) error {
	var serr error
	err := c.Control(func(fd uintptr) {
		serr = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(tcpUserTime.Milliseconds()))
	})
	if err != nil {
		return err
	}
	return serr
}
