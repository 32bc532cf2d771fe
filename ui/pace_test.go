package ui

import (
	"fmt"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// screenOf plays messages at times in ms and returns what is on the screen after
// each. The drawing names the last message, so a stale frame shows.
func screenOf(t *testing.T, events []struct {
	at  float64
	msg tea.Msg
}) (frames []string, due []time.Duration) {
	t.Helper()
	var p pace
	start := time.Unix(0, 0)
	for i, e := range events {
		now := start.Add(time.Duration(e.at * float64(time.Millisecond)))
		due = append(due, p.take(e.msg, now))
		frames = append(frames, p.view(func() string { return fmt.Sprint(i) }, func() time.Time { return now }))
	}
	return frames, due
}

func TestPace(t *testing.T) {
	t.Parallel()
	type event = struct {
		at  float64
		msg tea.Msg
	}
	key := tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("a")}
	for name, c := range map[string]struct {
		events []event
		frames string
		due    string
	}{
		"a key held down is drawn each time":       {[]event{{100, key}, {133, key}, {166, key}}, "[0 1 2]", "[0s 0s 0s]"},
		"a key right after another message is too": {[]event{{100, secondMsg{}}, {101, key}}, "[0 1]", "[0s 0s]"},
		"other messages are always drawn":          {[]event{{100, key}, {101, key}, {101.5, secondMsg{}}}, "[0 0 2]", "[0s 7ms 0s]"},
		"a burst is drawn at its start and end":    {[]event{{100, key}, {101, key}, {102, nextKey{}}, {108, drawNow{}}}, "[0 0 0 3]", "[0s 7ms 0s 0s]"},
		"a long burst is drawn now and then":       {[]event{{100, key}, {104, key}, {108, key}, {112, key}, {112.5, drawNow{}}, {113, key}}, "[0 0 2 2 4 4]", "[0s 4ms 0s 0s 0s 7.5ms]"},
		"a clock set back holds nothing":           {[]event{{100, key}, {50, key}}, "[0 1]", "[0s 0s]"},
	} {
		frames, due := screenOf(t, c.events)
		if fmt.Sprint(frames) != c.frames || fmt.Sprint(due) != c.due {
			t.Errorf("%s: frames %v due %v, want %s %s", name, frames, due, c.frames, c.due)
		}
	}
}

// Who asks for a frame twice gets a new one the second time: the framework asks
// once more when the program ends.
func TestPaceLastFrame(t *testing.T) {
	t.Parallel()
	var p pace
	now := time.Unix(100, 0)
	key := tea.KeyMsg{Type: tea.KeyEnter}
	for i := range 2 {
		p.take(key, now)
		p.view(func() string { return fmt.Sprint(i) }, func() time.Time { return now })
	}
	if got := p.view(func() string { return "end" }, func() time.Time { return now }); got != "end" {
		t.Errorf("the last frame is %q", got)
	}
}
