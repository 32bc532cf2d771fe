package docview

import (
	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/style"
	"dialtone/ui/widget/prompt"
)

// ask is the input line at the bottom of the pane: what to search for, where
// to go, what to save as.
type ask struct {
	label string
	in    prompt.Line
	note  string // what is wrong with the last answer, or what goes on
	enter func(v *View, text string) tea.Cmd
}

// open opens the line and returns it, to be filled in.
func (v *View) open(label string, enter func(*View, string) tea.Cmd) *prompt.Line {
	v.ask = &ask{label: label, enter: enter}
	v.settle()
	return &v.ask.in
}

func (v *View) askKey(k tea.KeyMsg) tea.Cmd {
	a := v.ask
	switch k.String() {
	case "esc", "ctrl+g", "ctrl+c":
		v.answered()
	case "enter":
		return a.enter(v, a.in.Value())
	default:
		if a.in.Update(k) {
			a.note = ""
		}
	}
	return nil
}

// answered closes the input line.
func (v *View) answered() {
	v.ask = nil
	v.settle()
}

// view draws the line in exactly w cells.
func (a *ask) view(th *style.Theme, w int) string {
	label := " " + a.label + " "
	note := ""
	switch {
	case a.note != "":
		note = " " + a.note + " "
	case a.in.Offered():
		note = " typing replaces it "
	}
	room := w - style.Width(label) - style.Width(note)
	if room < 8 {
		note, room = "", w-style.Width(label)
	}
	if room < 1 {
		return th.Fit(label, w)
	}
	return th.Paint(style.Accent, label) + a.in.View(th, room, true) + th.Paint(style.Warn, note)
}
