package ui

import (
	"testing"

	"dialtone/ui/msg"
)

func TestAMessageBehindADialogStandsInTheStatusRow(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	p.Press("a") // as high as the terminal
	p.Send(msg.Toast{Level: msg.Good, Text: "copied 412 B to the clipboard"})
	p.mustShow(t, " + copied 412 B to the clipboard")
	p.Resize(200, 60) // beside the dialog there is room for it
	p.mustShow(t, "│ + copied 412 B to the clipboard │")
	p.mustNotShow(t, "\n + copied")
}

func TestEscWhereThereIsNothingToLeaveIsSilent(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	before := p.View()
	p.Press("esc")
	if after := p.View(); after != before {
		t.Errorf("esc on the list of devices says something:\n%s", after)
	}
}

func TestEscClosesTheHistoryForItsSession(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	p.Send(msg.OpenSession{ID: 1}, msg.OpenSession{ID: 2}, msg.ShowHistory{ID: 1})
	p.mustShow(t, "[4 History core-r1]")
	p.Press("esc")
	p.mustNotShow(t, "History core-r1")
	p.mustShow(t, "[2 core-r1")
}
