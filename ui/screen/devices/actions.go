package devices

import (
	"cmp"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/ui/action"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
	profileform "dialtone/ui/screen/profile"
	"dialtone/ui/widget/table"
)

const section = "DEVICES"

// Actions implements pane.Pane.
func (s *Screen) Actions() []action.Action {
	r, ok := s.selected()
	none, unsaved, closed, idle := "", "", "", ""
	if !ok {
		none, unsaved, closed, idle = "no device is selected", "no device is selected", "no device is selected", "no device is selected"
	} else {
		if r.prof == nil {
			unsaved = "not a saved profile"
		}
		if over(r.dev.State) {
			closed = "not connected"
		}
		if r.target.Via.Calls() {
			idle = "the device calls us"
		} else if !over(r.dev.State) {
			idle = "still connected; x disconnects"
		}
	}
	if s.typing {
		return []action.Action{
			{ID: "devices.filter-keep", Title: "Keep the filter", Short: "keep", Keys: []string{"enter"}, Hint: 10, Section: section},
			{ID: "devices.filter-drop", Title: "Drop the filter", Short: "show all", Keys: []string{"esc"}, Hint: 20, Section: section},
		}
	}
	store, demo, nothing := "", "", ""
	if s.total == 0 {
		nothing = "no devices yet"
	}
	if s.d.Profiles == nil {
		store = "nothing is saved in this run"
	}
	if s.d.Demo {
		demo = "this is the demo"
	}
	as := []action.Action{
		{ID: "devices.open", Title: "Connect, or show session", Short: "open", Keys: []string{"enter"}, Hint: 10, Section: section, Off: none},
		{ID: "devices.add", Title: "Add a device", Short: "add", Keys: []string{"a"}, Hint: 20, Section: section, Off: store},
		{ID: "devices.edit", Title: "Edit the profile", Short: "edit", Keys: []string{"e"}, Hint: 30, Section: section, Off: cmp.Or(store, unsavedEdit(r, ok))},
		{ID: "devices.delete", Title: "Delete the profile" + ellipsis, Short: "delete", Keys: []string{"d"}, Hint: 60, Section: section, Off: cmp.Or(store, unsaved)},
		{ID: "devices.disconnect", Title: "Disconnect", Short: "disconnect", Keys: []string{"x"}, Hint: 40, Section: section, Off: cmp.Or(none, closed)},
		{ID: "devices.reconnect", Title: "Connect again", Short: "reconnect", Keys: []string{"R"}, Hint: 70, Section: section, Off: cmp.Or(none, idle)},
		{ID: "devices.filter", Title: "Filter; !word, -f letters", Short: "filter", Keys: []string{"/"}, Hint: 50, Section: section, Off: nothing},
		{ID: "devices.group", Title: "Next group", Short: "group", Keys: []string{"v"}, Hint: 90, Section: section, Off: s.noGroups()},
		{ID: "devices.sort", Title: "Sort: name, state, time", Short: "sort", Keys: []string{"o"}, Hint: 80, Section: section, Off: nothing},
		{ID: "devices.import", Title: "Import ~/.ssh/config" + ellipsis, Short: "import", Keys: []string{"I"}, Hint: s.firstRun(44), Section: section, Off: store},
		{ID: "devices.demo", Title: "Try the demo", Short: "try the demo", Keys: []string{"t"}, Hint: s.firstRun(42), Section: section, Off: demo},
		{ID: "devices.listen", Title: "Listeners: where devices call us\u2026", Short: s.listenWord(), Keys: []string{"L"}, Hint: s.firstRunElse(41, 95), Section: section, Off: s.noDesk()},
		{ID: "devices.config", Title: "What to paste on the device\u2026", Short: "device config", Keys: []string{"c"}, Hint: 96, Section: section, Off: none},
		{ID: "devices.clear", Title: "Show all devices", Short: "show all", Keys: []string{"esc"}, Section: section, Off: s.nothingHidden()},
	}
	return append(as, table.Motions("devices", section)...)
}

const ellipsis = "…"

func unsavedEdit(_ row, ok bool) string {
	if !ok {
		return "no device is selected"
	}
	return ""
}

func (s *Screen) noGroups() string {
	if len(s.groups) == 0 {
		return "no profile has a group"
	}
	return ""
}

func (s *Screen) nothingHidden() string {
	if s.query() == "" && s.group == "" {
		return "all devices are shown"
	}
	return ""
}

func (s *Screen) noDesk() string {
	if s.d.Desk == nil {
		return "this run takes no calls"
	}
	return ""
}

func (s *Screen) listenWord() string {
	if len(s.desk.Listeners) == 0 {
		return "listen"
	}
	return "listeners"
}

func (s *Screen) firstRunElse(hint, other int) int {
	if s.total == 0 {
		return hint
	}
	return other
}

// firstRun is a hint that only an empty list gives.
func (s *Screen) firstRun(hint int) int {
	if s.total == 0 {
		return hint
	}
	return 0
}

// Run implements pane.Pane.
func (s *Screen) Run(id action.ID) tea.Cmd {
	name := strings.TrimPrefix(string(id), "devices.")
	if s.list.Run(name) {
		return nil
	}
	s.list.Forget()
	switch name {
	case "add":
		return send(msg.EditProfile{})
	case "filter":
		s.typing = true
	case "filter-keep":
		s.typing = false
	case "filter-drop", "clear":
		s.typing, s.group = false, ""
		s.filter.Wipe()
		s.rebuild()
	case "group":
		s.nextGroup()
	case "sort":
		s.order = (s.order + 1) % orders
		s.rebuild()
	case "import":
		return s.readSSHConfig
	case "listen":
		return send(msg.ShowListeners{})
	case "demo":
		return s.tryDemo()
	}
	r, ok := s.selected()
	if !ok {
		return nil
	}
	switch name {
	case "open":
		return s.open(r)
	case "edit":
		return send(msg.EditProfile{Name: r.target.Name, Target: r.target})
	case "delete":
		return s.askDelete(r)
	case "disconnect":
		return s.disconnect(r)
	case "config":
		return profileform.ShowConfig(s.d, *r.target)
	case "reconnect":
		return send(msg.Connect{Target: *r.target})
	}
	return nil
}

func send(m tea.Msg) tea.Cmd { return func() tea.Msg { return m } }

// open shows a session that is there and dials otherwise. One that was lost
// after it had been open is shown, because it tells what was lost.
func (s *Screen) open(r row) tea.Cmd {
	d := r.dev
	if d.ID != 0 && (!over(d.State) || d.State == conn.Lost && !d.Opened.IsZero()) {
		return send(msg.OpenSession{ID: d.ID})
	}
	if r.target.Via.Calls() {
		return s.calls(r)
	}
	return send(msg.Connect{Target: *r.target})
}

// calls says how a device that calls us is reached: in the inbox when it is
// there, else by waiting for it.
func (s *Screen) calls(r row) tea.Cmd {
	name := safe.Text(r.target.Name)
	for _, c := range s.desk.Callers {
		if c.Matches == r.target.Name {
			return send(msg.ShowInbox{})
		}
	}
	if s.d.Desk != nil && len(s.desk.Listeners) == 0 {
		return msg.Say(msg.Info, name+" calls us, and nobody listens; L listens.")
	}
	return msg.Say(msg.Info, name+" calls us; it appears here when it does.")
}

// disconnect ends a session, after asking when something is at stake.
func (s *Screen) disconnect(r row) tea.Cmd {
	id := r.dev.ID
	do := func() tea.Msg { s.d.Backend.Disconnect(id); return nil }
	stake := s.atStake(r.dev)
	if len(stake) == 0 {
		return do
	}
	return s.d.Tell(overlay.Push{Dialog: &overlay.Confirm{
		Theme: s.d.Theme, Title: "Disconnect " + safe.Text(r.target.Name) + "?", Danger: true,
		Body:    stake,
		Choices: []overlay.Choice{{Key: "x", Label: "disconnect", Do: do}},
	}})
}

// atStake is what the device does when its session ends, a sentence each.
func (s *Screen) atStake(d *conn.Device) []string {
	var out []string
	if s.d.Commits != nil {
		for _, l := range s.d.Commits.AtStake(*d) {
			out = append(out, safe.Text(l))
		}
	}
	if d.Waiting > 0 {
		out = append(out, plural(d.Waiting, "request")+" in flight: what becomes of it is not known.")
	}
	return out
}

func (s *Screen) askDelete(r row) tea.Cmd {
	name := r.target.Name
	del := func() tea.Msg {
		if err := s.d.Profiles.Delete(name); err != nil {
			return msg.Toast{Level: msg.Error, Text: "The profile " + name + " was not deleted: " + err.Error(), Detail: err.Error()}
		}
		return msg.ProfilesChanged{}
	}
	note := "A session that is open stays open."
	if over(r.dev.State) {
		note = "Known host keys and stored secrets stay."
	}
	return s.d.Tell(overlay.Push{Dialog: &overlay.Confirm{
		Theme: s.d.Theme, Title: "Delete the profile " + safe.Text(name) + "?", Danger: true,
		Body:    []string{"The file of the profile is removed. " + note},
		Choices: []overlay.Choice{{Key: "d", Label: "delete", Do: del}},
	}})
}

// tryDemo connects to a simulated device when the program has one at hand, and
// else tells how to get one.
func (s *Screen) tryDemo() tea.Cmd {
	start := s.d.StartDemo
	if start == nil {
		return s.d.Tell(overlay.Push{Dialog: &overlay.Confirm{
			Theme: s.d.Theme, Title: "The demo", Cancel: "close",
			Body: []string{"Leave with q and run:", "", "    dialtone demo", "",
				"It opens this interface on simulated devices and reads and writes no file of yours."},
		}})
	}
	return func() tea.Msg {
		t, err := start()
		if err != nil {
			return msg.Toast{Level: msg.Error, Text: "The demo did not start: " + err.Error(), Detail: err.Error()}
		}
		return msg.Connect{Target: t}
	}
}

// Devices is what the palette offers of this screen.
func (s *Screen) Devices() []overlay.Item {
	var items []overlay.Item
	for _, r := range s.merge() {
		it := overlay.Item{Title: "Connect: " + safe.Text(r.target.Name)}
		switch {
		case !over(r.dev.State):
			it.Title, it.Note = "Show: "+safe.Text(r.target.Name), stateWord(r.dev)
		case r.target.Via.Calls():
			it.Off = "it calls us"
		}
		it.Run = s.open(r)
		items = append(items, it)
	}
	return items
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
