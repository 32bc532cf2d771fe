package ui

import (
	"net"
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/commit"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
	"dialtone/ui/style"
	"dialtone/ui/widget/bar"
)

// startPendings lists the confirmed commits of former runs before all else.
func (r *root) startPendings() {
	if r.pendingAnywhere() {
		r.stack.PushLate(&pendings{r: r}, r.d.Now())
	}
}

// pendings is the list of confirmed commits that are not known to be over.
type pendings struct {
	r  *root
	at int
}

// Help implements overlay.Dialog.
func (*pendings) Help() string {
	return "enter connect and verify  j k choose  d forget the note  esc later"
}

// Waits implements overlay.Waiter.
func (*pendings) Waits() string { return "Commits of former runs wait to be looked at." }

// Update implements overlay.Dialog.
func (d *pendings) Update(m tea.Msg) (tea.Cmd, bool) {
	list := d.r.d.Commits.Pendings()
	if len(list) == 0 {
		return nil, true
	}
	d.at = max(min(d.at, len(list)-1), 0)
	k, ok := m.(tea.KeyMsg)
	if !ok {
		return nil, false
	}
	p := list[d.at]
	switch k.String() {
	case "esc", "q", "ctrl+c":
		return nil, true
	case "j", "down":
		d.at = min(d.at+1, len(list)-1)
	case "k", "up":
		d.at = max(d.at-1, 0)
	case "enter":
		return d.r.findPending(p), true
	case "d":
		return d.r.askForget(p), true
	}
	return nil, false
}

// View implements overlay.Dialog.
func (d *pendings) View(maxW, maxH int) string {
	t, c := d.r.d.Theme, d.r.d.Commits
	w := min(72, maxW)
	list := c.Pendings()
	body := []string{"", "  These may still be undone by the devices. Nothing is sent by itself.", ""}
	for i, p := range list {
		left, _ := c.Left(p)
		when := "rolls back in " + bar.Clock(left)
		tok := style.Warn
		if left <= 0 {
			when, tok = "expired "+bar.Ago(-left)+" ago, verify", style.Danger
		}
		text := t.Fit(safe.Text(p.Device), 18) + " " + t.Fit(when, 30)
		mark := "  "
		if i == d.at {
			mark = " " + t.Paint(style.Focus, t.Glyph(style.Selected))
			text = t.Paint(style.Select, text)
		} else {
			text = t.Paint(tok, text)
		}
		body = append(body, mark+text+" sent "+p.Sent.In(d.r.d.Now().Location()).Format(time.TimeOnly))
	}
	if d.at < len(list) {
		body = append(body, "")
		for _, l := range style.Wrap(safe.Block(c.Note(list[d.at], 0)), w-6) {
			body = append(body, "  "+t.Paint(style.Dim, l))
		}
	}
	body = append(body, "",
		"  "+t.Paint(style.Title, "enter")+"  connect and verify: it only reads",
		"  "+t.Paint(style.Title, "d")+"  forget the note")
	last := "> esc  later"
	body = append(body, strings.Repeat(" ", max(w-4-style.Width(last), 0))+last)
	return overlay.Frame(t, "Confirmed commits that are not settled", "", body, 3, w, maxH)
}

// verifyChosen asks to look what became of the commit on a device, which is
// reached by the target that was found.
type verifyChosen struct {
	device string
	target link.Target
	found  bool
}

// findPending looks how the device of a commit is reached, in a command because
// the disk may be slow.
func (r *root) findPending(p commit.Pending) tea.Cmd {
	return func() tea.Msg {
		t, ok := targetOf(p, r.d.Profiles)
		return verifyChosen{p.Device, t, ok}
	}
}

// verifyPending connects to the device of a confirmed commit of a former run,
// and looks what became of it. It only reads.
func (r *root) verifyPending(m verifyChosen) tea.Cmd {
	t := m.target
	if !m.found {
		return r.say(msg.Toast{Level: msg.Warn, Text: "There is no profile " + m.device + " any more: add one with a, then open it"})
	}
	if t.Via.Calls() {
		return r.say(msg.Toast{Level: msg.Info, Text: m.device + " dials us: open it from the inbox when it calls, then V verifies"})
	}
	for _, d := range r.d.Backend.Devices() {
		if d.Target.Name == t.Name && d.State != conn.Lost && d.State != conn.Closed && d.State != conn.Idle {
			return tea.Batch(r.openSession(d.ID), r.route(msg.VerifyCommit{ID: d.ID}))
		}
	}
	cmd := r.connect(t)
	return tea.Batch(cmd, r.route(msg.VerifyCommit{ID: r.tabs[r.at].id}))
}

// targetOf is how the device of a confirmed commit is reached: by its profile,
// else where it was.
func targetOf(p commit.Pending, saved profile.Store) (link.Target, bool) {
	if saved != nil {
		all, _ := saved.List()
		for _, q := range all {
			if q.Name == p.Device {
				return q.Target, true
			}
		}
	}
	host, port, err := net.SplitHostPort(p.Address)
	n, _ := strconv.Atoi(port)
	if err != nil || host == "" || n <= 0 {
		return link.Target{}, false
	}
	return link.Target{Name: p.Device, Via: link.SSH, Host: host, Port: n, User: p.User}, true
}

// askForget asks whether the note of a commit is to go.
func (r *root) askForget(p commit.Pending) tea.Cmd {
	forget := func() tea.Msg {
		if err := r.d.Commits.Dismiss(p.Key); err != nil {
			return msg.Fail(err)()
		}
		return nil
	}
	return overlay.Open(&overlay.Confirm{Theme: r.d.Theme, Title: "Forget the commit on " + safe.Text(p.Device) + "?", Danger: true,
		Body:    []string{"Only the note is forgotten. The device goes on as it will, and its persist-id is lost here: nobody can confirm with it from this program."},
		Choices: []overlay.Choice{{Key: "d", Label: "forget it", Do: forget}}})
}
