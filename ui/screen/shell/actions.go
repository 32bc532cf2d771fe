package shell

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/action"
)

// Actions implements pane.Pane.
func (s *Screen) Actions() []action.Action {
	const section = "SHELL"
	off, on, none := "", "the shell is open", "nothing was searched for"
	if s.ended {
		off, on = "the shell has ended", ""
	}
	if s.again() == nil {
		on = "the device is not at hand; open it from the inbox"
	}
	if s.found != "" {
		none = ""
	}
	if s.seeking {
		return nil
	}
	hint := 70
	if s.ended {
		hint = 5
	}
	interrupt := action.Action{ID: "shell.interrupt", Title: "Empty the line; else interrupt, which ends the whole shell", Short: "interrupt", Keys: []string{"ctrl+c"}, Hint: 20, Off: off, Section: section}
	if s.typing {
		return []action.Action{
			{ID: "shell.run", Title: "Run the command", Short: "run", Keys: []string{"enter"}, Hint: 10, Off: off, Section: section},
			interrupt,
			{ID: "shell.leave", Title: "Leave the command line, to scroll, search and save", Short: "scroll, save", Keys: []string{"esc"}, Hint: 30, Section: section},
			{ID: "shell.up", Title: "Page up", Keys: []string{"pgup"}, Section: section},
			{ID: "shell.down", Title: "Page down", Keys: []string{"pgdown"}, Section: section},
		}
	}
	return []action.Action{
		{ID: "shell.again", Title: "Open another shell on the device", Short: "another shell", Keys: []string{"s"}, Hint: hint, Off: on, Section: section},
		{ID: "shell.type", Title: "Type a command", Short: "type", Keys: []string{"i", "enter"}, Hint: 10, Off: off, Section: section},
		interrupt,
		{ID: "shell.search", Title: "Search the output", Short: "search", Keys: []string{"/"}, Hint: 30, Section: section},
		{ID: "shell.next", Title: "Next match", Keys: []string{"n"}, Section: section, Off: none},
		{ID: "shell.previous", Title: "Match before", Keys: []string{"N"}, Section: section, Off: none},
		{ID: "shell.save", Title: "Save the output", Short: "save", Keys: []string{"w"}, Hint: 40, Section: section},
		{ID: "shell.copy", Title: "Copy what is shown", Short: "copy", Keys: []string{"y"}, Hint: 50, Section: section},
		{ID: "shell.follow", Title: "Follow the output", Keys: []string{"G", "end", "f"}, Hint: 60, Short: "follow", Section: section},
		{ID: "shell.first", Title: "First line", Keys: []string{"g", "home"}, Section: section},
		{ID: "shell.line-up", Title: "Up", Keys: []string{"k", "up"}, Section: section},
		{ID: "shell.line-down", Title: "Down", Keys: []string{"j", "down"}, Section: section},
		{ID: "shell.up", Title: "Page up", Keys: []string{"pgup", "ctrl+u"}, Section: section},
		{ID: "shell.down", Title: "Page down", Keys: []string{"pgdown", "ctrl+d"}, Section: section},
		{ID: "shell.left", Title: "To the left", Keys: []string{"h", "left"}, Section: section},
		{ID: "shell.right", Title: "To the right, for long lines", Keys: []string{"l", "right"}, Section: section},
	}
}

// Run implements pane.Pane.
func (s *Screen) Run(id action.ID) tea.Cmd {
	switch id {
	case "shell.run":
		return s.run()
	case "shell.again":
		return s.again()
	case "shell.type":
		s.typing, s.follow, s.left = true, true, 0
	case "shell.leave":
		s.typing = false
	case "shell.interrupt":
		return s.interrupt()
	case "shell.search":
		s.seeking = true
		s.search.Set("")
	case "shell.next":
		s.find(false)
	case "shell.previous":
		s.find(true)
	case "shell.save":
		return s.save()
	case "shell.copy":
		var b strings.Builder
		for _, l := range s.lines() {
			b.WriteString(l.shown() + "\n")
		}
		return s.d.Copy("the output shown", b.String())
	case "shell.follow":
		s.follow = true
	case "shell.first":
		s.scroll("ctrl+home")
	case "shell.line-up":
		s.move(-1)
	case "shell.line-down":
		s.move(1)
	case "shell.up":
		s.scroll("pgup")
	case "shell.down":
		s.scroll("pgdown")
	case "shell.left":
		s.left = max(s.left-aside, 0)
	case "shell.right":
		s.left = min(s.left+aside, mostLine)
	}
	return nil
}
