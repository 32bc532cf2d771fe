package overlay

import (
	"cmp"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/action"
	"dialtone/ui/style"
	"dialtone/ui/widget/prompt"
)

// Help is the action table of where the person is: filtered as they type,
// disabled actions say why, Enter runs one.
type Help struct {
	Theme   *style.Theme
	Where   string // "devices"
	Actions []action.Action
	Here    int // how many of Actions belong to the screen; the rest is everywhere
	RunID   func(action.ID) tea.Cmd

	filter prompt.Line
	at     int // selected among the filtered, and shown so once moved or filtered
	top    int // first row shown
	moved  bool
}

// Help implements Dialog.
func (h *Help) Help() string { return "type to filter  enter run it  esc close" }

// Waits implements Waiter.
func (h *Help) Waits() string { return "The list of keys is open." }

// Update implements Dialog.
func (h *Help) Update(m tea.Msg) (tea.Cmd, bool) {
	k, ok := m.(tea.KeyMsg)
	if !ok {
		return nil, false
	}
	found := h.found()
	switch k.String() {
	case "ctrl+c":
		return nil, true
	case "esc":
		if h.filter.Len() > 0 {
			h.filter.Wipe()
			h.at, h.moved = 0, false
			return nil, false
		}
		return nil, true
	case "down", "ctrl+n", "tab":
		if h.moved {
			h.at++
		}
		h.moved = true
	case "up", "ctrl+p", "shift+tab":
		h.at, h.moved = h.at-1, true
	case "pgdown":
		h.at, h.moved = h.at+10, true
	case "pgup":
		h.at, h.moved = h.at-10, true
	case "enter":
		if !h.moved && h.filter.Len() == 0 || h.at >= len(found) {
			return nil, false
		}
		return h.RunID(found[h.at].ID), true
	case "?":
		if h.filter.Len() == 0 {
			return nil, true
		}
		h.typed(k)
	default:
		h.typed(k)
	}
	h.at = min(max(h.at, 0), max(len(h.found())-1, 0))
	return nil, false
}

func (h *Help) typed(k tea.KeyMsg) {
	if h.filter.Update(k) {
		h.at = 0
	}
}

// found is the actions that hold the filter in title, key or section.
func (h *Help) found() []action.Action {
	want := strings.ToLower(h.filter.Value())
	var out []action.Action
	for _, a := range h.Actions {
		if len(a.Keys) == 0 {
			continue
		}
		if strings.Contains(strings.ToLower(a.Title+" "+keyText(a, h.Theme)+" "+a.Section), want) {
			out = append(out, a)
		}
	}
	return out
}

func keyText(a action.Action, t *style.Theme) string {
	if n := len(a.Keys); n > 4 {
		return a.Keys[0] + "-" + a.Keys[n-1]
	}
	names := make([]string, 0, len(a.Keys))
	for _, k := range a.Keys {
		names = append(names, action.KeyName(k, t.ASCII))
	}
	return strings.Join(names, " ")
}

// View implements Dialog: two columns, three from 120 cells on. A text that is
// wider than one takes several, and a row below where that is not enough: a
// reason is worth nothing cut.
func (h *Help) View(maxW, maxH int) string {
	rows, sel := h.rows(maxW)
	page := max(maxH-3, 1)
	h.top = min(h.top, max(len(rows)-page, 0))
	if sel[1] > h.top+page {
		h.top = sel[1] - page
	}
	if sel[0] < h.top {
		h.top = max(sel[0]-1, 0)
	}
	body := append([]string(nil), rows[h.top:min(h.top+page, len(rows))]...)
	for len(body) < page {
		body = append(body, "")
	}
	last := strconv.Itoa(h.Here) + " keys here, " + strconv.Itoa(len(h.Actions)-h.Here) + " everywhere"
	if below := len(rows) - h.top - page; below > 0 {
		last += "; " + strconv.Itoa(below) + " rows below"
	}
	body = append(body, h.Theme.Paint(style.Dim, h.Theme.Fit(" "+last, max(maxW-2, 0))))
	right := "/ " + strings.TrimRight(h.filter.View(h.Theme, 16, true), " ")
	return strings.Join(h.Theme.Box(maxW, maxH, "Keys: "+h.Where, right, true, body), "\n")
}

// rows draws the actions by section, and says from which row to which the
// selected one stands.
func (h *Help) rows(maxW int) (rows []string, sel [2]int) {
	found := h.found()
	if len(found) == 0 {
		return []string{"", "  No key matches. Backspace or esc shows them all."}, sel
	}
	cols := 2
	switch {
	case maxW >= 120:
		cols = 3
	case maxW < 70:
		cols = 1
	}
	w := (maxW - 4) / cols
	marked := h.moved || h.filter.Len() > 0
	col := cols // of the next action; from there on a new row begins
	for i, a := range found {
		if i == 0 || a.Section != found[i-1].Section {
			rows, col = append(rows, " "+h.Theme.Paint(style.Title, cmp.Or(a.Section, "HERE"))), cols
		}
		need := helpKeys + 4 + style.Width(plainTitle(a))
		span := min((need+w-1)/w, cols)
		if col+span > cols {
			rows, col = append(rows, " "), 0
		}
		lines := h.cell(a, span*w, marked && i == h.at)
		from := len(rows) - 1
		rows[from] += lines[0]
		for _, l := range lines[1:] { // only where it has all of a row
			rows = append(rows, " "+l)
		}
		if col += span; i == h.at {
			sel = [2]int{from, len(rows)}
		}
	}
	return rows, sel
}

const (
	helpKeys  = 11 // cells of the keys of an action
	helpLines = 4  // that one action may take
)

// cell draws one action: its keys, and beside them its title on as many lines
// as that needs.
func (h *Help) cell(a action.Action, w int, sel bool) []string {
	mark := " "
	if sel {
		mark = h.Theme.Glyph(style.Selected)
	}
	lead := mark + " " + h.Theme.Fit(keyText(a, h.Theme), helpKeys) + " "
	in := w - helpKeys - 4 // and one between the columns
	lines := style.Wrap(plainTitle(a), max(in, 1))
	if n := len(lines); n > helpLines {
		lines = append(lines[:helpLines-1], strings.Join(lines[helpLines-1:], " "))
	}
	for i, l := range lines {
		if i > 0 {
			lead = strings.Repeat(" ", helpKeys+3)
		}
		title, device := strings.CutSuffix(l, deviceMark)
		switch {
		case sel:
			lines[i] = h.Theme.Paint(style.Select, h.Theme.Fit(lead+h.Theme.Fit(l, in), w))
			continue
		case a.Off != "":
			title = h.Theme.Paint(style.Dim, h.Theme.Fit(l, in))
		case device:
			title += h.Theme.Paint(style.Warn, deviceMark)
		}
		lines[i] = h.Theme.Fit(lead+h.Theme.Fit(title, in), w)
	}
	return lines
}

// deviceMark stands behind what changes a device.
const deviceMark = " (device)"

func plainTitle(a action.Action) string {
	if a.Off != "" {
		return "off: " + a.Title + ": " + a.Off
	}
	if a.Alters {
		return a.Title + deviceMark
	}
	return a.Title
}
