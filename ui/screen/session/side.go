package session

import (
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/journal"
	"dialtone/ui/safe"
	"dialtone/ui/style"
	"dialtone/ui/widget/docview"
	"dialtone/ui/widget/table"
)

// sideEntries is how much of the history the side pane shows.
const (
	sideEntries = 30
	sideNewest  = 8 // of them in sight without scrolling
)

// side is the pane "Templates and history" of a wide terminal.
type side struct {
	list    table.List
	page    int             // rows of the pane
	entries []journal.Entry // of this device, newest first
	choices []choice
	judged  conn.State // of the session when choices were made
}

// sideRow is one row of it: a heading, a template or an entry.
type sideRow struct {
	head  string
	tmpl  *choice
	entry *journal.Entry
}

// rows is what the pane lists: as many templates as leave the newest entries of
// the history in sight. t lists all of them.
func (p *side) rows(s *Screen) []sideRow {
	cs := s.choices()
	room := max(p.page-2-min(len(p.entries), sideNewest), 4)
	out := make([]sideRow, 0, len(cs)+len(p.entries)+2)
	out = append(out, sideRow{head: "TEMPLATES"})
	for i := range cs {
		switch {
		case cs[i].off != "": // t lists it with the reason
		case len(out) == room:
			out = append(out, sideRow{head: "  t shows all " + docview.Number(int64(len(cs)))})
		case len(out) < room:
			out = append(out, sideRow{tmpl: &cs[i]})
		}
	}
	out = append(out, sideRow{head: "HISTORY"})
	for i := range p.entries {
		out = append(out, sideRow{entry: &p.entries[i]})
	}
	return out
}

// historyMsg is the journal's entries of this device.
type historyMsg struct {
	id      conn.SessionID
	entries []journal.Entry
}

// SessionID implements msg.For.
func (m historyMsg) SessionID() conn.SessionID { return m.id }

// loadHistory reads the newest entries of this device, in a command: the first
// time they come from the disk.
func (s *Screen) loadHistory() tea.Cmd {
	j, name, id := s.d.Journal, s.dev.Target.Name, s.id
	if j == nil {
		return nil
	}
	return func() tea.Msg {
		var own []journal.Entry
		for _, e := range j.Recent("", 5000) {
			if e.Device == name {
				own = append(own, e)
			}
			if len(own) == sideEntries {
				break
			}
		}
		return historyMsg{id, own}
	}
}

// takeRow does what enter does on the selected row.
func (s *Screen) takeRow() tea.Cmd {
	rows := s.side.rows(s)
	i := s.side.list.At()
	if i < 0 || i >= len(rows) {
		return nil
	}
	switch r := rows[i]; {
	case r.tmpl != nil:
		return s.pick(r.tmpl.tmpl)
	case r.entry != nil:
		return s.loadEntry(*r.entry)
	}
	return nil
}

// loadEntry puts an earlier request into the editor, as whole as it is known.
func (s *Screen) loadEntry(e journal.Entry) tea.Cmd {
	if x := e.Live(); x != nil {
		return s.offer(string(x.Request.Body), "the earlier RPC")
	}
	cmd := s.offer(e.Request, "the earlier RPC")
	switch {
	case e.Cut:
		return tea.Batch(cmd, s.refuse("The history keeps only the beginning of this RPC."))
	case e.Redacted:
		return tea.Batch(cmd, s.refuse("Secrets were taken out of this RPC when it was kept."))
	}
	return cmd
}

// sideLines draws the pane.
func (s *Screen) sideLines(r rect) []string {
	focused := s.shown && s.focus == sidePart
	rows := s.side.rows(s)
	from, to := s.side.list.Window()
	body := make([]string, 0, r.h)
	for i := from; i < min(to, len(rows)); i++ {
		body = append(body, s.sideRow(rows[i], r.w-2, focused && i == s.side.list.At()))
	}
	return s.d.Theme.Box(r.w, r.h, "Templates and history", "t h", focused, body)
}

func (s *Screen) sideRow(r sideRow, w int, selected bool) string {
	th := s.d.Theme
	var plain string
	tok := style.Text
	switch {
	case r.head != "":
		plain, tok = " "+r.head, style.Title
		if r.head[0] == ' ' {
			tok = style.Dim
		}
	case r.tmpl != nil:
		note := ""
		if r.tmpl.alters {
			note = "device"
		}
		nw := 18
		plain = "   " + th.Fit(safe.Line(r.tmpl.tmpl.Title), max(w-3-nw, 8)) + th.Fit(note, nw)
	case r.entry != nil:
		plain = "   " + entryLine(th, *r.entry, s.d.Now(), max(w-3, 8))
	}
	if selected {
		return th.Paint(style.Focus, th.Glyph(style.Selected)) + th.Paint(style.Select, th.Fit(plain[1:], w-1))
	}
	return th.Paint(tok, th.Fit(plain, w))
}

// entryLine is an entry in one short line.
func entryLine(th *style.Theme, e journal.Entry, now time.Time, w int) string {
	name := safe.Line(e.Operation)
	if e.Target != "" {
		name += " " + safe.Line(e.Target)
	}
	how := e.Result
	if e.Result == journal.OK && e.Bytes >= 1000 {
		how = docview.Size(e.Bytes)
	}
	took := ""
	if e.TookMS > 0 {
		took = docview.Took(e.Took())
	}
	end := th.Fit(how, 9) + " " + th.Fit(took, 7)
	return e.Time.In(now.Location()).Format(time.TimeOnly) + " " + th.Fit(name, max(w-9-len("123456789 1234567"), 4)) + end
}
