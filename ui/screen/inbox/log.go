package inbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"dialtone/conn/desk"
	"dialtone/ui/safe"
	"dialtone/ui/style"
	"dialtone/ui/widget/table"
)

// logState is the listener log, newest first. While it follows, the newest
// line is the selected one.
type logState struct {
	lines  []desk.Line // newest first
	list   table.List
	follow bool
}

// take replaces the lines; without following, the selection stays on its line.
func (l *logState) take(oldestFirst []desk.Line) {
	at, had := l.selected()
	l.lines = slices.Clone(oldestFirst)
	slices.Reverse(l.lines)
	l.list.SetLen(len(l.lines))
	if l.follow || !had {
		l.list.Select(0)
		return
	}
	for i, x := range l.lines {
		if x.Time.Equal(at.Time) && x.Event == at.Event && x.From == at.From && x.Text == at.Text {
			l.list.Select(i)
			return
		}
	}
}

func (l *logState) selected() (desk.Line, bool) {
	i := l.list.At()
	if i < 0 || i >= len(l.lines) {
		return desk.Line{}, false
	}
	return l.lines[i], true
}

// moved follows again only at the newest line.
func (l *logState) moved() { l.follow = l.list.At() <= 0 }

// text is what a line says behind its time and source: who, what, how often.
func text(x desk.Line) string {
	what := x.Text
	if what == "" {
		what = x.Event
		if x.Err != nil {
			what = x.Err.Error()
		}
	}
	if asking := x.Event == "caller" || x.Event == "refused"; asking && x.DeviceID != "" && !strings.Contains(what, x.DeviceID) {
		what = x.DeviceID + ": " + what
	}
	what = safe.Text(what)
	if x.Event == "refused" && !strings.Contains(strings.ToLower(what), "refused") {
		what = "REFUSED " + what
	}
	if x.Count > 1 {
		what += fmt.Sprintf(" (%d times)", x.Count)
	}
	return what
}

// whole is a line as it is copied and written to a file.
func (s *Screen) whole(x desk.Line) string {
	parts := []string{x.Time.In(s.d.Now().Location()).Format(time.DateTime)}
	if x.From.IsValid() {
		parts = append(parts, x.From.String())
	}
	if x.Via != "" {
		parts = append(parts, viaWord(x.Via))
	}
	out := strings.Join(append(parts, text(x)), "  ")
	code, more := rest(x)
	for _, s := range more {
		out += ". " + s
	}
	if code != "" {
		out += " (" + code + ")"
	}
	return out
}

// rest is what the error of a line says and its text does not: the code, and
// whole sentences such as what can be done.
func rest(x desk.Line) (code string, more []string) {
	if x.Err == nil || x.Text == "" {
		return "", nil
	}
	said := []string{x.Err.Error()}
	var f interface {
		Parts() (code, what, kept, do string)
	}
	if errors.As(x.Err, &f) {
		var what, kept, do string
		code, what, kept, do = f.Parts()
		said = []string{what, kept, do}
	}
	for _, s := range said {
		if s != "" && !strings.Contains(x.Text, s) {
			more = append(more, sentence(s))
		}
	}
	return safe.Text(code), more
}

// sentence begins with a capital.
func sentence(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return safe.Text(string(unicode.ToUpper(r)) + s[n:])
}

func lineToken(x desk.Line) style.Token {
	switch x.Event {
	case "refused":
		return style.Error
	case "down", "lost":
		return style.Warn
	case "admitted", "open":
		return style.OK
	}
	return style.Text
}

// stamp is the time of a line where the clock of the program is.
func (s *Screen) stamp(at time.Time) string {
	now := s.d.Now()
	at = at.In(now.Location())
	if at.Format(time.DateOnly) != now.Format(time.DateOnly) {
		return at.Format("01-02 15:04")
	}
	return at.Format(time.TimeOnly)
}

// row draws one line of the log in w cells.
func (s *Screen) row(x desk.Line, w int, sel bool) string {
	t := s.d.Theme
	head := s.stamp(x.Time) + "  "
	if x.From.IsValid() || x.Via != "" {
		fw := 20
		if w < 70 {
			fw = 0
		}
		at := "-"
		if x.From.IsValid() {
			at = x.From.String()
		}
		if fw > 0 {
			head += t.Fit(t.Fit(at, fw-1), fw)
		}
		head += t.Fit(viaWord(x.Via), 10)
	}
	if sel {
		return t.Paint(style.Select, t.Fit(t.Glyph(style.Selected)+head+text(x), w))
	}
	return t.Fit(" "+head+t.Paint(lineToken(x), text(x)), w)
}

// logBox draws the log.
func (s *Screen) logBox(w, h int) []string {
	t := s.d.Theme
	right := "follow"
	if !s.log.follow {
		right = fmt.Sprintf("line %d of %d", s.log.list.At()+1, len(s.log.lines))
	}
	var body []string
	from, to := s.log.list.Window()
	for i := from; i < to; i++ {
		body = append(body, s.row(s.log.lines[i], w-2, s.focus == logPart && i == s.log.list.At()))
	}
	if len(s.log.lines) == 0 {
		body = []string{t.Paint(style.Dim, " What happens at the listeners is written here: calls, refusals, reasons.")}
	}
	return t.Box(w, h, "Listener log", right, s.focused && s.focus == logPart, body)
}
