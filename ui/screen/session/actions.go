package session

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/ui/action"
	"dialtone/ui/msg"
	"dialtone/ui/widget/table"
)

// Headings of the help screen.
const (
	sectionRPC     = "RPC"
	sectionSide    = "TEMPLATES AND HISTORY"
	sectionSession = "SESSION"
)

// Actions implements pane.Pane: those of the focused pane first, then those of
// the screen. A pane that takes text keeps all but the control keys.
func (s *Screen) Actions() []action.Action {
	if s.over() != nil {
		return s.coverActions()
	}
	switch s.focus {
	case rpcPart:
		as := s.rpc.Actions()
		if s.rpc.Capturing() {
			return append(as, s.writing()...)
		}
		return append(append(as, s.rpcActions()...), s.screenActions()...)
	case replyPart:
		r := s.reply()
		if r == nil {
			return s.screenActions()
		}
		if r.view.Capturing() {
			return r.view.Actions()
		}
		return append(r.view.Actions(), s.screenActions()...)
	}
	return append(s.sideActions(), s.screenActions()...)
}

// writing is what can be done on the screen while the RPC is edited.
func (s *Screen) writing() []action.Action {
	var out []action.Action
	for _, a := range s.screenActions() {
		if a.ID == "session.send" || a.ID == "session.stop" {
			out = append(out, a)
		}
	}
	return append(out, action.Action{
		ID: "session.external", Title: "Edit in $EDITOR", Short: "$EDITOR", Keys: []string{"ctrl+x"}, Hint: 5, Section: sectionRPC,
	})
}

func (s *Screen) rpcActions() []action.Action {
	as := []action.Action{
		{ID: "session.external", Title: "Edit in $EDITOR", Short: "$EDITOR", Keys: []string{"E", "ctrl+x"}, Hint: 50},
	}
	return action.Under(sectionRPC, as)
}

func (s *Screen) sideActions() []action.Action {
	as := append([]action.Action{
		{ID: "side.take", Title: "Take into the editor", Short: "take", Keys: []string{"enter"}, Hint: 10},
	}, table.Motions("side", "")...)
	return action.Under(sectionSide, as)
}

// screenActions is what can be done whichever pane has the focus.
func (s *Screen) screenActions() []action.Action {
	first, last, idle, linked := "", "", "", ""
	if s.replies.at == 0 {
		first = "this is the first reply kept"
	}
	if s.replies.at >= len(s.replies.list)-1 {
		last = "this is the last reply"
	}
	if r := s.reply(); s.inFlight() == nil && (r == nil || !r.view.Busy()) {
		idle = "nothing is in flight"
	}
	switch s.dev.State {
	case conn.Lost, conn.Closed, conn.Idle:
		if s.dev.Target.Via.Calls() {
			linked = "the device calls us"
		}
	default:
		linked = "the session is " + stateWord(s.dev.State)
	}
	quiet := ""
	if s.noteWords() == "" {
		quiet = "none has come; subscribe with a template"
	}
	odd, sound := s.faultWords(), ""
	if odd == "" {
		sound = "the device kept to the protocol so far"
	}
	as := []action.Action{
		{ID: "session.send", Title: "Send the RPC", Short: "send", Keys: []string{"ctrl+r"}, Hint: 2, Off: s.cannotSend()},
		{ID: "session.stop", Title: "Stop waiting for the reply", Short: "stop waiting", Keys: []string{"ctrl+c"}, Hint: action.HintIf(idle == "", 1), Off: idle},
		{ID: "session.templates", Title: "Templates", Short: "templates", Keys: []string{"t"}, Hint: 45},
		{ID: "session.history", Title: "History of this device", Short: "history", Keys: []string{"H"}, Hint: 46},
		{ID: "session.pane", Title: "Next pane", Short: "pane", Keys: []string{"tab"}, Hint: 70},
		{ID: "session.back", Title: "Pane before", Keys: []string{"shift+tab"}},
		{ID: "session.earlier", Title: "Reply before this one", Short: "earlier reply", Keys: []string{","}, Off: first},
		{ID: "session.later", Title: "Reply after this one", Short: "later reply", Keys: []string{"."}, Off: last},
		{ID: "session.notes", Title: "Notifications", Short: "notifications", Keys: []string{"e"}, Hint: action.HintIf(quiet == "", 65), Off: quiet},
		{ID: "session.faults", Title: "What the device did against the protocol", Short: "faults", Keys: []string{"f"}, Hint: action.HintIf(odd != "", 64), Off: sound},
		{ID: "session.connect", Title: "Connect again", Short: "connect again", Keys: []string{"R"}, Hint: action.HintIf(linked == "", 1), Off: linked},
	}
	if s.focus != replyPart || s.reply() == nil {
		as[3].Keys = []string{"h", "H"}
	}
	return action.Under(sectionSession, append(as, s.commitActions()...))
}

// Run implements pane.Pane.
func (s *Screen) Run(id action.ID) tea.Cmd { return s.after(s.run(id)) }

func (s *Screen) run(id action.ID) tea.Cmd {
	if name, ok := strings.CutPrefix(string(id), "side."); ok {
		if name == "take" {
			return s.takeRow()
		}
		s.side.list.Run(name)
		return nil
	}
	if o := s.over(); o != nil {
		if id == "session.uncover" {
			return s.uncover()
		}
		if cmd, ok := o.Run(id); ok {
			return cmd
		}
	}
	if cmd, ok := s.runCommit(id); ok {
		return cmd
	}
	switch id {
	case "session.send":
		return s.prepare()
	case "session.stop":
		return s.stop()
	case "session.external":
		return s.editOutside()
	case "session.templates":
		return s.openTemplates()
	case "session.history":
		return s.d.Tell(msg.ShowHistory{ID: s.id})
	case "session.pane", "session.back":
		return s.nextPane(id == "session.back")
	case "session.earlier":
		return s.step(-1)
	case "session.later":
		return s.step(1)
	case "session.notes":
		return s.openNotes()
	case "session.faults":
		return s.openFaults()
	case "session.connect":
		return s.reconnect()
	}
	return s.runPane(id)
}

// runPane gives an action to the pane that has it.
func (s *Screen) runPane(id action.ID) tea.Cmd {
	if s.focus == replyPart && s.reply() != nil {
		return s.reply().view.Run(id)
	}
	if s.focus != rpcPart {
		return nil
	}
	s.touched()
	if k, ok := typed(id); ok && s.rpc.Editing() {
		return s.rpc.Update(k)
	}
	return s.rpc.Run(id)
}

// typed is the key of an action that is text in disguise. The editor has to see
// it as a key: it knows by their speed which keys are a paste.
func typed(id action.ID) (tea.KeyMsg, bool) {
	switch id {
	case "rpc.newline":
		return tea.KeyMsg{Type: tea.KeyCtrlJ}, true
	case "rpc.tab":
		return tea.KeyMsg{Type: tea.KeyTab}, true
	}
	return tea.KeyMsg{}, false
}

// nextPane moves the focus on among the panes that are shown.
func (s *Screen) nextPane(back bool) tea.Cmd {
	step := part(1)
	if back {
		step = parts - 1
	}
	p := (s.focus + step) % parts
	if p == sidePart && (s.w < wide && !s.zoomed || s.zoomed) {
		p = (p + step) % parts
	}
	return s.setFocus(p)
}
