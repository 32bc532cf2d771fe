package docview

import (
	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/action"
)

const section = "REPLY"

// Actions implements pane.Pane. While a prefix key is pending only its choices
// are listed, so that the help bar shows them.
func (v *View) Actions() []action.Action {
	switch {
	case v.prefix != noPrefix:
		return v.prefix.choices()
	case v.ask != nil:
		return []action.Action{
			{ID: "doc.ask.enter", Title: "Answer", Short: v.ask.label, Keys: []string{"enter"}, Hint: 1, Section: section},
			{ID: "doc.ask.off", Title: "Leave the line", Short: "cancel", Keys: []string{"esc"}, Hint: 2, Section: section},
		}
	}
	empty, unsought, flat, uncopied := "", "", "", ""
	if v.doc.Rows() == 0 {
		empty = "nothing has come yet"
	}
	if v.query.Text == "" && v.mode != Errors {
		unsought = "no search yet: / starts one"
	}
	if v.mode != Pretty {
		flat = "folds are in the pretty view: v"
	}
	if uncopied = empty; v.opt.Copy == nil {
		uncopied = "no clipboard here"
	}
	if flat == "" {
		flat = empty
	}
	next, prev := "Next match", "Previous match"
	if v.mode == Errors {
		next, prev = "Next error", "Previous error"
	}
	as := []action.Action{
		{ID: "doc.fold", Title: "Fold or unfold", Short: "fold", Keys: []string{" ", "enter"}, Hint: 20, Off: flat},
		{ID: "doc.search", Title: "Search", Short: "search", Keys: []string{"/"}, Hint: 30, Off: empty},
		{ID: "doc.next", Title: next, Keys: []string{"n"}, Hint: action.HintIf(v.query.Text != "" || v.mode == Errors, 31), Short: "next", Off: unsought},
		{ID: "doc.prev", Title: prev, Keys: []string{"N"}, Off: unsought},
		{ID: "doc.copy", Title: "Copy… (y value, p path, s subtree, a all)", Short: "copy", Keys: []string{"y"}, Hint: 40, Off: uncopied},
		{ID: "doc.save", Title: "Save to a file", Short: "save", Keys: []string{"w"}, Hint: 41, Off: empty},
		{ID: "doc.foldall", Title: "Fold all", Short: "fold all", Keys: []string{"-"}, Hint: 60, Off: flat},
		{ID: "doc.unfoldall", Title: "Unfold all", Short: "unfold all", Keys: []string{"="}, Hint: 61, Off: flat},
		{ID: "doc.levels", Title: "Fold from a depth on… (1 to 9)", Keys: []string{"z"}, Off: flat},
		{ID: "doc.goto", Title: "Go to path", Short: "go to", Keys: []string{"@"}, Hint: 62, Off: empty},
		{ID: "doc.mode", Title: "Pretty, raw, errors", Short: "view", Keys: []string{"v"}, Hint: 63, Off: empty},
		{ID: "doc.leave", Title: "Fold, or to the element around", Keys: []string{"h"}, Off: flat},
		{ID: "doc.enter", Title: "Unfold, or into the element", Keys: []string{"l"}, Off: flat},
	}
	if v.mode == Errors {
		as[0].Keys = []string{" "}
		as = append([]action.Action{{ID: "doc.locate", Title: "Go to the element in the RPC", Short: "go to element in RPC", Keys: []string{"enter"}, Hint: 10}}, as...)
	}
	if v.count > 0 {
		as = append(as, action.Action{ID: "doc.uncount", Title: "Forget the count", Short: "not " + Number(int64(v.count)), Keys: []string{"esc"}, Hint: 3})
	}
	as = append(as, moves()...)
	return action.Under(section, as)
}

// moves is the motions; they can always be used and are in no help bar.
func moves() []action.Action {
	return []action.Action{
		{ID: "doc.down", Title: "Down", Keys: []string{"j", "down"}},
		{ID: "doc.up", Title: "Up", Keys: []string{"k", "up"}},
		{ID: "doc.top", Title: "To the first row, or to row n", Keys: []string{"g", "home"}},
		{ID: "doc.bottom", Title: "To the last row, or to row n", Keys: []string{"G", "end"}},
		{ID: "doc.halfdown", Title: "Half a page down", Keys: []string{"ctrl+d"}},
		{ID: "doc.halfup", Title: "Half a page up", Keys: []string{"ctrl+u"}},
		{ID: "doc.pagedown", Title: "A page down", Keys: []string{"pgdown", "ctrl+f"}},
		{ID: "doc.pageup", Title: "A page up", Keys: []string{"pgup"}},
		{ID: "doc.right", Title: "Scroll right", Keys: []string{"right"}},
		{ID: "doc.left", Title: "Scroll left", Keys: []string{"left"}},
		{ID: "doc.rowend", Title: "To the end of the row", Keys: []string{"$"}},
		{ID: "doc.rowstart", Title: "To the start of the row", Keys: []string{"^"}},
	}
}

// Run implements pane.Pane.
func (v *View) Run(id action.ID) tea.Cmd {
	v.prefix = noPrefix
	n := max(v.count, 1)
	counted := v.count > 0
	v.count, v.note = 0, ""
	if v.motion(id, n, counted) {
		return nil
	}
	switch id {
	case "doc.uncount":
		return nil
	case "doc.ask.off", "doc.prefix.off":
		v.answered()
		return nil
	case "doc.ask.enter":
		if v.ask != nil {
			return v.ask.enter(v, v.ask.in.Value())
		}
		return nil
	}
	if v.doc.Rows() == 0 {
		return nil
	}
	switch id {
	case "doc.copy":
		v.prefix = copyPrefix
	case "doc.levels":
		v.prefix = levelPrefix
	case "doc.copy.value":
		return v.copyValue()
	case "doc.copy.path":
		return v.copyPath()
	case "doc.copy.subtree":
		return v.copySubtree()
	case "doc.copy.all":
		return v.copyAll()
	case "doc.save":
		v.askSave()
	case "doc.search":
		v.askSearch()
	case "doc.next", "doc.prev":
		return v.next(id == "doc.prev")
	case "doc.goto":
		v.askPath()
	case "doc.mode":
		return v.nextMode()
	case "doc.locate":
		return v.locate()
	default:
		return v.foldAction(id)
	}
	return nil
}

func (v *View) next(back bool) tea.Cmd {
	if v.mode == Errors {
		v.nextError(back)
		return nil
	}
	return v.search(back)
}

func (v *View) foldAction(id action.ID) tea.Cmd {
	switch id {
	case "doc.fold":
		v.toggle()
	case "doc.leave":
		v.foldOrLeave()
	case "doc.enter":
		v.unfoldOrEnter()
	case "doc.foldall":
		return v.foldAll(foldLevel)
	case "doc.unfoldall":
		v.unfoldAll()
	}
	return nil
}

// motion moves the cursor or the window and reports whether id is a motion.
func (v *View) motion(id action.ID, n int, counted bool) bool {
	_, h := v.inner()
	switch id {
	case "doc.down":
		v.move(n)
	case "doc.up":
		v.move(-n)
	case "doc.top", "doc.bottom":
		switch {
		case counted:
			v.showLine(n - 1)
		case id == "doc.top":
			v.move(-v.lines())
		default:
			v.move(v.lines())
		}
	case "doc.halfdown":
		v.scroll(n * max(h/2, 1))
	case "doc.halfup":
		v.scroll(-n * max(h/2, 1))
	case "doc.pagedown":
		v.scroll(n * max(h-1, 1))
	case "doc.pageup":
		v.scroll(-n * max(h-1, 1))
	case "doc.right":
		v.across(8 * n)
	case "doc.left":
		v.across(-8 * n)
	case "doc.rowend":
		v.rowEnd()
	case "doc.rowstart":
		v.hoff = 0
	default:
		return false
	}
	return true
}

// Count implements pane.Counter.
func (v *View) Count(digit int) { v.count = min(10*v.count+digit, 1<<30) }

// Counting implements pane.Counter.
func (v *View) Counting() bool { return v.count > 0 }
