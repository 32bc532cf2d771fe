package session

import (
	"context"
	"errors"
	"strings"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/netconf"
	"dialtone/ui/safe"
	"dialtone/ui/style"
	"dialtone/ui/widget/docview"
)

// rpcTitle is what the RPC is and what sending it would do.
func (s *Screen) rpcTitle() (title, right string) {
	c := s.check
	switch {
	case s.rpc.Len() == 0 || !c.known:
		return "RPC", ""
	case c.err != nil:
		return "RPC", s.d.Theme.Paint(style.Warn, "not well-formed")
	}
	title = "RPC  " + short(safe.Line(c.req.Name))
	if c.req.Target != "" && c.req.Effect.Alters() && c.req.Name != "commit" {
		title += " " + s.d.Theme.Glyph(style.Arrow) + " " + short(safe.Line(c.req.Target))
	}
	words, tok := effect(c.req)
	if s.refusedHere() {
		words, tok = words+", refused: read-only", style.Error
	}
	return title, s.d.Theme.Paint(tok, words)
}

// refusedHere reports whether what stands in the editor would not be sent, because
// it may change a device that is only read.
func (s *Screen) refusedHere() bool {
	return s.check.known && s.check.err == nil && s.readOnly() != "" && s.check.req.Effect.Alters()
}

// effect says in words what sending a request does to the device.
func effect(r netconf.Request) (string, style.Token) {
	switch r.Effect {
	case netconf.Reads:
		return "no effect on device", style.Text
	case netconf.Stages:
		if strings.HasSuffix(r.Name, "lock") || strings.Contains(r.Name, "lock-") || strings.Contains(r.Name, "-lock") {
			return "changes a lock", style.Warn
		}
		return "changes the candidate", style.Warn
	case netconf.Destroys:
		return "CHANGES THE DEVICE, asks first", style.Danger
	}
	return "changes the device", style.Warn
}

// replyTitle is which reply this is and how it went.
func (s *Screen) replyTitle(r *reply) (title, right string) {
	title = "Reply"
	if n := r.number(); n != "" {
		title += " " + n
	}
	if n := len(s.replies.list); n > 1 && s.replies.at < n-1 {
		title += "  " + docview.Number(int64(n-1-s.replies.at)) + " before the last"
	}
	if !r.ended {
		return title, s.arriving(r)
	}
	words, tok := result(r)
	parts := []string{}
	if size := r.x.Doc.Size(); size > 0 {
		parts = append(parts, docview.Size(size))
	}
	if d := r.took(); d > 0 {
		parts = append(parts, docview.Took(d))
	}
	if row, of := r.view.Row(); of > 1 && r.view.Mode() == docview.Pretty {
		parts = append(parts, "row "+docview.Number(int64(row+1))+" of "+docview.Number(int64(of)))
	}
	// How it went stays whatever the room: the rest goes first.
	room := s.frame().reply.w - style.Width(title) - 8
	for len(parts) > 0 && style.Width(strings.Join(parts, "  "))+2+style.Width(words) > room {
		parts = parts[:len(parts)-1]
	}
	return title, strings.Join(append(parts, s.d.Theme.Paint(tok, words)), "  ")
}

// arriving says how far a reply has come: nothing at first, then how long it
// has been, then how much there is.
func (s *Screen) arriving(r *reply) string {
	long := s.d.Now().Sub(r.x.Started)
	if long < patience {
		return ""
	}
	word, size := "waiting", r.x.Doc.Size()
	if before := s.ahead(r); before > 0 {
		word = "queued behind " + docview.Number(int64(before))
	}
	text := s.spinner() + word + "  " + docview.Took(long)
	if size > 0 {
		text = s.spinner() + "receiving " + docview.Size(size) + "  " + docview.Took(long) +
			"  rows so far " + docview.Number(int64(r.x.Doc.Rows()))
	}
	return text
}

// failed says that a wait was ended by the device, the link or the time, and not
// by the person.
func failed(r *reply) bool {
	var f *netconf.Fault
	return r.err != nil && !(errors.As(r.err, &f) && f.Code == "RPC-STOPPED") && !errors.Is(r.err, context.Canceled)
}

// result is the end of an exchange in words.
func result(r *reply) (string, style.Token) {
	o := r.outcome
	switch o.Result {
	case netconf.NotSent:
		return "NOT SENT", style.Error
	case netconf.Stopped:
		switch {
		case !failed(r):
			return "stopped", style.Warn
		case r.x.Doc.Size() == 0:
			return "NO REPLY", style.Error
		}
		return "CUT SHORT", style.Error
	case netconf.Unknown:
		return "OUTCOME UNKNOWN", style.Danger
	}
	errs, warns := 0, 0
	for _, e := range o.Errors {
		if e.Warning() {
			warns++
		} else {
			errs++
		}
	}
	more := ""
	if extra := o.ErrorCount - len(o.Errors); extra > 0 {
		more = " and " + docview.Number(int64(extra)) + " more"
	}
	odd := ""
	if r.view.Odd() > 0 || broken(r) {
		odd = ", odd"
	}
	switch {
	case errs > 0 || !o.OK:
		return "FAILED: " + count(errs, "error") + more + odd, style.Error
	case warns > 0:
		return "ok, " + count(warns, "warning") + more + odd, style.Warn
	}
	return "ok" + odd, style.OK
}

func broken(r *reply) bool {
	_, bad := r.x.Doc.Problem()
	return bad
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return docview.Number(int64(n)) + " " + noun + "s"
}

// spinner turns four times a second; it stands still in a theme without colour.
func (s *Screen) spinner() string {
	if s.d.Theme.Name == "mono" {
		return ""
	}
	frames := []string{"◐", "◓", "◑", "◒"}
	if s.d.Theme.ASCII {
		frames = []string{"|", "/", "-", "\\"}
	}
	return frames[int(s.d.Now().UnixMilli()/250)%len(frames)] + " "
}

// Status implements pane.Screen: the state of the session, what is at stake,
// and where the focused pane stands.
func (s *Screen) Status() string {
	sep := " │ "
	if s.d.Theme.ASCII {
		sep = " | "
	}
	parts := []string{s.stateWords()}
	if u := s.unproved(); u != "" {
		parts = append(parts, s.d.Theme.Paint(style.Danger, safe.Text(u)))
	}
	if st := s.stake(); st != "" {
		parts = append(parts, st)
	}
	if n := len(s.dev.Doubts); n > 0 {
		parts = append(parts, s.d.Theme.Paint(style.Danger, count(n, "outcome")+" unknown"))
	}
	if w := s.doingWords(); w != "" {
		parts = append(parts, w)
	}
	if f := s.faultWords(); f != "" {
		parts = append(parts, f)
	}
	if n := s.noteWords(); n != "" {
		parts = append(parts, n)
	}
	if here := s.hereStatus(); here != "" {
		parts = append(parts, here)
	}
	return strings.Join(parts, sep)
}

// noIdentity is the verdict on a way of calling that tells nothing of who calls.
const noIdentity = "no identity"

// unproved is the verdict on a device that came by outbound HTTPS and did not
// prove who it is; "" for all others.
func (s *Screen) unproved() string {
	p := s.dev.Peer
	if p.Via != link.HTTPS && p.Via != link.HTTPSBasic || p.Auth == "secret ok" {
		return ""
	}
	return p.Auth
}

// stateWords is the session's state with its age: "open 00:42".
func (s *Screen) stateWords() string {
	word := stateWord(s.dev.State)
	if s.dev.State == conn.Open {
		return word + " " + clock(s.d.Now().Sub(s.dev.Opened))
	}
	return word
}

// stake is what a lost session would cost: "candidate locked, 3 edits".
func (s *Screen) stake() string {
	if s.dev.State != conn.Open {
		return ""
	}
	var parts []string
	for _, ds := range s.dev.Locks {
		parts = append(parts, safe.Line(string(ds))+" locked")
	}
	switch {
	case s.dev.Dirty > 0:
		parts = append(parts, count(s.dev.Dirty, "edit"))
	case len(parts) > 0:
		parts = append(parts, "clean")
	}
	return strings.Join(parts, ", ")
}

// hereStatus is what the focused pane says of itself.
func (s *Screen) hereStatus() string {
	if o := s.over(); o != nil {
		return o.Status()
	}
	if s.focus == replyPart && s.reply() != nil {
		r := s.reply()
		if t := r.view.Status(); t != "" {
			return t
		}
	}
	c := s.check
	switch {
	case s.focus != rpcPart || s.rpc.Len() == 0 || !c.known:
		return ""
	case c.err != nil:
		return safe.Line(c.problem())
	case s.refusedHere():
		return safe.Line(c.req.Name) + " is not sent: read-only"
	case s.rpc.Editing():
		return "well-formed, sends " + safe.Line(c.req.Name)
	}
	return "ctrl+r sends " + safe.Line(c.req.Name)
}
