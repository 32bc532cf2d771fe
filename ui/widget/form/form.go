// Package form is a list of labelled fields that a person fills in, with the
// error of a field beside it.
package form

import (
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/style"
	"dialtone/ui/widget/prompt"
)

// Kind is what a field is.
type Kind uint8

// Text is typed. Choice is one of Options. Toggle is on or off.
const (
	Text Kind = iota
	Choice
	Toggle
)

// Field is one row of a form.
type Field struct {
	Name    string // by which errors and values are found
	Label   string
	Kind    Kind
	Line    prompt.Line
	Options []string // of a Choice, as shown
	At      int      // chosen option
	On      bool
	Note    string // shown dim behind the field
	Hidden  bool
	Short   bool   // a small box: numbers
	Err     string // shown beside the field, "" when there is none
	left    bool   // the person has been in it
}

// Value is the text, the chosen option, or "true".
func (f *Field) Value() string {
	switch f.Kind {
	case Choice:
		if f.At < len(f.Options) {
			return f.Options[f.At]
		}
		return ""
	case Toggle:
		if f.On {
			return "true"
		}
		return ""
	}
	return strings.TrimSpace(f.Line.Value())
}

// Left reports whether the person has been in the field and left it, so that
// its error may be shown.
func (f *Field) Left() bool { return f.left }

// Button is a word at the foot of the form.
type Button struct{ Name, Label string }

// Form is the fields and buttons with a focus. Focus runs over both.
type Form struct {
	Fields  []*Field
	Buttons []Button
	focus   int // index into Fields, then Buttons
	top     int // first visible row
}

// Field returns the field of a name, nil when there is none.
func (f *Form) Field(name string) *Field {
	for _, x := range f.Fields {
		if x.Name == name {
			return x
		}
	}
	return nil
}

// Focused is the field under the cursor, nil when a button is.
func (f *Form) Focused() *Field {
	if f.focus < len(f.Fields) {
		return f.Fields[f.focus]
	}
	return nil
}

// Select puts the cursor on a field or a button by its name.
func (f *Form) Select(name string) {
	for i, x := range f.Fields {
		if x.Name == name && !x.Hidden {
			f.focus = i
		}
	}
	for i, b := range f.Buttons {
		if b.Name == name {
			f.focus = len(f.Fields) + i
		}
	}
}

// Touch marks all fields as left, so that every error shows.
func (f *Form) Touch() {
	for _, x := range f.Fields {
		x.left = true
	}
}

// Wipe overwrites what was typed.
func (f *Form) Wipe() {
	for _, x := range f.Fields {
		x.Line.Wipe()
	}
}

func (f *Form) move(by int) {
	if x := f.Focused(); x != nil {
		x.left = true
	}
	n := len(f.Fields) + len(f.Buttons)
	for range n {
		f.focus = (f.focus + by + n) % n
		if x := f.Focused(); x == nil || !x.Hidden {
			return
		}
	}
}

// Update takes a key. pressed is the name of the button that was pressed with
// enter; moved tells that a field was left, changed that a value is another.
// Enter in a field goes to the next one.
func (f *Form) Update(k tea.KeyMsg) (pressed string, moved, changed bool) {
	key := k.String()
	switch key {
	case "tab", "down", "ctrl+n":
		f.move(1)
		return "", true, false
	case "shift+tab", "up", "ctrl+p":
		f.move(-1)
		return "", true, false
	case "enter":
		if f.focus >= len(f.Fields) {
			return f.Buttons[f.focus-len(f.Fields)].Name, false, false
		}
		f.move(1)
		return "", true, false
	}
	x := f.Focused()
	if x == nil {
		switch key {
		case "left", "h":
			f.focus = max(f.focus-1, len(f.Fields))
		case "right", "l":
			f.focus = min(f.focus+1, len(f.Fields)+len(f.Buttons)-1)
		}
		return "", false, false
	}
	return "", false, x.update(k)
}

func (x *Field) update(k tea.KeyMsg) bool {
	key := k.String()
	switch x.Kind {
	case Text:
		return x.Line.Update(k)
	case Toggle:
		if key == " " || key == "x" {
			x.On = !x.On
			return true
		}
	case Choice:
		switch key {
		case " ", "right", "l":
			x.At = (x.At + 1) % max(len(x.Options), 1)
			return true
		case "left", "h":
			x.At = (x.At + max(len(x.Options), 1) - 1) % max(len(x.Options), 1)
			return true
		}
	}
	return false
}

// labelWidth is the room of the labels; the boxes stand in one column.
const labelWidth = 14

// View draws the form in w cells and at most h rows: fields that scroll, then
// a row for what has no room beside a field, and the buttons.
func (f *Form) View(t *style.Theme, w, h int) []string {
	var rows []string
	at := 0
	for i, x := range f.Fields {
		if x.Hidden {
			continue
		}
		if i == f.focus {
			at = len(rows)
		}
		rows = append(rows, x.row(t, w, i == f.focus))
	}
	room := max(h-2, 1)
	f.top = max(min(f.top, at), at-room+1)
	f.top = max(min(f.top, len(rows)-room), 0)
	if f.focus >= len(f.Fields) {
		f.top = max(len(rows)-room, 0)
	}
	out := append([]string(nil), rows[f.top:min(f.top+room, len(rows))]...)
	last := f.whole(t, w)
	if below := len(rows) - f.top - room; last == "" && below > 0 {
		last = t.Paint(style.Dim, t.Fit(fmt.Sprintf("   %d more below", below), w))
	}
	return append(out, last, f.buttons(t, w))
}

// whole is the error of the focused field where there is room for all of it: the
// one beside the field may be cut.
func (f *Form) whole(t *style.Theme, w int) string {
	x := f.Focused()
	if x == nil || x.Err == "" || !x.left || style.Width(x.Err) <= w-3-labelWidth-6-16 {
		return ""
	}
	return t.Paint(style.Error, t.Fit(" ! "+x.Err, w))
}

func (f *Form) buttons(t *style.Theme, w int) string {
	var parts []string
	width := 0
	for i, b := range f.Buttons {
		text := "[ " + b.Label + " ]"
		if i+len(f.Fields) == f.focus {
			text = ">" + text
			if t.SGR(style.Select) != "" {
				text = ">" + t.Paint(style.Select, "[ "+b.Label+" ]")
			}
		} else {
			text = " " + text
		}
		parts = append(parts, text)
		width += style.Width(text)
	}
	gap := strings.Repeat(" ", 4)
	if between := len(parts) - 1; between > 0 { // a narrow form has them closer
		gap = gap[:min(max((w-width)/between, 0), len(gap))]
	}
	return strings.Repeat(" ", max((w-width-len(gap)*(len(parts)-1))/2, 0)) + strings.Join(parts, gap)
}

// row is one field: a mark of an error or of the focus, label, box, and the
// error or the note behind it.
func (x *Field) row(t *style.Theme, w int, focused bool) string {
	mark := "   "
	wrong := x.Err != "" && x.left
	switch {
	case wrong:
		mark = " " + t.Paint(style.Error, "!") + " "
	case focused:
		mark = " " + t.Glyph(style.Selected) + " "
	}
	label := t.Fit(x.Label, labelWidth)
	if focused {
		label = t.Paint(style.Title, label)
	}
	room := w - 3 - labelWidth
	behind := t.Paint(style.Dim, x.Note)
	if wrong {
		behind = t.Paint(style.Error, x.Err)
	}
	var box string
	switch x.Kind {
	case Choice:
		if box = x.choices(t, focused); style.Width(box) > room {
			box = "< " + x.Value() + " >"
			if focused {
				box = t.Paint(style.Select, box)
			}
			behind = t.Paint(style.Dim, fmt.Sprintf("%d of %d", x.At+1, len(x.Options)))
			if wrong {
				behind = t.Paint(style.Error, x.Err)
			}
		}
	case Toggle:
		box = "[ ]"
		if x.On {
			box = "[x]"
		}
		if focused {
			box = t.Paint(style.Select, box)
		}
	default:
		box = "[ " + x.Line.View(t, x.box(room, behind), focused) + " ]"
	}
	if behind != "" {
		box += "  " + behind
	}
	return mark + label + t.Fit(box, room)
}

// box is the width of what is typed: it makes room for an error.
func (x *Field) box(room int, behind string) int {
	w := room - 6
	if x.Short {
		w = 8
	}
	if n := style.Width(behind); n > 0 {
		w = min(w, max(room-6-n, 16))
	}
	return max(w, 4)
}

func (x *Field) choices(t *style.Theme, focused bool) string {
	var b strings.Builder
	for i, o := range x.Options {
		text := "( ) " + o
		if i == x.At {
			text = "(*) " + o
			if focused {
				text = t.Paint(style.Select, text)
			}
		}
		if i > 0 {
			b.WriteString(" ")
		}
		b.WriteString(text)
	}
	return b.String()
}
