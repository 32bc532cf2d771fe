package diffview

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"dialtone/netconf/xmldiff"
	"dialtone/netconf/xmldoc"
	"dialtone/ui/action"
	"dialtone/ui/msg"
	"dialtone/ui/safe"
	"dialtone/ui/widget/docview"
)

const section = "DIFF"

// copyLimit is the most that is put on a clipboard; more is to be saved.
const copyLimit = 8 << 20

// Actions is what can be done with the comparison.
func (v *View) Actions() []action.Action {
	var as []action.Action
	switch {
	case v.copying:
		as = []action.Action{
			{ID: "diff.copy.change", Title: "Copy this change", Short: "this change", Keys: []string{"y"}, Hint: 1},
			{ID: "diff.copy.path", Title: "Copy its path", Short: "path", Keys: []string{"p"}, Hint: 2},
			{ID: "diff.copy.all", Title: "Copy all of it as text", Short: "all", Keys: []string{"a"}, Hint: 3},
			{ID: "diff.copy.off", Title: "Cancel", Short: "cancel", Keys: []string{"esc"}, Hint: 4},
		}
	case v.saving:
		as = []action.Action{
			{ID: "diff.save.enter", Title: "Save", Short: "save", Keys: []string{"enter"}, Hint: 1},
			{ID: "diff.save.off", Title: "Leave the line", Short: "cancel", Keys: []string{"esc"}, Hint: 2},
		}
	default:
		as = v.usual()
	}
	return action.Under(section, as)
}

func (v *View) usual() []action.Action {
	none, narrow, own, uncopied, flat := "", "", "", "", ""
	if len(v.changes()) == 0 {
		none = "nothing differs"
	}
	if v.w < wide {
		narrow = fmt.Sprintf("two sides need %d columns", wide)
	}
	if v.text == nil {
		own = "the device tells no comparison of its own"
	}
	if v.opt.Copy == nil {
		uncopied = "no clipboard here"
	} else if v.lines() == 0 {
		uncopied = "nothing to copy"
	}
	if v.mode == Text {
		flat = "this view has no folds: v"
		none = flat
	}
	ownWord := "device's own"
	if v.mode == Text {
		ownWord = "row by row"
	}
	other := "side by side"
	if v.mode == Side {
		other = "unified"
	}
	as := []action.Action{
		{ID: "diff.next", Title: "Next change", Short: "next", Keys: []string{"n"}, Hint: 1, Off: none},
		{ID: "diff.prev", Title: "Change before", Keys: []string{"N"}, Off: none},
		{ID: "diff.fold", Title: "Fold or unfold equal rows", Short: "fold", Keys: []string{" ", "enter"}, Hint: 12, Off: flat},
		{ID: "diff.foldall", Title: "Fold all equal rows", Keys: []string{"-"}, Off: flat},
		{ID: "diff.unfoldall", Title: "Unfold all equal rows", Keys: []string{"="}, Off: flat},
		{ID: "diff.mode", Title: "Unified or side by side", Short: other, Keys: []string{"u"}, Hint: 3, Off: narrow},
		{ID: "diff.text", Title: "The comparison as the device tells it", Short: ownWord, Keys: []string{"v"}, Hint: 9, Off: own},
		{ID: "diff.copy", Title: "Copy… (y change, p path, a all)", Short: "copy", Keys: []string{"y"}, Hint: 5, Off: uncopied},
		{ID: "diff.save", Title: "Save as text", Short: "save", Keys: []string{"w"}, Hint: 6},
	}
	move := func(id, title string, keys ...string) {
		as = append(as, action.Action{ID: action.ID("diff." + id), Title: title, Keys: keys})
	}
	move("down", "Down", "j", "down")
	move("up", "Up", "k", "up")
	move("top", "To the first line, or to line n", "g", "home")
	move("bottom", "To the last line, or to line n", "G", "end")
	move("half-down", "Half a page down", "ctrl+d")
	move("half-up", "Half a page up", "ctrl+u")
	move("page-down", "A page down", "pgdown", "ctrl+f")
	move("page-up", "A page up", "pgup")
	move("right", "Scroll right", "right", "l")
	move("left", "Scroll left", "left", "h")
	return as
}

// Run does an action and reports whether it was one of this view.
func (v *View) Run(id action.ID) (tea.Cmd, bool) {
	name, ok := strings.CutPrefix(string(id), "diff.")
	if !ok {
		return nil, false
	}
	n, counted := max(v.count, 1), v.count > 0
	v.count = 0
	if !v.saving {
		v.note = ""
	}
	if v.motion(name, n, counted) {
		return nil, true
	}
	v.copying = false
	switch name {
	case "fold":
		v.toggle()
	case "foldall", "unfoldall":
		v.openAll, v.open = name == "unfoldall", map[int]bool{}
		v.remode()
	case "mode":
		v.mode, v.chosen = map[bool]Mode{true: Unified, false: Side}[v.mode == Side], true
		v.remode()
	case "text":
		if v.mode == Text {
			v.mode, v.chosen = Unified, false
			v.Resize(v.w, v.h)
			v.remode()
		} else {
			v.mode, v.cur, v.top, v.hoff = Text, 0, 0, 0
		}
	case "copy":
		v.copying = true
	case "copy.change":
		return v.copyChange(), true
	case "copy.path":
		return v.copyPath(), true
	case "copy.all":
		return v.copyAll(), true
	case "copy.off":
	case "save":
		v.saving, v.seen, v.note = true, "", ""
		v.name.Set("./" + v.opt.File)
		v.settle()
	case "save.enter":
		return v.save(), true
	case "save.off":
		v.saved("")
	default:
		return nil, false
	}
	return nil, true
}

// Key takes a key while the view is capturing.
func (v *View) Key(k tea.KeyMsg) tea.Cmd {
	if v.copying {
		if a, ok := action.Match(v.Actions(), k.String()); ok {
			cmd, _ := v.Run(a.ID)
			return cmd
		}
		v.copying = false
		return nil
	}
	switch k.String() {
	case "esc", "ctrl+c":
		v.saved("")
	case "enter":
		return v.save()
	default:
		if v.name.Update(k) {
			v.note = ""
		}
	}
	return nil
}

// motion moves cursor or window and reports whether name is a motion.
func (v *View) motion(name string, n int, counted bool) bool {
	page := v.page()
	switch name {
	case "down":
		v.cur += n
	case "up":
		v.cur -= n
	case "top":
		v.cur = 0
		if counted {
			v.cur = n - 1
		}
	case "bottom":
		v.cur = v.lines() - 1
		if counted {
			v.cur = n - 1
		}
	case "half-down":
		v.cur += n * max(page/2, 1)
	case "half-up":
		v.cur -= n * max(page/2, 1)
	case "page-down":
		v.cur += n * max(page-1, 1)
	case "page-up":
		v.cur -= n * max(page-1, 1)
	case "right":
		v.hoff = min(v.hoff+8*n, 1<<20)
	case "left":
		v.hoff = max(v.hoff-8*n, 0)
	case "next", "prev":
		v.step(n, name == "prev")
	default:
		return false
	}
	v.settle()
	return true
}

// step goes n changes on or back.
func (v *View) step(n int, back bool) {
	at, last := v.Change(), len(v.changes())-1
	to := min(at+n, last)
	if back {
		to = at - n
		if v.cur > v.l.first(max(at, 0)) {
			to++ // the beginning of this one comes first
		}
	}
	if to < 0 || at == last && !back {
		v.note = map[bool]string{true: "this is the first change", false: "this is the last change"}[back]
	}
	v.toChange(max(to, 0))
}

// toggle unfolds the equal rows at the cursor, or folds them again.
func (v *View) toggle() {
	if v.l.total == 0 {
		return
	}
	ln := v.l.at(v.cur, v.side())
	b := v.l.blocks[ln.block]
	switch {
	case ln.kind == foldBlock:
		v.open[b.seg] = true
	case ln.kind == equalBlock && (v.open[b.seg] || v.openAll):
		if v.openAll {
			v.openAll = false
			for i, s := range v.res.Segments {
				v.open[i] = s.Kind == xmldiff.Equal
			}
		}
		delete(v.open, b.seg)
	default:
		return
	}
	v.lay()
	for i, nb := range v.l.blocks { // the cursor stays with its segment
		if nb.seg == b.seg && nb.first+nb.lines(v.side()) > min(v.cur, v.l.total-1) {
			v.cur = max(v.l.blocks[i].first, min(v.cur, v.l.total-1))
			break
		}
	}
	v.settle()
}

func (v *View) copyPath() tea.Cmd {
	c := v.Change()
	if c < 0 {
		return msg.Say(msg.Info, "nothing to copy here")
	}
	return v.opt.Copy("path", safe.Block(v.res.Changes[c].Path))
}

// copyChange copies the rows of a change with their signs.
func (v *View) copyChange() tea.Cmd {
	c := v.Change()
	if c < 0 {
		return v.copyAll()
	}
	one := *v.res
	one.Segments = nil
	for _, s := range v.res.Segments {
		if s.Kind != xmldiff.Equal && s.Change == c {
			one.Segments = append(one.Segments, s)
		}
	}
	return v.copyFrom("change", func(w io.Writer) error { return Write(w, v.a, v.b, &one) })
}

func (v *View) copyAll() tea.Cmd { return v.copyFrom("difference", v.writer()) }

// writer writes all that is shown as text; it keeps nothing of the view.
func (v *View) writer() func(io.Writer) error {
	if v.mode == Text {
		text := v.text
		return func(w io.Writer) error {
			_, err := io.WriteString(w, strings.Join(text, "\n")+"\n")
			return err
		}
	}
	a, b, r := v.a, v.b, v.res
	head := "--- " + safe.Text(v.opt.From) + "\n+++ " + safe.Text(v.opt.To) + "\n"
	return func(w io.Writer) error {
		if _, err := io.WriteString(w, head); err != nil || r == nil {
			return err
		}
		return Write(w, a, b, r)
	}
}

// copyFrom makes a text in a command, since it may be large.
func (v *View) copyFrom(what string, write func(io.Writer) error) tea.Cmd {
	return v.behind(func() func() tea.Cmd {
		var buf limited
		err := write(&buf)
		return func() tea.Cmd {
			switch {
			case errors.Is(err, errTooMuch):
				return msg.Say(msg.Warn, what+" is over "+docview.Size(copyLimit)+": save it with w instead")
			case err != nil:
				return msg.Fail(fmt.Errorf("copy %s: %w", what, err))
			}
			return v.opt.Copy(what, safe.Block(buf.String()))
		}
	})
}

var errTooMuch = errors.New("too much to copy")

// limited keeps at most copyLimit bytes.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > copyLimit {
		return 0, errTooMuch
	}
	return l.Buffer.Write(p)
}

// save writes the difference to a new file, in a command.
func (v *View) save() tea.Cmd {
	name := strings.TrimSpace(v.name.Value())
	if name == "" {
		v.saved("")
		return nil
	}
	replace, write := name == v.seen, v.writer()
	v.note = "saving"
	path := docview.Expand(name, v.opt.Dir)
	return v.behind(func() func() tea.Cmd {
		n, err := docview.WriteFile(path, source(write), replace)
		return func() tea.Cmd {
			switch {
			case errors.Is(err, fs.ErrExist) && v.saving:
				v.note, v.seen = "exists: enter again replaces it", name
				return nil
			case errors.Is(err, fs.ErrExist):
				return msg.Say(msg.Warn, safe.Text(name)+" exists and was left as it is")
			}
			v.saved("")
			if err != nil {
				return msg.Fail(fmt.Errorf("save: %w", err))
			}
			return msg.Say(msg.Good, "saved "+docview.Size(n)+" to "+safe.Text(name))
		}
	})
}

// source is a text that writes itself.
type source func(io.Writer) error

// Read is not used: WriteTo is.
func (source) Read([]byte) (int, error) { return 0, io.EOF }

// WriteTo implements io.WriterTo.
func (s source) WriteTo(w io.Writer) (int64, error) {
	c := counter{w: w}
	out := bufio.NewWriterSize(&c, 64<<10)
	err := s(out)
	if err == nil {
		err = out.Flush()
	}
	return c.n, err
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func (v *View) saved(note string) {
	v.saving, v.note = false, note
	v.settle()
}

func (v *View) behind(work func() func() tea.Cmd) tea.Cmd {
	m := Msg{session: v.opt.Session}
	return func() tea.Msg {
		m.apply = work()
		return m
	}
}

// Write writes the changes of r as text: the path of each, then its rows with
// their signs.
func Write(w io.Writer, a, b *xmldoc.Doc, r *xmldiff.Result) error {
	last := -1
	for _, s := range r.Segments {
		if s.Kind == xmldiff.Equal {
			continue
		}
		if s.Change != last && s.Change >= 0 && s.Change < len(r.Changes) {
			last = s.Change
			if _, err := fmt.Fprintf(w, "@@ %s\n", safe.Line(r.Changes[last].Path)); err != nil {
				return err
			}
		}
		if err := writeRows(w, "-", a, s.A); err != nil {
			return err
		}
		if err := writeRows(w, "+", b, s.B); err != nil {
			return err
		}
	}
	return nil
}

func writeRows(w io.Writer, sign string, d *xmldoc.Doc, r xmldiff.Range) error {
	var buf []byte
	for i := r.From; i < r.To; i++ {
		row := d.Row(i)
		buf = append(append(buf[:0], sign...), strings.Repeat("  ", min(max(row.Depth-2, 0), maxIndent))...)
		buf = append(d.AppendRow(buf, i, row.Len), '\n')
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}

func cutLeft(s string, n int) string { return ansi.TruncateLeft(s, n, "") }
