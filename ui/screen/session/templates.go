package session

import (
	"errors"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/sahilm/fuzzy"

	"dialtone/conn"
	"dialtone/netconf"
	"dialtone/netconf/tmpl"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
	"dialtone/ui/style"
	"dialtone/ui/widget/prompt"
	"dialtone/ui/widget/table"
)

// choice is a template as the lists show it.
type choice struct {
	tmpl   tmpl.Template
	off    string // why this device cannot take it
	alters bool
}

// choices is all templates with what this device makes of them. They are judged
// once for each state of the session.
func (s *Screen) choices() []choice {
	if s.side.choices != nil && s.side.judged == s.dev.State {
		return s.side.choices
	}
	out := make([]choice, 0, len(s.d.Templates))
	for _, t := range s.d.Templates {
		c := choice{tmpl: t}
		if s.dev.State == conn.Open {
			c.off = t.Usable(s.dev.Caps)
		}
		r, err := t.Render(specimen(t), s.dev.Caps)
		c.alters = err != nil || r.Effect.Alters()
		out = append(out, c)
	}
	s.side.choices, s.side.judged = out, s.dev.State
	return out
}

// specimen fills the holes of a template that have no default, so that it can
// be told what sort of request it becomes.
func specimen(t tmpl.Template) map[string]string {
	vars := map[string]string{}
	for _, v := range t.Vars {
		switch {
		case len(v.Choices) > 0:
			vars[v.Name] = v.Choices[0]
		case v.Default != "":
			vars[v.Name] = v.Default
		case v.Raw:
			vars[v.Name] = "<x/>"
		default:
			vars[v.Name] = "1"
		}
	}
	return vars
}

// pickedMsg is a template that was chosen, with what its holes are filled with.
type pickedMsg struct {
	id   conn.SessionID
	tmpl tmpl.Template
	vars map[string]string
}

// SessionID implements msg.For.
func (m pickedMsg) SessionID() conn.SessionID { return m.id }

// wantMsg asks for a template by way of the palette.
type wantMsg struct {
	id   conn.SessionID
	tmpl tmpl.Template
}

// SessionID implements msg.For.
func (m wantMsg) SessionID() conn.SessionID { return m.id }

// pick takes a template: it asks for what the template needs, then it goes to
// the editor, unsent.
func (s *Screen) pick(t tmpl.Template) tea.Cmd {
	if len(t.Vars) > 0 {
		return s.d.Tell(overlay.Push{Dialog: newBlank(s.d.Theme, s.id, t, s.dev.Caps)})
	}
	return func() tea.Msg { return pickedMsg{s.id, t, nil} }
}

func (s *Screen) picked(m pickedMsg) tea.Cmd {
	r, err := m.tmpl.Render(m.vars, s.dev.Caps)
	if err != nil {
		return s.refuse("Template " + m.tmpl.Name + ": " + err.Error())
	}
	return s.offer(string(r.Body), "the template")
}

// Palette adds the orders without a key and the templates to what the palette finds.
func (s *Screen) Palette() []overlay.Item {
	items := s.orders()
	for _, c := range s.choices() {
		m := wantMsg{s.id, c.tmpl} // picked when it is run: pick may open a dialog at once
		items = append(items, overlay.Item{
			Title: "Template: " + safe.Line(c.tmpl.Title), Alters: c.alters, Off: c.off,
			Run: func() tea.Msg { return m },
		})
	}
	return items
}

// gallery is the dialog of the templates.
type gallery struct {
	th   *style.Theme
	all  []choice
	pick func(tmpl.Template) tea.Cmd

	line  prompt.Line
	found []choice
	list  table.List
	note  string
}

func (s *Screen) openTemplates() tea.Cmd {
	g := &gallery{th: s.d.Theme, all: s.choices(), pick: s.pick}
	g.filter()
	return s.d.Tell(overlay.Push{Dialog: g})
}

// Help implements overlay.Dialog.
func (g *gallery) Help() string { return "enter take it  ↑↓ choose  type to filter  esc close" }

// Waits implements overlay.Waiter.
func (*gallery) Waits() string { return "The list of templates is open." }

// filter finds the templates that the typed letters name.
func (g *gallery) filter() {
	g.found = g.found[:0]
	want := strings.TrimSpace(g.line.Value())
	if want == "" {
		g.found = append(g.found, g.all...)
	} else {
		for _, m := range fuzzy.FindFrom(want, choiceNames(g.all)) {
			g.found = append(g.found, g.all[m.Index])
		}
	}
	g.list.SetLen(len(g.found))
}

type choiceNames []choice

func (c choiceNames) String(i int) string { return c[i].tmpl.Title + " " + c[i].tmpl.Name }
func (c choiceNames) Len() int            { return len(c) }

// Update implements overlay.Dialog.
func (g *gallery) Update(m tea.Msg) (tea.Cmd, bool) {
	k, ok := m.(tea.KeyMsg)
	if !ok {
		return nil, false
	}
	g.note = ""
	switch k.String() {
	case "esc", "ctrl+c":
		return nil, true
	case "down", "ctrl+n", "tab":
		g.list.Run("down")
	case "up", "ctrl+p", "shift+tab":
		g.list.Run("up")
	case "pgdown":
		g.list.Run("page-down")
	case "pgup":
		g.list.Run("page-up")
	case "enter":
		i := g.list.At()
		if i < 0 {
			return nil, false
		}
		if off := g.found[i].off; off != "" {
			g.note = off
			return nil, false
		}
		return g.pick(g.found[i].tmpl), true
	default:
		if g.line.Update(k) {
			g.filter()
			g.list.Select(0)
		}
	}
	return nil, false
}

// View implements overlay.Dialog.
func (g *gallery) View(maxW, maxH int) string {
	w := min(72, maxW)
	page := max(min(len(g.all), maxH-6), 1)
	g.list.SetPage(page)
	from, to := g.list.Window()
	body := make([]string, 0, page+3)
	for i := from; i < to; i++ {
		body = append(body, g.row(g.found[i], w-2, i == g.list.At()))
	}
	if len(g.found) == 0 {
		body = append(body, "  No template has these letters.")
	}
	for len(body) < page {
		body = append(body, "")
	}
	foot := "device" + g.th.Paint(style.Dim, " marks those that change it. They go to the editor, unsent.")
	if i := g.list.At(); i >= 0 && g.found[i].tmpl.Doc != "" {
		foot = g.th.Paint(style.Dim, safe.Line(g.found[i].tmpl.Doc))
	}
	if g.note != "" {
		foot = g.th.Paint(style.Warn, "! "+safe.Line(g.note))
	}
	body = append(body, "", "  "+foot)
	right := strconv.Itoa(len(g.found)) + " of " + strconv.Itoa(len(g.all))
	title := "> " + strings.TrimRight(g.line.View(g.th, 24, true), " ")
	if g.line.Len() == 0 {
		title = "Templates"
	}
	return overlay.Frame(g.th, title, right, body, 2, w, maxH)
}

func (g *gallery) row(c choice, w int, selected bool) string {
	note := ""
	switch {
	case c.off != "":
		note = "off: " + safe.Line(c.off)
	case c.alters:
		note = "device"
	}
	title := safe.Line(c.tmpl.Title)
	nw := min(style.Width(note), w/2)
	plain := "  " + g.th.Fit(title, max(w-nw-4, 0)) + " " + g.th.Fit(note, nw)
	if selected {
		return g.th.Paint(style.Focus, g.th.Glyph(style.Selected)) + g.th.Paint(style.Select, g.th.Fit(plain[1:], w-1))
	}
	if c.off != "" {
		return g.th.Paint(style.Dim, plain)
	}
	return plain
}

// blank is the dialog that fills the holes of a template.
type blank struct {
	th    *style.Theme
	id    conn.SessionID
	tmpl  tmpl.Template
	caps  netconf.Caps
	lines []prompt.Line
	at    int
	err   string
}

func newBlank(th *style.Theme, id conn.SessionID, t tmpl.Template, caps netconf.Caps) *blank {
	b := &blank{th: th, id: id, tmpl: t, caps: caps, lines: make([]prompt.Line, len(t.Vars))}
	for i, v := range t.Vars {
		b.lines[i].Set(v.Default)
		if v.Default == "" && len(v.Choices) > 0 {
			b.lines[i].Set(v.Choices[0])
		}
	}
	return b
}

// Help implements overlay.Dialog.
func (b *blank) Help() string {
	return "enter next, then into the editor  tab next  ←→ choose  esc cancel"
}

func (b *blank) values() map[string]string {
	vars := make(map[string]string, len(b.lines))
	for i, v := range b.tmpl.Vars {
		vars[v.Name] = b.lines[i].Value()
	}
	return vars
}

// Update implements overlay.Dialog.
func (b *blank) Update(m tea.Msg) (tea.Cmd, bool) {
	k, ok := m.(tea.KeyMsg)
	if !ok {
		return nil, false
	}
	n := len(b.lines)
	switch k.String() {
	case "esc", "ctrl+c":
		return nil, true
	case "tab", "down":
		b.at = (b.at + 1) % n
	case "shift+tab", "up":
		b.at = (b.at + n - 1) % n
	case "enter":
		if b.at < n-1 {
			b.at++
			return nil, false
		}
		vars := b.values()
		if _, err := b.tmpl.Render(vars, b.caps); err != nil {
			b.blame(err)
			return nil, false
		}
		return func() tea.Msg { return pickedMsg{b.id, b.tmpl, vars} }, true
	case "left", "right":
		if cs := b.tmpl.Vars[b.at].Choices; len(cs) > 0 {
			b.turn(cs, k.String() == "left")
			return nil, false
		}
		b.lines[b.at].Update(k)
	default:
		if len(b.tmpl.Vars[b.at].Choices) == 0 && b.lines[b.at].Update(k) {
			b.err = ""
		}
	}
	return nil, false
}

// blame says which field is wrong, in the words that the form has for it, and
// goes there.
func (b *blank) blame(err error) {
	b.err = headline(err)
	var f *netconf.Fault
	if !errors.As(err, &f) || f.Err == nil {
		return
	}
	for i, v := range b.tmpl.Vars {
		if strings.HasPrefix(f.What, "variable "+v.Name+" ") {
			b.at, b.err = i, v.Title+": "+f.Err.Error()
		}
	}
}

// turn takes the next of the choices.
func (b *blank) turn(cs []string, back bool) {
	at := 0
	for i, c := range cs {
		if c == b.lines[b.at].Value() {
			at = i
		}
	}
	if back {
		at += len(cs) - 1
	} else {
		at++
	}
	b.lines[b.at].Set(cs[at%len(cs)])
	b.err = ""
}

// View implements overlay.Dialog.
func (b *blank) View(maxW, maxH int) string {
	w := min(72, maxW)
	label := 8
	for _, v := range b.tmpl.Vars {
		label = max(label, min(style.Width(safe.Line(v.Title)), 24))
	}
	body := []string{""}
	for i, v := range b.tmpl.Vars {
		mark := " "
		if i == b.at {
			mark = b.th.Paint(style.Focus, b.th.Glyph(style.Selected))
		}
		room := max(w-label-12, 4)
		field := "[ " + b.lines[i].View(b.th, room, i == b.at) + " ]"
		if len(v.Choices) > 0 {
			field = "< " + b.th.Fit(safe.Line(b.lines[i].Value()), room) + " >"
		}
		body = append(body, " "+mark+" "+b.th.Fit(safe.Line(v.Title), label)+"  "+field)
	}
	body = append(body, "")
	note, tok := safe.Line(b.tmpl.Doc), style.Dim
	if b.err != "" {
		note, tok = "! "+safe.Line(b.err), style.Error
	}
	for _, l := range style.Wrap(note, w-6) {
		body = append(body, "  "+b.th.Paint(tok, l))
	}
	body = append(body, "  It goes to the editor and is not sent.")
	return overlay.Frame(b.th, safe.Line(b.tmpl.Title), "", body, 2, w, maxH)
}
