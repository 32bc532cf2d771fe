package ui

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/desk"
	"dialtone/conn/link"
	"dialtone/ui/msg"
	"dialtone/ui/safe"
	"dialtone/ui/screen/inbox"
	"dialtone/ui/style"
)

// calls is what the root keeps of the devices that call.
type calls struct {
	now     msg.Desk
	bridge  *deskBridge // nil without a desk
	inbox   *inbox.Screen
	seen    map[desk.CallerID]bool
	quiet   time.Time          // arrivals before this belong to a burst that was told of
	awaited map[string]awaited // by name: let in by the person, to be shown
}

// awaited is a device that the person let in and that has no session yet.
type awaited struct {
	from  netip.AddrPort
	at    time.Time
	again bool // it was told of that it must call once more
}

// burst is how long nobody must have called for the next one to be told of.
const burst = 3 * time.Second

// expected is how long after a yes the session may still take the screen.
const expected = 20 * time.Second

// deskBridge brings what changes at the desk into the program. Its next runs
// as one command at a time.
type deskBridge struct {
	ctx   context.Context
	d     desk.Desk
	timer func(time.Duration) <-chan time.Time
	pause <-chan time.Time
}

// called is a new state of the desk; the bridge is armed again after it.
type called struct{ now msg.Desk }

func (r *root) newCalls() {
	r.calls = calls{seen: map[desk.CallerID]bool{}, awaited: map[string]awaited{}}
	if r.d.Desk != nil {
		r.calls.bridge = &deskBridge{ctx: r.ctx, d: r.d.Desk, timer: time.After}
		r.calls.inbox = inbox.New(r.d, msg.Desk{})
	}
}

// awaitCalls reads the desk once and then waits for its changes.
func (r *root) awaitCalls() tea.Cmd {
	b := r.calls.bridge
	if b == nil {
		return nil
	}
	return tea.Batch(func() tea.Msg { return msg.ReadDesk(b.d) }, r.park(b.next))
}

// next waits for a change and returns the state after it, at the earliest 33 ms
// after the one before. It returns nil when ctx is done or the desk has closed.
func (b *deskBridge) next() tea.Msg {
	select {
	case _, ok := <-b.d.Changed():
		if !ok {
			return nil
		}
	case <-b.ctx.Done():
		return nil
	}
	if b.pause != nil {
		select {
		case <-b.pause:
		case <-b.ctx.Done():
			return nil
		}
	}
	b.pause = b.timer(spacing)
	return called{msg.ReadDesk(b.d)}
}

// deskChanged gives a new state of the desk to all screens and dialogs, also to an
// inbox that is not open, and tells of who has come.
func (r *root) deskChanged(now msg.Desk) tea.Cmd {
	r.calls.now = now
	cmds := []tea.Cmd{r.greet(now), r.failures(now), r.stack.Tell(now, r.d.Now()), r.broadcast(now)}
	if r.inboxAt() < 0 && r.calls.inbox != nil {
		cmds = append(cmds, r.calls.inbox.Update(now))
	}
	return tea.Batch(cmds...)
}

// greet tells of those who wait now and did not before: one toast for a burst,
// none while the inbox is looked at.
func (r *root) greet(now msg.Desk) tea.Cmd {
	here := map[desk.CallerID]bool{}
	var fresh []desk.Caller
	for _, c := range now.Callers {
		here[c.ID] = true
		if !r.calls.seen[c.ID] && !(c.Parked && c.Matches != "") {
			fresh = append(fresh, c)
		}
	}
	r.calls.seen = here
	if len(fresh) == 0 {
		return nil
	}
	at := r.d.Now()
	told := at.Before(r.calls.quiet) || r.at == r.inboxAt()
	r.calls.quiet = at.Add(burst)
	switch {
	case told:
		return nil
	case len(fresh) == 1:
		return r.say(msg.Toast{Level: msg.Info, Text: nameOf(fresh[0]) + " waits in the inbox (0)"})
	}
	return r.say(msg.Toast{Level: msg.Info, Text: fmt.Sprintf("%d devices wait in the inbox (0)", len(fresh))})
}

// nameOf is what a caller calls itself, else where it calls from.
func nameOf(c desk.Caller) string {
	if c.Claim != "" {
		return c.Claim
	}
	return c.From.String()
}

// failures tells when a device that the person let in did not get as far as a
// session.
func (r *root) failures(now msg.Desk) tea.Cmd {
	var cmds []tea.Cmd
	for name, a := range r.calls.awaited {
		for _, l := range now.Log {
			if l.Err == nil || l.From != a.from || l.Time.Before(a.at) {
				continue
			}
			if l.Event == "refused" || l.Event == "lost" {
				delete(r.calls.awaited, name)
				cmds = append(cmds, r.say(msg.Toast{Level: msg.Error, Text: name + " was let in, and it failed: " + headline(l.Err), Detail: l.Err.Error()}))
				break
			}
			if !a.again { // it has to call once more
				a.again = true
				r.calls.awaited[name] = a
				cmds = append(cmds, r.say(msg.Toast{Level: msg.Info, Text: headline(l.Err), Detail: l.Err.Error()}))
			}
		}
	}
	return tea.Batch(cmds...)
}

// cameIn follows a session of a device that calls: one that the person let in
// is shown, one that came by itself is told of.
func (r *root) cameIn(d conn.Device, before conn.State, seen bool) tea.Cmd {
	if d.Target.Via == link.SSH || d.Target.Via == "" || d.ID == 0 || seen && before == conn.Open {
		return nil
	}
	if a, ok := r.calls.awaited[d.Target.Name]; ok && d.State != conn.Lost && d.State != conn.Closed {
		if r.d.Now().Sub(a.at) < expected && r.stack.Top() == nil && !r.cur().Capturing() {
			delete(r.calls.awaited, d.Target.Name)
			return r.openSession(d.ID)
		}
		if d.State == conn.Open { // too late, or the person is at something else: it is told of
			delete(r.calls.awaited, d.Target.Name)
		}
	}
	if d.State != conn.Open || r.d.Desk == nil || r.at < len(r.tabs) && r.tabs[r.at].id == d.ID {
		return nil
	}
	text := d.Target.Name + " called and was let in"
	if before == conn.Lost {
		text = d.Target.Name + " called again and is back"
	}
	return r.say(msg.Toast{Level: msg.Good, Text: text})
}

// awaitSession notes that the session of a name is to be shown once it comes.
func (r *root) awaitSession(m msg.Awaited) tea.Cmd {
	delete(r.calls.awaited, m.Name)
	if !m.Off {
		r.calls.awaited[m.Name] = awaited{from: m.From, at: r.d.Now()}
	}
	return nil
}

// inboxAt is the place of the inbox among the tabs, always the last; -1 when it
// is not open.
func (r *root) inboxAt() int {
	if n := len(r.tabs) - 1; n >= 0 && r.calls.inbox != nil && r.tabs[n].screen == r.calls.inbox {
		return n
	}
	return -1
}

// numbered is how many tabs have a number of their own.
func (r *root) numbered() int {
	if n := r.inboxAt(); n >= 0 {
		return n
	}
	return len(r.tabs)
}

// showInbox shows the inbox, made a tab when it is none.
func (r *root) showInbox() tea.Cmd {
	if r.calls.inbox == nil {
		return nil
	}
	if n := r.inboxAt(); n >= 0 {
		return r.show(n)
	}
	return r.add(0, r.calls.inbox)
}

// showListeners opens the dialog of the addresses that we listen on.
func (r *root) showListeners() tea.Cmd {
	if r.d.Desk == nil {
		return msg.Say(msg.Info, "This run takes no calls.")
	}
	d := inbox.Listeners(r.d, r.calls.now)
	r.stack.Push(d)
	return initDialog(d)
}

// listening is the state of the listeners at the right of the first row.
func (r *root) listening() string {
	t := r.d.Theme
	if r.d.Desk == nil {
		return ""
	}
	ls := r.calls.now.Listeners
	if len(ls) == 0 {
		return t.Paint(style.Dim, "not listening")
	}
	var ports []string
	up := 0
	for _, l := range ls {
		addr := l.Addr
		if l.Bound != "" {
			addr, up = l.Bound, up+1
		}
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			port = addr
		}
		ports = append(ports, ":"+safe.Text(port))
	}
	text := strings.Join(ports, " ")
	if r.w >= 80 {
		text = "call-home " + text
	}
	switch {
	case up == 0:
		return text + " " + t.Paint(style.Error, t.Glyph(style.Alert)+" down")
	case up < len(ls):
		text += " " + t.Paint(style.Warn, t.Glyph(style.Alert))
	default:
		text += " " + t.Paint(style.OK, t.Glyph(style.Live))
	}
	n := r.calls.now.Waiting()
	switch {
	case n == 0:
		return text
	case r.w < 80:
		return text + " " + t.Paint(style.Warn, fmt.Sprint(n))
	}
	return text + " " + t.Paint(style.Warn, fmt.Sprintf("%d waiting", n))
}
