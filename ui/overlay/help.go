package overlay

import (
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
	at     int // selected among the filtered, -1: none
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
		h.type1(k)
	default:
		h.type1(k)
	}
	h.at = min(max(h.at, 0), max(len(h.found())-1, 0))
	return nil, false
}

func (h *Help) type1(k tea.KeyMsg) {
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

// View implements Dialog: two columns, three from 120 cells on.
func (h *Help) View(maxW, maxH int) string {
	found := h.found()
	cols := 2
	switch {
	case maxW >= 120:
		cols = 3
	case maxW < 70:
		cols = 1
	}
	cell := (maxW - 4) / cols
	var rows []string
	sel := 0 // row of the selected action
	shown := h.moved || h.filter.Len() > 0
	for i := 0; i < len(found); {
		sec := found[i].Section
		head := sec
		if sec == "" {
			head = "HERE"
		}
		rows = append(rows, " "+h.Theme.Paint(style.Title, head))
		end := i
		for end < len(found) && found[end].Section == sec {
			end++
		}
		for ; i < end; i += cols {
			row := " "
			for c := i; c < min(i+cols, end); c++ {
				if c == h.at {
					sel = len(rows)
				}
				row += h.cell(found[c], cell, c == h.at && shown)
			}
			rows = append(rows, row)
		}
		i = end
	}
	if len(found) == 0 {
		rows = []string{"", "  No key matches. Backspace or esc shows them all."}
	}
	page := max(maxH-3, 1)
	h.top = min(h.top, max(len(rows)-page, 0))
	if sel < h.top {
		h.top = max(sel-1, 0)
	}
	if sel >= h.top+page {
		h.top = sel - page + 1
	}
	body := append([]string(nil), rows[h.top:min(h.top+page, len(rows))]...)
	for len(body) < page {
		body = append(body, "")
	}
	last := itoa(h.Here) + " keys here, " + itoa(len(h.Actions)-h.Here) + " everywhere"
	if shown && h.at < len(found) { // whole, for the columns are narrow
		last = keyText(found[h.at], h.Theme) + "  " + plainTitle(found[h.at])
	}
	body = append(body, h.Theme.Paint(style.Dim, h.Theme.Fit(" "+last, max(maxW-2, 0))))
	right := "/ " + strings.TrimRight(h.filter.View(h.Theme, 16, true), " ")
	return strings.Join(h.Theme.Box(maxW, maxH, "Keys: "+h.Where, right, true, body), "\n")
}

func (h *Help) cell(a action.Action, w int, sel bool) string {
	mark := " "
	if sel {
		mark = h.Theme.Glyph(style.Selected)
	}
	title := a.Title
	if a.Off != "" {
		title = h.Theme.Paint(style.Dim, plainTitle(a))
	} else if a.Alters {
		title += h.Theme.Paint(style.Warn, " (device)")
	}
	text := mark + " " + h.Theme.Fit(keyText(a, h.Theme), 11) + " " + title
	if sel {
		return h.Theme.Paint(style.Select, h.Theme.Fit(mark+" "+h.Theme.Fit(keyText(a, h.Theme), 11)+" "+plainTitle(a), w))
	}
	return h.Theme.Fit(text, w)
}

func plainTitle(a action.Action) string {
	if a.Off != "" {
		return "off: " + a.Title + ": " + a.Off
	}
	if a.Alters {
		return a.Title + " (device)"
	}
	return a.Title
}
