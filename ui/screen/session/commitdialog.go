package session

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn/commit"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
	"dialtone/ui/style"
	"dialtone/ui/widget/prompt"
)

// commitDialog asks how the candidate is committed. The focus starts on Cancel.
// What C sends is the plan that it shows, and no other.
type commitDialog struct {
	s     *Screen
	items []commitItem
	at    int // focused item; behind them Cancel
	rpc   bool
	top   int // first row of the requests that is seen

	confirmed, persist, validate, unlock, sync bool
	wait, token, comment, later                prompt.Line
	made                                       string // token that was made for this dialog

	plan commit.Plan
	err  error
}

// commitItem is one thing that can be set.
type commitItem uint8

const (
	itemConfirmed commitItem = iota
	itemWait
	itemPersist
	itemToken
	itemValidate
	itemUnlock
	itemSync
	itemLater
	itemComment
)

// openCommit opens the dialog, or says why there is nothing to commit with.
func (s *Screen) openCommit() tea.Cmd {
	switch {
	case s.readOnly() != "":
		return s.refuse("Commit: " + s.readOnly())
	case s.commits.st.Why(commit.DoCommit) != "":
		return s.refuse("Commit: " + safe.Text(s.commits.st.Why(commit.DoCommit)))
	}
	return s.d.Tell(overlay.Push{Dialog: newCommitDialog(s)})
}

func newCommitDialog(s *Screen) *commitDialog {
	d := &commitDialog{s: s}
	junos := s.commits.st.Mode == commit.Junos
	if junos || s.dev.Caps.Has("confirmed-commit") {
		d.confirmed = true
		d.items = append(d.items, itemConfirmed, itemWait)
		d.wait.Set("600")
		if junos {
			d.wait.Set("10")
		}
	}
	if !junos && s.dev.Caps.Has("confirmed-commit:1.1") {
		d.items = append(d.items, itemPersist, itemToken)
		d.token.Hint = "generated"
	}
	if s.commits.st.Why(commit.DoValidate) == "" {
		d.validate = true
		d.items = append(d.items, itemValidate)
	}
	if s.holds() {
		d.items = append(d.items, itemUnlock)
	}
	if junos {
		d.later.Hint = "now"
		d.items = append(d.items, itemSync, itemLater, itemComment)
	}
	d.at = len(d.items)
	d.replan()
	return d
}

// order is what the dialog is set to.
func (d *commitDialog) order() (commit.Order, error) {
	o := commit.Order{Do: commit.DoCommit, Confirmed: d.confirmed, Validate: d.validate, Unlock: d.unlock, Comment: strings.TrimSpace(d.comment.Value()),
		Sync: d.sync, At: strings.TrimSpace(d.later.Value())}
	if !d.confirmed {
		return o, nil
	}
	unit := time.Second
	if d.junos() {
		unit = time.Minute
	}
	n, err := strconv.ParseUint(strings.TrimSpace(d.wait.Value()), 10, 31)
	if err != nil || n == 0 {
		return o, fmt.Errorf("the time to confirm must be a number from 1 on")
	}
	o.Timeout = time.Duration(n) * unit
	if d.persist {
		o.Persist = true
		if o.Token = strings.TrimSpace(d.token.Value()); o.Token == "" {
			o.Token = d.made
		}
	}
	return o, nil
}

func (d *commitDialog) junos() bool { return d.s.commits.st.Mode == commit.Junos }

// replan asks anew what would be sent.
func (d *commitDialog) replan() {
	o, err := d.order()
	if err != nil {
		d.plan, d.err = commit.Plan{}, err
		return
	}
	d.plan, d.err = d.s.plan(o)
	if d.err == nil && o.Persist && o.Token == "" {
		d.made = d.plan.Token
	}
}

func (d *commitDialog) line() *prompt.Line {
	if d.at >= len(d.items) {
		return nil
	}
	switch d.items[d.at] {
	case itemWait:
		return &d.wait
	case itemToken:
		return &d.token
	case itemComment:
		return &d.comment
	case itemLater:
		return &d.later
	}
	return nil
}

func (d *commitDialog) toggle() *bool {
	if d.at >= len(d.items) {
		return nil
	}
	switch d.items[d.at] {
	case itemConfirmed:
		return &d.confirmed
	case itemPersist:
		return &d.persist
	case itemValidate:
		return &d.validate
	case itemUnlock:
		return &d.unlock
	case itemSync:
		return &d.sync
	}
	return nil
}

// Help implements overlay.Dialog.
func (d *commitDialog) Help() string {
	if d.line() != nil && d.items[d.at] != itemWait {
		return "tab next  enter next  esc cancel"
	}
	return "tab next  space toggle  D diff  r requests  C commit  esc cancel (default)"
}

// Update implements overlay.Dialog.
func (d *commitDialog) Update(m tea.Msg) (tea.Cmd, bool) {
	k, ok := m.(tea.KeyMsg)
	if !ok {
		if _, ok := m.(msg.Events); ok {
			d.replan()
		}
		return nil, false
	}
	n := len(d.items) + 1
	switch key := k.String(); key {
	case "esc", "ctrl+c":
		return nil, true
	case "tab", "down", "ctrl+n":
		d.at = (d.at + 1) % n
		return nil, false
	case "shift+tab", "up", "ctrl+p":
		d.at = (d.at + n - 1) % n
		return nil, false
	case "enter":
		if d.at == len(d.items) {
			return nil, true
		}
		d.at++
		return nil, false
	}
	if l := d.line(); l != nil && (d.items[d.at] != itemWait || editsNumber(k)) {
		if l.Update(k) {
			if d.items[d.at] == itemToken {
				d.persist = d.persist || l.Len() > 0
			}
			d.replan()
		}
		return nil, false
	}
	return d.letter(k.String())
}

// editsNumber reports a key that belongs into a field of digits.
func editsNumber(k tea.KeyMsg) bool {
	if k.Type != tea.KeyRunes {
		return k.Type != tea.KeySpace
	}
	for _, r := range k.Runes {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}

func (d *commitDialog) letter(key string) (tea.Cmd, bool) {
	switch key {
	case " ", "x":
		if t := d.toggle(); t != nil {
			*t = !*t
			if !d.confirmed {
				d.persist = false
			}
			d.replan()
		}
	case "q", "n":
		return nil, true
	case "r":
		d.rpc, d.top = !d.rpc, 0
	case "j":
		d.top++
	case "k":
		d.top = max(d.top-1, 0)
	case "D":
		m := runMsg{d.s.id, "session.diff"}
		return func() tea.Msg { return m }, true
	case "C":
		if d.err != nil {
			return nil, false
		}
		m := giveMsg{d.s.id, d.plan}
		return func() tea.Msg { return m }, true
	}
	return nil, false
}

// View implements overlay.Dialog.
func (d *commitDialog) View(maxW, maxH int) string {
	t := d.s.d.Theme
	w := min(62, maxW)
	in := w - 6
	body := []string{"", "  " + d.summary(in), ""}
	for i, it := range d.items {
		if it == itemWait || it == itemToken {
			continue // on the row of the item before
		}
		body = append(body, d.row(i, it))
	}
	body = append(body, "")
	notes := d.notes(in)
	rows := d.requests(in)
	room := maxH - 2 - len(body) - len(notes) - 4
	switch {
	case d.rpc && len(rows) > 0:
		d.top = min(d.top, max(len(rows)-1, 0))
		body = append([]string{"", "  " + t.Paint(style.Title, "Sent to "+safe.Text(d.s.dev.Target.Name)+", as it is:"), ""}, rows[d.top:]...)
		if most := maxH - 6; len(body) > most {
			body = append(body[:max(most-1, 3)], "  "+t.Glyph(style.Ellipsis)+" j goes on")
		}
	case len(rows) <= room:
		body = append(append(append(body, notes...), "", "  "+t.Paint(style.Dim, "Sent, as it is:")), rows...)
	default:
		body = append(append(body, notes...), "  "+t.Paint(style.Title, "r")+"  shows the requests as they are sent")
	}
	cancel := " [ Cancel ]"
	if d.at == len(d.items) {
		cancel = ">" + t.Paint(style.Select, "[ Cancel ]")
	}
	commitWord := t.Paint(style.Title, "C") + "  Commit"
	if d.err != nil {
		commitWord = t.Paint(style.Dim, "C  Commit")
	}
	buttons := cancel + "    " + commitWord
	body = append(body, "", strings.Repeat(" ", max(w-4-style.Width(buttons)-6, 0))+buttons)
	title := "Commit candidate on " + safe.Text(d.s.dev.Target.Name)
	return overlay.Frame(t, title, "", body, 2, w, maxH)
}

// summary is what would be committed, as far as it is known.
func (d *commitDialog) summary(w int) string {
	s := d.s
	text := "no edit of ours"
	if n := s.commits.st.Edits; n > 0 {
		text = count(n, "edit")
	}
	if words := s.diffWords(); words != "" {
		text += ":  " + words
	}
	end := "D shows the difference"
	if gap := w - style.Width(text) - len(end); gap > 0 {
		return text + strings.Repeat(" ", min(gap, 5)) + s.d.Theme.Paint(style.Title, "D") + end[1:]
	}
	return text
}

func (d *commitDialog) row(i int, it commitItem) string {
	t := d.s.d.Theme
	box := func(on bool, n int) string {
		text := "[ ]"
		if on {
			text = "[x]"
		}
		if d.at == n {
			return t.Paint(style.Focus, t.Glyph(style.Selected)) + t.Paint(style.Select, text)
		}
		return " " + text
	}
	field := func(l *prompt.Line, w, n int) string {
		return "[ " + l.View(t, w, d.at == n) + " ]"
	}
	switch it {
	case itemConfirmed:
		unit := "s"
		if d.junos() {
			unit = "min"
		}
		return " " + box(d.confirmed, i) + " confirmed: undo unless confirmed within " + field(&d.wait, 5, i+1) + " " + unit
	case itemPersist:
		return " " + box(d.persist, i) + " survive a lost session (persist-id) " + field(&d.token, 10, i+1)
	case itemValidate:
		return " " + box(d.validate, i) + " validate first"
	case itemUnlock:
		return " " + box(d.unlock, i) + " release the lock afterwards"
	case itemSync:
		return " " + box(d.sync, i) + " on all routing engines (synchronize)"
	case itemLater:
		return "     at      " + field(&d.later, 19, i) + "  20:00, a date, reboot"
	}
	return "     comment " + field(&d.comment, 40, i)
}

// notes is what to know before, or why it cannot be done.
func (d *commitDialog) notes(w int) []string {
	t := d.s.d.Theme
	var out []string
	say := func(tok style.Token, lead, text string) {
		for _, l := range style.Wrap(lead+safe.Block(text), w) {
			out = append(out, "  "+t.Paint(tok, l))
		}
	}
	if d.err != nil {
		say(style.Error, "! ", headline(d.err))
		return out
	}
	if !d.confirmed && len(d.items) > 0 && d.items[0] == itemConfirmed {
		say(style.Warn, "", "Not confirmed: nothing undoes it by itself.")
	}
	for _, warning := range d.plan.Warnings {
		say(style.Warn, "", warning)
	}
	return out
}

// requests is the plan as it is sent, row by row.
func (d *commitDialog) requests(w int) []string {
	var out []string
	for _, st := range d.plan.Steps {
		lines := strings.Split(safe.Block(string(st.Request.Body)), "\n")
		if st.Unit != "" {
			lines[0] += "   " + d.s.d.Theme.Paint(style.Dim, safe.Text(st.Unit))
		}
		for _, l := range lines {
			out = append(out, "    "+d.s.d.Theme.Fit(l, w))
		}
	}
	return out
}
