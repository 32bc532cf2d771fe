package term

import (
	"bytes"
	"fmt"
	"os"
)

// parent is the parent of a process.
func parent(pid int) (ppid int, ok bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	// The name, in parentheses, may hold anything; state and parent follow it.
	i := bytes.LastIndexByte(b, ')')
	if i < 0 {
		return 0, false
	}
	var state string
	n, _ := fmt.Sscan(string(b[i+1:]), &state, &ppid)
	return ppid, n == 2
}
