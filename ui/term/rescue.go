package term

import (
	"io"
	"os"
	"time"

	xterm "github.com/charmbracelet/x/term"
)

// putAway leaves the alternate screen, shows the cursor, and takes back the
// marks of pastes and the mouse.
const putAway = "\x1b[?1049l\x1b[?25h\x1b[?2004l\x1b[?1002l\x1b[?1003l\x1b[?1006l"

// Rescue remembers how the terminal is. What it returns puts it back, for an end
// that waits for nothing; it does nothing when the terminal is as it was, or
// when there is none. It may be called from any goroutine, once.
func Rescue(in, out *os.File) func() {
	before, err := xterm.GetState(in.Fd())
	if err != nil {
		return func() {}
	}
	return func() {
		now, err := xterm.GetState(in.Fd())
		if err != nil || *now == *before {
			return
		}
		_ = xterm.Restore(in.Fd(), before) // nobody is left to tell
		if !xterm.IsTerminal(out.Fd()) {
			return
		}
		done := make(chan struct{})
		go func() { // ends with the process at the latest: a terminal that is held takes nothing
			defer close(done)
			_, _ = io.WriteString(out, putAway)
		}()
		select {
		case <-done:
		case <-time.After(100 * time.Millisecond):
		}
	}
}
