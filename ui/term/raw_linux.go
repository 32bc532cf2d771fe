package term

import (
	"os"

	"golang.org/x/sys/unix"
)

func isRaw(f *os.File) bool {
	t, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil && t.Lflag&(unix.ECHO|unix.ICANON) == 0
}
