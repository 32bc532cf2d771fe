package uitest

import (
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// echo is a subject that writes down what it got.
type echo struct {
	d   *Driver
	got []string
}

func (e *echo) View() string { return strings.Join(e.got, " ") }

func (e *echo) Update(m tea.Msg) tea.Cmd {
	say := func(s string) tea.Cmd { return func() tea.Msg { return s } }
	switch m := m.(type) {
	case tea.KeyMsg:
		switch m.String() {
		case "b":
			return tea.Batch(say("one"), nil, tea.Sequence(say("two"), say("three")))
		case "t":
			return e.d.Tick(time.Second, func(at time.Time) tea.Msg { return at.Format(time.TimeOnly) })
		case "p":
			return e.d.Park(say("outside"))
		case "q":
			return tea.Quit
		}
		e.got = append(e.got, m.String())
	case string:
		e.got = append(e.got, m)
	}
	return nil
}

func TestDriverRunsCommandsToTheEnd(t *testing.T) {
	t.Parallel()
	d := NewDriver(t)
	d.Drive(&echo{d: d})
	d.Press("b", "t", "ctrl+r", "enter", "space", "alt+x")
	if d.View() != "one two three ctrl+r enter   alt+x" {
		t.Errorf("got %q", d.View())
	}
	d.Advance(900 * time.Millisecond)
	if d.Timers() != 1 || d.Shows("14:02:32") {
		t.Error("the timer fired too early")
	}
	d.Advance(200 * time.Millisecond)
	if d.Timers() != 0 || !d.Shows("14:02:32") {
		t.Error("the timer did not fire")
	}
	d.Press("p")
	d.Await("the message from outside", func() bool { return d.Shows("outside") })
	d.Press("q")
	if !d.Quit() {
		t.Error("quit was not seen")
	}
}

func TestKeysHaveTheNamesOfTheFramework(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "?", "é", "enter", "esc", "tab", "shift+tab", "up", "pgdown", "home", "end", "delete", "backspace", "ctrl+c", "ctrl+g", "ctrl+u", "alt+x"} {
		if got := Key(name).String(); got != name {
			t.Errorf("%q is %q", name, got)
		}
	}
}
