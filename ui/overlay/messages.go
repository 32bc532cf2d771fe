package overlay

import (
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/safe"
	"dialtone/ui/style"
)

// Messages is the list of all that toasts said, newest first, each with its
// whole text and detail.
type Messages struct {
	Theme *style.Theme
	Notes []Note
	text  Scroll
}

// Help implements Dialog.
func (m *Messages) Help() string { return "j k scroll  g G ends  esc close" }

// Waits implements Waiter.
func (m *Messages) Waits() string { return "The messages are open." }

// Update implements Dialog.
func (m *Messages) Update(x tea.Msg) (tea.Cmd, bool) {
	k, ok := x.(tea.KeyMsg)
	if !ok {
		return nil, false
	}
	switch k.String() {
	case "esc", "q", "!", "enter", "ctrl+c":
		return nil, true
	}
	m.text.Key(k.String())
	return nil, false
}

// View implements Dialog.
func (m *Messages) View(maxW, maxH int) string {
	var lines []string
	for i := len(m.Notes) - 1; i >= 0; i-- {
		lines = append(lines, m.note(m.Notes[i], maxW-4)...)
	}
	if len(lines) == 0 {
		lines = []string{"", "  No messages yet. What goes wrong or is done in the background is kept here."}
	}
	return strings.Join(m.Theme.Box(maxW, maxH, "Messages", strconv.Itoa(len(m.Notes)), true, m.text.Show(lines, maxH-2)), "\n")
}

func (m *Messages) note(n Note, w int) []string {
	sign, tok := levelSign(n.Toast.Level)
	head := " " + n.At.Format(time.TimeOnly) + "  " + m.Theme.Paint(tok, sign) + " "
	text, detail := safe.Block(n.Toast.Text), safe.Block(n.Toast.Detail)
	if joined, ok := mend(text, detail); ok {
		text, detail = joined, ""
	}
	if n.Times > 1 {
		text += " (" + strconv.Itoa(n.Times) + " times)"
	}
	var out []string
	for i, l := range style.Wrap(text, max(w-14, 20)) {
		if i == 0 {
			out = append(out, head+l)
			continue
		}
		out = append(out, strings.Repeat(" ", 13)+l)
	}
	if detail != "" && detail != text {
		for _, l := range style.Wrap(detail, max(w-14, 20)) {
			out = append(out, strings.Repeat(" ", 13)+m.Theme.Paint(style.Dim, l))
		}
	}
	return out
}

// mend joins a message with a detail that begins with the end of the message,
// as that of an error does: "x lost: CODE what" and "CODE what. What to do".
func mend(text, detail string) (joined string, ok bool) {
	at := 0
	for detail != "" {
		i := strings.Index(text[at:], ": ")
		if i < 0 {
			return "", false
		}
		at += i + len(": ")
		if at < len(text) && strings.HasPrefix(detail, text[at:]) {
			return text[:at] + detail, true
		}
	}
	return "", false
}
