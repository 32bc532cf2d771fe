package ui

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"dialtone/conn"
	"dialtone/ui/action"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/widget/bar"
)

// View draws exactly the size of the terminal: tabs, body, status, help.
func (r *root) View() string {
	if r.w < 1 || r.h < 1 || r.quitting {
		return ""
	}
	if r.small() {
		return r.smallView()
	}
	rows := make([]string, 0, r.h)
	rows = append(rows, r.tabRow())
	bw, bh := r.bodySize()
	rows = append(rows, fitRows(r.cur().View(), bw, bh)...)
	if r.changes.on {
		rows = append(rows, r.d.Theme.Fit(r.barRow(), r.w))
	}
	status := r.cur().Status()
	if hidden := r.overlays(rows[1 : 1+bh]); hidden != "" {
		status = hidden
	}
	rows = append(rows, r.d.Theme.Fit(" "+status, r.w), r.helpRow())
	return r.fitCharset(strings.Join(rows, "\n"))
}

// fitCharset keeps a screen to ASCII when the terminal shows nothing else: a
// sign of one cell stands for each cell.
func (r *root) fitCharset(view string) string {
	if !r.d.Theme.ASCII {
		return view
	}
	return style.ToASCII(view)
}

// fitRows splits a screen's view and makes it exactly h rows.
func fitRows(view string, w, h int) []string {
	rows := strings.Split(view, "\n")
	for len(rows) < h {
		rows = append(rows, strings.Repeat(" ", w))
	}
	return rows[:h]
}

// overlays lays toasts bottom right and dialogs in the middle of body. Dialogs
// come last: no text of a device may cover what a person decides on. A message
// that a dialog covers is returned, for the status row.
func (r *root) overlays(body []string) (hidden string) {
	boxes := r.toasts.View(r.d.Theme, r.w-4)
	bottom, left := len(body)-1, r.w
	for i := len(boxes) - 1; i >= 0 && bottom >= len(boxes[i]); i-- {
		bottom -= len(boxes[i])
		x := r.w - 2 - style.Width(boxes[i][0])
		style.Over(body, boxes[i], x, bottom, r.w)
		left = min(left, x)
	}
	for _, d := range r.stack.Layers() {
		box := strings.Split(d.View(r.w, len(body)), "\n")
		x, y := style.Centre(r.w, len(body), style.Width(box[0]), len(box))
		style.Over(body, box, x, y, r.w)
		if y+len(box) > bottom && x+style.Width(box[0]) > left {
			hidden = r.toasts.Newest(r.d.Theme)
		}
	}
	return hidden
}

// tabRow is the first row: tabs from the left, mode and clock at the right.
func (r *root) tabRow() string {
	t := r.d.Theme
	right := r.right()
	if most := max(r.w-20, 0); style.Width(right) > most {
		right = t.Fit(right, most)
	}
	room := r.w - style.Width(right) - 2
	parts := make([]string, len(r.tabs))
	widths := make([]int, len(r.tabs))
	for i := range r.tabs {
		parts[i] = r.tabText(i)
		widths[i] = style.Width(parts[i]) + 2
	}
	const name = " dialtone "
	first, last := window(widths, r.at, room-len(name))
	if first > 0 || last < len(r.tabs) { // the marks of what is left out need room too
		first, last = window(widths, r.at, room-len(name)-2)
	}
	row := name
	if first > 0 {
		row += t.Glyph(style.Ellipsis)
	}
	for i := first; i < last; i++ { // brackets take the place of blanks, so that nothing shifts
		if i == r.at {
			row += t.Paint(style.Title, "["+parts[i]+"]")
		} else {
			row += " " + parts[i] + " "
		}
	}
	if last < len(r.tabs) {
		row += t.Glyph(style.Ellipsis)
	}
	return t.Fit(row, r.w-style.Width(right)-1) + right + " "
}

// window is the widest run of neighbours around at that fits into room.
func window(widths []int, at, room int) (first, last int) {
	first, last = at, at+1
	used := widths[at]
	for grown := true; grown; {
		grown = false
		if last < len(widths) && used+widths[last] <= room {
			used += widths[last]
			last++
			grown = true
		}
		if first > 0 && used+widths[first-1] <= room {
			first--
			used += widths[first]
			grown = true
		}
	}
	return first, last
}

func (r *root) tabText(i int) string {
	tb := r.tabs[i]
	name := r.d.Theme.Fit(safe.Text(tb.screen.Title()), min(style.Width(safe.Text(tb.screen.Title())), 20))
	if key := r.numberKey(i); key != "" {
		name = key + " " + name
	}
	if n := len(r.calls.now.Callers); i == r.inboxAt() && n > 0 {
		name += " " + itoa(n)
	}
	if dev, ok := r.d.Backend.Device(tb.id); ok && tb.id != 0 {
		g, tok := screen.StateGlyph(dev.State)
		name += " " + r.d.Theme.Paint(tok, r.d.Theme.Glyph(g))
		if left, urgent := r.rollback(tb.id); left != "" {
			tok = style.Warn
			if urgent {
				tok = style.Danger
			}
			name += " " + r.d.Theme.Paint(tok, left)
		}
	}
	return name
}

// rollback is the countdown of a session, "" when none runs; urgent in the last
// minute.
func (r *root) rollback(id conn.SessionID) (words string, urgent bool) {
	for _, s := range r.bars() {
		if s.ID == id && id != 0 && s.Kind == bar.Confirmed {
			return s.Short(), s.Urgent()
		}
	}
	return "", false
}

// right is the right end of the first row: the listeners, the mode, the clock.
func (r *root) right() string {
	mode, ls := r.mode(), r.listening()
	switch {
	case ls == "" || r.cur().Capturing() && r.w < wideWidth:
		return mode
	case mode == "":
		return ls
	}
	return ls + "   " + mode
}

// mode is how the program runs: what keys do, what is forbidden, the time.
func (r *root) mode() string {
	mode := ""
	switch {
	case r.cur().Capturing() && r.stack.Top() == nil:
		mode = r.d.Theme.Paint(style.Accent, "EDIT")
	case r.d.ReadOnly:
		mode = r.d.Theme.Paint(style.Warn, "read-only")
	case r.w >= wideWidth:
		mode = "read-write"
	}
	if r.w >= wideWidth {
		mode += "   " + r.d.Now().Format(time.TimeOnly)
	}
	return mode
}

// helpRow is the last row: what the keys do here, "? help" at the right end.
func (r *root) helpRow() string {
	t := r.d.Theme
	end := "? help "
	if d := r.stack.Top(); d != nil {
		return t.Fit(t.Fit(" "+d.Help(), r.w-1), r.w)
	}
	if r.cur().Capturing() {
		end = ""
	}
	last := ""
	for _, a := range hints(r.rootActions()) {
		last += r.hint(a)
	}
	row := " "
	for _, a := range hints(r.screenActions()) {
		part := r.hint(a)
		if style.Width(row)+style.Width(part)+style.Width(last)+len(end) > r.w {
			break
		}
		row += part
	}
	return t.Fit(row+last, r.w-len(end)) + end
}

func (r *root) hint(a action.Action) string {
	t := r.d.Theme
	return t.Paint(style.Title, action.KeyName(a.Keys[0], t.ASCII)) + " " + safe.Text(a.Label()) + "  "
}

// hints is the actions of the help bar in their order; those that are off are
// not worth the room.
func hints(as []action.Action) []action.Action {
	var out []action.Action
	for _, a := range as {
		if a.Hint > 0 && len(a.Keys) > 0 && a.Off == "" {
			out = append(out, a)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Hint < out[j].Hint })
	return out
}

// waits says what is open above the screen, "" when nothing is.
func (r *root) waits() string {
	switch d := r.stack.Top().(type) {
	case nil:
		return ""
	case overlay.Waiter:
		return d.Waits()
	}
	return "A dialog is open and keeps what was typed."
}

// smallView is the card of a terminal that is too small for a screen.
func (r *root) smallView() string {
	lines := []string{"", fmt.Sprintf("  Terminal is %d x %d; %d x %d is needed.", r.w, r.h, minWidth, minHeight), ""}
	if r.h < 4 {
		lines = lines[1:2]
	}
	more, confirm := r.smallLines()
	lines = append(lines, more...)
	if n := r.openCount(); n > 0 {
		lines = append(lines, fmt.Sprintf("  %d open", n))
	}
	if what := r.waits(); what != "" {
		lines = append(lines, "  "+what)
	}
	lines = append(lines, "  "+confirm+"q quit   ctrl+c stop")
	rows := make([]string, r.h)
	for i := range rows {
		text := ""
		if i < len(lines) {
			text = lines[i]
		}
		rows[i] = r.d.Theme.Fit(text, r.w)
	}
	return r.fitCharset(strings.Join(rows, "\n"))
}
