//go:build unix

package ui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dialtone/ui/uitest"
)

// TestPanicLeavesTheTerminalAsItWas looks with stty, before and after, at the
// panics of the screen and of its commands.
func TestPanicLeavesTheTerminalAsItWas(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"update", "view", "command", "sequence"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			state := t.TempDir()
			m := uitest.StartTmux(t, uitest.TmuxOptions{Env: []string{childMode + "=" + mode, "DIALTONE_UI_STATE=" + state}}, os.Args[0])
			m.See("core-r1")
			m.Keys("x")
			if code := m.Exit(); code != 2 {
				t.Errorf("exit code %d", code)
			}
			s := m.See("dialtone met a bug of its own", "Report it with")
			if strings.Contains(s, secretWord) {
				t.Errorf("the screen shows what was in the panic:\n%s", s)
			}
			if files, _ := filepath.Glob(filepath.Join(state, "crash", "crash-*.txt")); len(files) != 1 {
				t.Errorf("crash files %v", files)
			}
		})
	}
}
