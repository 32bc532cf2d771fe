package ui

import (
	"fmt"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/action"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/pane"
)

// pastedText puts the text of a marked paste into its key. A paste that is too
// large is left out whole, for half an RPC is worse than none.
func (r *root) pastedText(k tea.KeyMsg) (out tea.KeyMsg, tell tea.Cmd, ok bool) {
	if !k.Paste || r.pasted == nil {
		return k, nil, true
	}
	text, lost, ok := r.pasted(k.Runes)
	switch {
	case !ok:
		return k, r.say(msg.Toast{Level: msg.Warn, Text: "A paste was left out: too many came at once."}), false
	case lost > 0:
		return k, r.say(msg.Toast{Level: msg.Warn,
			Text:   fmt.Sprintf("Paste left out: %.1f MiB, and 1 MiB is the most.", float64(int64(len(text))+lost)/(1<<20)),
			Detail: "Larger texts come in through $EDITOR: ctrl+x while an RPC is edited."}), false
	}
	k.Runes = []rune(text)
	return k, nil, true
}

// typed takes a key in its turn: behind those of a burst that is under way.
func (r *root) typed(k tea.KeyMsg) tea.Cmd {
	if len(r.held) > 0 {
		r.held = append(r.held, k)
		return nil
	}
	return r.key(k)
}

// nextHeld handles the first key of a burst and asks for the next one by a
// message, so that a dialog which one key opens gets the keys after it.
func (r *root) nextHeld() tea.Cmd {
	if len(r.held) == 0 {
		return nil
	}
	k := r.held[0]
	r.held = r.held[1:]
	cmd := r.key(k)
	if len(r.held) == 0 {
		return cmd
	}
	return tea.Batch(cmd, func() tea.Msg { return nextKey{} })
}

// key brings a key to its place: the reserved ones, the dialogs, text that is
// being typed, the action of the screen, the action of the root.
func (r *root) key(k tea.KeyMsg) tea.Cmd {
	r.toasts.Key()
	if k.Type == tea.KeyCtrlG {
		k = tea.KeyMsg{Type: tea.KeyEsc}
	}
	if cmd, ok := r.always(k); ok {
		return cmd
	}
	if k.Alt && !k.Paste {
		return r.altKey(k)
	}
	if r.small() {
		return r.smallKey(k)
	}
	if cmd, ok := r.stack.Key(k, r.d.Now()); ok {
		return cmd
	}
	return r.dispatch(k)
}

// always handles the keys that mean the same above a dialog and below it.
func (r *root) always(k tea.KeyMsg) (tea.Cmd, bool) {
	if k.Type == tea.KeyRunes || k.Type == tea.KeySpace {
		return nil, false
	}
	a, ok := action.Match(r.rootActions(), k.String())
	if !ok || a.ID != "root.redraw" && a.ID != "root.suspend" {
		return nil, false
	}
	return r.Run(a.ID), true
}

// altKey takes alt+x as what it is on most terminals: Esc, and x soon after. Above
// a dialog the Esc closes it and x is for what lies below, as if the two had come
// apart.
func (r *root) altKey(k tea.KeyMsg) tea.Cmd {
	esc := r.key(tea.KeyMsg{Type: tea.KeyEsc})
	k.Alt = false
	waiting := len(r.held) > 0
	r.held = append([]tea.KeyMsg{k}, r.held...)
	if waiting {
		return esc // the burst goes on by itself
	}
	return tea.Batch(esc, func() tea.Msg { return nextKey{} })
}

// smallKey is what still works on the card of a terminal that is too small.
func (r *root) smallKey(k tea.KeyMsg) tea.Cmd {
	if k.String() == "C" {
		return r.smallConfirm()
	}
	r.changes.armed, r.changes.note = 0, ""
	switch k.String() {
	case "ctrl+c":
		if a, ok := action.Match(r.screenActions(), "ctrl+c"); ok && a.Off == "" && r.stack.Top() == nil {
			return r.runOr(a, r.cur().Run)
		}
		return r.smallQuit()
	case "q":
		return r.smallQuit()
	}
	return nil
}

// smallQuit leaves where nothing would be asked on a larger terminal, and says
// on the card why not elsewhere.
func (r *root) smallQuit() tea.Cmd {
	asks := false
	switch r.stack.Top().(type) {
	case nil, *overlay.Help, *overlay.Palette, *overlay.Messages:
	default:
		asks = true
	}
	if asks || r.openCount() > 0 || len(r.drafts()) > 0 {
		r.changes.note = "Quitting asks: make the terminal larger."
		return nil
	}
	return r.leave()
}

func (r *root) dispatch(k tea.KeyMsg) tea.Cmd {
	scr, key := r.cur(), k.String()
	if k.Paste {
		return r.paste(k)
	}
	if scr.Capturing() {
		return r.capturing(k)
	}
	if k.Type == tea.KeyRunes && len(k.Runes) > 1 {
		return r.burst(k)
	}
	if r.counted(scr, key) {
		return nil
	}
	if a, ok := action.Match(r.screenActions(), key); ok && (a.Off == "" || key != "ctrl+c") {
		return r.runOr(a, scr.Run)
	}
	if n, ok := tabNumber(key); ok && n < r.numbered() {
		return r.show(n)
	}
	if a, ok := action.Match(r.rootActions(), key); ok {
		return r.runOr(a, r.Run)
	}
	return nil
}

// capturing gives a key to a screen that takes text. The root keeps the keys of
// palette and quit; keys that are no text may still be actions of the screen.
func (r *root) capturing(k tea.KeyMsg) tea.Cmd {
	scr, key := r.cur(), k.String()
	if strings.HasPrefix(key, "ctrl+") || key == "esc" || key == "tab" || key == "shift+tab" {
		if a, ok := action.Match(r.screenActions(), key); ok && (a.Off == "" || key != "ctrl+c") {
			return r.runOr(a, scr.Run)
		}
		if a, ok := action.Match(r.rootActions(), key); ok && (a.ID == "root.palette" || a.ID == "root.quit") {
			return r.runOr(a, r.Run)
		}
	}
	return scr.Update(k)
}

// maxBurst is how many characters in one read still count as keys: a key held
// down on a slow line. More is a paste without brackets.
const maxBurst = 12

// burst takes characters that arrived together one by one.
func (r *root) burst(k tea.KeyMsg) tea.Cmd {
	if len(k.Runes) > maxBurst {
		return msg.Say(msg.Info, "Pasted text is ignored here.")
	}
	keys := make([]tea.KeyMsg, 0, len(k.Runes)+len(r.held))
	for _, c := range k.Runes {
		keys = append(keys, tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{c}})
	}
	r.held = append(keys, r.held...)
	return func() tea.Msg { return nextKey{} }
}

func (r *root) paste(k tea.KeyMsg) tea.Cmd {
	scr := r.cur()
	if p, ok := scr.(pane.Paster); scr.Capturing() || ok && p.WantsPaste() {
		return scr.Update(k)
	}
	return msg.Say(msg.Info, "Pasted text is ignored here.")
}

// counted gives a digit to a screen that takes counts: each while it is
// counting, else those that name no other tab.
func (r *root) counted(scr pane.Screen, key string) bool {
	c, ok := scr.(pane.Counter)
	if !ok || len(key) != 1 || key[0] < '0' || key[0] > '9' {
		return false
	}
	digit := int(key[0] - '0')
	if !c.Counting() && (digit == 0 || digit <= r.numbered() && digit-1 != r.at) {
		return false
	}
	c.Count(digit)
	return true
}

// tabNumber is the tab that a digit names, counted from 0.
func tabNumber(key string) (int, bool) {
	if len(key) == 1 && key[0] >= '1' && key[0] <= '9' {
		return int(key[0] - '1'), true
	}
	return 0, false
}

// runOr runs an action, or says why it is off.
func (r *root) runOr(a action.Action, run func(action.ID) tea.Cmd) tea.Cmd {
	if a.Off != "" {
		if slices.Contains(a.Keys, "esc") {
			return nil // pressed by habit where there is nothing to go back from
		}
		return msg.Say(msg.Info, a.Title+": "+a.Off)
	}
	return run(a.ID)
}
