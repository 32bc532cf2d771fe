package uitest

import (
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"
)

// maxSteps bounds how many messages one call may cause; a program that goes on
// longer feeds itself.
const maxSteps = 10000

// Subject is what a Driver drives: a pane or the whole program.
type Subject interface {
	Update(tea.Msg) tea.Cmd
	View() string
}

// Driver runs a subject without a terminal: every command runs to its end at
// once and its message is given back, until nothing is left to do. Time stands
// still until Advance. Use it from one goroutine.
type Driver struct {
	t     testing.TB
	s     Subject
	now   time.Time
	steps int
	quit  bool
	asked []tea.Msg // what only the framework handles: quit, exec, clear screen

	timers []timer
	seq    int
	beside chan tea.Msg
	ended  chan struct{}
}

type timer struct {
	at  time.Time
	seq int
	f   func(time.Time) tea.Msg
}

// NewDriver returns a driver whose clock stands at 14:02:31 on 2031-11-21 UTC.
// Its Now and Tick go into the dependencies of the subject, which is given
// with Drive.
func NewDriver(t testing.TB) *Driver {
	d := &Driver{t: t, now: time.Date(2031, 11, 21, 14, 2, 31, 0, time.UTC),
		beside: make(chan tea.Msg), ended: make(chan struct{})}
	t.Cleanup(func() { close(d.ended) })
	return d
}

// Drive sets the subject.
func (d *Driver) Drive(s Subject) *Driver { d.s = s; return d }

// Now is the fake clock.
func (d *Driver) Now() time.Time { return d.now }

// tickMsg carries a timer to the driver.
type tickMsg struct {
	wait time.Duration
	f    func(time.Time) tea.Msg
}

// Tick makes a timer on the fake clock; it has the form of tea.Tick.
func (d *Driver) Tick(wait time.Duration, f func(time.Time) tea.Msg) tea.Cmd {
	return func() tea.Msg { return tickMsg{wait, f} }
}

// besideMsg carries a command that waits for the outside to the driver.
type besideMsg struct{ cmd tea.Cmd }

// Park marks a command that waits for something outside the program: it runs
// beside the driver, and Await takes its message.
func (d *Driver) Park(cmd tea.Cmd) tea.Cmd { return func() tea.Msg { return besideMsg{cmd} } }

// Do runs a command and all that comes of it.
func (d *Driver) Do(cmd tea.Cmd) {
	d.t.Helper()
	d.steps = 0
	d.run(cmd)
}

// Send gives messages to the subject and runs all that comes of them.
func (d *Driver) Send(ms ...tea.Msg) {
	d.t.Helper()
	d.steps = 0
	for _, m := range ms {
		d.deliver(m)
	}
}

// Resize sends a window size.
func (d *Driver) Resize(w, h int) { d.t.Helper(); d.Send(tea.WindowSizeMsg{Width: w, Height: h}) }

// Press sends keys by their names: "j", "enter", "ctrl+r", "shift+tab".
func (d *Driver) Press(keys ...string) {
	d.t.Helper()
	for _, k := range keys {
		d.Send(Key(k))
	}
}

// Type sends text, one key a character.
func (d *Driver) Type(text string) {
	d.t.Helper()
	for _, r := range text {
		d.Press(string(r))
	}
}

// Paste sends text as a bracketed paste.
func (d *Driver) Paste(text string) {
	d.t.Helper()
	d.Send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(text), Paste: true})
}

// Advance moves the clock on and fires the timers that fall due, in order.
func (d *Driver) Advance(by time.Duration) {
	d.t.Helper()
	end := d.now.Add(by)
	for n := 0; ; n++ {
		if n > maxSteps {
			d.t.Fatalf("more than %d timers in %s", maxSteps, by)
		}
		next := -1
		for i, tm := range d.timers {
			if !tm.at.After(end) && (next < 0 || tm.at.Before(d.timers[next].at) || tm.at.Equal(d.timers[next].at) && tm.seq < d.timers[next].seq) {
				next = i
			}
		}
		if next < 0 {
			break
		}
		tm := d.timers[next]
		d.timers = append(d.timers[:next:next], d.timers[next+1:]...)
		d.now = tm.at
		d.Send(tm.f(tm.at))
	}
	d.now = end
}

// Timers is the number of timers that run.
func (d *Driver) Timers() int { return len(d.timers) }

// Await gives the messages of parked commands to the subject until ok holds.
// It fails the test when that takes more than ten seconds.
func (d *Driver) Await(what string, ok func() bool) {
	d.t.Helper()
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	for !ok() {
		select {
		case m := <-d.beside:
			d.Send(m)
		case <-limit.C:
			d.t.Fatalf("waited ten seconds for: %s\n%s", what, d.View())
		}
	}
}

// View is what the subject shows.
func (d *Driver) View() string { return d.s.View() }

// Rows is View by rows.
func (d *Driver) Rows() []string { return strings.Split(d.View(), "\n") }

// Shows reports whether the text, sequences left out, holds s.
func (d *Driver) Shows(s string) bool { return strings.Contains(Plain(d.View()), s) }

// Quit reports whether the subject asked to end the program.
func (d *Driver) Quit() bool { return d.quit }

// Asked is the messages so far that only the framework handles, such as
// tea.ExecMsg. They are not given to the subject.
func (d *Driver) Asked() []tea.Msg { return d.asked }

func (d *Driver) run(cmd tea.Cmd) {
	if cmd != nil {
		d.deliver(cmd())
	}
}

var cmdType = reflect.TypeOf(tea.Cmd(nil))

func (d *Driver) deliver(m tea.Msg) {
	d.t.Helper()
	if d.steps++; d.steps > maxSteps {
		d.t.Fatalf("more than %d messages without an end, the last one %T", maxSteps, m)
	}
	switch m := m.(type) {
	case nil:
		return
	case tea.QuitMsg:
		d.quit = true
		return
	case tickMsg:
		d.seq++
		d.timers = append(d.timers, timer{d.now.Add(m.wait), d.seq, m.f})
		return
	case besideMsg:
		d.startBeside(m.cmd)
		return
	}
	v := reflect.ValueOf(m)
	if v.Kind() == reflect.Slice && v.Type().Elem() == cmdType { // batch and sequence
		for i := range v.Len() {
			cmd, _ := v.Index(i).Interface().(tea.Cmd)
			d.run(cmd)
		}
		return
	}
	if strings.HasPrefix(v.Type().PkgPath(), "github.com/charmbracelet/bubbletea") && !isInput(m) {
		d.asked = append(d.asked, m)
		return
	}
	d.run(d.s.Update(m))
}

// startBeside runs a command in a goroutine, which ends when its message is
// taken or the test is over.
func (d *Driver) startBeside(cmd tea.Cmd) {
	go func() {
		m := cmd()
		if m == nil {
			return
		}
		select {
		case d.beside <- m:
		case <-d.ended:
		}
	}()
}

func isInput(m tea.Msg) bool {
	switch m.(type) {
	case tea.KeyMsg, tea.MouseMsg, tea.WindowSizeMsg, tea.FocusMsg, tea.BlurMsg, tea.ResumeMsg:
		return true
	}
	return false
}

// Key makes the key of a name as bubbletea writes it.
func Key(name string) tea.KeyMsg {
	if name == " " || name == "space" {
		return tea.KeyMsg{Type: tea.KeySpace, Runes: []rune{' '}}
	}
	rest, alt := strings.CutPrefix(name, "alt+")
	if utf8.RuneCountInString(rest) == 1 {
		return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(rest), Alt: alt}
	}
	for t := tea.KeyType(-128); t < 128; t++ {
		if k := (tea.KeyMsg{Type: t}); t != tea.KeyRunes && k.String() == rest {
			k.Alt = alt
			return k
		}
	}
	panic("uitest: no key is named " + name)
}
