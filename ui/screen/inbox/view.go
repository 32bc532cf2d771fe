package inbox

import (
	"fmt"
	"strings"
	"time"

	"dialtone/conn/desk"
	"dialtone/conn/link"
	"dialtone/ui/safe"
	"dialtone/ui/style"
)

// wide is the width from which on the details stand beside the list.
const (
	wide         = 120
	detailsWidth = 54
)

// rect is the place of a pane; h is 0 when it is not shown.
type rect struct{ y, w, h int }

type frame struct{ list, details, log rect }

// divide gives the list the upper part, with the details beside it where there
// is room, and the log the rest.
func (s *Screen) divide() frame {
	if s.zoomed {
		if s.focus == logPart {
			return frame{log: rect{0, s.w, s.h}}
		}
		return frame{list: rect{0, s.w, s.h}}
	}
	top := min(max(s.h*3/7, 5), s.h)
	f := frame{list: rect{0, s.w, top}, log: rect{top, s.w, s.h - top}}
	if s.h < 8 {
		f.list.h, f.log.h = s.h, 0
	}
	if s.w >= wide {
		f.list.h = min(max(s.h/2, 5), s.h)
		f.log.y, f.log.h = f.list.h, s.h-f.list.h
		f.list.w = s.w - detailsWidth
		f.details = rect{0, detailsWidth, f.list.h}
	}
	return f
}

// View implements pane.Pane.
func (s *Screen) View() string {
	if s.w < 4 || s.h < 3 {
		return strings.Join(s.d.Theme.Box(s.w, s.h, "", "", false, nil), "\n")
	}
	f := s.divide()
	var rows []string
	if f.list.h > 0 {
		rows = s.listBox(f.list.w, f.list.h)
	}
	if f.details.h > 0 {
		for i, l := range s.detailsBox(f.details.w, f.details.h) {
			rows[i] += l
		}
	}
	if f.log.h > 0 {
		rows = append(rows, s.logBox(f.log.w, f.log.h)...)
	}
	return strings.Join(rows, "\n")
}

// columns is the widths of the list; 0 leaves a column out.
type columns struct{ name, from, via, trust, matches, waits int }

func layout(w int) columns {
	c := columns{name: 11, from: 19, via: 10, trust: 22, matches: 8, waits: 6}
	rest := w - 2 - c.name - c.from - c.via - c.trust - c.matches - c.waits
	if rest < 0 { // the address stands in the status row too
		rest += c.from + 1
		c.from, c.name = 0, c.name-1
	}
	if rest < 0 {
		rest += c.via
		c.via = 0
	}
	if rest < 0 {
		c.name = max(c.name+rest, 4)
	}
	if rest > 0 {
		more := min(rest/2, 13)
		c.name += more
		c.matches += min(rest-more, 16)
	}
	return c
}

func (s *Screen) cells(c columns, name, from, via, trust, matches, waits string) string {
	t := s.d.Theme
	cell := func(text string, w int) string {
		if w <= 0 {
			return ""
		}
		return t.Fit(text, w-1) + " "
	}
	return cell(name, c.name) + cell(from, c.from) + cell(via, c.via) + cell(trust, c.trust) + cell(matches, c.matches) + t.Fit(waits, c.waits)
}

func (s *Screen) listBox(w, h int) []string {
	t := s.d.Theme
	c := layout(w - 2)
	right := fmt.Sprint(len(s.callers))
	if s.order != byArrival {
		right = s.order.String() + ", " + right
	}
	if len(s.callers) == 0 {
		return t.Box(w, h, "Waiting", "", s.focused && s.focus == waitingPart, s.empty(w-2, h-2))
	}
	body := []string{t.Paint(style.Dim, "  "+s.cells(c, "DEVICE", "FROM", "VIA", "TRUST", "MATCHES", "WAITS"))}
	from, to := s.list.Window()
	for i := from; i < to; i++ {
		body = append(body, s.rowText(s.callers[i], c, w-2, i == s.list.At()))
	}
	return t.Box(w, h, "Waiting", right, s.focused && s.focus == waitingPart, body)
}

func (s *Screen) rowText(x desk.Caller, c columns, w int, sel bool) string {
	t := s.d.Theme
	mark := " "
	if x.Second {
		mark = "!"
	}
	cell := s.cells(c, claim(x), from(x), viaWord(x.Via), trust(x, c.trust-1), matches(x), s.waits(x))
	if sel {
		return t.Paint(style.Select, t.Fit(t.Glyph(style.Selected)+mark+cell, w))
	}
	return t.Fit(" "+t.Paint(style.Warn, mark)+t.Paint(token(x), cell), w)
}

// trust is the verdict on a caller in w cells: a long one gives up words, not
// its end, which says what the key is worth.
func trust(x desk.Caller, w int) string {
	text := safe.Text(x.Trust)
	for _, short := range [][2]string{{", key ", ", "}, {" not checked", " unchecked"}} {
		if style.Width(text) > w {
			text = strings.Replace(text, short[0], short[1], 1)
		}
	}
	return text
}

// waits is how long a caller has waited.
func (s *Screen) waits(x desk.Caller) string {
	switch {
	case inUse(x) != "":
		return "in use"
	case x.Parked:
		return "parked"
	}
	return short(s.d.Now().Sub(x.Since))
}

// inUse says why a device of the basic form cannot be opened once more; "" when
// it can. It brings one session at a time.
func inUse(x desk.Caller) string {
	if x.Via == link.HTTPSBasic && x.Sessions > 0 {
		return "20.2 has one session at a time"
	}
	return ""
}

func short(d time.Duration) string {
	d = max(d, 0).Truncate(time.Second)
	if d >= 100*time.Minute {
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%02d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}

// empty says what the list is for and the keys that fill it.
func (s *Screen) empty(w, h int) []string {
	lines := []string{"Nobody waits. Callers stand here until somebody decides.", ""}
	if len(s.desk.Listeners) == 0 {
		lines = append(lines, "L   listen for call home      (port 4334, nothing is accepted", "                               without asking you)")
	} else {
		lines = append(lines, "L   listeners                 where we listen")
	}
	lines = append(lines, "c   certificate               for devices that come by HTTPS", "1   devices                   c: what to paste on one")
	wide := 0
	for _, l := range lines {
		wide = max(wide, style.Width(l))
	}
	out := make([]string, max((h-len(lines))/2, 0))
	for _, l := range lines {
		out = append(out, strings.Repeat(" ", max((w-wide)/2, 1))+l)
	}
	return out
}

// detailsBox is what is known of the selected caller, claims marked as claims.
func (s *Screen) detailsBox(w, h int) []string {
	t := s.d.Theme
	x, ok := s.selected()
	if !ok {
		return t.Box(w, h, "Details", "", false, []string{"", t.Paint(style.Dim, " What a caller claims, and what of it is proved.")})
	}
	in := w - 4
	line := func(label, value string) string { return " " + t.Paint(style.Dim, t.Fit(label, 11)) + value }
	body := []string{line("claims", claim(x)), line("from", from(x)), line("via", viaWord(x.Via)), line("matches", matches(x))}
	if x.User != "" {
		body = append(body, line("user", safe.Text(x.User)))
	}
	if x.Parked {
		body = append(body, line("sessions", fmt.Sprintf("%d open; enter opens another", x.Sessions)))
	} else if !x.Until.IsZero() {
		body = append(body, line("closes in", short(x.Until.Sub(s.d.Now()))))
	}
	if x.Note != "" {
		for i, l := range style.Wrap(safe.Text(x.Note), in-11) {
			label := ""
			if i == 0 {
				label = "says too"
			}
			if i < 3 {
				body = append(body, line(label, l))
			}
		}
	}
	if x.Key != "" {
		body = append(body, "")
		for _, l := range style.Wrap(safe.Text(x.Key), w-3) {
			body = append(body, " "+l)
		}
	}
	body = append(body, "")
	for _, v := range verdict(x) {
		for _, l := range style.Wrap(v, in) {
			body = append(body, " "+t.Paint(token(x), l))
		}
	}
	right := "a claim"
	if x.Believed {
		right = "proved"
	}
	return t.Box(w, h, who(x), right, false, body)
}

// Status implements pane.Screen: the whole key of the selected caller, or the
// whole line of the log.
func (s *Screen) Status() string {
	t := s.d.Theme
	if n := s.listOf().Pending(); n > 0 {
		return fmt.Sprintf("count %d", n)
	}
	if s.focus == logPart {
		if x, ok := s.log.selected(); ok {
			return s.stamp(x.Time) + strings.TrimPrefix(s.whole(x), x.Time.In(s.d.Now().Location()).Format(time.DateTime))
		}
		return ""
	}
	x, ok := s.selected()
	if !ok {
		return listening(s.desk.Listeners)
	}
	left, right := safe.Text(x.Key), ""
	if left == "" {
		left = strings.Join(verdict(x), " ")
	}
	if layout(s.w-2).from == 0 && x.Key != "" { // narrow: the fingerprint first, and whole
		left = bareKey(x) + "  " + from(x)
	}
	if !x.Parked && !x.Until.IsZero() {
		right = "closes in " + short(x.Until.Sub(s.d.Now()))
	}
	room := s.w - 2 - style.Width(right)
	if right != "" && style.Width(left)+2 > room {
		return left
	}
	return t.Fit(left, room) + right
}

// listening is where we listen, in a few words.
func listening(ls []desk.Listener) string {
	if len(ls) == 0 {
		return "not listening"
	}
	var parts []string
	for _, l := range ls {
		at := l.Kind + " " + l.Bound
		if l.Bound == "" {
			at = l.Kind + " " + l.Addr + " down"
		}
		parts = append(parts, safe.Text(at))
	}
	return "listening: " + strings.Join(parts, ", ")
}
