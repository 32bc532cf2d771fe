package history

import (
	"strings"

	"dialtone/conn/journal"
	"dialtone/netconf"
	"dialtone/ui/highlight"
	"dialtone/ui/safe"
	"dialtone/ui/style"
	"dialtone/ui/widget/docview"
)

// columns are the widths of the table for a pane; device is 0 when all rows
// are of one.
type columns struct {
	time, device, op, target, result, size, took int
}

func (s *Screen) columns(w int) columns {
	c := columns{time: 12, target: 11, result: 16, size: 9, took: 8}
	if s.name == "" {
		c.device = 14
	}
	if w < 72 {
		c.target, c.result, c.took, c.device = 0, 13, 0, min(c.device, 9)
	}
	if c.device > 0 && w < 90 {
		c.target = 0
	}
	c.op = max(w-3-c.time-c.device-c.target-c.result-c.size-c.took, 8)
	return c
}

// wide is the width from which on the request is shown beside the list.
const wide = 120

// View implements pane.Pane.
func (s *Screen) View() string {
	if s.w < 4 || s.h < 3 {
		return strings.Join(s.d.Theme.Box(s.w, s.h, "", "", false, nil), "\n")
	}
	if s.w < wide {
		return strings.Join(s.table(s.w), "\n")
	}
	w := s.w * 2 / 3
	rows, beside := s.table(w), s.preview(s.w-w)
	for i := range rows {
		rows[i] += beside[i]
	}
	return strings.Join(rows, "\n")
}

// preview draws the request of the selected entry as it was kept.
func (s *Screen) preview(w int) []string {
	th := s.d.Theme
	e, ok := s.selected()
	if !ok {
		return th.Box(w, s.h, "RPC", "", false, nil)
	}
	right := docview.Size(int64(e.RequestBytes))
	switch {
	case e.Cut:
		right += "  cut"
	case e.Redacted:
		right += "  secrets taken out"
	}
	body, st := make([]string, 0, s.h), highlight.InText
	for line := range strings.Lines(e.Request) {
		if len(body) >= s.h-2 {
			break
		}
		line = strings.TrimRight(line, "\r\n")
		painted, _, more := s.hl.Row(line, st, 8).Paint(0, w-3, nil)
		if more {
			painted += th.Paint(style.Dim, th.Glyph(style.Cut))
		}
		body, st = append(body, " "+painted), highlight.Next(line, st)
	}
	return th.Box(w, s.h, "RPC  "+safe.Line(clip(e.Operation, 40)), right, false, body)
}

// clip cuts a name that would not fit into a title.
func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

// table draws the list, width cells wide.
func (s *Screen) table(width int) []string {
	th, w := s.d.Theme, width-2
	c := s.columns(w)
	right := "all devices"
	if s.name != "" {
		right = "this device"
	}
	if s.typing || s.filter.Len() > 0 {
		right = "/ " + strings.TrimRight(s.filter.View(th, min(24, max(w/3, 4)), s.typing), " ")
	}
	body := []string{th.Paint(style.Title, "   "+s.head(c))}
	from, to := s.list.Window()
	for i := from; i < to; i++ {
		row := "   " + s.row(s.shown[i], c)
		if i == s.list.At() {
			row = th.Paint(style.Focus, th.Glyph(style.Selected)) + th.Paint(style.Select, th.Fit(row[1:], w-1))
		} else {
			row = th.Paint(rowToken(s.shown[i]), row)
		}
		body = append(body, row)
	}
	if len(s.shown) == 0 {
		body = append(body, s.empty()...)
	}
	return th.Box(width, s.h, s.heading(), right, s.focused, body)
}

// heading is the title of the box: with what is under way, which is in no
// journal yet.
func (s *Screen) heading() string {
	n := 0
	for _, d := range s.d.Backend.Devices() {
		if s.id == 0 || d.ID == s.id {
			n += d.Waiting
		}
	}
	if n > 0 {
		return "History  " + docview.Number(int64(n)) + " under way"
	}
	return "History"
}

func (s *Screen) empty() []string {
	dim := func(t string) string { return s.d.Theme.Paint(style.Dim, "   "+t) }
	switch {
	case !s.loaded:
		return []string{"", dim("Reading the journal.")}
	case s.filter.Len() > 0:
		return []string{"", dim("Nothing matches the filter. esc drops it.")}
	}
	return []string{"", dim("What is sent to devices is kept here, with how it went."), dim("ctrl+r in a session sends an RPC.")}
}

func (s *Screen) head(c columns) string {
	return s.join(c, "TIME", "DEVICE", "OPERATION", "TARGET", "RESULT", "SIZE", "TOOK")
}

func (s *Screen) row(e journal.Entry, c columns) string {
	took := ""
	if e.TookMS > 0 {
		took = docview.Took(e.Took())
	}
	target := safe.Line(e.Target)
	if target == "" {
		target = "-"
	}
	return s.join(c, stamp(e.Time, s.d.Now()), safe.Line(e.Device), safe.Line(e.Operation), target, resultWord(e), docview.Size(e.Bytes), took)
}

// join lays the cells of a row out; numbers stand at the right.
func (s *Screen) join(c columns, at, device, op, target, result, size, took string) string {
	th := s.d.Theme
	var b strings.Builder
	cell := func(text string, w int) {
		if w > 0 {
			b.WriteString(th.Fit(th.Fit(text, w-1), w))
		}
	}
	cell(at, c.time)
	cell(device, c.device)
	cell(op, c.op)
	cell(target, c.target)
	cell(result, c.result)
	b.WriteString(flushRight(size, c.size))
	if c.took > 0 {
		b.WriteString(flushRight(took, c.took))
	}
	return b.String()
}

func flushRight(s string, w int) string {
	return strings.Repeat(" ", max(w-style.Width(s), 0)) + s
}

// resultWord is the result in a word: the tag of the first error says more
// than that there was one.
func resultWord(e journal.Entry) string {
	if x := e.Live(); x != nil {
		if o, done, _ := x.Snapshot(); done && o.Result == netconf.Answered {
			for _, re := range o.Errors {
				if !re.Warning() {
					return safe.Line(re.Tag)
				}
			}
		}
	}
	if e.Result == journal.Error {
		if tag, _, _ := strings.Cut(e.Error, ":"); tag != "" && len(tag) < 40 && !strings.ContainsAny(tag, " ;") {
			return safe.Line(tag)
		}
	}
	return safe.Line(e.Result)
}

func rowToken(e journal.Entry) style.Token {
	switch e.Result {
	case journal.Error, journal.NotSent:
		return style.Error
	case journal.Unknown:
		return style.Danger
	case journal.Stopped, journal.Warning:
		return style.Warn
	}
	return style.Text
}
