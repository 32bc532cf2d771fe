package session

import "testing"

func TestAMissingValueIsNamedAsTheFormNamesIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{})
	d.Press("t")
	d.Type("edit-config")
	d.Press("enter")
	for range 3 {
		d.Press("enter")
	}
	if d.stack.Top() == nil || !d.Shows(": needs a value") || d.Shows("TPL-VAR") {
		t.Errorf("the form says:\n%s", d.View())
	}
}
