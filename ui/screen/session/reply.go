package session

import (
	"regexp"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/netconf"
	"dialtone/ui/msg"
	"dialtone/ui/safe"
	"dialtone/ui/style"
	"dialtone/ui/widget/docview"
)

const (
	keptReplies = 20
	keptBytes   = 256 << 20
)

// replies is the exchanges of this session that can still be looked at, oldest
// first, each with its own folds and cursor.
type replies struct {
	list []*reply
	at   int // shown
}

// reply is one exchange with its view.
type reply struct {
	x       *conn.Exchange
	ask     func() (o netconf.Outcome, done bool, err error) // x.Snapshot
	view    *docview.View
	ended   bool
	outcome netconf.Outcome
	err     error
	id      string // message-id found in the reply while it arrives
}

// reply returns the exchange that is shown, nil when there is none.
func (s *Screen) reply() *reply {
	if s.replies.at >= len(s.replies.list) {
		return nil
	}
	return s.replies.list[s.replies.at]
}

// find returns the place of an exchange in the list, -1 when it is not there.
func (rs *replies) find(id conn.ExchangeID) int {
	for i, r := range rs.list {
		if r.x.ID == id {
			return i
		}
	}
	return -1
}

// adopt adds an exchange to the list, unless it is there, and returns its place.
func (s *Screen) adopt(x *conn.Exchange) int {
	if i := s.replies.find(x.ID); i >= 0 {
		return i
	}
	r := &reply{x: x, ask: x.Snapshot}
	r.view = docview.New(x.Doc, docview.Options{
		Theme: s.d.Theme, Session: s.id, Now: s.d.Now, Dir: s.d.WorkDir,
		File:   docview.FileName(x.Device, ""),
		Copy:   s.d.Copy,
		Locate: s.locate,
	})
	at := len(s.replies.list)
	for at > 0 && s.replies.list[at-1].x.ID > x.ID {
		at--
	}
	s.replies.list = append(s.replies.list, nil)
	copy(s.replies.list[at+1:], s.replies.list[at:])
	s.replies.list[at] = r
	if s.replies.at >= at && len(s.replies.list) > 1 {
		s.replies.at++
	}
	s.forget()
	s.follow(r)
	return s.replies.find(x.ID)
}

// forget drops the oldest replies beyond the limits, but not the one shown nor
// one that still arrives.
func (s *Screen) forget() {
	rs := &s.replies
	var bytes int64
	for _, r := range rs.list {
		bytes += r.x.Doc.Size()
	}
	for i := 0; i < len(rs.list)-1 && (len(rs.list) > keptReplies || bytes > keptBytes); {
		r := rs.list[i]
		if i == rs.at || !r.ended {
			i++
			continue
		}
		r.view.Stop()
		bytes -= r.x.Doc.Size()
		rs.list = append(rs.list[:i:i], rs.list[i+1:]...)
		if rs.at > i {
			rs.at--
		}
	}
}

// follow brings a reply up to what is known of its exchange.
func (s *Screen) follow(r *reply) {
	r.view.Grew()
	o, done, err := r.ask()
	if !done || r.ended {
		return
	}
	r.ended, r.outcome, r.err = true, o, err
	r.view.SetFile(docview.FileName(r.x.Device, r.number()))
	r.view.SetErrors(o)
}

// inFlight is the newest request that was not answered yet.
func (s *Screen) inFlight() *reply {
	for i := len(s.replies.list) - 1; i >= 0; i-- {
		if r := s.replies.list[i]; !r.ended {
			return r
		}
	}
	return nil
}

// altering is a request in flight that may change the device.
func (s *Screen) altering() *reply {
	for _, r := range s.replies.list {
		if !r.ended && r.x.Request.Effect.Alters() {
			return r
		}
	}
	return nil
}

// ahead is how many requests of this session are answered before r.
func (s *Screen) ahead(r *reply) int {
	n := 0
	for _, o := range s.replies.list {
		if o == r {
			break
		}
		if !o.ended {
			n++
		}
	}
	return n
}

var messageID = regexp.MustCompile(`\smessage-id\s*=\s*(?:"([^"]*)"|'([^']*)')`)

// number is the message-id as safe text: that of the outcome, or while the
// reply arrives that of its first tag.
func (r *reply) number() string {
	if r.outcome.MessageID != "" {
		return short(safe.Line(r.outcome.MessageID))
	}
	if r.id == "" && r.x.Doc.Rows() > 0 {
		if m := messageID.FindSubmatch(r.x.Doc.AppendRow(nil, 0, 1024)); m != nil {
			r.id = short(safe.Line(string(m[1]) + string(m[2])))
		}
	}
	return r.id
}

// short cuts a name that would not fit into a title.
func short(s string) string {
	if style.Width(s) <= 24 {
		return s
	}
	return string([]rune(s)[:20]) + "..."
}

// took is the time from the request to the end of its reply.
func (r *reply) took() time.Duration {
	from := r.outcome.Sent
	if from.IsZero() {
		from = r.x.Started
	}
	return r.outcome.Ended.Sub(from)
}

// step shows the reply n places on.
func (s *Screen) step(n int) tea.Cmd {
	s.replies.at = clamp(s.replies.at+n, 0, max(len(s.replies.list)-1, 0))
	return s.refocus()
}

// showExchange shows an exchange from the history.
func (s *Screen) showExchange(x *conn.Exchange) tea.Cmd {
	if x == nil {
		return nil
	}
	s.replies.at = s.adopt(x)
	return s.setFocus(replyPart)
}

// emptyReply is what stands in the pane of a reply without rows: why there is
// nothing, what is kept, what to do.
func (s *Screen) emptyReply(r *reply) []string {
	if !r.ended {
		if s.d.Now().Sub(r.x.Started) < patience {
			return []string{""}
		}
		return []string{"", s.d.Theme.Paint(style.Dim, "  Waiting for the reply. ctrl+c stops waiting.")}
	}
	if r.err == nil && r.outcome.Result == netconf.Answered {
		return nil
	}
	w := max(s.frame().reply.w-6, 20)
	lines := []string{""}
	say := func(tok style.Token, text string) {
		for _, l := range style.Wrap(text, w) {
			lines = append(lines, "  "+s.d.Theme.Paint(tok, l))
		}
	}
	switch r.outcome.Result {
	case netconf.Unknown:
		say(style.Danger, "Whether "+safe.Line(r.x.Request.Name)+" took effect is not known.")
		say(style.Text, "It was sent, and no answer came. Look at the datastore before it is sent again.")
	case netconf.NotSent:
		say(style.Error, "Nothing was sent.")
	case netconf.Stopped:
		if failed(r) {
			say(style.Error, "No reply came.")
			break
		}
		say(style.Warn, "Stopped waiting. The device may still finish it.")
		say(style.Text, "x in the device list drops the session.")
	}
	return append(append(lines, ""), faultLines(r.err, w)...)
}

// faultLines is an error in its parts: what happened, what is kept, what to do.
func faultLines(err error, w int) []string {
	if err == nil {
		return nil
	}
	var lines []string
	for _, p := range parts3(err) {
		for _, l := range style.Wrap(safe.Block(p), w) {
			lines = append(lines, "  "+l)
		}
	}
	return lines
}

// warnUnshown tells of a bad end that is not on the screen.
func (s *Screen) warnUnshown(r *reply) tea.Cmd {
	if s.shown && s.reply() == r {
		return nil
	}
	words, _ := result(r)
	if strings.HasPrefix(words, "ok") {
		return nil
	}
	return msg.Say(msg.Error, s.dev.Target.Name+": "+r.x.Request.Name+" "+words)
}
