package editor

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/action"
	"dialtone/ui/msg"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

// clock is a time that tests move.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

// rig is an editor with hands.
type rig struct {
	*Editor
	t     testing.TB
	clock *clock
	msgs  []tea.Msg
}

func theme(plain bool) *style.Theme { t, _ := style.New("default", false, plain); return t }

func newRig(t testing.TB, text string, o Options) *rig {
	t.Helper()
	c := &clock{time.Date(2031, 11, 21, 14, 0, 0, 0, time.UTC)}
	if o.Now == nil {
		o.Now = c.Now
	}
	r := &rig{Editor: New(theme(true), o), t: t, clock: c}
	r.Resize(80, 24)
	r.Focus(true)
	r.run(r.SetText([]byte(text)))
	r.SetEditing(true)
	return r
}

// run runs a command and what follows from it to the end. Ticks are not waited
// for.
func (r *rig) run(cmd tea.Cmd) {
	r.t.Helper()
	if cmd == nil {
		return
	}
	switch m := cmd().(type) {
	case nil:
	case tea.BatchMsg:
		for _, c := range m {
			r.run(c)
		}
	case checkDue, checkDone, formatDone:
		r.run(r.Update(m))
	default:
		r.msgs = append(r.msgs, m)
	}
}

// send gives one key to the editor, gap after the one before.
func (r *rig) send(k tea.KeyMsg, gap time.Duration) {
	r.t.Helper()
	r.clock.now = r.clock.now.Add(gap)
	r.run(r.Update(k))
}

const human = 150 * time.Millisecond

// press sends keys by name, as a person would.
func (r *rig) press(names ...string) {
	r.t.Helper()
	for _, n := range names {
		r.send(uitest.Key(n), human)
	}
}

// typed sends each character of s as a person would; newlines are enter.
func (r *rig) typed(s string) {
	r.t.Helper()
	for _, c := range s {
		r.send(char(c), human)
	}
}

func char(c rune) tea.KeyMsg {
	switch c {
	case '\n', '\r':
		return uitest.Key("enter")
	case '\t':
		return uitest.Key("tab")
	}
	return uitest.Key(string(c))
}

func (r *rig) want(text string) {
	r.t.Helper()
	if got := string(r.Text()); got != text {
		r.t.Fatalf("text\n got %q\nwant %q", got, text)
	}
}

// wantAt compares text with the cursor drawn in as |.
func (r *rig) wantAt(text string) {
	r.t.Helper()
	all := string(r.Text())
	off := len(r.buf.slice(Pos{}, r.cur))
	if got := all[:off] + "|" + all[off:]; got != text {
		r.t.Fatalf("\n got %q\nwant %q", got, text)
	}
}

func (r *rig) toasts() string {
	var s []string
	for _, m := range r.msgs {
		if t, ok := m.(msg.Toast); ok {
			s = append(s, t.Text)
		}
	}
	return strings.Join(s, "\n")
}

// wellFormed is a check for tests.
func wellFormed(text []byte) (line, col int, what string) {
	d := xml.NewDecoder(strings.NewReader(string(text)))
	for {
		if _, err := d.Token(); err != nil {
			if errors.Is(err, io.EOF) {
				return 0, 0, ""
			}
			line, col := d.InputPos()
			return line, col, err.Error()
		}
	}
}

func TestBytesComeOutAsTheyWentIn(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "a", "\n", "a\n", "a\r\nb\r\n", "\r", "\r\r\n\n\r", "\ufeff<a/>\n", "\xff\xfe\n\x00", "a\u0301\u202e\n漢字", "a\nb\r\nc\rd",
		strings.Repeat("<a>\n", 3000),
	} {
		e := New(theme(true), Options{})
		e.SetText([]byte(s))
		e.Resize(40, 10)
		e.View()
		if string(e.Text()) != s || e.hist.mark() != 0 {
			t.Errorf("%q came out as %q, modified %v", s, e.Text(), e.hist.mark() != 0)
		}
	}
}

func TestTypingClosesTagsAndIndents(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, before, keys, want string }{
		{"closer behind the cursor", "", "<a>", "<a>|</a>"},
		{"attributes", "", `<a b="c>d">`, `<a b="c>d">|</a>`},
		{"empty element", "", "<a/>", "<a/>|"},
		{"prefix", "", "<nc:get>", "<nc:get>|</nc:get>"},
		{"tag over two lines", "", "<a\nb=\"c\">", "<a\n    b=\"c\">|</a>"},
		{"end tag alone", "", "</a>", "</a>|"},
		{"no closer in a comment", "", "<!-- <a>", "<!-- <a>|"},
		{"no closer in CDATA", "", "<![CDATA[<a>", "<![CDATA[<a>|"},
		{"processing instruction", "", "<?xml?>", "<?xml?>|"},
		{"enter opens the element", "", "<a>\n", "<a>\n  |\n</a>"},
		{"nested", "", "<a>\n<b>\nx", "<a>\n  <b>\n    x|\n  </b>\n</a>"},
		{"leaf typed whole", "", "<a>x</a>", "<a>x</a>|"},
		{"leaf by its closer", "", "<a>x</", "<a>x</a>|"},
		{"two leaves", "", "<a>x</a>\n<b>", "<a>x</a>\n<b>|</b>"},
		{"end tag completed", "<a><b>x|</b>", "</", "<a><b>x</b>|</b>"},
		{"end tag completed, typed on", "<a>x|", "</a>", "<a>x</a>|"},
		{"end tag dedents", "<a>\n  <b/>\n  |", "</", "<a>\n  <b/>\n</a>|"},
		{"text like the tag behind it", "<b>x|", "</bold", "<b>x</b>bold|"},
		{"closed already", "<a|x</a>", ">", "<a>|x</a>"},
		{"same name as the parent", "<a><a|</a>", ">", "<a><a>|</a></a>"},
		{"line below keeps its indent", "  x|", "\ny", "  x\n  y|"},
		{"blank line keeps no blanks", "  x|", "\n\ny", "  x\n\n  y|"},
		{"before an end tag", "  <a>\n    x|</a>", "\n", "  <a>\n    x\n  |</a>"},
		{"tab", "|", "\tx", "  x|"},
		{"CR LF text", "<a>|\r\n</a>\r\n", "\nx", "<a>\r\n  x|\r\n</a>\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, strings.Replace(c.before, "|", "", 1), Options{})
			if i := strings.Index(c.before, "|"); i >= 0 {
				r.cur = posOf(c.before, i)
			}
			r.typed(c.keys)
			r.wantAt(c.want)
			for r.hist.mark() != 0 {
				r.press("ctrl+_")
			}
			r.want(strings.Replace(c.before, "|", "", 1))
		})
	}
}

// TestUnmarkedPasteIsExact sends texts as keys, as terminals without bracketed
// paste do, cut into reads at every place and with pauses between reads.
func TestUnmarkedPasteIsExact(t *testing.T) {
	t.Parallel()
	text := "<rpc>\n  <a>\n\n    <b c=\"d\" >x</b>\n\t\t<e/>\n      </a>\n  <f>y</f> \n</rpc>\n"
	for size := 1; size < len(text); size++ {
		for _, pause := range []time.Duration{time.Microsecond, 50 * time.Millisecond, time.Second} {
			if size < 12 && pause > time.Millisecond {
				continue // that is typing
			}
			r := newRig(t, "", Options{})
			for rest := text; rest != ""; {
				n := min(size, len(rest))
				gap := pause
				for _, k := range keysOf(rest[:n]) {
					r.send(k, gap)
					gap = 100 * time.Microsecond
				}
				rest = rest[n:]
			}
			if got := string(r.Text()); got != text {
				t.Fatalf("reads of %d bytes, %v apart\n got %q\nwant %q", size, pause, got, text)
			}
			if pause < time.Millisecond {
				r.press("ctrl+_")
				r.want("")
			}
		}
	}
}

// keysOf cuts text the way the terminal reader does: letters that stand
// together are one key, blanks are keys of their own.
func keysOf(text string) []tea.KeyMsg {
	var out []tea.KeyMsg
	var run []rune
	flush := func() {
		if len(run) > 0 {
			out = append(out, tea.KeyMsg{Type: tea.KeyRunes, Runes: run})
			run = nil
		}
	}
	for _, c := range text {
		if c == ' ' || c < 0x20 {
			flush()
			out = append(out, char(c))
			continue
		}
		run = append(run, c)
	}
	flush()
	return out
}

func TestUnmarkedPasteOf5000Lines(t *testing.T) {
	t.Parallel()
	text := document(5000)
	r := newRig(t, "", Options{})
	for _, k := range keysOf(text) {
		r.send(k, 50*time.Microsecond)
	}
	if string(r.Text()) != text {
		t.Fatalf("%d bytes became %d", len(text), r.Len())
	}
	r.press("ctrl+_")
	r.want("")
	r.press("ctrl+o")
	r.want(text)
}

func TestUnmarkedPasteOfReturnsAndNewlines(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", Options{})
	for range 3 {
		r.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("<a>")}, time.Microsecond)
		r.send(tea.KeyMsg{Type: tea.KeyEnter}, time.Microsecond)
		r.send(tea.KeyMsg{Type: tea.KeyCtrlJ}, time.Microsecond)
	}
	r.want("<a>\r\n<a>\r\n<a>\r\n")
}

func TestEscapeInAPasteIsText(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", Options{})
	r.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("abc")}, time.Second)
	r.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("C"), Alt: true}, time.Millisecond)
	r.send(tea.KeyMsg{Type: tea.KeyEsc}, time.Millisecond)
	if !r.Editing() || !r.Pasting() {
		t.Errorf("editing %v, pasting %v", r.Editing(), r.Pasting())
	}
	r.want("abc\x1bC\x1b")
	r.clock.now = r.clock.now.Add(quiet)
	if r.Pasting() {
		t.Error("still pasting when nothing comes any more")
	}
	r.send(char('x'), time.Second)
	if r.Pasting() {
		t.Error("still pasting after a pause")
	}
	r.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("q"), Alt: true}, time.Second)
	if r.Editing() || len(r.msgs) != 1 || r.msgs[0].(tea.KeyMsg).String() != "q" {
		t.Errorf("alt+q: editing %v, then %v", r.Editing(), r.msgs)
	}
}

func TestMarkedPasteIsOneStep(t *testing.T) {
	t.Parallel()
	text := document(5000)
	r := newRig(t, "<a>\n</a>", Options{})
	r.typed("x")
	r.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(strings.ReplaceAll(text, "\n", "\r")), Paste: true}, human)
	r.want("x" + text + "<a>\n</a>")
	r.typed("y")
	r.press("ctrl+_")
	r.want("x" + text + "<a>\n</a>")
	r.press("ctrl+_")
	r.want("x<a>\n</a>")
	r.press("ctrl+_")
	r.want("<a>\n</a>")
	if r.hist.mark() != 0 {
		t.Error("modified after all was undone")
	}
}

func TestPasteBeyondTheLimitIsRefusedWhole(t *testing.T) {
	t.Parallel()
	r := newRig(t, "<a/>", Options{MaxBytes: 1000})
	r.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(strings.Repeat("x", 997)), Paste: true}, human)
	r.want("<a/>")
	if !strings.Contains(r.toasts(), "Not inserted: 997 B more") {
		t.Errorf("toast %q", r.toasts())
	}
	r.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(strings.Repeat("x", 996)), Paste: true}, human)
	if r.Len() != 1000 {
		t.Errorf("%d bytes", r.Len())
	}
	r.msgs = nil
	r.typed("y\n\t")
	if r.Len() != 1000 || r.toasts() == "" {
		t.Errorf("%d bytes, toast %q", r.Len(), r.toasts())
	}
}

func TestTenMegabytes(t *testing.T) {
	t.Parallel()
	big := document(380_000)
	if len(big) < 10<<20 {
		t.Fatal(len(big))
	}
	r := newRig(t, "", Options{})
	r.run(r.Paste(big, false))
	r.want("")
	r = newRig(t, "", Options{MaxBytes: 16 << 20})
	r.run(r.Paste(big, false))
	r.press("ctrl+end")
	r.typed("x")
	r.View()
	r.press("ctrl+_", "ctrl+_")
	r.want("")
}

func TestPasteInThePaneAsks(t *testing.T) {
	t.Parallel()
	r := newRig(t, "<old/>", Options{})
	r.press("esc")
	r.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("<new/>\r"), Paste: true}, human)
	r.want("<old/>")
	m, ok := r.msgs[0].(PasteMsg)
	if !ok || m.Text != "<new/>\n" || m.Editor != r.Editor {
		t.Fatalf("%#v", r.msgs)
	}
	r.run(r.Paste(m.Text, true))
	r.want("<new/>\n")
	r.press("u")
	r.want("<old/>")
	r.run(r.Paste(m.Text, false))
	r.want("<new/>\n<old/>")
}

func TestKeysOfTheShell(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		before string
		keys   []string
		want   string
	}{
		{"abc def| ghi", []string{"ctrl+w"}, "abc | ghi"},
		{"abc def| ghi", []string{"ctrl+k"}, "abc def|"},
		{"abc|\ndef", []string{"ctrl+k"}, "abc|def"},
		{"abc|\r\ndef", []string{"ctrl+k"}, "abc|def"},
		{"abc| def", []string{"ctrl+u"}, "| def"},
		{"ab|c", []string{"ctrl+d"}, "ab|"},
		{"ab|c", []string{"backspace"}, "a|c"},
		{"ab\n|c", []string{"backspace"}, "ab|c"},
		{"ab\r\n|c", []string{"backspace"}, "ab|c"},
		{"a漢|c", []string{"backspace"}, "a|c"},
		{"ae\u0301|c", []string{"backspace"}, "a|c"},
		{"a|e\u0301c", []string{"right", "x"}, "ae\u0301x|c"},
		{"  ab|c", []string{"ctrl+a"}, "  |abc"},
		{"  |abc", []string{"ctrl+a"}, "|  abc"},
		{"  |abc", []string{"ctrl+e"}, "  abc|"},
		{"<a-b c>|", []string{"ctrl+left"}, "<a-b |c>"},
		{"|<ab c>", []string{"ctrl+right"}, "<ab| c>"},
		{"a\nb|\nc", []string{"ctrl+a", "ctrl+k", "ctrl+k", "up", "ctrl+y"}, "b\n|a\nc"},
		{"one|\ntwo", []string{"ctrl+t"}, "one\none|\ntwo"},
		{"one\ntw|o", []string{"ctrl+up"}, "tw|o\none"},
		{"on|e\r\ntwo", []string{"ctrl+down"}, "two\r\non|e"},
		{"  ab|c", []string{"shift+tab"}, "ab|c"},
		{"a|bc\n漢字x\nabc", []string{"down", "down"}, "abc\n漢字x\na|bc"},
		{"abc|\n漢字x\nabc", []string{"down"}, "abc\n漢|字x\nabc"},
		{"ab|c", []string{"up"}, "|abc"},
		{"ab|c", []string{"down"}, "abc|"},
		{"a|\nb", []string{"right"}, "a\n|b"},
		{"a\n|b", []string{"left"}, "a|\nb"},
	} {
		t.Run(fmt.Sprint(c.before, c.keys), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, strings.Replace(c.before, "|", "", 1), Options{})
			r.cur = posOf(c.before, strings.Index(c.before, "|"))
			r.press(c.keys...)
			r.wantAt(c.want)
		})
	}
}

func TestLinesInThePane(t *testing.T) {
	t.Parallel()
	r := newRig(t, "one\n  two\nthree", Options{})
	r.press("esc", "j", "d")
	r.want("one\nthree")
	r.press("p")
	r.wantAt("one\nthree\n  |two")
	r.press("u", "u")
	r.want("one\n  two\nthree")
	r.press("G", "d")
	r.want("one\n  two")
	r.press("g", "o")
	r.typed("x")
	r.want("one\nx\n  two")
	if !r.Editing() {
		t.Error("not editing")
	}
}

func TestUndoGoesByWords(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", Options{})
	r.typed("one two")
	r.press("ctrl+_")
	r.want("one ")
	r.press("ctrl+_")
	r.want("")
	r.press("ctrl+_")
	if r.toasts() != "Nothing to undo" {
		t.Errorf("toast %q", r.toasts())
	}
	r.press("ctrl+o", "ctrl+o")
	r.want("one two")
	r.press("backspace", "backspace", "backspace")
	r.want("one ")
	r.press("ctrl+_")
	r.want("one two")
	r.press("left")
	r.typed("x")
	r.press("ctrl+o")
	r.want("one twxo")
}

func TestSearch(t *testing.T) {
	t.Parallel()
	r := newRig(t, "<Alpha>\nbeta alpha\n漢alpha\n", Options{})
	r.press("esc", "/")
	if !r.Capturing() {
		t.Error("the prompt does not capture")
	}
	r.typed("alpha")
	r.wantAt("<|Alpha>\nbeta alpha\n漢alpha\n")
	r.press("enter", "n")
	r.wantAt("<Alpha>\nbeta |alpha\n漢alpha\n")
	r.press("n")
	r.wantAt("<Alpha>\nbeta alpha\n漢|alpha\n")
	r.press("n", "N")
	r.wantAt("<Alpha>\nbeta alpha\n漢|alpha\n")
	r.press("N", "N")
	r.wantAt("<|Alpha>\nbeta alpha\n漢alpha\n")
	r.press("/")
	r.typed("Alpha")
	r.press("enter", "n")
	r.wantAt("<|Alpha>\nbeta alpha\n漢alpha\n")
	r.press("/")
	r.typed("gamma")
	r.press("enter")
	if r.toasts() != "Not found: gamma" {
		t.Errorf("toast %q", r.toasts())
	}
	r.press("/")
	r.typed("beta")
	r.press("esc")
	r.wantAt("<|Alpha>\nbeta alpha\n漢alpha\n")
	r.press("#")
	r.typed("3")
	r.press("enter")
	r.wantAt("<Alpha>\nbeta alpha\n|漢alpha\n")
	r.press("#")
	r.typed("x")
	r.press("enter")
	if !strings.Contains(r.toasts(), "Not a line number: x") {
		t.Errorf("toast %q", r.toasts())
	}
}

func TestMatchingTags(t *testing.T) {
	t.Parallel()
	text := "<a>\n  <b x=\"1\"\n     y=\"2\">\n    <b/>\n    t\n  </b>\n</a>"
	r := newRig(t, text, Options{})
	r.Goto(2, 4)
	if r.pair != [2]span{{1, 3, 4}, {5, 4, 5}} {
		t.Errorf("pair %v", r.pair)
	}
	r.press("ctrl+]")
	if l, c := r.Cursor(); l != 6 || c != 3 {
		t.Errorf("at %d:%d", l, c)
	}
	r.press("ctrl+]")
	if l, c := r.Cursor(); l != 2 || c != 3 {
		t.Errorf("at %d:%d", l, c)
	}
	r.Goto(5, 5)
	r.press("ctrl+]")
	if l, c := r.Cursor(); l != 2 || c != 3 {
		t.Errorf("element around: %d:%d", l, c)
	}
}

func TestProblemsAreShownWhileTyping(t *testing.T) {
	t.Parallel()
	r := newRig(t, "<a>\n</b>\n", Options{Check: wellFormed})
	if r.problem.Line != 2 {
		t.Fatalf("%+v", r.problem)
	}
	if row := strings.Split(r.View(), "\n")[1]; !strings.HasPrefix(row, "! 2 </b>") {
		t.Errorf("row %q", row)
	}
	r.Goto(2, 3)
	r.press("delete")
	r.typed("a")
	if r.problem.Line != 0 {
		t.Errorf("%+v", r.problem)
	}
}

// TestLongTextsAreCheckedAside types into a text that is too long to be checked
// at once: one check is under way at a time, and the last state is checked.
func TestLongTextsAreCheckedAside(t *testing.T) {
	t.Parallel()
	calls := 0
	e := New(theme(true), Options{Check: func(b []byte) (int, int, string) { calls++; return wellFormed(b) }})
	e.Resize(80, 24)
	if cmd := e.SetText([]byte(document(6000))); cmd == nil || calls != 0 {
		t.Fatal("checked at once", calls)
	}
	due := e.Update(checkDue{e})
	e.SetEditing(true)
	e.Update(char('<'))
	e.Update(char('!'))
	if calls != 0 || e.checked == e.serial {
		t.Fatal("checked in Update")
	}
	done := due().(checkDone)
	if calls != 1 || done.problem.Line != 0 {
		t.Fatal(calls, done.problem)
	}
	if cmd := e.Update(done); cmd == nil || e.checked == e.serial {
		t.Fatal("the change meanwhile is not checked")
	}
	done = e.Update(checkDue{e})().(checkDone)
	if cmd := e.Update(done); cmd != nil || e.checked != e.serial {
		t.Fatal("not done")
	}
	if e.problem.Line == 0 {
		t.Fatalf("%+v", e.problem)
	}
}

func TestMarksMoveWithTheText(t *testing.T) {
	t.Parallel()
	r := newRig(t, "a\nb\nc\nd", Options{})
	r.MarkLines([]int{0, 2, 4, 9})
	r.typed("\n")
	view := strings.Split(r.View(), "\n")
	for i, sign := range []string{" ", " ", "!", " ", "!"} {
		if !strings.HasPrefix(view[i], sign) {
			t.Errorf("row %d: %q", i+1, view[i])
		}
	}
}

func TestNoKeyHasTwoActions(t *testing.T) {
	t.Parallel()
	for _, as := range [][]action.Action{paneActions(), editActions()} {
		seen := map[string]action.ID{}
		for _, a := range as {
			if a.Title == "" || len(a.Keys) == 0 || a.Alters {
				t.Errorf("%+v", a)
			}
			for _, k := range a.Keys {
				if seen[k] != "" {
					t.Errorf("%s is %s and %s", k, seen[k], a.ID)
				}
				seen[k] = a.ID
				for _, taken := range []string{"ctrl+r", "ctrl+x", "ctrl+p", "ctrl+c", "ctrl+z", "ctrl+l", "ctrl+s", "ctrl+q", "V", "C", "X", "U", "K", "t", "h", "E", "y", "w", "q", "?", ":"} {
					if k == taken {
						t.Errorf("%s belongs to somebody else", k)
					}
				}
			}
		}
	}
}

// TestEveryActionRuns runs all actions in many states: none may be unknown, and
// each change can be undone.
func TestEveryActionRuns(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "x", "<a>\n  <b>x</b>\r\n</a>\n", "\xff\n\t漢"} {
		for _, a := range append(paneActions(), editActions()...) {
			r := newRig(t, text, Options{Check: wellFormed})
			r.killed, r.cutLines, r.query = "k", "c", "x"
			for range 3 {
				r.run(r.Run(a.ID))
				r.prompt = nil
				r.View()
			}
			for r.hist.mark() != 0 {
				r.run(r.Run("rpc.undo"))
			}
			r.want(text)
		}
	}
}

func TestOverridesOfKeys(t *testing.T) {
	t.Parallel()
	r := newRig(t, "abc", Options{Keys: action.Overrides{"rpc.delete": {"ctrl+v"}}})
	r.press("ctrl+v")
	r.want("bc")
	r.press("ctrl+d")
	r.want("bc")
}

// document is a configuration of n lines.
func document(n int) string {
	var b strings.Builder
	b.WriteString("<configuration>\n")
	for i := 0; b.Len() == 0 || i < (n-2)/5; i++ {
		fmt.Fprintf(&b, "  <interface>\n    <name>ge-%d/%d/%d</name>\n    <mtu units=\"bytes\">9192</mtu>\n    <description>link number %d</description>\n  </interface>\n", i/480, i/48%10, i%48, i)
	}
	for range (n - 2) % 5 {
		b.WriteString("  <x/>\n")
	}
	b.WriteString("</configuration>\n")
	return b.String()
}
