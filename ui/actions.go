package ui

import (
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/action"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/pane"
	"dialtone/ui/safe"
)

const everywhere = "EVERYWHERE"

// rootActions is what can be done wherever the person is.
func (r *root) rootActions() []action.Action {
	quit, noZoom := "Close this tab", "nothing to zoom here"
	if r.at == 0 {
		quit = "Quit"
	}
	if _, ok := r.cur().(pane.Zoomer); ok {
		noZoom = ""
	}
	palette := []string{":", "ctrl+p"}
	if r.cur().Capturing() {
		palette = []string{"ctrl+p"}
	}
	return r.d.Keys.Apply([]action.Action{
		{ID: "root.palette", Section: everywhere, Title: "Palette: find any command", Short: "palette", Keys: palette, Hint: 900},
		{ID: "root.help", Section: everywhere, Title: "Keys of this place", Short: "help", Keys: []string{"?"}},
		{ID: "root.tab", Section: everywhere, Title: "Tab by number", Keys: []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"}},
		{ID: "root.inbox", Section: everywhere, Title: "Inbox: devices that have called", Short: "inbox", Keys: []string{"0"}, Hint: r.inboxHint(), Off: r.noDesk()},
		{ID: "root.previous", Section: everywhere, Title: "Previous tab", Keys: []string{"["}},
		{ID: "root.next", Section: everywhere, Title: "Next tab", Keys: []string{"]"}},
		{ID: "root.messages", Section: everywhere, Title: "Messages so far", Short: "messages", Keys: []string{"!"}},
		{ID: "root.zoom", Section: everywhere, Title: "Zoom the pane", Keys: []string{"+"}, Off: noZoom},
		{ID: "root.unzoom", Section: everywhere, Title: "Undo the zoom", Keys: []string{"_"}, Off: noZoom},
		{ID: "root.redraw", Section: everywhere, Title: "Draw the screen anew", Keys: []string{"ctrl+l"}},
		{ID: "root.suspend", Section: everywhere, Title: "Suspend to the shell", Keys: []string{"ctrl+z"}},
		r.confirmAction(),
		{ID: "root.close", Section: everywhere, Title: quit, Short: "quit", Keys: []string{"q"}, Hint: r.quitHint()},
		{ID: "root.quit", Section: everywhere, Title: "Stop waiting, then quit", Keys: []string{"ctrl+c"}},
	})
}

// quitHint shows "q quit" in the help bar of an empty device list.
func (r *root) quitHint() int {
	if r.at == 0 && len(r.known) == 0 && !r.cur().Capturing() {
		return 950
	}
	return 0
}

// inboxHint shows "0 inbox" in the help bar of a device list, but not at the
// first start.
func (r *root) inboxHint() int {
	if r.at == 0 && !r.cur().Capturing() && len(r.known)+len(r.calls.now.Listeners)+len(r.calls.now.Callers) > 0 {
		return 890
	}
	return 0
}

func (r *root) noDesk() string {
	if r.d.Desk == nil {
		return "this run takes no calls"
	}
	return ""
}

// screenActions is the table of the screen that is shown, with the person's
// own keys, and with what read-only mode forbids switched off.
func (r *root) screenActions() []action.Action {
	as := r.d.Keys.Apply(r.cur().Actions())
	why := ""
	if r.d.ReadOnly {
		why = "read-only mode"
	} else if dev, ok := r.d.Backend.Device(r.tabs[r.at].id); ok && r.tabs[r.at].id != 0 && dev.Target.ReadOnly {
		why = "the profile of " + safe.Text(dev.Target.Name) + " is read-only"
	}
	if why == "" {
		return as
	}
	out := append([]action.Action(nil), as...)
	for i := range out {
		if out[i].Alters && out[i].Off == "" {
			out[i].Off = why
		}
	}
	return out
}

// Run does an action of the root.
func (r *root) Run(id action.ID) tea.Cmd {
	switch id {
	case "root.palette":
		r.stack.Push(&overlay.Palette{Theme: r.d.Theme, Items: r.paletteItems()})
	case "root.help":
		here, all := r.screenActions(), r.rootActions()
		r.stack.Push(&overlay.Help{Theme: r.d.Theme, Where: safe.Text(r.cur().Title()), Here: len(here),
			Actions: readable(append(append([]action.Action(nil), here...), all...)), RunID: r.runAny})
	case "root.messages":
		r.stack.Push(&overlay.Messages{Theme: r.d.Theme, Notes: r.toasts.Kept()})
	case "root.inbox":
		return r.showInbox()
	case "root.confirm":
		return r.confirm()
	case "root.previous":
		return r.show((r.at + len(r.tabs) - 1) % len(r.tabs))
	case "root.next":
		return r.show((r.at + 1) % len(r.tabs))
	case "root.zoom", "root.unzoom":
		r.zoomed = id == "root.zoom"
		if z, ok := r.cur().(pane.Zoomer); ok {
			z.Zoom(r.zoomed)
		}
	case "root.redraw":
		return tea.Sequence(tea.ClearScreen, tea.WindowSize())
	case "root.suspend":
		return r.suspend()
	case "root.close":
		if r.at == 0 {
			return r.askQuit()
		}
		return r.closeTab()
	case "root.quit":
		return r.askQuit()
	}
	return nil
}

// runAny runs an action by its id, of the screen or of the root; it is what
// help and palette call.
func (r *root) runAny(id action.ID) tea.Cmd {
	for _, a := range r.screenActions() {
		if a.ID == id {
			return r.runOr(a, r.cur().Run)
		}
	}
	for _, a := range r.rootActions() {
		if a.ID == id {
			return r.runOr(a, r.Run)
		}
	}
	return nil
}

// paletteItems is every command that could be run now: actions, devices and
// profiles, tabs, and what the screen itself offers.
func (r *root) paletteItems() []overlay.Item {
	var items []overlay.Item
	add := func(as []action.Action, run func(action.ID) tea.Cmd) {
		for _, a := range as {
			if a.ID == "root.tab" || a.ID == "root.palette" {
				continue
			}
			it := overlay.Item{Title: safe.Text(a.Title), Alters: a.Alters, Off: safe.Text(a.Off)}
			if len(a.Keys) > 0 {
				it.Key = action.KeyName(a.Keys[0], r.d.Theme.ASCII)
			}
			it.Run = func() tea.Msg { return chosen{a, run} }
			items = append(items, it)
		}
	}
	add(r.screenActions(), r.cur().Run)
	if p, ok := r.cur().(interface{ Palette() []overlay.Item }); ok {
		items = append(items, p.Palette()...)
	}
	for _, t := range r.tabs {
		if p, ok := t.screen.(interface{ Devices() []overlay.Item }); ok {
			items = append(items, p.Devices()...)
		}
	}
	for i, t := range r.tabs {
		if i == r.at {
			continue
		}
		items = append(items, overlay.Item{Title: "Show tab: " + safe.Text(t.screen.Title()),
			Key: r.numberKey(i), Run: func() tea.Msg { return chosenTab{t.screen} }})
	}
	add(r.rootActions(), r.Run)
	return items
}

// numberKey is the digit that shows tab i, "" when it has none.
func (r *root) numberKey(i int) string {
	switch {
	case i == r.inboxAt():
		return "0"
	case i > 8:
		return ""
	}
	return itoa(i + 1)
}

func itoa(n int) string { return strconv.Itoa(n) }

// readable makes the texts of actions safe: a reason may name a device.
func readable(as []action.Action) []action.Action {
	for i := range as {
		as[i].Title, as[i].Off = safe.Text(as[i].Title), safe.Text(as[i].Off)
	}
	return as
}

// warnClashes tells, once, of keys from config.toml that lie on two actions of
// the place that is shown. The one of the pane wins, then that of the screen.
func (r *root) warnClashes() tea.Cmd {
	if len(r.d.Keys) == 0 {
		return nil
	}
	var cmds []tea.Cmd
	both := append(append([]action.Action(nil), r.screenActions()...), r.rootActions()...)
	for _, clash := range action.Clashes(both) {
		_, ids, _ := strings.Cut(clash, ": ")
		first, second, _ := strings.Cut(ids, ", ")
		_, ours := r.d.Keys[first]
		_, theirs := r.d.Keys[second]
		if !ours && !theirs || r.warned[clash] {
			continue
		}
		r.warned[clash] = true
		cmds = append(cmds, msg.Say(msg.Warn, "config.toml puts one key on two actions: "+clash))
	}
	return tea.Batch(cmds...)
}
