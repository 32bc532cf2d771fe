package editor

import (
	"strings"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/action"
	"dialtone/ui/msg"
	"dialtone/ui/safe"
)

// paneActions are what letters do while the editor is not editing.
func paneActions() []action.Action {
	return action.Under("RPC", []action.Action{
		{ID: "rpc.edit", Title: "Edit the RPC", Keys: []string{"i", "enter"}, Hint: 10, Short: "edit"},
		{ID: "rpc.format", Title: "Format: indent elements, keep all text", Keys: []string{"F"}, Hint: 40, Short: "format"},
		{ID: "rpc.undo", Title: "Undo", Keys: []string{"u"}},
		{ID: "rpc.redo", Title: "Redo", Keys: []string{"ctrl+o"}},
		{ID: "rpc.search", Title: "Search in the RPC", Keys: []string{"/"}},
		{ID: "rpc.next", Title: "Next match", Keys: []string{"n"}},
		{ID: "rpc.prev", Title: "Previous match", Keys: []string{"N"}},
		{ID: "rpc.goto", Title: "Go to line", Keys: []string{"#"}},
		{ID: "rpc.match", Title: "Go to the other tag, or to the element around", Keys: []string{"%"}},
		{ID: "rpc.problem", Title: "Go to where the XML is wrong", Keys: []string{"ctrl+n"}},
		{ID: "rpc.cut", Title: "Cut line", Keys: []string{"d"}},
		{ID: "rpc.put", Title: "Put the cut line below", Keys: []string{"p"}},
		{ID: "rpc.open", Title: "Open a line below and edit", Keys: []string{"o"}},
		{ID: "rpc.duplicate", Title: "Duplicate line", Keys: []string{"ctrl+t"}},
		{ID: "rpc.move-up", Title: "Move line up", Keys: []string{"ctrl+up"}},
		{ID: "rpc.move-down", Title: "Move line down", Keys: []string{"ctrl+down"}},
		{ID: "rpc.down", Title: "Down", Keys: []string{"j", "down"}},
		{ID: "rpc.up", Title: "Up", Keys: []string{"k", "up"}},
		{ID: "rpc.left", Title: "Left", Keys: []string{"left"}},
		{ID: "rpc.right", Title: "Right", Keys: []string{"right"}},
		{ID: "rpc.home", Title: "Beginning of the line", Keys: []string{"home"}},
		{ID: "rpc.end", Title: "End of the line", Keys: []string{"end"}},
		{ID: "rpc.half-down", Title: "Half a page down", Keys: []string{"ctrl+d"}},
		{ID: "rpc.half-up", Title: "Half a page up", Keys: []string{"ctrl+u"}},
		{ID: "rpc.page-down", Title: "Page down", Keys: []string{"pgdown"}},
		{ID: "rpc.page-up", Title: "Page up", Keys: []string{"pgup"}},
		{ID: "rpc.top", Title: "First line", Keys: []string{"g", "ctrl+home"}},
		{ID: "rpc.bottom", Title: "Last line", Keys: []string{"G", "ctrl+end"}},
	})
}

// editActions are what control keys do while letters are text.
func editActions() []action.Action {
	return action.Under("RPC, EDITING", []action.Action{
		{ID: "rpc.done", Title: "Done editing", Keys: []string{"esc", "ctrl+g"}, Hint: 1, Short: "done"},
		{ID: "rpc.undo", Title: "Undo (ctrl+/ sends the same in most terminals)", Keys: []string{"ctrl+_"}, Hint: 50, Short: "undo"},
		{ID: "rpc.redo", Title: "Redo", Keys: []string{"ctrl+o"}},
		{ID: "rpc.newline", Title: "New line", Keys: []string{"enter", "ctrl+j"}},
		{ID: "rpc.tab", Title: "Two spaces", Keys: []string{"tab"}},
		{ID: "rpc.untab", Title: "Indent the line less", Keys: []string{"shift+tab"}},
		{ID: "rpc.backspace", Title: "Delete the character before", Keys: []string{"backspace", "ctrl+h"}},
		{ID: "rpc.delete", Title: "Delete the character", Keys: []string{"delete", "ctrl+d"}},
		{ID: "rpc.kill-word", Title: "Cut the word before", Keys: []string{"ctrl+w"}},
		{ID: "rpc.kill-end", Title: "Cut to the end of the line, then the line end", Keys: []string{"ctrl+k"}},
		{ID: "rpc.kill-start", Title: "Cut to the beginning of the line", Keys: []string{"ctrl+u"}},
		{ID: "rpc.yank", Title: "Insert what was cut", Keys: []string{"ctrl+y"}},
		{ID: "rpc.duplicate", Title: "Duplicate line", Keys: []string{"ctrl+t"}},
		{ID: "rpc.move-up", Title: "Move line up", Keys: []string{"ctrl+up"}},
		{ID: "rpc.move-down", Title: "Move line down", Keys: []string{"ctrl+down"}},
		{ID: "rpc.search", Title: "Search in the RPC", Keys: []string{"ctrl+f"}},
		{ID: "rpc.problem", Title: "Go to where the XML is wrong", Keys: []string{"ctrl+n"}},
		{ID: "rpc.match", Title: "Go to the other tag, or to the element around", Keys: []string{"ctrl+]"}},
		{ID: "rpc.down", Title: "Down", Keys: []string{"down"}},
		{ID: "rpc.up", Title: "Up", Keys: []string{"up"}},
		{ID: "rpc.left", Title: "Left", Keys: []string{"left", "ctrl+b"}},
		{ID: "rpc.right", Title: "Right", Keys: []string{"right"}},
		{ID: "rpc.word-left", Title: "Word left", Keys: []string{"ctrl+left"}},
		{ID: "rpc.word-right", Title: "Word right", Keys: []string{"ctrl+right"}},
		{ID: "rpc.home", Title: "Beginning of the line", Keys: []string{"home", "ctrl+a"}},
		{ID: "rpc.end", Title: "End of the line", Keys: []string{"end", "ctrl+e"}},
		{ID: "rpc.page-down", Title: "Page down", Keys: []string{"pgdown"}},
		{ID: "rpc.page-up", Title: "Page up", Keys: []string{"pgup"}},
		{ID: "rpc.top", Title: "First line", Keys: []string{"ctrl+home"}},
		{ID: "rpc.bottom", Title: "Last line", Keys: []string{"ctrl+end"}},
	})
}

// keymap maps keys to actions; the first action of a key wins.
func keymap(as []action.Action) map[string]action.ID {
	m := make(map[string]action.ID)
	for _, a := range as {
		for _, k := range a.Keys {
			if _, ok := m[k]; !ok {
				m[k] = a.ID
			}
		}
	}
	return m
}

// Actions implements pane.Pane.
func (e *Editor) Actions() []action.Action {
	if e.prompt != nil {
		return nil
	}
	as := paneActions()
	if e.editing {
		as = editActions()
	}
	off := map[action.ID]bool{
		"rpc.undo": len(e.hist.done) == 0, "rpc.redo": len(e.hist.undone) == 0,
		"rpc.next": e.query == "", "rpc.prev": e.query == "",
		"rpc.put": e.cutLines == "", "rpc.yank": e.killed == "", "rpc.problem": e.problem.Line == 0,
	}
	why := map[action.ID]string{
		"rpc.undo": "nothing to undo", "rpc.redo": "nothing to redo",
		"rpc.next": "nothing was searched for yet", "rpc.prev": "nothing was searched for yet",
		"rpc.put": "no line was cut", "rpc.yank": "nothing was cut", "rpc.problem": "no mistake was found",
	}
	for i := range as {
		if off[as[i].ID] {
			as[i].Off = why[as[i].ID]
		}
	}
	return as
}

// Update implements pane.Pane.
func (e *Editor) Update(m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case checkDue:
		if m.e == e {
			return e.runCheck()
		}
	case checkDone:
		if m.e == e {
			return e.answered(m)
		}
	case formatDone:
		if m.e == e {
			return e.formatted(m)
		}
	case tea.KeyMsg:
		return e.onKey(m)
	}
	return nil
}

func (e *Editor) onKey(k tea.KeyMsg) tea.Cmd {
	var cmd tea.Cmd
	switch {
	case e.prompt != nil:
		cmd = e.answer(k)
	case e.editing:
		cmd = e.key(k)
	case k.Paste:
		text := lineEnds(string(k.Runes))
		if len(text) > e.opt.MaxBytes {
			return e.full(len(text))
		}
		return func() tea.Msg { return e.wrap(PasteMsg{e, text}) }
	default:
		if id, ok := e.keys[0][k.String()]; ok {
			return e.Run(id)
		}
		return nil
	}
	return tea.Batch(cmd, e.settle())
}

// Run implements pane.Pane.
func (e *Editor) Run(id action.ID) tea.Cmd {
	if e.prompt != nil { // an action from elsewhere ends it
		e.cancel()
	}
	killing := e.killing
	e.killing = false
	if id != "rpc.newline" && id != "rpc.tab" {
		e.typist.fixes = nil
	}
	cmd, ok := e.change(id, killing)
	if !ok {
		cmd = e.move(id)
	}
	return tea.Batch(cmd, e.settle())
}

// change runs the actions that change the text or the mode; false for others.
func (e *Editor) change(id action.ID, killing bool) (tea.Cmd, bool) {
	end := Pos{e.cur.Line, len(e.buf.shown(e.cur.Line))}
	switch id {
	case "rpc.edit":
		e.SetEditing(true)
	case "rpc.done":
		e.SetEditing(false)
	case "rpc.undo":
		return e.undo(true), true
	case "rpc.redo":
		return e.undo(false), true
	case "rpc.format":
		return e.format(), true
	case "rpc.newline":
		return e.newline(), true
	case "rpc.tab":
		return e.tab(), true
	case "rpc.untab":
		if in := indent(e.buf.text(e.cur.Line)); in != "" {
			n := 1
			if strings.HasPrefix(in, "  ") {
				n = 2
			}
			e.replace(Pos{e.cur.Line, 0}, Pos{e.cur.Line, n}, "", other)
		}
	case "rpc.backspace":
		e.remove(e.prevPos(e.cur), e.cur)
	case "rpc.delete":
		e.remove(e.cur, e.nextPos(e.cur))
	case "rpc.kill-word":
		e.kill(e.wordLeft(e.cur), e.cur, killing, true)
	case "rpc.kill-end":
		if e.cur == end {
			end = e.nextPos(end)
		}
		e.kill(e.cur, end, killing, false)
	case "rpc.kill-start":
		e.kill(Pos{e.cur.Line, 0}, e.cur, killing, true)
	case "rpc.yank":
		return e.insert(e.killed, other), true
	case "rpc.cut":
		e.cut()
	case "rpc.put":
		return e.put(), true
	case "rpc.open":
		e.moveTo(end)
		e.SetEditing(true)
		return e.newline(), true
	case "rpc.duplicate":
		at := Pos{e.cur.Line, len(e.buf.shown(e.cur.Line))}
		cur := e.cur
		cmd := e.insertAt(at, e.eol()+e.buf.shown(e.cur.Line))
		e.cur = Pos{min(cur.Line+1, e.buf.len()-1), cur.Off}
		return cmd, true
	case "rpc.move-up":
		e.swap(e.cur.Line-1, -1)
	case "rpc.move-down":
		e.swap(e.cur.Line, 1)
	default:
		return nil, false
	}
	return nil, true
}

// move runs the actions that move the cursor.
func (e *Editor) move(id action.ID) tea.Cmd {
	switch id {
	case "rpc.down":
		e.vertical(1)
	case "rpc.up":
		e.vertical(-1)
	case "rpc.page-down":
		e.scroll(e.page())
	case "rpc.page-up":
		e.scroll(-e.page())
	case "rpc.half-down":
		e.scroll(max(e.page()/2, 1))
	case "rpc.half-up":
		e.scroll(-max(e.page()/2, 1))
	case "rpc.left":
		e.moveTo(e.prevPos(e.cur))
	case "rpc.right":
		e.moveTo(e.nextPos(e.cur))
	case "rpc.word-left":
		e.moveTo(e.wordLeft(e.cur))
	case "rpc.word-right":
		e.moveTo(e.wordRight(e.cur))
	case "rpc.home":
		e.home()
	case "rpc.end":
		e.moveTo(Pos{e.cur.Line, len(e.buf.shown(e.cur.Line))})
	case "rpc.top":
		e.moveTo(Pos{})
	case "rpc.bottom":
		e.moveTo(e.buf.last())
	case "rpc.search":
		e.ask('/')
	case "rpc.goto":
		e.ask('#')
	case "rpc.next":
		return e.again(true)
	case "rpc.prev":
		return e.again(false)
	case "rpc.match":
		e.jumpPair()
	case "rpc.problem":
		if e.problem.Line == 0 {
			return msg.Say(msg.Info, "No mistake was found")
		}
		e.moveTo(e.charPos(e.problem.Line, e.problem.Col))
		return msg.Say(msg.Info, safe.Text(e.problem.What))
	}
	return nil
}

// charPos returns the place of a line and a column that counts characters,
// both from 1; too large ones are the last.
func (e *Editor) charPos(line, col int) Pos {
	l := min(max(line-1, 0), e.buf.len()-1)
	s, off := e.buf.shown(l), 0
	for ; col > 1 && off < len(s); col-- {
		_, n := utf8.DecodeRuneInString(s[off:])
		off += n
	}
	return e.whole(Pos{l, off})
}

// scroll moves the cursor by n lines and the window with it.
func (e *Editor) scroll(n int) {
	e.top = max(e.top+n, 0)
	e.vertical(n)
}

// remove deletes a part of the text.
func (e *Editor) remove(from, to Pos) {
	e.replace(from, to, "", deleting)
	e.goal = -1
}

// kill cuts a part of the text, together with what the key before cut.
func (e *Editor) kill(from, to Pos, more, front bool) {
	if !from.before(to) {
		e.killing = more
		return
	}
	text := e.buf.slice(from, to)
	switch {
	case !more:
		e.killed = text
	case front:
		e.killed = text + e.killed
	default:
		e.killed += text
	}
	e.killing = true
	e.replace(from, to, "", other)
	e.goal = -1
}

// cut takes the line of the cursor out.
func (e *Editor) cut() {
	l := e.cur.Line
	from, to := Pos{l, 0}, Pos{l + 1, 0}
	if l == e.buf.len()-1 {
		to = e.buf.last()
		if l > 0 {
			from = Pos{l - 1, len(e.buf.shown(l - 1))}
		}
	}
	e.cutLines = e.buf.shown(l)
	e.hist.sealed = true
	e.replace(from, to, "", other)
	e.moveTo(Pos{min(l, e.buf.len()-1), 0})
	e.home()
}

// put inserts the line that was cut below the cursor.
func (e *Editor) put() tea.Cmd {
	if e.cutLines == "" {
		return msg.Say(msg.Info, "No line was cut")
	}
	l := e.cur.Line
	e.hist.sealed = true
	cmd := e.insertAt(Pos{l, len(e.buf.shown(l))}, e.eol()+e.cutLines)
	e.moveTo(Pos{min(l+1, e.buf.len()-1), 0})
	e.home()
	return cmd
}

func (e *Editor) insertAt(at Pos, text string) tea.Cmd {
	if e.buf.size+len(text) > e.opt.MaxBytes {
		return e.full(len(text))
	}
	e.replace(at, at, text, other)
	return nil
}

// swap exchanges line l with the one below; the cursor goes with its line.
func (e *Editor) swap(l, by int) {
	if l < 0 || l+1 >= e.buf.len() {
		return
	}
	cur := e.cur
	a, b := e.buf.shown(l), e.buf.shown(l+1)
	between := "\n"
	if len(e.buf.text(l)) > len(a) {
		between = "\r\n"
	}
	e.hist.begin()
	e.replace(Pos{l, 0}, Pos{l + 1, len(b)}, b+between+a, other)
	e.hist.end()
	e.cur = Pos{cur.Line + by, cur.Off}
	e.hist.top().to = e.cur
	e.hist.sealed = true
}
