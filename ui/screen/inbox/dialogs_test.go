package inbox

import (
	"slices"
	"strings"
	"testing"

	"dialtone/conn/desk"
	"dialtone/conn/link"
	"dialtone/conn/profile"
)

// TestAcceptHelpIsTrue: the letter that accepts is named only where it does, and
// the hint of the password is whole at 80 columns.
func TestAcceptHelpIsTrue(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.Press("enter")
	a := b.stack.Top().(*accept)
	if h := a.Help(); !strings.HasPrefix(h, "a accept ") {
		t.Error(h)
	}
	a.form.Select("password")
	if h := a.Help(); strings.Contains(h, "a accept") || !strings.Contains(h, "enter next") {
		t.Error(h)
	}
	b.Press("ctrl+u", "tab")
	if !b.Shows("(none; or ask, store:NAME, env:VAR, file:PATH)") {
		t.Errorf("cut:\n%s", b.View())
	}
}

// TestASecondSessionIsAnnounced: with a key that is known it is the same device.
func TestASecondSessionIsAnnounced(t *testing.T) {
	t.Parallel()
	for trust, want := range map[string]string{"HMAC ok, key known": "opens beside it", "key NEW": "another device under its name"} {
		if got := strings.Join(verdict(desk.Caller{Trust: trust, Second: true}), " "); !strings.Contains(got, want) {
			t.Errorf("%s: %s", trust, got)
		}
	}
}

// TestBindNamesNoKeyThatDoesNothing, and says that the way changes.
func TestBindNamesNoKeyThatDoesNothing(t *testing.T) {
	t.Parallel()
	b := newBind(nil, desk.Caller{Via: link.Junos, Claim: "r1"})
	b.found(nil)
	if h := b.Help(); h != "esc cancel" {
		t.Error(h)
	}
	b.found([]profile.Profile{{Target: link.Target{Name: "spare", Via: link.CallHome}}})
	if h := b.Help(); !strings.HasPrefix(h, "enter ") {
		t.Error(h)
	}
	if got := changes(b.ps[0], b.caller); !slices.Contains(got, "~ calls by junos, no more by call-home") {
		t.Errorf("%q", got)
	}
}
