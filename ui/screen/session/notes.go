package session

import (
	"fmt"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/netconf"
	"dialtone/ui/action"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
	"dialtone/ui/style"
	"dialtone/ui/widget/docview"
	"dialtone/ui/widget/table"
)

// noter is a backend that keeps the notifications of a row.
type noter interface {
	Notes(conn.SessionID) *conn.Notes
}

// notes is the notifications of this session.
func (s *Screen) notes() *conn.Notes {
	if b, ok := s.d.Backend.(noter); ok {
		if n := b.Notes(s.id); n != nil {
			return n
		}
	}
	return conn.NewNotes()
}

// noteWords is the count for the status row.
func (s *Screen) noteWords() string {
	came, dropped := s.notes().Count()
	switch {
	case came == 0:
		return ""
	case dropped > 0:
		return count(int(came), "notification") + ", " + docview.Number(dropped) + " dropped"
	}
	return count(int(came), "notification")
}

// noteList is the dialog that shows them: the list above, the chosen one below.
// The selection stays with its notification while others come and go.
type noteList struct {
	s     *Screen
	notes *conn.Notes
	first int64 // number of the first row
	list  table.List
	of    *netconf.Notification // whose body is shown below
	detail
}

func (s *Screen) openNotes() tea.Cmd {
	l := &noteList{s: s, notes: s.notes()}
	n := l.sync()
	l.list.Select(n - 1)
	l.choose()
	return s.d.Tell(overlay.Push{Dialog: l})
}

// sync brings the rows up to what is kept now and returns how many they are.
func (l *noteList) sync() int {
	came, dropped := l.notes.Count()
	at := l.list.At()
	l.list.SetLen(int(came - dropped))
	if gone := dropped - l.first; gone > 0 {
		l.first = dropped
		l.list.Select(max(at-int(gone), 0))
	}
	return int(came - dropped)
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
		l.sync()
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
	x := l.notes.At(l.first + int64(l.list.At()))
	if x == nil || x == l.of {
		return
	}
	l.of = x
	l.show(x.Body, docview.Options{Theme: l.s.d.Theme, Session: l.s.id, Now: l.s.d.Now})
	l.view.SetTitle(safe.Line(short(l.of.Name)), docview.Size(int64(len(l.of.Body))))
}

// View implements overlay.Dialog.
func (l *noteList) View(maxW, maxH int) string {
	th := l.s.d.Theme
	top := max(maxH/2, 4)
	l.sync()
	l.list.SetPage(top - 3)
	from, to := l.list.Window()
	body := []string{th.Paint(style.Title, "   EVENT TIME    RECEIVED  NAME")}
	if l.first > 0 && from == 0 {
		body[0] += th.Paint(style.Warn, fmt.Sprintf("   %s dropped before these", docview.Number(l.first)))
	}
	for i := from; i < to; i++ {
		x := l.notes.At(l.first + int64(i))
		if x == nil {
			continue // it went this moment
		}
		row := noteRow(x, l.s.d.Now().Location())
		if i == l.list.At() {
			row = th.Paint(style.Focus, th.Glyph(style.Selected)) + th.Paint(style.Select, th.Fit(row[1:], maxW-3))
		}
		body = append(body, row)
	}
	lines := th.Box(maxW, top, "Notifications", l.s.noteWords(), true, body)
	return strings.Join(append(lines, l.lines(maxW, maxH-top)...), "\n")
}

func noteRow(x *netconf.Notification, zone *time.Location) string {
	at, late := "-           ", x.Received.In(zone).Format(time.TimeOnly)
	if !x.EventTime.IsZero() {
		at = x.EventTime.In(zone).Format("15:04:05.000")
		late = fmt.Sprintf("%+.2f s", x.Received.Sub(x.EventTime).Seconds())
	}
	return fmt.Sprintf("   %s  %-9s %s", at, late, safe.Line(short(x.Name)))
}
