package diffview

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/netconf/xmldiff"
	"dialtone/netconf/xmldoc"
	"dialtone/ui/msg"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

func doc(t testing.TB, text string) *xmldoc.Doc {
	t.Helper()
	d := xmldoc.New(xmldoc.Options{})
	t.Cleanup(func() { d.Close() })
	if _, err := d.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	d.Finish(nil)
	return d
}

// config is a reply with interfaces; change alters one of them.
func config(n int, change func(i int, description string) string) string {
	var b strings.Builder
	b.WriteString("<rpc-reply message-id=\"1\" xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\">\n<data>\n<interfaces xmlns=\"urn:ietf:params:xml:ns:yang:ietf-interfaces\">\n")
	for i := range n {
		text := fmt.Sprintf("<interface><name>ge-0/0/%d</name><description>to core-r%d</description><enabled>true</enabled></interface>\n", i, i)
		b.WriteString(change(i, text))
	}
	b.WriteString("</interfaces>\n</data>\n</rpc-reply>")
	return b.String()
}

func same(_ int, s string) string { return s }

func edited(i int, s string) string {
	switch i {
	case 2:
		return strings.Replace(s, "to core-r2", "to core-r2 (moved)", 1)
	case 5:
		return ""
	case 7:
		return s + "<interface><name>xe-1/0/0</name><mtu>9192</mtu></interface>\n"
	}
	return s
}

type bench struct {
	*uitest.Driver
	v      *View
	copied string
	toasts []string
}

func (b *bench) View() string { return b.v.View() }
func (b *bench) Update(m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case Msg:
		return m.Deliver()
	case msg.Toast:
		b.toasts = append(b.toasts, m.Text)
	case tea.KeyMsg:
		if b.v.Capturing() {
			return b.v.Key(m)
		}
		for _, a := range b.v.Actions() {
			for _, k := range a.Keys {
				if k == m.String() && a.Off == "" {
					cmd, _ := b.v.Run(a.ID)
					return cmd
				}
			}
		}
	}
	return nil
}

func open(t testing.TB, theme, from, to, text string) *bench {
	t.Helper()
	th, _ := style.New(theme, false, theme == "")
	b := &bench{Driver: uitest.NewDriver(t)}
	dir := t.TempDir()
	b.v = New(Options{Theme: th, Session: 1, Now: b.Now, From: "running", To: "candidate", Dir: dir, File: "core-r1.diff",
		Copy: func(_, text string) tea.Cmd { b.copied = text; return nil }})
	x, y := doc(t, from), doc(t, to)
	r, err := xmldiff.Compare(context.Background(), x, y, xmldiff.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b.v.Resize(80, 20)
	b.v.Focus(true)
	b.v.Set(x, y, r, text)
	b.Drive(b)
	return b
}

func TestDiffAtSizes(t *testing.T) {
	t.Parallel()
	for _, at := range [][2]int{{80, 20}, {140, 36}, {60, 11}} {
		b := open(t, "", config(12, same), config(12, edited), "[edit interfaces]\n+  xe-1/0/0 {\n+    mtu 9192;\n+  }\n")
		b.v.Resize(at[0], at[1])
		name := fmt.Sprintf("%dx%d", at[0], at[1])
		uitest.Golden(t, "first-"+name, b.View()+"\n"+b.v.Status())
		b.Press("n", "n")
		uitest.Golden(t, "third-"+name, b.View()+"\n"+b.v.Status())
		b.Press("v")
		uitest.Golden(t, "own-"+name, b.View())
	}
	colour := open(t, "default", config(12, same), config(12, edited), "")
	uitest.Golden(t, "ansi", colour.View())
	alike := open(t, "", config(3, same), config(3, same), "")
	uitest.Golden(t, "same", alike.View())
}

func TestKeysGoFromChangeToChange(t *testing.T) {
	t.Parallel()
	b := open(t, "", config(40, same), config(40, edited), "")
	at := func(want int) {
		t.Helper()
		if got := b.v.Change(); got != want {
			t.Errorf("at change %d, want %d\n%s", got, want, b.View())
		}
	}
	at(0)
	b.Press("n")
	at(1)
	b.Press("n")
	at(2)
	b.Press("n")
	at(2)
	if b.v.Status() != "this is the last change" {
		t.Errorf("status %q", b.v.Status())
	}
	b.Press("N", "N")
	at(0)
	b.Press("N")
	if b.v.Status() != "this is the first change" {
		t.Errorf("status %q", b.v.Status())
	}
	b.v.Resize(140, 30)
	if b.v.Mode() != Side {
		t.Error("two sides are not shown where there is room")
	}
	at(0)
	b.Press("n", "u")
	at(1)
	b.v.Resize(80, 20)
	b.v.Resize(140, 30)
	if b.v.Mode() != Unified {
		t.Error("a resize changed the mode that was chosen")
	}
}

func TestFoldsOfEqualRows(t *testing.T) {
	t.Parallel()
	b := open(t, "", config(40, same), config(40, edited), "")
	before := b.v.lines()
	b.Press("=")
	rows := b.v.b.Rows() + b.v.dels
	if got := b.v.lines(); got != rows {
		t.Errorf("%d lines unfolded, want %d", got, rows)
	}
	b.Press("-")
	if got := b.v.lines(); got != before {
		t.Errorf("%d lines folded again, want %d", got, before)
	}
	b.Press("g", "enter")
	if got := b.v.lines(); got <= before {
		t.Errorf("%d lines with one stretch open, %d before", got, before)
	}
	b.Press("enter")
	if got := b.v.lines(); got != before {
		t.Errorf("%d lines after folding it, want %d", got, before)
	}
}

// TestEveryRowIsShownOnce walks all lines of both modes.
func TestEveryRowIsShownOnce(t *testing.T) {
	t.Parallel()
	b := open(t, "", config(30, same), config(30, edited), "")
	b.Press("=")
	for _, side := range []bool{false, true} {
		l := lay(b.v.res, side, func(int) bool { return true })
		as, bs := map[int]int{}, map[int]int{}
		for i := range l.total {
			ln := l.at(i, side)
			as[ln.a]++
			bs[ln.b]++
		}
		for i := range b.v.b.Rows() {
			if bs[i] != 1 {
				t.Errorf("side %v: row %d of the second is shown %d times", side, i, bs[i])
			}
		}
		for i := range b.v.a.Rows() {
			if side && as[i] != 1 || as[i] > 1 {
				t.Errorf("side %v: row %d of the first is shown %d times", side, i, as[i])
			}
		}
	}
}

func TestCopyAndSave(t *testing.T) {
	t.Parallel()
	b := open(t, "", config(12, same), config(12, edited), "")
	b.Press("y", "p")
	if !strings.HasSuffix(b.copied, "ge-0/0/2]/description") {
		t.Errorf("path %q", b.copied)
	}
	b.Press("y", "y")
	if !strings.Contains(b.copied, "-    <description>to core-r2</description>\n+    <description>to core-r2 (moved)</description>") {
		t.Errorf("change %q", b.copied)
	}
	b.Press("y", "a")
	if !strings.Contains(b.copied, "--- running\n+++ candidate\n") || !strings.Contains(b.copied, "<mtu>9192</mtu>") {
		t.Errorf("all %q", b.copied)
	}
	b.Press("w", "enter")
	path := filepath.Join(b.v.opt.Dir, "core-r1.diff")
	text, err := os.ReadFile(path)
	if err != nil || string(text) != b.copied {
		t.Errorf("saved %q, %v", text, err)
	}
	if fi, _ := os.Stat(path); fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", fi.Mode())
	}
	b.Press("w", "enter")
	if !b.v.saving || !b.Shows("enter again replaces it") {
		t.Errorf("an existing file is not asked about:\n%s", b.View())
	}
	b.Press("enter")
	if b.v.saving || len(b.toasts) != 2 {
		t.Errorf("toasts %q", b.toasts)
	}
}

func TestSweepWithHostileText(t *testing.T) {
	t.Parallel()
	evil := "<rpc-reply><data><x><a>\x1b[2J\x1b]0;owned\x07</a><b>" + strings.Repeat("長\u0301", 300) + "\u202e</b><c>" + strings.Repeat("z", 9000) + "</c></x></data></rpc-reply>"
	tame := "<rpc-reply><data><x><a>1</a><b>2</b><c>3</c></x></data></rpc-reply>"
	for _, theme := range []string{"", "default", "mono"} {
		b := open(t, theme, tame, evil, "\x1b[31m+ red\x1b[0m\n"+strings.Repeat("w", 500))
		for w := 4; w <= 200; w += 23 {
			for h := 3; h <= 60; h += 19 {
				b.v.Resize(w, h)
				for _, keys := range [][]string{{}, {"n"}, {"right"}, {"G"}, {"v"}, {"v"}, {"w"}, {"esc"}} {
					b.Press(keys...)
					uitest.ExactSize(t, b.View(), w, h)
					uitest.OnlySGR(t, b.View())
				}
				b.Press("left", "g")
			}
		}
	}
}

// TestLargeDocumentsAreQuickToMoveIn keeps what a key costs apart from the size
// of the documents.
func TestLargeDocumentsAreQuickToMoveIn(t *testing.T) {
	if testing.Short() {
		t.Skip("makes two documents of 10 MB")
	}
	t.Parallel()
	const n = 80_000
	b := open(t, "default", config(n, same), config(n, func(i int, s string) string {
		if i%40 == 0 {
			return strings.Replace(s, "true", "false", 1)
		}
		return s
	}), "")
	if len(b.v.changes()) != n/40 {
		t.Fatalf("%d changes", len(b.v.changes()))
	}
	b.v.Resize(140, 40)
	began := time.Now()
	const keys = 200
	for range keys {
		b.Press("n")
		_ = b.View()
	}
	if per := time.Since(began) / keys; per > 200*time.Millisecond {
		t.Errorf("%s for a key and its frame", per)
	} else {
		t.Logf("%s for a key and its frame, %d bytes a document", per, b.v.a.Size())
	}
}
