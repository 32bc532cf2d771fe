package uitest

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// program is the real binary, built once for all stories.
var program Binary

func TestMain(m *testing.M) {
	code := m.Run()
	program.Remove()
	os.Exit(code)
}

// TestStoryOfADemo is the first five minutes of a newcomer, in every size that
// the interface promises: start, filter, open, send a template, fold, search,
// copy, write an RPC by hand, meet an rpc-error, go back, quit.
func TestStoryOfADemo(t *testing.T) {
	t.Parallel()
	bin := program.Path(t)
	for _, size := range [][2]int{{80, 24}, {140, 40}, {60, 15}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			t.Parallel()
			m := StartTmux(t, TmuxOptions{W: size[0], H: size[1]}, bin, "demo")
			m.See("Devices", "core-r1", "edge-7", "pe-big", "sat-3")
			m.Keys("/")
			m.Type("edge")
			m.Gone("core-r1")
			m.See("edge-7", "2 of 7", "enter keep")
			m.Keys("Enter")
			m.Keys("Enter")
			m.See("edge-7 ●", "open 0")

			m.readRunning()

			m.Keys("/")
			m.Type("eth1")
			m.Keys("Enter")
			m.Until("the path of a match", func(s string) bool { return strings.Contains(s, "interface[name=eth1]") })
			if s := m.Screen(); strings.Contains(s, "▸ <interface> eth1") {
				t.Fatalf("folded before anything was:\n%s", s)
			}
			m.Keys("h") // to the parent
			m.Keys("Space")
			m.See("▸ <interface> eth1", "children")
			m.Keys("Space")
			m.Gone("▸ <interface> eth1")
			m.Keys("Space")
			m.See("▸ <interface> eth1")

			m.Keys("y")
			m.See("subtree")
			m.Keys("p")
			m.See("opied")
			if got := m.Run("show-buffer"); !strings.HasSuffix(got, "/interface[name=eth1]") {
				t.Errorf("the copy is %q", got)
			}

			m.Keys("Tab")
			if size[0] >= 120 {
				m.Until("the RPC pane to be focused", func(s string) bool { return strings.Contains(s, "┏━ RPC") || pressTab(m) })
			}
			m.Keys("i")
			m.Until("EDIT in the first row", editing)
			m.Keys("C-End")
			m.Keys("C-u", "BSpace", "C-u", "BSpace", "C-u", "BSpace", "C-u", "BSpace", "C-u", "BSpace", "C-u", "BSpace", "C-u")
			m.Type("<delete-config><target><candidate/></target></delete-config>")
			m.See("delete-config")
			m.Keys("Escape")
			m.Until("no EDIT in the first row", func(s string) bool { return !editing(s) })
			m.Keys("C-r")
			m.See("Send delete-config", "Type edge-7")
			m.Type("edge-7")
			m.Keys("Enter")
			m.See("Reply 2", "FAILED: 1 error", "ERROR")

			m.Keys("1")
			m.See(" open ", "2 of 7")
			m.Keys("2") // and back: the error is still there
			m.See("[2 edge-7 ●]", "Reply 2", "FAILED: 1 error")
			m.Keys("1")
			m.See("[1 Devices]")
			m.Keys("q")
			m.quitAnyway("Quit with 1 open session?", "Q  quit anyway")
		})
	}
}

func editing(s string) bool {
	first, _, _ := strings.Cut(s, "\n")
	return strings.HasSuffix(strings.TrimRight(first, " "), " EDIT") || strings.Contains(first, " EDIT  ")
}

func pressTab(m *Tmux) bool {
	m.Keys("Tab")
	return false
}
