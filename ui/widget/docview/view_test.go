package docview

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"dialtone/netconf"
	"dialtone/netconf/xmldoc"
	"dialtone/ui/action"
	"dialtone/ui/msg"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

func theme(t testing.TB, name string, ascii, plain bool) *style.Theme {
	t.Helper()
	th, ok := style.New(name, ascii, plain)
	if !ok {
		t.Fatalf("no theme %q", name)
	}
	return th
}

// fixture is a view on a document with what it said and copied.
type fixture struct {
	*View
	t      testing.TB
	doc    *xmldoc.Doc
	toasts []string
	copied []string
}

func show(t testing.TB, text string) *fixture {
	return showWith(t, text, theme(t, "default", false, true))
}

func showWith(t testing.TB, text string, th *style.Theme) *fixture {
	t.Helper()
	d := xmldoc.New(xmldoc.Options{})
	t.Cleanup(func() { d.Close() })
	if _, err := d.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	d.Finish(nil)
	f := &fixture{t: t, doc: d}
	f.View = New(d, Options{
		Theme: th, Session: 1, Now: func() time.Time { return time.Unix(0, 0) },
		Dir: t.TempDir(), File: "core-r1-118.xml",
		Copy: func(what, text string) tea.Cmd {
			f.copied = append(f.copied, what+": "+text)
			return nil
		},
	})
	f.Resize(80, 16)
	f.Focus(true)
	f.SetTitle("Reply 118", "ok")
	return f
}

// press gives keys to the view as the root does, and runs what comes of them.
func (f *fixture) press(keys ...string) {
	f.t.Helper()
	for _, k := range keys {
		f.run(f.key1(k))
	}
}

func (f *fixture) key1(k string) tea.Cmd {
	if f.Capturing() {
		return f.Update(uitest.Key(k))
	}
	if len(k) == 1 && k[0] >= '0' && k[0] <= '9' {
		f.Count(int(k[0] - '0'))
		return nil
	}
	a, ok := action.Match(f.Actions(), k)
	if !ok {
		f.t.Fatalf("no action on %q", k)
	}
	if a.Off != "" {
		f.toasts = append(f.toasts, a.Off)
		return nil
	}
	return f.Run(a.ID)
}

func (f *fixture) run(cmd tea.Cmd) {
	for cmd != nil {
		switch m := cmd().(type) {
		case msg.Toast:
			f.toasts = append(f.toasts, m.Text)
			return
		case Msg:
			cmd = f.Update(m)
		default:
			return
		}
	}
}

const interfaces = `<rpc-reply xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="118"><data>
  <interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces">
    <interface><name>ge-0/0/0</name><enabled>true</enabled><ipv4><mtu>1500</mtu><forwarding>true</forwarding></ipv4></interface>
    <interface><name>ge-0/0/1</name><enabled>false</enabled></interface>
    <interface><name>ge-0/0/2</name><description>to core-r2</description><enabled>true</enabled></interface>
    <!-- two
    lines -->
    <interface><name>lo0</name><empty/></interface>
  </interfaces></data></rpc-reply>`

func TestDocumentAtSizes(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{80, 24}, {140, 40}, {60, 15}} {
		f := show(t, interfaces)
		f.Resize(size[0], size[1])
		f.press("j", "j", "j", " ", "j", " ")
		uitest.Golden(t, fmt.Sprintf("folded-%dx%d", size[0], size[1]), f.View.View())
	}
}

func TestDocumentInColour(t *testing.T) {
	t.Parallel()
	f := showWith(t, interfaces, theme(t, "default", false, false))
	f.press("/")
	for _, r := range "ge-0" {
		f.press(string(r))
	}
	f.press("enter")
	uitest.Golden(t, "colour", f.View.View())
}

func TestDocumentWithoutUnicode(t *testing.T) {
	t.Parallel()
	f := showWith(t, interfaces, theme(t, "mono", true, true))
	f.press("j", "j", "j", " ")
	got := f.View.View()
	for _, r := range got {
		if r > 0x7e {
			t.Fatalf("%q in\n%s", r, got)
		}
	}
	if !strings.Contains(got, ">     + <interface> ge-0/0/0") || !strings.Contains(got, "3 children") {
		t.Errorf("selection or fold has no sign:\n%s", got)
	}
}

func TestEveryLineIsExactlyAsWideAsThePane(t *testing.T) {
	t.Parallel()
	hostile := "<a>\n<b x=\"\x1b]0;evil\x07\">\u202eevil\u202c \x9b31m 漢字漢字 e\u0301\u0301</b>\n<long>" + strings.Repeat("0123456789漢", 2000) + "</long>\n</a><c>"
	for _, th := range []*style.Theme{theme(t, "default", false, false), theme(t, "mono", true, true)} {
		f := showWith(t, interfaces+hostile, th)
		f.query = queryFor("e")
		for w := 2; w <= 200; w += 7 {
			for h := 2; h <= 60; h += 9 {
				f.Resize(w, h)
				for _, m := range []Mode{Pretty, Raw, Errors} {
					f.mode = m
					for _, hoff := range []int{0, 3, 50} {
						f.hoff = hoff
						f.press("G")
						lines := f.Lines()
						if len(lines) != h {
							t.Fatalf("%dx%d mode %d: %d lines", w, h, m, len(lines))
						}
						for i, l := range lines {
							if n := ansi.StringWidth(l); n != w {
								t.Fatalf("%dx%d mode %d hoff %d: line %d is %d cells: %q", w, h, m, hoff, i, n, l)
							}
						}
						f.press("g")
					}
				}
			}
		}
	}
}

func TestNothingHostileReachesTheScreen(t *testing.T) {
	t.Parallel()
	bad := "\x1b]0;x\x07\x1b[2J\u202e\u200b\x9b\x00\x08"
	f := show(t, "<a "+"x=\""+bad+"\"><name>"+bad+"</name><b>"+bad+"</b><!--"+bad+"-->"+bad+"</a></"+bad)
	f.SetErrors(netconf.Outcome{ErrorCount: 1, Errors: []*netconf.RPCError{{
		Type: bad, Tag: bad, Severity: "warning", Path: bad, Message: bad, AppTag: bad, BadElement: bad, Info: bad, SessionID: bad,
	}}, Flags: []*netconf.Fault{{Code: "X", What: "y"}}})
	f.Resize(120, 40)
	for _, m := range []Mode{Pretty, Raw, Errors} {
		f.setMode(m)
		f.press("g")
		for i := 0; i < 12; i++ {
			out := f.View.View() + f.Status()
			for _, r := range out {
				if r < 0x20 && r != '\n' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x202e || r == 0x200b || r == 0xfffd {
					t.Fatalf("mode %d: %U reaches the screen:\n%q", m, r, out)
				}
			}
			f.press("j")
		}
	}
}

func TestFoldingKeepsTheCursor(t *testing.T) {
	t.Parallel()
	f := show(t, interfaces)
	f.press("j", "j", "j", "j") // <name> of the first interface
	if f.Status() != "/interfaces/interface[name=ge-0/0/0]/name" {
		t.Fatalf("status %q", f.Status())
	}
	f.press("h")
	if row, _ := f.Row(); row != 3 {
		t.Fatalf("h went to row %d", row)
	}
	f.press("h")
	if !f.folds.Folded(3) {
		t.Error("h on an open element does not fold it")
	}
	f.press("l")
	if f.folds.Folded(3) {
		t.Error("l does not unfold")
	}
	f.press("-")
	if row, _ := f.Row(); row != 2 || !f.folds.Folded(2) {
		t.Errorf("after fold all the cursor is on row %d", row)
	}
	if n := f.lines(); n != 5 {
		t.Errorf("%d lines after fold all", n)
	}
	f.press("=")
	if f.lines() != f.doc.Rows() {
		t.Errorf("%d lines after unfold all, %d rows", f.lines(), f.doc.Rows())
	}
	f.press("z", "3")
	if !f.folds.Folded(3) || f.folds.Folded(2) {
		t.Error("z 3 does not fold at depth 3")
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	f := show(t, interfaces)
	f.press("-", "/", "L", "O", "0", "enter")
	if f.Status() != "not found: LO0" {
		t.Errorf("capital letters are not taken literally: %q", f.Status())
	}
	f.press("/")
	for _, k := range []string{"e", "N", "a"} {
		f.press(k)
	}
	f.press("ctrl+u", "f", "a", "l", "s", "e", "enter")
	if f.Status() != "/interfaces/interface[name=ge-0/0/1]/enabled" {
		t.Errorf("search went to %q", f.Status())
	}
	if !strings.Contains(f.View.View(), "false") {
		t.Error("what was found is not on the screen")
	}
	f.press("n")
	if f.Status() != "search went on from the other end" {
		t.Errorf("no word about the wrap: %q", f.Status())
	}
	f.press("v", "n")
	if off, _ := f.doc.Line(f.page[Raw].cur); !strings.Contains(string(f.doc.AppendAt(nil, off, 80)), "false") {
		t.Error("search in the raw view stands elsewhere")
	}
}

func TestStaleResultsAreDropped(t *testing.T) {
	t.Parallel()
	f := show(t, interfaces)
	f.query = queryFor("lo0")
	first := f.search(false)
	f.query = queryFor("ge-0/0/1")
	second := f.search(false)
	m1, m2 := first(), second()
	f.Update(m2)
	at := f.page[Pretty].cur
	f.Update(m1)
	if f.page[Pretty].cur != at || f.Busy() {
		t.Error("an earlier search moved the cursor after a later one")
	}
}

func TestGoToPath(t *testing.T) {
	t.Parallel()
	f := show(t, interfaces)
	answer := func(text string) {
		for _, r := range text {
			f.press(string(r))
		}
		f.press("enter")
	}
	f.press("@") // opens with the path of the row, which typing replaces
	answer("/interfaces/interface[name=ge-0/0/2]/description")
	if f.Status() != "/interfaces/interface[name=ge-0/0/2]/description" {
		t.Errorf("went to %q", f.Status())
	}
	if f.press("@"); !strings.Contains(f.View.View(), "typing replaces it") {
		t.Errorf("nothing tells that typing replaces the path:\n%s", f.View.View())
	}
	f.press("end") // moving keeps it, to be edited
	for range "description" {
		f.press("backspace")
	}
	answer("name")
	if f.Status() != "/interfaces/interface[name=ge-0/0/2]/name" {
		t.Errorf("went to %q with an edited path", f.Status())
	}
	f.press("@", "x", "enter")
	if !strings.HasPrefix(f.Status(), "not in this reply: ") {
		t.Errorf("status %q", f.Status())
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	f := show(t, interfaces)
	f.press("1", "0", "j")
	if f.page[Pretty].cur != 10 {
		t.Errorf("10j went to %d", f.page[Pretty].cur)
	}
	f.press("3", "k", "4", "G")
	if f.page[Pretty].cur != 3 {
		t.Errorf("4G went to %d", f.page[Pretty].cur)
	}
}

func TestCopy(t *testing.T) {
	t.Parallel()
	f := show(t, interfaces)
	f.press("j", "j", "j", "j", "y")
	if !f.Capturing() || f.Actions()[0].Title != "Copy the value" {
		t.Fatal("the help bar does not show the choices of y")
	}
	f.press("y", "y", "p", "y", "x", "k", "y", "s")
	want := []string{
		"value: ge-0/0/0", "path: /interfaces/interface[name=ge-0/0/0]/name",
		"subtree: <interface><name>ge-0/0/0</name><enabled>true</enabled><ipv4><mtu>1500</mtu><forwarding>true</forwarding></ipv4></interface>",
	}
	if strings.Join(f.copied, "\n") != strings.Join(want, "\n") {
		t.Errorf("copied\n%s", strings.Join(f.copied, "\n"))
	}
	if f.press("y", "a"); !strings.HasPrefix(f.copied[3], "reply: <rpc-reply") {
		t.Errorf("copied %q", f.copied[3])
	}
}

func TestSaveNeverOverwritesUnasked(t *testing.T) {
	t.Parallel()
	f := show(t, interfaces)
	path := filepath.Join(f.opt.Dir, "core-r1-118.xml")
	f.press("w", "enter")
	if b, err := os.ReadFile(path); err != nil || string(b) != interfaces {
		t.Fatalf("saved %d bytes, %v", len(b), err)
	}
	if len(f.toasts) != 1 || f.toasts[0] != "saved "+Size(int64(len(interfaces)))+" to ./core-r1-118.xml" {
		t.Errorf("toasts %q", f.toasts)
	}
	if fi, _ := os.Stat(path); fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", fi.Mode())
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.press("w", "enter")
	if b, _ := os.ReadFile(path); string(b) != "mine" {
		t.Fatal("overwritten without a question")
	}
	if !strings.Contains(f.View.View(), "exists: enter again replaces it") {
		t.Errorf("the question is not on the screen:\n%s", f.View.View())
	}
	f.press("enter")
	if b, _ := os.ReadFile(path); string(b) != interfaces {
		t.Error("not replaced after the second enter")
	}
	if des, _ := os.ReadDir(f.opt.Dir); len(des) != 1 {
		t.Errorf("%d files left", len(des))
	}
}

func TestGrowingDocument(t *testing.T) {
	t.Parallel()
	d := xmldoc.New(xmldoc.Options{})
	t.Cleanup(func() { d.Close() })
	v := New(d, Options{Theme: theme(t, "default", false, true), Now: time.Now})
	v.Resize(80, 10)
	v.Focus(true)
	if !strings.Contains(v.View(), "Nothing has come yet.") {
		t.Error("an empty pane does not say why it is empty")
	}
	write := func(s string) {
		if _, err := d.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
		v.Grew()
	}
	write("<data><configuration>\n<system>")
	write(strings.Repeat("<a>1</a>", 41) + "</system><interfaces><b>1</b><c>")
	v.Run("doc.down")
	v.Run("doc.down")
	v.Run("doc.fold")
	v.Run("doc.down")
	v.Run("doc.fold")
	got := v.View()
	if !strings.Contains(got, "▸ <system>") || !strings.Contains(got, "41 children") {
		t.Errorf("no fold of what is whole:\n%s", got)
	}
	if !strings.Contains(got, "▸ <interfaces>") || !strings.Contains(got, "… arriving") {
		t.Errorf("no word about what still comes:\n%s", got)
	}
	write("</c></interfaces></configuration></data>")
	d.Finish(nil)
	v.Grew()
	if got = v.View(); !strings.Contains(got, "2 children") || strings.Contains(got, "arriving") {
		t.Errorf("the fold still waits:\n%s", got)
	}
}

func TestBrokenPlaceIsSaid(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"<a><b>1</b><c></a>tail\nmore", "<a><b>1</b><c>"} {
		f := show(t, text)
		f.press("G")
		p, broken := f.doc.Problem()
		if !broken || !strings.Contains(f.View.View(), "▲ "+p.Code+" ") {
			t.Errorf("%q: no line about %v:\n%s", text, p, f.View.View())
		}
	}
}

func TestErrorBlocks(t *testing.T) {
	t.Parallel()
	f := show(t, "<rpc-reply><rpc-error/></rpc-reply>")
	var located string
	f.opt.Locate = func(e *netconf.RPCError) tea.Cmd { located = e.Path; return nil }
	f.SetErrors(netconf.Outcome{ErrorCount: 3, Errors: []*netconf.RPCError{
		{Type: "application", Tag: "invalid-value", Severity: "error", Path: "/interfaces/interface[name=ge-0/0/2]/mtu",
			Message: `"99999" is not in range 256..9216`, BadElement: "mtu", AppTag: "range-violation"},
		{Type: "application", Tag: "data-missing", Severity: "error", Path: "/interfaces/interface[name=ge-0/0/9]/type", Message: "mandatory leaf is missing"},
		{Type: "application", Tag: "unknown-namespace", Severity: "warning", BadNamespace: "urn:example:old"},
	}, Flags: []*netconf.Fault{{Code: "RPC-ID", What: "the reply has no message-id"}}})
	f.Resize(80, 18)
	uitest.Golden(t, "errors", f.View.View())
	if f.Status() != "2 errors, 1 warning, 1 oddity" {
		t.Errorf("status %q", f.Status())
	}
	f.press("n", "enter")
	if located != "/interfaces/interface[name=ge-0/0/9]/type" {
		t.Errorf("went to %q", located)
	}
	f.press("y", "y")
	if len(f.copied) != 1 || f.copied[0] != "message: mandatory leaf is missing" {
		t.Errorf("copied %q", f.copied)
	}
	f.press("v")
	if f.Mode() != Pretty {
		t.Error("v does not leave the errors")
	}
}

func TestManyAndHugeErrorsAreBounded(t *testing.T) {
	t.Parallel()
	f := show(t, "<rpc-reply/>")
	o := netconf.Outcome{ErrorCount: 10000}
	huge := strings.Repeat("<b>x</b> ", 600000)
	for range 100 {
		o.Errors = append(o.Errors, &netconf.RPCError{Tag: "too-big", Severity: "error", Message: huge})
	}
	f.SetErrors(o)
	if n := len(f.errs.lines); n > 10000 {
		t.Errorf("%d lines", n)
	}
	if last := f.errs.lines[len(f.errs.lines)-1].plain; !strings.Contains(last, "9 900 more") {
		t.Errorf("last line %q", last)
	}
}

func TestActionsHaveDifferentKeys(t *testing.T) {
	t.Parallel()
	f := show(t, interfaces)
	for _, m := range []Mode{Pretty, Raw, Errors} {
		f.mode = m
		if c := action.Clashes(f.Actions()); len(c) > 0 {
			t.Errorf("mode %d: %v", m, c)
		}
	}
}

func TestFileNames(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{
		{"core-r1", "118", "core-r1-118.xml"}, {"../../etc/x", "1/2", "_.._etc_x-1_2.xml"}, {"", "", "device.xml"},
		{"admin@192.0.2.1:830", "7", "admin_192.0.2.1_830-7.xml"},
	} {
		if got := FileName(c[0], c[1]); got != c[2] {
			t.Errorf("FileName(%q, %q) = %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

func TestSaveErrorLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := WriteFile(filepath.Join(dir, "x.xml"), failing{}, false)
	if err == nil {
		t.Fatal("no error")
	}
	if des, _ := os.ReadDir(dir); len(des) != 0 {
		t.Errorf("%v left", des)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("torn") }

// TestViewsKeepThePlace: going round the views comes back to the same element.
func TestViewsKeepThePlace(t *testing.T) {
	t.Parallel()
	f := show(t, interfaces)
	f.press("j", "j", "j")
	at := f.Status()
	for range 3 {
		f.press("v", "v")
		if f.Mode() != Pretty || f.Status() != at {
			t.Fatalf("mode %v at %q, want %q", f.Mode(), f.Status(), at)
		}
	}
}
