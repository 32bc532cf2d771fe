package overlay

import (
	"slices"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/action"
	"dialtone/ui/safe"
	"dialtone/ui/style"
	"dialtone/ui/widget/prompt"
)

// Choice is one answer of a Confirm. Do may be nil.
type Choice struct {
	Key   string // one letter; never "n"
	Label string // "Commit"
	Do    tea.Cmd
	Grave bool // needs Confirm.Word when there is one
	Stay  bool // does not close the dialog, and stands in the help bar only
}

// Confirm asks before something is done. Cancel comes first and is what Enter
// does; the letters shown choose the rest. Dialogs keep their 80-column width.
type Confirm struct {
	Theme   *style.Theme
	Title   string   // safe text
	Body    []string // paragraphs; made safe here, wrapped
	Choices []Choice
	Cancel  string // label of the default, "Cancel" when empty
	// CancelKey is shown for the default instead of esc; both work.
	CancelKey string
	// Declined is done when the default is taken; may be nil.
	Declined tea.Cmd
	Wide     bool // room for a fingerprint in one line
	Danger   bool // title in the colour of danger
	// Word, when not empty, must be typed before a Grave choice is taken:
	// the device's name, a host name.
	Word string
	// Interrupt, when set, is what ctrl+c does instead of Cancel.
	Interrupt tea.Cmd
	// Late, when set, is called with every message that is no key; true
	// closes the dialog.
	Late func(tea.Msg) bool

	typed   prompt.Line
	missing bool // a grave choice was pressed without the word
	at, of  int  // place among questions
}

// Place implements Placed.
func (c *Confirm) Place(i, of int) { c.at, c.of = i, of }

// Help implements Dialog.
func (c *Confirm) Help() string {
	var b strings.Builder
	for _, ch := range c.Choices {
		b.WriteString(ch.Key + " " + ch.Label + "  ")
	}
	return b.String() + c.cancelKey() + " " + strings.ToLower(c.cancel()) + " (default)"
}

// Waits implements Waiter.
func (c *Confirm) Waits() string { return "Waits for an answer: " + c.Title }

func (c *Confirm) cancelKey() string {
	if c.CancelKey == "" {
		return "esc"
	}
	return c.CancelKey
}

func (c *Confirm) cancel() string {
	if c.Cancel == "" {
		return "Cancel"
	}
	return c.Cancel
}

// Update implements Dialog. With a Word, letters are text and Enter takes the
// first grave choice once the word is complete; before that Enter does nothing.
func (c *Confirm) Update(m tea.Msg) (tea.Cmd, bool) {
	k, ok := m.(tea.KeyMsg)
	if !ok {
		return nil, c.Late != nil && c.Late(m)
	}
	key := k.String()
	switch {
	case key == "ctrl+c" && c.Interrupt != nil:
		return c.Interrupt, true
	case key == "esc" || key == "ctrl+c":
		return c.Declined, true
	case c.Word != "":
		return c.typing(k)
	case key == "enter" || key == "n" || key == "q":
		return c.Declined, true
	case k.Paste:
		return nil, false
	}
	for _, ch := range c.Choices {
		if ch.Key == key {
			return ch.Do, !ch.Stay
		}
	}
	return nil, false
}

func (c *Confirm) typing(k tea.KeyMsg) (tea.Cmd, bool) {
	if k.String() == "enter" {
		for _, ch := range c.Choices {
			if ch.Grave && strings.TrimSpace(c.typed.Value()) == c.Word {
				return ch.Do, true
			}
		}
		c.missing = true
		return nil, false
	}
	c.typed.Update(k)
	c.missing = false
	return nil, false
}

// View implements Dialog.
func (c *Confirm) View(maxW, maxH int) string {
	w := min(max(60, style.Width(c.Title)+12), 72, maxW)
	if c.Wide {
		w = min(70, maxW)
	}
	in := w - 4
	body := []string{""}
	for _, p := range c.Body {
		for _, line := range style.Wrap(safe.Block(p), in) {
			body = append(body, "  "+line)
		}
	}
	body = append(body, "")
	if c.Word != "" {
		body = append(body, "  Type "+c.Theme.Paint(style.Title, safe.Text(c.Word))+" and press enter:",
			"  [ "+c.typed.View(c.Theme, max(in-8, 1), true)+" ]")
		note := ""
		if c.missing {
			note = "  " + c.Theme.Paint(style.Error, "! not the same yet; esc to leave it")
		}
		body = append(body, note)
	}
	rows := 0
	for _, ch := range c.Choices {
		if ch.Stay {
			continue
		}
		rows++
		key := action.KeyName(ch.Key, c.Theme.ASCII)
		if c.Word != "" && ch.Grave {
			key = "enter"
		}
		body = append(body, "  "+c.Theme.Paint(style.Title, key)+"  "+ch.Label)
	}
	last := "> " + c.cancelKey() + "  " + c.cancel()
	body = append(body, strings.Repeat(" ", max(w-4-style.Width(last), 0))+last)
	title := c.Title
	if c.Danger {
		title = c.Theme.Paint(style.Danger, title)
	}
	tail := rows + 1
	if c.Word != "" {
		tail += 3
	}
	return Frame(c.Theme, title, Questions(c.at, c.of), body, tail, w, maxH)
}

// Questions is the text "1 of 2 questions", "" for the only one.
func Questions(at, of int) string {
	if of < 2 {
		return ""
	}
	return strconv.Itoa(at) + " of " + strconv.Itoa(of) + " questions"
}

// Frame draws a dialog's box around body: w wide, as high as body needs and at
// most maxH. When body is too high its blank lines go first; when it has to be
// cut, its last tail lines, where the choices are, stay.
func Frame(t *style.Theme, title, right string, body []string, tail, w, maxH int) string {
	if len(body)+2 > maxH {
		body = slices.DeleteFunc(slices.Clone(body), func(l string) bool { return strings.TrimSpace(l) == "" })
	}
	h := min(len(body)+2, max(maxH, 2))
	if keep := h - 2; keep < len(body) && keep > 0 {
		tail = min(keep, tail, len(body))
		cut := append([]string(nil), body[:keep-tail]...)
		body = append(cut, body[len(body)-tail:]...)
	}
	return strings.Join(t.Box(w, h, title, right, true, body), "\n")
}
