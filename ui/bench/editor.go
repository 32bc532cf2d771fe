package main

import (
	"strings"
	"time"

	"github.com/charmbracelet/bubbles/textarea"
	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/style"
	"dialtone/ui/widget/editor"
)

// editorKey returns the time that a typed key costs, Update and View together,
// in our editor with so many lines of XML, the cursor in their middle.
func editorKey(lines int) func() (time.Duration, error) {
	theme, _ := style.New("default", false, false)
	e := editor.New(theme, editor.Options{MaxBytes: 64 << 20})
	e.Resize(120, 40)
	e.SetText([]byte(strings.Repeat("    <name>ge-0/0/0</name>\n", lines)))
	e.SetEditing(true)
	e.Focus(true)
	e.Goto(lines/2, 10)
	return func() (time.Duration, error) {
		return keys(1000, func(k tea.KeyMsg) { e.Update(k); e.View() }), nil
	}
}

// textareaKey is the same in the text area of the framework's library.
func textareaKey(lines int) func() (time.Duration, error) {
	a := textarea.New()
	a.MaxHeight = 0
	a.CharLimit = 0
	a.SetWidth(120)
	a.SetHeight(40)
	a.SetValue(strings.Repeat("    <name>ge-0/0/0</name>\n", lines))
	a.Focus()
	return func() (time.Duration, error) {
		return keys(10, func(k tea.KeyMsg) { a, _ = a.Update(k); a.View() }), nil
	}
}

// keys types a letter and takes it away again, so many times, and returns the
// time of one key.
func keys(pairs int, press func(tea.KeyMsg)) time.Duration {
	press(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("a")})
	press(tea.KeyMsg{Type: tea.KeyBackspace})
	start := time.Now()
	for range pairs {
		press(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("a")})
		press(tea.KeyMsg{Type: tea.KeyBackspace})
	}
	return time.Since(start) / time.Duration(2*pairs)
}

func editorRows(rounds int) ([]row, error) {
	var rows []row
	few := editorKey(50)
	for _, c := range []struct {
		name  string
		key   func() (time.Duration, error)
		limit float64
	}{
		{"editor: a key with 5,000 lines beside 50", editorKey(5000), 2},
		{"editor: a key with 50,000 lines beside 50", editorKey(50000), 3},
		{"bubbles textarea with 5,000 lines beside our 50", textareaKey(5000), 0},
	} {
		a, b, err := alternate(2*rounds, c.key, few)
		if err != nil {
			return nil, err
		}
		rows = append(rows, ratioRow(c.name, a, b, c.limit))
	}
	return rows, nil
}
