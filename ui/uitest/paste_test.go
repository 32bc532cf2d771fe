package uitest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPastedTextArrivesWholeAndSendsNothing pastes 5,000 lines in the three ways
// in which terminals do it. What arrives is read back through $EDITOR.
func TestPastedTextArrivesWholeAndSendsNothing(t *testing.T) {
	t.Parallel()
	bin := program.Path(t)
	var b strings.Builder
	b.WriteString("<edit-config>\n  <target><candidate/></target>\n  <config>\n")
	for range 4994 {
		b.WriteString("    <name>ge-0/0/0</name>\n")
	}
	b.WriteString("  </config>\n</edit-config>")
	text := b.String()
	for name, how := range map[string][2]bool{"bracketed": {true, false}, "unbracketed": {false, false}, "unbracketed, line feeds": {false, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			out := filepath.Join(dir, "out")
			editor := filepath.Join(dir, "editor")
			if err := os.WriteFile(editor, []byte("#!/bin/sh\ncp \"$1\" "+out+".part\nmv "+out+".part "+out+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			m := StartTmux(t, TmuxOptions{Env: []string{"EDITOR=" + editor}}, bin, "demo")
			m.See("core-r1")
			m.Keys("Enter")
			m.See("open 0")
			m.Keys("i")
			m.Until("EDIT in the first row", editing)
			m.Paste(text, how[0], how[1])
			m.See("</edit-config>", "4999")
			m.Keys("C-x")
			m.Until("the editor to have run", func(string) bool { _, err := os.Stat(out); return err == nil })
			got, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != text {
				t.Errorf("%d bytes came, %d were pasted; they differ at %d", len(got), len(text), differ(string(got), text))
			}
			m.See("</edit-config>")
			s := m.Screen()
			if strings.Contains(s, "Reply 1") || strings.Contains(s, "receiving") {
				t.Errorf("something was sent:\n%s", s)
			}
			// One undo takes a marked paste back.
			if how[0] {
				m.Keys("C-_")
				m.Gone("</edit-config>")
				m.Gone("4999")
			}
		})
	}
}

func differ(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}
