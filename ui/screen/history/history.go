// Package history is the list of what was asked and answered: the journal, of
// one device or of all, newest first, with what is still under way above it.
package history

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/journal"
	"dialtone/keys/atomicfile"
	"dialtone/ui/action"
	"dialtone/ui/highlight"
	"dialtone/ui/msg"
	"dialtone/ui/safe"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/widget/docview"
	"dialtone/ui/widget/prompt"
	"dialtone/ui/widget/table"
)

// most is how many entries are listed.
const most = 5000

// Screen lists the journal. It belongs to the goroutine of the interface.
type Screen struct {
	d    *screen.Deps
	id   conn.SessionID // 0: of all devices
	name string         // of the device

	all     []journal.Entry // newest first
	shown   []journal.Entry // those that pass the filter
	list    table.List
	loaded  bool
	loading bool
	again   bool // something came while loading

	marked *conn.Exchange // to be compared with another one

	filter  prompt.Line
	typing  bool
	focused bool
	w, h    int
	hl      *highlight.Highlighter
}

// New returns the history of one session's device, or of all when id is 0.
func New(d *screen.Deps, id conn.SessionID) *Screen {
	s := &Screen{d: d, id: id, hl: highlight.New(d.Theme)}
	if dev, ok := d.Backend.Device(id); ok && id != 0 {
		s.name = dev.Target.Name
	}
	return s
}

// Init reads the journal.
func (s *Screen) Init() tea.Cmd { return s.load() }

// loadedMsg is the journal as it was read, for the screen that asked.
type loadedMsg struct {
	to  *Screen
	all []journal.Entry
}

// load reads the journal in a command.
func (s *Screen) load() tea.Cmd {
	if s.d.Journal == nil {
		s.loaded = true
		return nil
	}
	if s.loading {
		s.again = true
		return nil
	}
	s.loading = true
	j, name := s.d.Journal, s.name
	return func() tea.Msg {
		es := j.Recent("", most)
		if name != "" {
			own := es[:0]
			for _, e := range es {
				if e.Device == name {
					own = append(own, e)
				}
			}
			es = own
		}
		return loadedMsg{s, es}
	}
}

// Update implements pane.Pane.
func (s *Screen) Update(m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case loadedMsg:
		if m.to != s {
			return nil
		}
		s.all, s.loaded, s.loading = m.all, true, false
		s.sift()
		if s.again {
			s.again = false
			return s.load()
		}
	case msg.Events:
		for _, e := range m {
			if e.Kind == conn.ExchangeDone {
				return s.load()
			}
		}
	case tea.KeyMsg:
		s.key(m)
	}
	return nil
}

// key edits the filter.
func (s *Screen) key(k tea.KeyMsg) {
	if !s.typing {
		return
	}
	switch k.String() {
	case "enter":
		s.typing = false
	case "esc":
		s.typing = false
		s.filter.Wipe()
		s.sift()
	case "down":
		s.list.Run("down")
	case "up":
		s.list.Run("up")
	default:
		if s.filter.Update(k) {
			s.sift()
		}
	}
}

// sift keeps the entries that pass the filter, and the selection on its entry.
func (s *Screen) sift() {
	var at uint64
	if e, ok := s.selected(); ok {
		at = e.Seq
	}
	s.shown = s.shown[:0:0]
	for _, e := range s.all {
		if journal.Match(e, s.filter.Value()) {
			s.shown = append(s.shown, e)
		}
	}
	s.list.SetLen(len(s.shown))
	for i, e := range s.shown {
		if e.Seq == at {
			s.list.Select(i)
		}
	}
}

func (s *Screen) selected() (journal.Entry, bool) {
	if i := s.list.At(); i >= 0 && i < len(s.shown) {
		return s.shown[i], true
	}
	return journal.Entry{}, false
}

// Resize implements pane.Pane.
func (s *Screen) Resize(w, h int) {
	s.w, s.h = w, h
	s.list.SetPage(h - 3)
}

// Focus implements pane.Pane.
func (s *Screen) Focus(on bool) tea.Cmd {
	s.focused = on
	if on && s.loaded {
		return s.load()
	}
	return nil
}

// Title implements pane.Pane.
func (s *Screen) Title() string {
	if s.name == "" {
		return "History"
	}
	return "History " + s.name
}

// Leave implements pane.Screen: nothing is lost.
func (s *Screen) Leave() string { return "" }

// Status implements pane.Screen.
func (s *Screen) Status() string {
	text := docview.Number(int64(len(s.shown))) + " of " + docview.Number(int64(len(s.all)))
	if s.d.StateDir != "" {
		text += s.bar() + safe.Text(filepath.Join(s.d.StateDir, "journal"))
	}
	if s.d.Journal != nil {
		if err := s.d.Journal.Fault(); err != nil {
			text += s.bar() + s.d.Theme.Paint(style.Error, safe.Text(err.Error()))
		}
	}
	if e, ok := s.selected(); ok && e.Error != "" {
		text += s.bar() + safe.Line(e.Error)
	}
	return text
}

func (s *Screen) bar() string {
	if s.d.Theme.ASCII {
		return " | "
	}
	return " │ "
}

// Capturing implements pane.Pane.
func (s *Screen) Capturing() bool { return s.typing }

// Count implements pane.Counter.
func (s *Screen) Count(digit int) { s.list.Count(digit) }

// Counting implements pane.Counter.
func (s *Screen) Counting() bool { return s.list.Counting() }

// Actions implements pane.Pane.
func (s *Screen) Actions() []action.Action {
	const section = "HISTORY"
	if s.typing {
		return []action.Action{
			{ID: "history.filtered", Title: "Keep the filter", Short: "done", Keys: []string{"enter"}, Hint: 1, Section: section},
			{ID: "history.unfilter", Title: "Drop the filter", Short: "all", Keys: []string{"esc"}, Hint: 2, Section: section},
		}
	}
	e, ok := s.selected()
	none, gone, all := "", "", ""
	if !ok {
		none = "nothing is selected"
	}
	switch {
	case !ok:
		gone = none
	case e.Live() == nil:
		gone = "this reply is no longer in memory; the history keeps only its size"
	}
	if len(s.shown) == 0 {
		all = "nothing to export"
	}
	unmarked := gone
	if unmarked == "" && s.marked == nil {
		unmarked = "no reply is marked: m marks one"
	} else if unmarked == "" && s.marked == e.Live() {
		unmarked = "this is the marked one: choose another"
	}
	target := none
	if _, found := s.session(e); ok && !found {
		target = "no session of " + safe.Text(e.Device) + " in this run"
	}
	as := []action.Action{
		{ID: "history.load", Title: "Load into the RPC editor", Short: "load in RPC", Keys: []string{"enter"}, Hint: 1, Off: target},
		{ID: "history.reply", Title: "Show the reply", Short: "reply", Keys: []string{"o"}, Hint: 2, Off: gone},
		{ID: "history.mark", Title: "Mark the reply, to compare another with it", Short: "mark", Keys: []string{"m"}, Hint: 5, Off: gone},
		{ID: "history.diff", Title: "Compare the marked reply with this one", Short: "diff marked", Keys: []string{"D"}, Hint: 6, Off: unmarked},
		{ID: "history.filter", Title: "Filter", Short: "filter", Keys: []string{"/"}, Hint: 3},
		{ID: "history.unfilter", Title: "Drop the filter, or close the history", Keys: []string{"esc"}},
		{ID: "history.export", Title: "Export what is listed", Short: "export", Keys: []string{"w"}, Hint: 4, Off: all},
	}
	as = append(as, table.Motions("history", section)...)
	return action.Under(section, as)
}

// Run implements pane.Pane.
func (s *Screen) Run(id action.ID) tea.Cmd {
	_, name, _ := strings.Cut(string(id), ".")
	if s.list.Run(name) {
		return nil
	}
	e, ok := s.selected()
	switch {
	case name == "filter":
		s.typing = true
	case name == "filtered":
		s.typing = false
	case name == "unfilter" && !s.typing && s.filter.Len() == 0:
		return s.back()
	case name == "unfilter":
		s.typing = false
		s.filter.Wipe()
		s.sift()
	case name == "export":
		return s.export()
	case name == "load" && ok:
		return s.loadRPC(e)
	case name == "mark" && ok:
		return s.mark(e)
	case name == "diff" && ok:
		return s.compare(e)
	case name == "reply" && ok:
		return s.showReply(e)
	}
	return nil
}

// back closes the tab, for the session that it was opened from.
func (s *Screen) back() tea.Cmd {
	leave := s.d.Tell(msg.CloseTab{})
	if s.id == 0 {
		return leave
	}
	return tea.Sequence(leave, s.d.Tell(msg.OpenSession{ID: s.id}))
}

// session finds the session that an entry belongs to, or one of its device.
func (s *Screen) session(e journal.Entry) (conn.SessionID, bool) {
	if x := e.Live(); x != nil {
		if _, ok := s.d.Backend.Device(x.Session); ok {
			return x.Session, true
		}
	}
	if s.id != 0 && e.Device == s.name {
		return s.id, true
	}
	devs := s.d.Backend.Devices()
	for i := len(devs) - 1; i >= 0; i-- {
		if devs[i].Target.Name == e.Device {
			return devs[i].ID, true
		}
	}
	return 0, false
}

// loadRPC puts a request into its session's editor, as whole as it is known.
func (s *Screen) loadRPC(e journal.Entry) tea.Cmd {
	id, ok := s.session(e)
	if !ok {
		return nil
	}
	body, warn := e.Request, ""
	switch x := e.Live(); {
	case x != nil:
		body = string(x.Request.Body)
	case e.Cut:
		warn = "The history keeps only the beginning of this RPC."
	case e.Redacted:
		warn = "Secrets were taken out of this RPC when it was kept."
	}
	cmds := []tea.Cmd{
		s.d.Tell(msg.OpenSession{ID: id}),
		s.d.Tell(msg.LoadRPC{ID: id, Body: body}),
	}
	if warn != "" {
		cmds = append(cmds, msg.Say(msg.Warn, warn))
	}
	return tea.Sequence(cmds...)
}

// mark keeps a reply, to compare another one with it.
func (s *Screen) mark(e journal.Entry) tea.Cmd {
	if s.marked = e.Live(); s.marked == nil {
		return msg.Say(msg.Info, "This reply is no longer in memory; the history keeps only its size.")
	}
	return msg.Say(msg.Info, "Marked the reply to "+safe.Line(clip(e.Operation, 40))+" of "+stamp(e.Time, s.d.Now())+"; D on another one compares the two.")
}

// compare shows the marked reply against this one, in the session of this one.
func (s *Screen) compare(e journal.Entry) tea.Cmd {
	x := e.Live()
	if x == nil || s.marked == nil || x == s.marked {
		return nil
	}
	return tea.Sequence(
		s.d.Tell(msg.OpenSession{ID: x.Session}),
		s.d.Tell(msg.ShowDiff{ID: x.Session, A: s.marked, B: x}),
	)
}

func (s *Screen) showReply(e journal.Entry) tea.Cmd {
	x := e.Live()
	if x == nil {
		return msg.Say(msg.Info, "This reply is no longer in memory; the history keeps only its size.")
	}
	return tea.Sequence(
		s.d.Tell(msg.OpenSession{ID: x.Session}),
		s.d.Tell(msg.ShowExchange{ID: x.Session, Exchange: x}),
	)
}

// export writes what is listed as JSON lines, in a command, to a new file.
func (s *Screen) export() tea.Cmd {
	name := "history-" + s.d.Now().Format("20060102-150405") + ".jsonl"
	path, es := filepath.Join(s.d.WorkDir, name), s.shown
	return func() tea.Msg {
		if _, err := os.Lstat(path); err == nil {
			return msg.Toast{Level: msg.Warn, Text: name + " exists and was left as it is"}
		}
		var b strings.Builder
		enc := json.NewEncoder(&b)
		for i := len(es) - 1; i >= 0; i-- {
			if err := enc.Encode(es[i]); err != nil {
				return msg.Toast{Level: msg.Error, Text: "export: " + err.Error()}
			}
		}
		if err := atomicfile.Write(path, []byte(b.String()), 0o600); err != nil {
			return msg.Toast{Level: msg.Error, Text: "export: " + err.Error()}
		}
		return msg.Toast{Level: msg.Good, Text: fmt.Sprintf("%s entries saved to ./%s", docview.Number(int64(len(es))), name)}
	}
}

// stamp is the time of an entry where the clock of the program is: the day too
// when it is not today's.
func stamp(t, now time.Time) string {
	t = t.In(now.Location())
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format("01-02 15:04")
}
