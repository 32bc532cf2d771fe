package session

import (
	"testing"

	tea "github.com/charmbracelet/bubbletea"
)

// The palette asks for its rows on every opening: that alone opens no dialog.
func TestRowsOfThePaletteDoNothingUntilTheyAreRun(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{})
	var told []tea.Msg
	d.scr.d.Post = func(m tea.Msg) { told = append(told, m) }
	rows := d.scr.Palette()
	if len(told) != 0 {
		t.Fatalf("listing %d rows told the root %d messages, the first a %T", len(rows), len(told), told[0])
	}
	d.scr.d.Post = nil
	for _, r := range rows {
		if r.Title == "Template: edit-config" {
			d.Do(r.Run)
			if _, ok := d.stack.Top().(*blank); !ok {
				t.Errorf("running it opened %T", d.stack.Top())
			}
			return
		}
	}
	t.Error("no row for a template with variables")
}
