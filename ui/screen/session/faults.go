package session

import (
	"fmt"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/ui/action"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
	"dialtone/ui/style"
	"dialtone/ui/widget/docview"
	"dialtone/ui/widget/table"
)

// odder is a backend that keeps what devices did against the protocol.
type odder interface {
	Oddities(conn.SessionID) (list []conn.Oddity, dropped int)
}

// oddities is what the device of this session did against the protocol without
// ending the session.
func (s *Screen) oddities() (list []conn.Oddity, dropped int) {
	if b, ok := s.d.Backend.(odder); ok {
		return b.Oddities(s.id)
	}
	return nil, 0
}

// faultWords is the count for the status row.
func (s *Screen) faultWords() string {
	list, dropped := s.oddities()
	if len(list)+dropped == 0 {
		return ""
	}
	return s.d.Theme.Paint(style.Warn, count(len(list)+dropped, "protocol fault"))
}

// faultList is the dialog that shows them as they were when it was opened: the
// list above, the bytes of the chosen one below, as they came.
type faultList struct {
	s       *Screen
	odd     []conn.Oddity
	dropped int
	list    table.List
	of      int // which one is shown below
	detail
}

func (s *Screen) openFaults() tea.Cmd {
	l := &faultList{s: s, of: -1}
	l.odd, l.dropped = s.oddities()
	l.list.SetLen(len(l.odd))
	l.list.Select(len(l.odd) - 1)
	l.choose()
	return s.d.Tell(overlay.Push{Dialog: l})
}

// Help implements overlay.Dialog.
func (l *faultList) Help() string {
	if l.view != nil && l.view.Capturing() {
		return "enter save  esc cancel"
	}
	return "j k choose  v view  w save the bytes  pgdn pgup  esc close"
}

// Update implements overlay.Dialog.
func (l *faultList) Update(m tea.Msg) (tea.Cmd, bool) {
	k, ok := m.(tea.KeyMsg)
	if !ok {
		return nil, false
	}
	if l.view != nil && l.view.Capturing() {
		return l.view.Update(k), false
	}
	do, of := "", map[string]string{
		"v": "doc.mode", "w": "doc.save", " ": "doc.fold", "right": "doc.right", "left": "doc.left",
		"pgdown": "doc.pagedown", "ctrl+f": "doc.pagedown", "pgup": "doc.pageup",
	}
	switch key := k.String(); key {
	case "esc", "q", "ctrl+c":
		l.drop()
		return nil, true
	default:
		if do = of[key]; do == "" {
			l.list.Key(key)
			l.choose()
		}
	}
	if do == "" || l.view == nil {
		return nil, false
	}
	return l.view.Run(action.ID(do)), false
}

// choose shows the bytes of the selected one, raw: what they are is in doubt.
func (l *faultList) choose() {
	i := l.list.At()
	if i < 0 || i == l.of {
		return
	}
	l.of = i
	o := l.odd[i]
	code, _, _ := strings.Cut(headline(o.Err), " ")
	l.show(o.Raw, docview.Options{
		Theme: l.s.d.Theme, Session: l.s.id, Now: l.s.d.Now, Dir: l.s.d.WorkDir, File: docview.FileName(l.s.dev.Target.Name, code),
	})
	l.view.Run("doc.mode")
	size := docview.Size(int64(len(o.Raw)))
	if o.Cut() {
		size = "the first " + size
	}
	l.view.SetTitle("As it came", size)
	if len(o.Raw) == 0 {
		l.view.SetEmpty([]string{l.s.d.Theme.Paint(style.Dim, "  No bytes belong to this one.")})
	}
}

// View implements overlay.Dialog.
func (l *faultList) View(maxW, maxH int) string {
	th := l.s.d.Theme
	top := max(maxH/2, 6)
	l.list.SetPage(top - 5)
	from, to := l.list.Window()
	body := []string{th.Paint(style.Title, "   TIME      WHAT")}
	if l.dropped > 0 && from == 0 {
		body[0] += th.Paint(style.Warn, fmt.Sprintf("   %s forgotten before these", docview.Number(int64(l.dropped))))
	}
	for i := from; i < to; i++ {
		row := "   " + l.odd[i].At.In(l.s.d.Now().Location()).Format(time.TimeOnly) + "  " + safe.Line(headline(l.odd[i].Err))
		if i == l.list.At() {
			row = th.Paint(style.Focus, th.Glyph(style.Selected)) + th.Paint(style.Select, th.Fit(row[1:], maxW-3))
		}
		body = append(body, row)
	}
	lines := th.Box(maxW, top, "Protocol faults", count(len(l.odd)+l.dropped, "protocol fault"), true, body)
	return strings.Join(append(lines, l.lines(maxW, maxH-top)...), "\n")
}
