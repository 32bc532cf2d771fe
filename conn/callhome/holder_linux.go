package callhome

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// holder names the process that listens on a port, as far as /proc tells us.
func holder(addr string) string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "another program"
	}
	n, _ := strconv.Atoi(port)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		if inode := listening(table, n); inode != "" {
			if pid := owner(inode); pid != "" {
				name, _ := os.ReadFile("/proc/" + pid + "/comm")
				return fmt.Sprintf("pid %s (%.32q)", pid, strings.TrimSpace(string(name)))
			}
		}
	}
	return "another program"
}

// listening returns the inode of the socket that listens on port.
func listening(table string, port int) string {
	f, err := os.Open(table)
	if err != nil {
		return ""
	}
	defer f.Close()
	want := fmt.Sprintf(":%04X", port)
	for s := bufio.NewScanner(f); s.Scan(); {
		w := strings.Fields(s.Text())
		if len(w) > 9 && strings.HasSuffix(w[1], want) && w[3] == "0A" {
			return w[9]
		}
	}
	return ""
}

// owner returns the process that has a socket open; "" when it is somebody
// else's and we may not look.
func owner(inode string) string {
	fds, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && to == "socket:["+inode+"]" {
			return strings.Split(fd, "/")[2]
		}
	}
	return ""
}
