package session

import (
	"context"
	"fmt"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/commit"
	"dialtone/netconf"
	"dialtone/netconf/xmldiff"
	"dialtone/ui/action"
	"dialtone/ui/msg"
	"dialtone/ui/safe"
	"dialtone/ui/screen/diff"
)

// cover is a pane that stands above all others of the screen until esc: a
// comparison, the list of past commits.
type cover interface {
	Init() tea.Cmd
	Update(tea.Msg) tea.Cmd
	View() string
	Resize(w, h int)
	Focus(on bool)
	Actions() []action.Action
	Run(id action.ID) (tea.Cmd, bool)
	Capturing() bool
	Count(digit int)
	Counting() bool
	Status() string
	Busy() bool
	Close()
}

// over is the cover that is seen, nil when there is none.
func (s *Screen) over() cover {
	if n := len(s.commits.covers); n > 0 {
		return s.commits.covers[n-1]
	}
	return nil
}

// lay puts a cover above what is there.
func (s *Screen) lay(c cover) tea.Cmd {
	if o := s.over(); o != nil {
		o.Focus(false)
	}
	s.commits.covers = append(s.commits.covers, c)
	c.Resize(s.w, s.h)
	c.Focus(s.shown)
	return c.Init()
}

// uncover takes the cover that is seen away.
func (s *Screen) uncover() tea.Cmd {
	o := s.over()
	if o == nil {
		return nil
	}
	o.Close()
	s.commits.covers = s.commits.covers[:len(s.commits.covers)-1]
	if o = s.over(); o != nil {
		o.Resize(s.w, s.h)
		o.Focus(s.shown)
	}
	return s.refocus()
}

// coverActions is what can be done while a cover is seen: what it offers, and
// what settles the changes of the device.
func (s *Screen) coverActions() []action.Action {
	o := s.over()
	if o.Capturing() {
		return o.Actions()
	}
	as := append(o.Actions(), action.Action{ID: "session.uncover", Title: "Back to the session", Short: "back", Keys: []string{"esc"}, Hint: 8, Section: sectionSession})
	for _, a := range s.commitActions() {
		switch a.ID {
		case "session.commit", "session.validate", "session.verify", "session.discard", "session.rollback", "session.lock":
			if a.ID == "session.commit" && a.Hint > 0 {
				a.Hint = 7
			}
			as = append(as, a)
		}
	}
	return action.Under(sectionSession, as)
}

// cannotDiff says why D would show nothing.
func (s *Screen) cannotDiff() string {
	if m := s.commits.marked; m != nil && s.reply() != nil && s.reply() != m && s.focus == replyPart {
		if !s.reply().ended {
			return "the reply is still arriving"
		}
		return ""
	}
	switch {
	case s.dev.State != conn.Open:
		return s.notOpen()
	case s.commits.st.Mode != commit.Candidate && s.commits.st.Mode != commit.Junos:
		return "the device has no candidate to compare; m marks a reply"
	}
	return ""
}

func (s *Screen) cannotMark() string {
	switch r := s.reply(); {
	case r == nil:
		return "there is no reply to mark"
	case !r.ended:
		return "the reply is still arriving"
	}
	return ""
}

// mark keeps the reply that is shown, to compare another one with it.
func (s *Screen) mark() tea.Cmd {
	if s.commits.marked == s.reply() {
		s.commits.marked = nil
		return msg.Say(msg.Info, "The mark is taken away.")
	}
	s.commits.marked = s.reply()
	return msg.Say(msg.Info, "Marked "+s.label(s.reply())+"; D on another reply compares the two.")
}

// label names a reply in a sentence.
func (s *Screen) label(r *reply) string {
	text := "reply"
	if n := r.number(); n != "" {
		text += " " + n
	}
	return text + " (" + short(safe.Line(r.x.Request.Name)) + ")"
}

// openDiff compares the marked reply with the one that is shown, or else running
// with the candidate.
func (s *Screen) openDiff() tea.Cmd {
	if m, r := s.commits.marked, s.reply(); m != nil && r != nil && m != r && s.focus == replyPart && s.over() == nil {
		return s.compareReplies(m.x, r.x, s.label(m), s.label(r))
	}
	return s.compare(commit.Source{Store: netconf.Running}, commit.Source{Store: netconf.Candidate}, 0)
}

// cannotUndo says why it cannot be shown what a roll-back would change.
func (s *Screen) cannotUndo() string {
	if s.dev.State != conn.Open {
		return "the session is not open"
	}
	_, why := s.commits.c.Undo(s.id)
	return safe.Text(why)
}

// undoMsg wants to see what a roll-back would change.
type undoMsg struct{ id conn.SessionID }

// SessionID implements msg.For.
func (m undoMsg) SessionID() conn.SessionID { return m.id }

// openUndo shows what a roll-back of the confirmed commit would change.
func (s *Screen) openUndo() tea.Cmd {
	to, why := s.commits.c.Undo(s.id)
	if why != "" {
		return s.refuse("What rolling back would change cannot be shown: " + safe.Text(why))
	}
	return s.compare(commit.Source{Store: netconf.Running}, to, 0)
}

// compare shows two configurations of the device. back is the number of the
// past one that the device compares by itself (Junos).
func (s *Screen) compare(from, to commit.Source, back int) tea.Cmd {
	c, id := s.commits.c, s.id
	var words *commit.Comparison
	dirty := s.dev.Dirty
	o := diff.Options{
		Session: id, From: from.String(), To: to.String(),
		File: fmt.Sprintf("%s-%s.diff", fileName(s.dev.Target.Name), fileName(to.String())),
		Load: func(ctx context.Context, o xmldiff.Options) (diff.Loaded, error) {
			cmp, err := c.Compare(ctx, id, from, to, o)
			if err != nil {
				return diff.Loaded{}, err
			}
			words = cmp
			return diff.Loaded{A: cmp.A, B: cmp.B, Result: cmp.Result}, nil
		},
		Done: func() {
			if words != nil && to.Store == netconf.Candidate && from.Store == netconf.Running {
				s.commits.compare.done, s.commits.compare.edits = true, dirty
				s.commits.words = fmt.Sprintf("+%d  -%d  ~%d", words.Result.Added, words.Result.Removed, words.Result.Changed)
			}
		},
	}
	if s.commits.st.Mode == commit.Junos && to.Store == netconf.Candidate {
		o.Own = func(ctx context.Context) (string, error) { return c.Native(ctx, id, back) }
	}
	return s.lay(diff.New(s.d, o))
}

// diffWords is what the last comparison found, "" when something was sent since.
func (s *Screen) diffWords() string {
	if s.commits.compare.done && s.commits.compare.edits == s.dev.Dirty {
		return s.commits.words
	}
	return ""
}

// compareReplies shows two replies; nothing is sent.
func (s *Screen) compareReplies(a, b *conn.Exchange, from, to string) tea.Cmd {
	return s.lay(diff.New(s.d, diff.Options{
		Session: s.id, From: from, To: to, File: fileName(s.dev.Target.Name) + "-replies.diff",
		Load: func(ctx context.Context, o xmldiff.Options) (diff.Loaded, error) {
			r, err := xmldiff.Compare(ctx, a.Doc, b.Doc, o)
			return diff.Loaded{A: a.Doc, B: b.Doc, Result: r}, err
		},
	}))
}

// showDiff compares two exchanges that another screen has marked.
func (s *Screen) showDiff(m msg.ShowDiff) tea.Cmd {
	name := func(x *conn.Exchange) string {
		return safe.Text(x.Device) + " " + short(safe.Line(x.Request.Name)) + " " + x.Started.In(s.d.Now().Location()).Format("15:04:05")
	}
	return s.compareReplies(m.A, m.B, name(m.A), name(m.B))
}

// fileName is a name with everything but plain letters replaced.
func fileName(s string) string {
	out := []rune{}
	for _, r := range s {
		switch {
		case len(out) >= 64:
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.' && len(out) > 0:
			out = append(out, r)
		default:
			out = append(out, '_')
		}
	}
	return string(out)
}

// runMsg runs an action of the screen as its key would.
type runMsg struct {
	id     conn.SessionID
	action action.ID
}

// SessionID implements msg.For.
func (m runMsg) SessionID() conn.SessionID { return m.id }

// tellCovers brings the covers their messages.
func (s *Screen) tellCovers(m tea.Msg) tea.Cmd {
	var cmds []tea.Cmd
	for _, c := range s.commits.covers {
		cmds = append(cmds, c.Update(m))
	}
	return tea.Batch(cmds...)
}

// runIfOn runs an action of the screen, or says why it is off.
func (s *Screen) runIfOn(id action.ID) tea.Cmd {
	for _, a := range s.commitActions() {
		if a.ID == id && a.Off != "" {
			return s.refuse(a.Title + ": " + a.Off)
		}
	}
	return s.run(id)
}
