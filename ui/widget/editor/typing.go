package editor

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/highlight"
)

// Keys closer together than tooFast are not typed by a person; after quiet
// without a key a paste is over.
const (
	tooFast = 8 * time.Millisecond
	quiet   = 300 * time.Millisecond
)

// typist remembers what typing needs to know of the keys before: whether a
// paste is under way that the terminal did not mark as one, and what was added
// by itself and can still be taken back.
//
// An indented text that arrives key by key must come out as it is, so nothing
// may be added to it. That it is one is known only from its second key on, so
// what the first one added is undone then.
type typist struct {
	last    time.Time
	pasting bool
	told    bool // that the text is full, in this paste
	enter   bool // the last key was enter

	keys    int // counts keys, but for spaces
	fixes   []fix
	closers []closer // inserted behind the cursor, not yet reached

	over  string // the rest of an end tag that was completed; may be typed as well
	typed Pos    // where typing it again began
}

// fix is a part of the text that was added by itself, and what would stand
// there otherwise.
type fix struct {
	from, to Pos
	raw      string
	key      int // that added it
}

type closer struct {
	at   Pos
	name string
}

// add notes what the key of the moment added by itself.
func (t *typist) add(from, to Pos, raw string) {
	t.fixes = append(t.fixes, fix{from, to, raw, t.keys})
}

func (t *typist) reset() { *t = typist{last: t.last} }

// moved follows a change of the text.
func (t *typist) moved(from, to, end Pos) {
	for i := range t.fixes {
		f := &t.fixes[i]
		f.from = moved(f.from, from, to, end)
		if !(from == to && f.to == from) { // what is typed behind it is not part of it
			f.to = moved(f.to, from, to, end)
		}
	}
	for i := range t.closers {
		t.closers[i].at = moved(t.closers[i].at, from, to, end)
	}
	if from != to || t.typed != from {
		t.typed = moved(t.typed, from, to, end)
	}
}

// isText reports keys that a pasted text can consist of.
func isText(k tea.KeyMsg) bool {
	switch k.Type {
	case tea.KeyRunes, tea.KeySpace, tea.KeyEnter, tea.KeyCtrlJ, tea.KeyTab, tea.KeyEsc:
		return true
	}
	return false
}

// together reports several letters in one key, which a keyboard does not send
// but an input method does, and that one not in ASCII.
func together(k tea.KeyMsg) bool {
	if k.Type != tea.KeyRunes || len(k.Runes) < 2 {
		return false
	}
	for _, r := range k.Runes {
		if r < utf8.RuneSelf {
			return true
		}
	}
	return false
}

// watch notices the beginning and the end of an unmarked paste.
func (e *Editor) watch(k tea.KeyMsg) {
	t := &e.typist
	if k.Paste || !isText(k) {
		t.fixes, t.enter, t.over = nil, false, ""
		t.pasting = t.pasting && !k.Paste
		return
	}
	fast, over := false, false
	if e.opt.Now != nil {
		now := e.opt.Now()
		gap := now.Sub(t.last)
		fast, over = !t.last.IsZero() && gap < tooFast, gap >= quiet
		t.last = now
	} else {
		over = !together(k)
	}
	switch {
	case t.pasting && over && !together(k):
		t.pasting, t.told, t.enter = false, false, false
		e.hist.sealed = true
	case !t.pasting && (fast || together(k)):
		e.beginPaste()
	}
}

// beginPaste takes back what the last key added by itself.
func (e *Editor) beginPaste() {
	t := &e.typist
	t.pasting, t.told, t.over, t.closers = true, false, "", nil
	if len(e.hist.done) > 0 && !e.hist.sealed {
		e.hist.top().kind = pasting
	}
	for i := len(t.fixes) - 1; i >= 0; i-- {
		f := t.fixes[i]
		e.replace(f.from, f.to, f.raw, pasting)
	}
	t.fixes = nil
}

// key takes a key while editing.
func (e *Editor) key(k tea.KeyMsg) tea.Cmd {
	e.watch(k)
	t := &e.typist
	if k.Paste {
		return e.Paste(lineEnds(string(k.Runes)), false)
	}
	wasEnter := t.enter
	t.enter = k.Type == tea.KeyEnter
	if k.Type != tea.KeySpace {
		t.keys++
		t.fixes = slices.DeleteFunc(t.fixes, func(f fix) bool { return f.key < t.keys-1 })
	}
	switch {
	case t.pasting && k.Type == tea.KeyCtrlJ && wasEnter:
		return e.returnBefore()
	case t.pasting && (k.Type == tea.KeyEnter || k.Type == tea.KeyCtrlJ):
		return e.insert(e.eol(), pasting)
	case t.pasting && k.Type == tea.KeyTab:
		return e.insert("\t", pasting)
	case t.pasting && k.Type == tea.KeyEsc:
		return e.insert("\x1b", pasting)
	case t.pasting && k.Alt && k.Type == tea.KeyRunes:
		return e.insert("\x1b"+string(k.Runes), pasting)
	case k.Alt:
		// A terminal that is slow to tell Esc from Alt sends both keys as one.
		e.SetEditing(false)
		k.Alt = false
		return func() tea.Msg { return k }
	case k.Type == tea.KeyRunes || k.Type == tea.KeySpace:
		return e.typeText(string(k.Runes))
	}
	if id, ok := e.keys[1][k.String()]; ok {
		return e.Run(id)
	}
	return nil
}

// lineEnds makes newlines of the carriage returns that terminals send in their
// place. A text that has newlines is left alone.
func lineEnds(s string) string {
	if strings.Contains(s, "\n") {
		return s
	}
	return strings.ReplaceAll(s, "\r", "\n")
}

// returnBefore makes the newline that was just pasted a CR LF, which is what
// arrived.
func (e *Editor) returnBefore() tea.Cmd {
	if e.cur.Off != 0 || e.cur.Line == 0 || strings.HasSuffix(e.buf.text(e.cur.Line-1), "\r") {
		return nil
	}
	at := Pos{e.cur.Line - 1, len(e.buf.text(e.cur.Line - 1))}
	e.replace(at, at, "\r", pasting)
	return nil
}

// insert puts text at the cursor, unless the text would grow too long.
func (e *Editor) insert(text string, k kind) tea.Cmd {
	if e.buf.size+len(text) > e.opt.MaxBytes {
		if e.typist.told && e.typist.pasting {
			return nil
		}
		e.typist.told = true
		return e.full(len(text))
	}
	e.replace(e.cur, e.cur, text, k)
	e.goal = -1
	return nil
}

// typeText inserts letters and adds what XML asks for behind them.
func (e *Editor) typeText(s string) tea.Cmd {
	t := &e.typist
	if t.pasting {
		return e.insert(s, pasting)
	}
	before := e.cur
	cmd := e.insert(s, typing)
	if e.cur == before {
		return cmd
	}
	if t.over != "" && e.typeOver(s) {
		return cmd
	}
	switch s {
	case ">":
		e.closeTag()
	case "/":
		e.completeEnd()
	}
	return cmd
}

// typeOver takes away an end tag's rest that was typed although it was there.
func (e *Editor) typeOver(s string) bool {
	t := &e.typist
	typed := ""
	if t.typed.Line == e.cur.Line && t.typed.Off < e.cur.Off {
		typed = e.buf.slice(t.typed, e.cur)
	}
	switch {
	case typed == t.over:
		e.replace(t.typed, e.cur, "", typing)
		t.over = ""
		return true
	case !strings.HasPrefix(t.over, typed):
		t.over = ""
	}
	return false
}

// closeTag adds the end tag when a start tag was just finished that has none.
func (e *Editor) closeTag() {
	var t tag
	ok := false
	e.tags(e.blockStart(e.cur.Line), e.cur.Line, func(u tag) bool {
		t, ok = u, u.to == e.cur
		return !ok
	})
	if !ok || t.kind != startTag || t.name == "" {
		return
	}
	if c, found := e.closing(e.cur, reach); found && c.name == t.name {
		if p, found := e.enclosing(t.from); !found || p.name != t.name {
			return // it was there already
		}
	}
	text := "</" + t.name + ">"
	if e.buf.size+len(text) > e.opt.MaxBytes {
		return
	}
	at := e.cur
	e.hist.begin()
	e.replace(at, at, text, other)
	e.hist.end()
	e.hist.top().to = at
	e.cur = at
	ty := &e.typist
	ty.add(at, Pos{at.Line, at.Off + len(text)}, "")
	ty.closers = append(ty.closers[max(len(ty.closers)-16, 0):], closer{at, t.name})
}

// completeEnd adds the name behind "</", or steps over the end tag that was
// added with the start tag.
func (e *Editor) completeEnd() {
	lt := Pos{e.cur.Line, e.cur.Off - 2}
	if lt.Off < 0 || e.buf.text(lt.Line)[lt.Off] != '<' || e.stateAt(lt) != highlight.InText {
		return
	}
	open, ok := e.enclosing(lt)
	if !ok || open.name == "" {
		return
	}
	ty := &e.typist
	rest := open.name + ">"
	line := e.buf.text(lt.Line)
	if own := e.ownCloser(open.name); own {
		e.hist.begin()
		e.replace(lt, e.cur, "", other)
		e.hist.end()
		e.cur.Off += len("</" + rest)
		ty.over, ty.typed = rest, e.cur
		return
	}
	if e.buf.size+len(rest) > e.opt.MaxBytes {
		return
	}
	e.hist.begin()
	defer e.hist.end()
	at := e.cur
	e.replace(at, at, rest, other)
	ty.add(at, e.cur, "")
	if blanks := line[:lt.Off]; strings.TrimLeft(blanks, " \t") == "" {
		want := indent(e.buf.text(open.from.Line))
		if len(want) < len(blanks) && strings.HasPrefix(blanks, want) {
			from := Pos{lt.Line, len(want)}
			e.replace(from, lt, "", other)
			ty.add(from, from, blanks[len(want):])
		}
	}
	ty.over, ty.typed = rest, e.cur
}

// ownCloser reports that the end tag of name right behind the cursor was put
// there by closeTag.
func (e *Editor) ownCloser(name string) bool {
	if !strings.HasPrefix(e.buf.text(e.cur.Line)[e.cur.Off:], "</"+name+">") {
		return false
	}
	for _, c := range e.typist.closers {
		if c.at == e.cur && c.name == name {
			return true
		}
	}
	return false
}

// newline breaks the line as a person wants it: indented like the line above,
// deeper behind a start tag, the end tag on a line of its own.
func (e *Editor) newline() tea.Cmd {
	ty := &e.typist
	s, eol := e.buf.shown(e.cur.Line), e.eol()
	before, after := s[:e.cur.Off], s[e.cur.Off:]
	deep, below := e.depths(before, after)
	first, second := eol+deep, ""
	if below {
		second = eol + indent(before)
	}
	if e.buf.size+len(first)+len(second) > e.opt.MaxBytes {
		return e.full(len(first) + len(second))
	}
	e.hist.sealed = true
	e.hist.begin()
	defer func() { e.hist.end(); e.hist.sealed = false }()
	if n := len(ty.fixes); n > 0 && after == "" && before != "" && indent(before) == before && ty.fixes[n-1].to == e.cur {
		e.replace(Pos{e.cur.Line, 0}, e.cur, "", typing) // nothing but what enter put there
	}
	ty.fixes = nil
	e.replace(e.cur, e.cur, first, typing)
	at := e.cur
	from := Pos{at.Line, 0}
	if second != "" {
		e.replace(at, at, second, other)
		end := e.cur
		e.cur = at
		e.hist.top().to = at
		ty.add(at, end, "")
	}
	if deep != "" {
		ty.add(from, at, "")
	}
	e.goal = -1
	return nil
}

// depths returns the indentation of a line that begins between before and
// after, and whether after goes below it on a third line.
func (e *Editor) depths(before, after string) (deep string, below bool) {
	base := indent(before)
	if base == before {
		return base, false
	}
	switch e.stateAt(e.cur) {
	case highlight.InText:
	case highlight.InTag:
		return base + "    ", false
	default:
		return base, false
	}
	open := 0
	e.tags(e.blockStart(e.cur.Line), e.cur.Line, func(t tag) bool {
		switch {
		case e.cur.before(t.to):
			return false
		case t.to.Line != e.cur.Line:
		case t.kind == startTag:
			open++
		case t.kind == endTag && open > 0:
			open--
		}
		return true
	})
	ends := strings.HasPrefix(after, "</")
	switch {
	case open > 0:
		return base + "  ", ends
	case ends:
		if t, ok := e.enclosing(e.cur); ok {
			return indent(e.buf.text(t.from.Line)), false
		}
	}
	return base, false
}

// tab inserts two spaces.
func (e *Editor) tab() tea.Cmd {
	at := e.cur
	cmd := e.insert("  ", typing)
	if e.cur != at {
		e.typist.add(at, e.cur, "\t")
	}
	return cmd
}
