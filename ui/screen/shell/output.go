package shell

import (
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"dialtone/ui/safe"
	"dialtone/ui/style"
)

const (
	mostLines = 20000 // of output that are kept
	mostLine  = 8192  // bytes of one line; longer ones are cut into several
	aside     = 20    // cells that one step to the side goes
)

// kind is what a line is.
type kind uint8

const (
	result  kind = iota // of the device
	command             // of the person; the device does not echo them
	remark              // our own
)

// line is one row of the output, safe to show.
type line struct {
	text string
	kind kind
}

// shown is the line with the mark of a command.
func (l line) shown() string {
	if l.kind == command {
		return "% " + l.text
	}
	return l.text
}

// output is what came, with the place that is looked at.
type output struct {
	out     []line
	part    []byte // of a line that has not ended
	dropped int    // lines forgotten at the top
	top     int    // first line shown; counts only when not following
	left    int    // cells that are beyond the left edge
	rows    int    // shown at once
	follow  bool
	found   string // what was searched for last
	hit     int    // line of the last match, -1 when there is none
}

func (o *output) fit(rows int) {
	o.rows = rows
	o.move(0)
}

// take takes bytes of the device.
func (o *output) take(b []byte) {
	for _, c := range b {
		if c == '\n' {
			o.end()
			continue
		}
		if len(o.part) >= mostLine {
			o.end()
		}
		if c != '\r' {
			o.part = append(o.part, c)
		}
	}
}

// end ends the line that is coming in.
func (o *output) end() {
	text := string(o.part)
	o.part = o.part[:0]
	o.add(line{text: safe.Block(text)})
}

// flush ends a line that the device did not end.
func (o *output) flush() {
	if len(o.part) > 0 {
		o.end()
	}
}

// add adds a line behind the others, in front of one that is still coming in.
func (o *output) add(l line) {
	if len(o.out) >= mostLines {
		n := mostLines / 10
		o.out = append(o.out[:0], o.out[n:]...)
		o.dropped += n
		o.top, o.hit = max(o.top-n, 0), o.hit-n
	}
	o.out = append(o.out, l)
}

// say adds a line of our own, behind what came so far.
func (o *output) say(text string) {
	o.flush()
	o.add(line{text: "-- " + safe.Line(text) + " --", kind: remark})
}

func (o *output) scroll(key string) {
	switch key {
	case "pgup":
		o.move(-o.rows)
	case "pgdown":
		o.move(o.rows)
	case "ctrl+home":
		o.follow, o.top = len(o.out) <= o.rows, 0
	case "ctrl+end":
		o.follow = true
	}
}

func (o *output) move(by int) {
	last := max(len(o.out)-o.rows, 0)
	if o.follow {
		o.top = last
	}
	o.top = min(max(o.top+by, 0), last)
	o.follow = o.top == last
}

// lines is what is on the screen. A line that has not ended yet is among it.
func (o *output) lines() []line {
	all := o.out
	if len(o.part) > 0 {
		all = append(all[:len(all):len(all)], line{text: safe.Block(string(o.part))})
	}
	from := min(o.top, len(all))
	if o.follow {
		from = max(len(all)-o.rows, 0)
	}
	return all[from:min(from+o.rows, len(all))]
}

// find goes to the next line with the text searched for, or to the one before;
// it goes on at the other end. It reports whether there is one.
func (o *output) find(back bool) bool {
	n := len(o.out)
	if o.found == "" || n == 0 {
		return false
	}
	want := strings.ToLower(o.found)
	step, from := 1, o.hit
	if back {
		step = -1
	}
	if o.hit < 0 || o.hit >= n {
		from = o.first() - step
	}
	for i := 1; i <= n; i++ {
		at := ((from+i*step)%n + n) % n
		if strings.Contains(strings.ToLower(o.out[at].shown()), want) {
			o.hit = at
			o.follow = false
			o.top = min(max(at-o.rows/2, 0), max(n-o.rows, 0))
			return true
		}
	}
	o.hit = -1
	return false
}

// first is the first line that is shown.
func (o *output) first() int {
	if o.follow {
		return max(len(o.out)-o.rows, 0)
	}
	return o.top
}

// seek takes a key for the search line.
func (s *Screen) seek(k tea.KeyMsg) {
	switch k.String() {
	case "esc", "ctrl+g", "ctrl+c":
		s.seeking = false
	case "enter":
		s.seeking = false
		s.found, s.hit = strings.TrimSpace(s.search.Value()), -1
		s.find(false)
	default:
		s.search.Update(k)
	}
}

// View implements pane.Pane.
func (s *Screen) View() string {
	th := s.d.Theme
	body := make([]string, 0, s.h)
	at := s.first()
	for i, l := range s.lines() {
		text := l.shown()
		if s.left > 0 {
			text = ansi.Cut(text, s.left, s.left+max(s.w-2, 0))
		}
		switch {
		case at+i == s.hit && !s.follow:
			text = th.Paint(style.Select, th.Glyph(style.Selected)+text)
		case l.kind == command:
			text = th.Paint(style.Accent, text)
		case l.kind == remark:
			text = th.Paint(style.Warn, text)
		}
		body = append(body, text)
	}
	if len(body) == 0 {
		hello := "Type a command and press enter. There is no prompt and no echo; each line runs in a shell of its own, so cd does not hold for the next. Nothing tells when a command is done. ctrl+c stops it, and ends the shell."
		body = append(body, "")
		for _, l := range style.Wrap(hello, max(s.w-6, 10)) {
			body = append(body, "  "+l)
		}
		body = body[:min(len(body), s.rows)]
	}
	for len(body) < s.rows {
		body = append(body, "")
	}
	body = append(body, s.lastRow())
	return strings.Join(th.Box(s.w, s.h, "Shell  "+safe.Text(s.name), s.place(), s.focused, body), "\n")
}

// lastRow is the command line, or what stands in its place.
func (s *Screen) lastRow() string {
	th, w := s.d.Theme, max(s.w-4, 1)
	switch {
	case s.seeking:
		return "/ " + s.search.View(th, w, s.focused)
	case s.ended && s.again() != nil:
		return th.Paint(style.Dim, "the shell has ended: s opens another, q closes the tab")
	case s.ended:
		return th.Paint(style.Dim, "the shell has ended: q closes the tab")
	case s.typing:
		return "% " + s.typed.View(th, w, s.focused)
	}
	return th.Paint(style.Dim, "% i types a command")
}

// place is where the person looks.
func (s *Screen) place() string {
	right := "following"
	if !s.follow {
		right = fmt.Sprintf("line %d of %d", s.dropped+s.top+1, s.dropped+len(s.out))
	}
	if s.left > 0 {
		right = fmt.Sprintf("column %d, ", s.left+1) + right
	}
	if s.found != "" && s.hit < 0 {
		right = "not found, " + right
	}
	return right
}
