// Package devices is the list of devices: the saved profiles and the sessions
// of this run, merged by name.
package devices

import (
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/profile"
	"dialtone/ui/msg"
	"dialtone/ui/screen"
	"dialtone/ui/widget/prompt"
	"dialtone/ui/widget/table"
)

// Screen implements pane.Screen. It is used from the program's one goroutine.
type Screen struct {
	d    *screen.Deps
	w, h int

	profiles []profile.Profile
	problems []error // profiles that could not be read
	loaded   bool
	groups   []string                  // of the profiles, sorted
	live     []*conn.Device            // all sessions, in the order of their making
	place    map[conn.SessionID]int    // in live
	recent   map[conn.SessionID][]past // newest first, at most three

	rows    []row // what is shown, in order
	total   int
	list    table.List
	desk    msg.Desk // who calls us
	focused bool
	group   string // "" for all
	order   order
	filter  prompt.Line
	typing  bool
	zoomed  bool
}

// New returns the screen; its Init loads the profiles.
func New(d *screen.Deps) *Screen {
	s := &Screen{d: d, place: map[conn.SessionID]int{}, recent: map[conn.SessionID][]past{}}
	for _, dev := range d.Backend.Devices() {
		s.put(dev)
	}
	s.rebuild()
	return s
}

// loadedMsg is the answer of the profile store.
type loadedMsg struct {
	profiles []profile.Profile
	problems []error
}

// Init loads the profiles, in a command because the disk may be slow.
func (s *Screen) Init() tea.Cmd { return s.load }

func (s *Screen) load() tea.Msg {
	if s.d.Profiles == nil {
		return loadedMsg{}
	}
	ps, errs := s.d.Profiles.List()
	return loadedMsg{ps, errs}
}

// Update implements pane.Pane.
func (s *Screen) Update(m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case loadedMsg:
		return s.setProfiles(m)
	case msg.ProfilesChanged:
		return s.load
	case msg.Events:
		s.events(m)
	case msg.Desk:
		s.desk = m
		s.Resize(s.w, s.h)
	case tea.KeyMsg:
		if s.typing {
			s.typeFilter(m)
		}
	case tea.MouseMsg:
		s.mouse(m)
	}
	return nil
}

func (s *Screen) setProfiles(m loadedMsg) tea.Cmd {
	before := len(s.problems)
	s.profiles, s.problems, s.loaded = m.profiles, m.problems, true
	s.groups = groupsOf(m.profiles)
	s.rebuild()
	if len(m.problems) == 0 || len(m.problems) == before {
		return nil
	}
	var cmds []tea.Cmd
	for _, err := range m.problems {
		cmds = append(cmds, func() tea.Msg {
			return msg.Toast{Level: msg.Warn, Text: "A profile was left out: " + err.Error(), Detail: err.Error()}
		})
	}
	return tea.Batch(cmds...)
}

func (s *Screen) events(es msg.Events) {
	changed := false
	for _, e := range es {
		switch e.Kind {
		case conn.DeviceChanged:
			changed = true
			s.put(e.Device)
		case conn.ExchangeDone:
			if e.Exchange != nil {
				s.remember(e.Exchange)
			}
		}
	}
	if changed {
		s.rebuild()
	}
}

// put notes the value of a session. The rows of others point at theirs, so that
// what is noted is never changed.
func (s *Screen) put(d conn.Device) {
	i, ok := s.place[d.ID]
	if !ok {
		i = len(s.live)
		s.place[d.ID], s.live = i, append(s.live, nil)
	}
	s.live[i] = &d
}

// past is what is kept of an exchange: not the exchange, whose reply may be
// large.
type past struct {
	at           time.Time
	what, result string
	took         time.Duration
}

func (s *Screen) remember(x *conn.Exchange) {
	o, _, err := x.Snapshot()
	p := past{at: x.Started, what: strings.TrimSpace(x.Request.Name + " " + x.Request.Target), result: "ok"}
	switch {
	case err != nil:
		p.result = "no answer"
	case !o.OK && len(o.Errors) > 0:
		p.result = o.Errors[0].Tag
	case !o.OK:
		p.result = "failed"
	}
	if !o.Ended.IsZero() {
		p.took = max(o.Ended.Sub(x.Started), 0)
	}
	ps := append([]past{p}, s.recent[x.Session]...)
	s.recent[x.Session] = ps[:min(len(ps), 3)]
}

// typeFilter edits the filter; every key filters at once.
func (s *Screen) typeFilter(k tea.KeyMsg) {
	switch k.String() {
	case "enter":
		s.typing = false
	case "esc":
		s.typing = false
		s.filter.Wipe()
	case "up", "ctrl+p":
		s.list.Run("up")
		return
	case "down", "ctrl+n":
		s.list.Run("down")
		return
	default:
		s.filter.Update(k)
	}
	s.rebuild()
}

func (s *Screen) mouse(m tea.MouseMsg) {
	switch m.Button {
	case tea.MouseButtonWheelUp:
		s.list.Run("up")
	case tea.MouseButtonWheelDown:
		s.list.Run("down")
	case tea.MouseButtonLeft:
		from, to := s.list.Window()
		if i := from + m.Y - 2; m.Action == tea.MouseActionPress && i >= from && i < to {
			s.list.Select(i)
		}
	}
}

// Resize implements pane.Pane.
func (s *Screen) Resize(w, h int) {
	s.w, s.h = w, h
	s.list.SetPage(max(s.listHeight()-3, 1))
}

// Focus implements pane.Pane.
func (s *Screen) Focus(on bool) tea.Cmd {
	s.focused = on
	return nil
}

// Title implements pane.Pane.
func (s *Screen) Title() string { return "Devices" }

// Capturing implements pane.Pane.
func (s *Screen) Capturing() bool { return s.typing }

// Leave implements pane.Screen: the list itself loses nothing.
func (s *Screen) Leave() string { return "" }

// Count implements pane.Counter.
func (s *Screen) Count(digit int) { s.list.Count(digit) }

// Counting implements pane.Counter.
func (s *Screen) Counting() bool { return s.list.Counting() }

// Zoom implements pane.Zoomer: without the details the list has all the room.
func (s *Screen) Zoom(on bool) {
	s.zoomed = on
	s.Resize(s.w, s.h)
}

// selected is the row under the cursor.
func (s *Screen) selected() (row, bool) {
	i := s.list.At()
	if i < 0 || i >= len(s.rows) {
		return row{}, false
	}
	return s.rows[i], true
}

// query is the filter as typed, without spaces around.
func (s *Screen) query() string { return strings.TrimSpace(s.filter.Value()) }
