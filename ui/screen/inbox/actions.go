package inbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn/desk"
	"dialtone/keys/atomicfile"
	"dialtone/ui/action"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
	"dialtone/ui/widget/table"
)

// Headings of the help screen.
const (
	section    = "INBOX"
	sectionLog = "LISTENER LOG"
)

// Actions implements pane.Pane.
func (s *Screen) Actions() []action.Action {
	common := []action.Action{
		{ID: "inbox.listeners", Title: "Listeners: where we listen\u2026", Short: "listeners", Keys: []string{"L"}, Hint: 50, Section: section},
		{ID: "inbox.certificate", Title: "Certificate for outbound HTTPS\u2026", Short: "certificate", Keys: []string{"c"}, Hint: 70, Section: section, Off: s.noCertificate()},
		{ID: "inbox.pane", Title: "Next pane", Short: "pane", Keys: []string{"tab", "shift+tab"}, Hint: 90, Section: section},
	}
	if s.focus == logPart {
		return append(append(s.logActions(), common...), table.Motions("inbox", sectionLog)...)
	}
	none, accept, shellHint := "", "accept", 0
	x, ok := s.selected()
	switch {
	case !ok:
		none = "nobody waits"
	case x.Parked:
		accept, shellHint = "open a session", 15
	}
	as := []action.Action{
		{ID: "inbox.accept", Title: "Accept, after a look at the verdict\u2026", Short: accept, Keys: []string{"enter"}, Hint: 10, Section: section, Off: first(none, inUse(x))},
		{ID: "inbox.shell", Title: "Open a command shell (csh) on the device", Short: "shell", Keys: []string{"s"}, Hint: shellHint, Section: section, Off: first(none, s.noShell(x))},
		{ID: "inbox.bind", Title: "Bind to a profile\u2026", Short: "bind", Keys: []string{"b"}, Hint: 20, Section: section, Off: first(none, inUse(x))},
		{ID: "inbox.refuse", Title: "Refuse: hang up", Short: "refuse", Keys: []string{"x"}, Hint: 30, Section: section, Off: none},
		{ID: "inbox.block", Title: "Block the address\u2026", Short: "block", Keys: []string{"B"}, Hint: 40, Section: section, Off: none},
		{ID: "inbox.copy", Title: "Copy the key", Short: "copy key", Keys: []string{"y"}, Hint: 60, Section: section, Off: first(none, noKey(x))},
		{ID: "inbox.sort", Title: "Sort: arrival, newest, name", Short: "sort", Keys: []string{"o"}, Hint: 80, Section: section, Off: none},
	}
	return append(append(as, common...), table.Motions("inbox", section)...)
}

func (s *Screen) logActions() []action.Action {
	none, following := "", ""
	if len(s.log.lines) == 0 {
		none = "the log is empty"
	}
	if s.log.follow {
		following = "the newest line is followed"
	}
	return []action.Action{
		{ID: "inbox.line", Title: "Show the whole line", Short: "whole line", Keys: []string{"enter"}, Hint: 10, Section: sectionLog, Off: none},
		{ID: "inbox.follow", Title: "Follow the newest line", Short: "follow", Keys: []string{"f"}, Hint: 20, Section: sectionLog, Off: following},
		{ID: "inbox.copy", Title: "Copy the line", Short: "copy", Keys: []string{"y"}, Hint: 30, Section: sectionLog, Off: none},
		{ID: "inbox.save", Title: "Save the log to a file", Short: "save", Keys: []string{"w"}, Hint: 40, Section: sectionLog, Off: none},
	}
}

func noKey(c desk.Caller) string {
	if c.Key == "" {
		return "this way of calling has no key"
	}
	return ""
}

func (s *Screen) noCertificate() string {
	if _, ok := s.d.Desk.(Certifier); !ok {
		return "this desk has no certificates"
	}
	return ""
}

func first(reasons ...string) string {
	for _, s := range reasons {
		if s != "" {
			return s
		}
	}
	return ""
}

// Run implements pane.Pane.
func (s *Screen) Run(id action.ID) tea.Cmd {
	name := strings.TrimPrefix(string(id), "inbox.")
	if s.listOf().Run(name) {
		s.log.moved()
		return nil
	}
	s.listOf().Forget()
	switch name {
	case "pane":
		s.focus = 1 - s.focus
		s.place()
	case "listeners":
		return func() tea.Msg { return msg.ShowListeners{} }
	case "certificate":
		if c := Certificate(s.d); c != nil {
			return overlay.Open(c)
		}
	case "sort":
		s.order = (s.order + 1) % orders
		s.sort()
	case "follow":
		s.log.follow = true
		s.log.list.Select(0)
	case "save":
		return s.saveLog()
	case "copy":
		return s.copy()
	case "line":
		return s.showLine()
	}
	x, ok := s.selected()
	if !ok {
		return nil
	}
	switch name {
	case "accept":
		return overlay.Open(newAccept(s.d, x))
	case "shell":
		return s.openShell(x)
	case "bind":
		return overlay.Open(newBind(s.d, x))
	case "refuse":
		return s.refuse(x)
	case "block":
		return s.askBlock(x)
	}
	return nil
}

// refuse hangs up; the device will most likely call again.
func (s *Screen) refuse(x desk.Caller) tea.Cmd {
	return func() tea.Msg {
		if err := s.d.Desk.Refuse(x.ID); err != nil {
			return failed("Not refused", err)
		}
		return msg.Toast{Level: msg.Info, Text: "Refused " + who(x) + "; it may call again"}
	}
}

func failed(what string, err error) msg.Toast {
	return msg.Toast{Level: msg.Error, Text: what + ": " + err.Error(), Detail: err.Error()}
}

// askBlock asks before an address is shut out: other devices may stand behind
// it.
func (s *Screen) askBlock(x desk.Caller) tea.Cmd {
	addr := "the address of " + who(x)
	if x.From.IsValid() {
		addr = x.From.Addr().Unmap().String()
	}
	block := func() tea.Msg {
		if err := s.d.Desk.Block(x.ID); err != nil {
			return failed("Not blocked", err)
		}
		return msg.Toast{Level: msg.Good, Text: "Blocked " + addr + " for this run"}
	}
	return overlay.Open(&overlay.Confirm{
		Theme: s.d.Theme, Title: "Block " + addr + "?", Danger: true,
		Body: []string{"This caller is refused, and every call from " + addr + " from now on, until dialtone is started anew.",
			"Other devices behind the same address are shut out with it."},
		Choices: []overlay.Choice{{Key: "B", Label: "block the address", Do: block}},
	})
}

// copy copies the key of the selected caller, or the line of the log.
func (s *Screen) copy() tea.Cmd {
	if s.focus == logPart {
		if x, ok := s.log.selected(); ok {
			return s.d.Copy("line", s.whole(x))
		}
		return nil
	}
	if x, ok := s.selected(); ok && x.Key != "" {
		return s.d.Copy("key", bareKey(x))
	}
	return nil
}

// showLine shows a line of the log with the whole chain of its reason.
func (s *Screen) showLine() tea.Cmd {
	x, ok := s.log.selected()
	if !ok {
		return nil
	}
	body := []string{text(x)}
	add := func(label, value string) {
		if value != "" {
			body = append(body, fmt.Sprintf("%-9s %s", label, value))
		}
	}
	body = append(body, "")
	if x.From.IsValid() {
		add("from", x.From.String())
	}
	if x.Via != "" {
		add("via", viaWord(x.Via))
	}
	add("claims", x.DeviceID)
	add("profile", x.Profile)
	code, more := rest(x)
	add("code", code)
	if len(more) > 0 {
		body = append(append(body, ""), more...)
	}
	return overlay.Open(&overlay.Confirm{Theme: s.d.Theme, Title: s.stamp(x.Time) + "  " + safe.Text(x.Event), Wide: true, Cancel: "close", Body: body,
		Choices: []overlay.Choice{{Key: "y", Label: "copy the line", Do: s.d.Copy("line", s.whole(x))}}})
}

// saveLog writes the log, oldest line first, to a new file.
func (s *Screen) saveLog() tea.Cmd {
	var b strings.Builder
	for i := len(s.log.lines) - 1; i >= 0; i-- {
		b.WriteString(s.whole(s.log.lines[i]) + "\n")
	}
	name := "listener-" + s.d.Now().Format("20060102-150405") + ".log"
	n := len(s.log.lines)
	return func() tea.Msg {
		path := filepath.Join(s.d.WorkDir, name)
		if _, err := os.Lstat(path); err == nil {
			return msg.Toast{Level: msg.Warn, Text: name + " exists and was left as it is"}
		}
		if err := atomicfile.Write(path, []byte(b.String()), 0o600); err != nil {
			return failed("The log was not saved", err)
		}
		return msg.Toast{Level: msg.Good, Text: fmt.Sprintf("%d lines saved to ./%s", n, name)}
	}
}
