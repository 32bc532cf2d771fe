package devices

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/netconf"
	"dialtone/ui/safe"
	"dialtone/ui/screen"
	"dialtone/ui/screen/inbox"
	"dialtone/ui/style"
)

// detailsWidth is the width of the pane beside the list; it is there when the
// screen is at least sideBySide wide.
const (
	detailsWidth = 52
	sideBySide   = 120
)

// View implements pane.Pane.
func (s *Screen) View() string {
	lw := s.w
	lh := s.listHeight()
	side := s.w >= sideBySide && !s.zoomed && len(s.rows) > 0
	if side {
		lw = s.w - detailsWidth
	}
	t := s.d.Theme
	right := "all groups"
	if s.group != "" {
		right = "group " + safe.Text(s.group)
	}
	if s.order != byName {
		right = s.order.String() + ", " + right
	}
	var body []string
	switch {
	case s.total == 0:
		body, right = s.empty(lw-2), ""
	default:
		body = s.listBody(lw - 2)
	}
	left := t.Box(lw, lh, "Devices", right, s.focused, body)
	if !side {
		return strings.Join(append(left, s.inboxPane()...), "\n")
	}
	r, _ := s.selected()
	box := t.Box(detailsWidth, lh, safe.Text(r.target.Name), "details", false, s.details(r, detailsWidth-2))
	for i := range left {
		left[i] += box[i]
	}
	return strings.Join(append(left, s.inboxPane()...), "\n")
}

// tall is the height from which on those who call are shown below the list.
const tall = 30

// listHeight is the height of the list; what is left is that of the inbox.
func (s *Screen) listHeight() int {
	if s.d.Desk == nil || s.w < sideBySide || s.h < tall || s.zoomed || len(s.desk.Listeners) == 0 && len(s.desk.Callers) == 0 {
		return s.h
	}
	return s.h - inbox.PaneHeight
}

func (s *Screen) inboxPane() []string {
	if s.listHeight() == s.h {
		return nil
	}
	return inbox.Pane(s.d, s.desk, s.w)
}

// columns is the widths of the list in w cells. The address takes what is left.
type columns struct{ name, state, addr, via, caps, since int }

func layout(w int) columns {
	c := columns{name: 13, state: 12, via: 10, caps: 10, since: 9}
	rest := w - 4 - c.state - c.via - c.caps - c.since
	if w < 70 { // capabilities go first
		rest += c.caps
		c.caps, c.name = 0, 11
	}
	if w >= 100 {
		c.name = 22
	}
	c.addr = max(rest-c.name, 8)
	return c
}

func (s *Screen) listBody(w int) []string {
	t := s.d.Theme
	c := layout(w)
	head := "    " + s.cells(c, "NAME", "STATE", "ADDRESS", "VIA", "CAPS", "SINCE")
	if s.typing || s.query() != "" {
		head = " / " + s.filter.View(t, w-5, s.typing)
		if !s.typing {
			head = t.Paint(style.Accent, " / "+t.Fit(safe.Text(s.query()), w-5))
		}
	} else {
		head = t.Paint(style.Dim, head)
	}
	body := []string{head}
	from, to := s.list.Window()
	for i := from; i < to; i++ {
		body = append(body, s.rowText(s.rows[i], c, w, i == s.list.At()))
	}
	if len(s.rows) == 0 {
		body = append(body, "", "    Nothing matches. / and esc show all devices, v changes the group.")
	}
	return body
}

func (s *Screen) cells(c columns, name, state, addr, via, caps, since string) string {
	t := s.d.Theme
	cell := func(text string, w int) string {
		if w <= 0 {
			return ""
		}
		return t.Fit(text, w-1) + " "
	}
	return cell(name, c.name) + cell(state, c.state) + cell(addr, c.addr) + cell(via, c.via) + cell(caps, c.caps) + cell(since, c.since)
}

func (s *Screen) rowText(r row, c columns, w int, sel bool) string {
	t := s.d.Theme
	g, tok := screen.StateGlyph(r.dev.State)
	state := stateWord(r.dev)
	switch {
	case r.dev.Pending != nil:
		state += " " + s.until(r.dev.Pending.Deadline)
	case r.dev.Dirty > 0:
		state += "  dirty"
	}
	text := s.cells(c, safe.Text(r.target.Name), state, safe.Text(address(r)), safe.Text(viaWord(r)), capsWord(r.dev), s.since(r.dev))
	if sel {
		return t.Paint(style.Select, t.Fit(" "+t.Glyph(style.Selected)+t.Glyph(g)+" "+text, w))
	}
	return t.Fit("  "+t.Paint(tok, t.Glyph(g))+" "+text, w)
}

func address(r row) string {
	if r.dev.Peer.Addr != "" {
		return r.dev.Peer.Addr
	}
	if !r.target.Via.Calls() {
		return r.target.Address()
	}
	return "(calls home)"
}

func viaWord(r row) string {
	switch v := r.target.Via; v {
	case "":
		return string(link.SSH)
	case link.HTTPS:
		return "https+"
	case link.HTTPSBasic:
		return "https"
	default:
		return string(v)
	}
}

func capsWord(d *conn.Device) string {
	if len(d.Caps.URIs()) == 0 {
		return ""
	}
	return d.Caps.Letters()
}

// since is how long the state has lasted.
func (s *Screen) since(d *conn.Device) string {
	if d.Since.IsZero() || d.State == conn.Idle {
		return ""
	}
	age := max(s.d.Now().Sub(d.Since), 0)
	if d.State != conn.Open && age < time.Minute {
		return fmt.Sprintf("%d s", int(age.Seconds()))
	}
	if age >= 100*time.Hour {
		return fmt.Sprintf("%d days", int(age.Hours()/24))
	}
	return fmt.Sprintf("%02d:%02d:%02d", int(age.Hours()), int(age.Minutes())%60, int(age.Seconds())%60)
}

// until is the time left before a rollback.
func (s *Screen) until(at time.Time) string {
	left := at.Sub(s.d.Now()).Round(time.Second)
	if left <= 0 {
		return "undo due"
	}
	return fmt.Sprintf("-%02d:%02d", int(left.Minutes()), int(left.Seconds())%60)
}

// empty is what stands in the list before there is a device.
func (s *Screen) empty(w int) []string {
	lines := []string{
		"           No devices yet.", "",
		"a   add a device              (host, user, how to sign in)",
	}
	if !s.d.Demo {
		lines = append(lines, "t   try it on a simulated device")
	}
	if s.d.Desk != nil {
		lines = slices.Insert(lines, 3, "L   listen for call home      (port 4334, nothing is accepted", "                               without asking you)")
	}
	lines = append(lines, "I   import hosts from ~/.ssh/config", "",
		"or from the shell:   dialtone admin@192.0.2.1")
	if !s.loaded {
		lines = []string{"Reading the profiles", s.d.Theme.Glyph(style.Ellipsis)}
	}
	wide := 0
	for _, l := range lines {
		wide = max(wide, style.Width(l))
	}
	out := make([]string, max((s.h-2-len(lines))/2, 0))
	for _, l := range lines {
		out = append(out, strings.Repeat(" ", max((w-wide)/2, 0))+l)
	}
	return out
}

// Status implements pane.Screen: what ails the selected device, how many are
// shown.
func (s *Screen) Status() string {
	t := s.d.Theme
	left := ""
	if n := s.list.Pending(); n > 0 {
		left = fmt.Sprintf("count %d", n)
	} else if r, ok := s.selected(); ok {
		left = s.ails(r)
	} else if s.d.ConfigDir == "" {
		left = "nothing is saved in this run"
	} else if s.total == 0 {
		left = "config: " + safe.Text(s.d.ConfigDir)
	}
	right := ""
	if s.total > 0 {
		right = fmt.Sprintf("%d of %d devices", len(s.rows), s.total)
	}
	room := s.w - 2 - style.Width(right)
	return t.Fit(left, room) + right
}

func (s *Screen) ails(r row) string {
	d := r.dev
	name := safe.Text(r.target.Name)
	switch {
	case d.Pending != nil:
		return name + ": confirmed commit, rolls back in " + strings.TrimPrefix(s.until(d.Pending.Deadline), "-")
	case d.State == conn.Lost && d.Err != nil:
		return name + ": " + safe.Text(d.Err.Error())
	case d.State == conn.Dialing, d.State == conn.Authenticating, d.State == conn.Greeting:
		return name + ": " + stateWord(d) + ", " + s.since(d)
	case d.State == conn.Open && d.Waiting > 0:
		return fmt.Sprintf("%s: %d in flight", name, d.Waiting)
	case len(s.problems) > 0:
		return fmt.Sprintf("%d profiles could not be read; ! says which", len(s.problems))
	case r.prof != nil:
		return safe.Text(r.prof.Note)
	}
	return ""
}

// details is the pane beside the list.
func (s *Screen) details(r row, w int) []string {
	t := s.d.Theme
	d := r.dev
	line := func(f string, a ...any) string { return " " + fmt.Sprintf(f, a...) }
	out := []string{line("%s  %s", safe.Text(viaWord(r)), safe.Text(userAt(r)))}
	if d.NetconfID != 0 {
		out = append(out, line("session %d", d.NetconfID))
	}
	if d.Peer.HostKey != "" {
		out = append(out, line("host key  %s", safe.Text(d.Peer.HostKey)))
	}
	if d.Peer.HostKeyFrom != "" {
		out = append(out, line("          %s", safe.Text(d.Peer.HostKeyFrom)))
	}
	if d.Peer.Auth != "" {
		out = append(out, line("auth      %s", safe.Text(d.Peer.Auth)))
	}
	if d.Peer.ServerVersion != "" {
		out = append(out, line("server    %s", safe.Text(d.Peer.ServerVersion)))
	}
	if len(d.Peer.Legacy) > 0 {
		out = append(out, t.Paint(style.Warn, line("legacy    %s", safe.Text(strings.Join(d.Peer.Legacy, ", ")))))
	}
	if r.prof != nil && r.prof.Note != "" {
		out = append(out, "")
		for _, l := range style.Wrap(safe.Text(r.prof.Note), w-2) {
			out = append(out, " "+l)
		}
	}
	out = append(out, s.capLines(d, w)...)
	out = append(out, s.stateLines(d, w)...)
	out = append(out, s.exchangeLines(d)...)
	return append(out, s.bannerLines(d, w)...)
}

// bannerLines is what the device said to whoever signs in. It stands last, for
// it may be long and is known.
func (s *Screen) bannerLines(d *conn.Device, w int) []string {
	text := strings.TrimSpace(d.Peer.Banner)
	if text == "" {
		return nil
	}
	out := []string{"", s.d.Theme.Paint(style.Title, " BANNER")}
	for _, l := range style.Wrap(safe.Block(text), w-2) {
		out = append(out, " "+l)
	}
	return out
}

func userAt(r row) string {
	at := address(r)
	user := r.dev.Peer.User
	if user == "" {
		user = r.target.User
	}
	if user != "" && at != "" {
		return user + "@" + at
	}
	return at
}

// capNames is what the letters of the list stand for, in their order.
var capNames = [...]struct{ letter, short, name string }{
	{"C", "candidate", "candidate"}, {"K", "confirmed-commit", "confirmed-commit"},
	{"V", "validate", "validate"}, {"N", "notification", "notification"},
	{"W", "writable-running", "writable-running"}, {"X", "xpath", "xpath"},
}

func (s *Screen) capLines(d *conn.Device, w int) []string {
	n := len(d.Caps.URIs())
	if n == 0 {
		return nil
	}
	t := s.d.Theme
	head := t.Fit(" CAPABILITIES", w-12) + fmt.Sprintf("%d URIs", n)
	out := []string{"", t.Paint(style.Title, head)}
	for i := 0; i < len(capNames); i += 2 {
		out = append(out, "  "+t.Fit(capText(d.Caps, i), 24)+capText(d.Caps, i+1))
	}
	return append(out, "  "+t.Fit("framing "+d.Framing.String(), 24)+withDefaults(d.Caps))
}

func capText(c netconf.Caps, i int) string {
	e := capNames[i]
	switch {
	case !c.Has(e.short):
		return "- no " + e.name
	case c.Has(e.short + ":1.1"):
		return e.letter + " " + e.name + " 1.1"
	}
	return e.letter + " " + e.name
}

func withDefaults(c netconf.Caps) string {
	if mode := c.Param("with-defaults", "basic-mode"); mode != "" {
		return "with-defaults " + safe.Text(mode)
	}
	return ""
}

func (s *Screen) stateLines(d *conn.Device, w int) []string {
	if d.ID == 0 {
		return nil
	}
	t := s.d.Theme
	out := []string{"", t.Paint(style.Title, " STATE"), "  " + stateWord(d) + "  " + s.since(d)}
	for _, l := range d.Locks {
		out = append(out, "  "+safe.Text(string(l))+" locked by us")
	}
	if d.Dirty > 0 {
		out = append(out, fmt.Sprintf("  %d edits sent, not committed", d.Dirty))
	}
	if p := d.Pending; p != nil {
		what := "confirmed commit, rolls back in " + strings.TrimPrefix(s.until(p.Deadline), "-")
		if p.Unsure {
			what = "perhaps a " + what
		}
		out = append(out, "  "+t.Paint(style.Danger, what))
	}
	for _, u := range d.Doubts {
		out = append(out, "  "+t.Paint(style.Warn, t.Fit("outcome unknown: "+safe.Text(u.Name)+" of "+u.Sent.Format(time.TimeOnly), w-3)))
	}
	if !d.Redial.IsZero() {
		out = append(out, "  dialled again at "+d.Redial.Format(time.TimeOnly))
	}
	if d.Waiting > 0 {
		out = append(out, fmt.Sprintf("  %d requests in flight", d.Waiting))
	}
	if d.Err != nil {
		for _, l := range style.Wrap(safe.Text(d.Err.Error()), w-3) {
			out = append(out, "  "+t.Paint(style.Error, l))
		}
	}
	for _, what := range d.Lost {
		for _, l := range style.Wrap(safe.Text(what), w-3) {
			out = append(out, "  "+t.Paint(style.Warn, l))
		}
	}
	return out
}

func (s *Screen) exchangeLines(d *conn.Device) []string {
	xs := s.recent[d.ID]
	if len(xs) == 0 || d.ID == 0 {
		return nil
	}
	t := s.d.Theme
	out := []string{"", t.Paint(style.Title, " LAST EXCHANGES")}
	for _, x := range xs {
		out = append(out, fmt.Sprintf("  %s  %s %s %5.1f s", x.at.Format(time.TimeOnly),
			t.Fit(safe.Text(x.what), 22), t.Fit(safe.Text(x.result), 9), x.took.Seconds()))
	}
	return out
}
