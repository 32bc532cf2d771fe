package session

import (
	"fmt"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/netconf"
	"dialtone/netconf/xmldoc"
	"dialtone/ui/action"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
	"dialtone/ui/style"
	"dialtone/ui/widget/docview"
	"dialtone/ui/widget/table"
)

const (
	keptNotes     = 500
	keptNoteBytes = 8 << 20
)

// notes is the notifications of this session, the newest last. What falls out
// or was dropped on the way is counted.
type notes struct {
	list    []*netconf.Notification
	bytes   int
	came    int
	dropped int
}

func (n *notes) add(x *netconf.Notification, dropped int) {
	n.dropped += dropped
	n.came += dropped
	if x == nil {
		return
	}
	n.came++
	n.list = append(n.list, x)
	n.bytes += len(x.Body)
	out := 0
	for out < len(n.list)-1 && (len(n.list)-out > keptNotes || n.bytes > keptNoteBytes) {
		n.bytes -= len(n.list[out].Body)
		n.list[out] = nil
		out++
	}
	n.list = n.list[out:]
}

// words is the count for the status row.
func (n *notes) words() string {
	switch {
	case n.came == 0:
		return ""
	case n.dropped > 0:
		return count(n.came, "notification") + ", " + docview.Number(int64(n.dropped)) + " dropped"
	}
	return count(n.came, "notification")
}

// noteList is the dialog that shows them: the list above, the chosen one below.
type noteList struct {
	s    *Screen
	list table.List
	view *docview.View
	doc  *xmldoc.Doc           // that view shows; closed with the dialog
	of   *netconf.Notification // that doc is the body of
}

func (s *Screen) openNotes() tea.Cmd {
	l := &noteList{s: s}
	l.list.SetLen(len(s.notes.list))
	l.list.Select(len(s.notes.list) - 1)
	l.choose()
	return s.d.Tell(overlay.Push{Dialog: l})
}

// Help implements overlay.Dialog.
func (l *noteList) Help() string { return "j k choose  pgdn pgup  space fold  esc close" }

// Update implements overlay.Dialog.
func (l *noteList) Update(m tea.Msg) (tea.Cmd, bool) {
	k, ok := m.(tea.KeyMsg)
	if !ok {
		return nil, false
	}
	switch key := k.String(); key {
	case "esc", "q", "ctrl+c":
		l.drop()
		return nil, true
	case " ":
		if l.view != nil {
			return l.view.Run("doc.fold"), false
		}
	default:
		if a, ok := action.Match(table.Motions("notes", ""), key); ok {
			_, name, _ := strings.Cut(string(a.ID), ".")
			l.list.Run(name)
			l.choose()
		}
	}
	return nil, false
}

// choose shows the body of the selected notification. It is at most as large
// as a message may be and is read as it stands.
func (l *noteList) choose() {
	i := l.list.At()
	if i < 0 || i >= len(l.s.notes.list) || l.s.notes.list[i] == l.of {
		return
	}
	l.drop()
	l.of = l.s.notes.list[i]
	d := xmldoc.New(xmldoc.Options{Hint: int64(len(l.of.Body))})
	_, err := d.Write(l.of.Body)
	d.Finish(err)
	l.doc, l.view = d, docview.New(d, docview.Options{Theme: l.s.d.Theme, Session: l.s.id, Now: l.s.d.Now})
	l.view.SetTitle(safe.Line(short(l.of.Name)), docview.Size(int64(len(l.of.Body))))
}

// drop gives the memory of the body back.
func (l *noteList) drop() {
	if l.doc != nil {
		l.view.Stop()
		l.doc.Close()
		l.doc, l.view = nil, nil
	}
}

// View implements overlay.Dialog.
func (l *noteList) View(maxW, maxH int) string {
	th, n := l.s.d.Theme, &l.s.notes
	top := max(maxH/2, 4)
	l.list.SetLen(len(n.list))
	l.list.SetPage(top - 3)
	from, to := l.list.Window()
	body := []string{th.Paint(style.Title, "   EVENT TIME    RECEIVED  NAME")}
	if n.dropped > 0 && from == 0 {
		body[0] += th.Paint(style.Warn, fmt.Sprintf("   %s dropped before these", docview.Number(int64(n.dropped))))
	}
	for i := from; i < to; i++ {
		row := noteRow(n.list[i], l.s.d.Now().Location())
		if i == l.list.At() {
			row = th.Paint(style.Focus, th.Glyph(style.Selected)) + th.Paint(style.Select, th.Fit(row[1:], maxW-3))
		}
		body = append(body, row)
	}
	lines := th.Box(maxW, top, "Notifications", n.words(), true, body)
	if l.view != nil {
		l.view.Resize(maxW, maxH-top)
		lines = append(lines, l.view.Lines()...)
	}
	return strings.Join(lines, "\n")
}

func noteRow(x *netconf.Notification, zone *time.Location) string {
	at, late := "-           ", "        "
	if !x.EventTime.IsZero() {
		at = x.EventTime.In(zone).Format("15:04:05.000")
		late = fmt.Sprintf("%+.2f s", x.Received.Sub(x.EventTime).Seconds())
	} else {
		late = x.Received.In(zone).Format(time.TimeOnly)
	}
	return fmt.Sprintf("   %s  %-9s %s", at, late, safe.Line(short(x.Name)))
}
