package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"dialtone/conn"
	"dialtone/conn/callhome"
	"dialtone/conn/commit"
	"dialtone/conn/desk"
	"dialtone/conn/dial"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/keys"
	"dialtone/netconf"
)

// maxReasons bounds what is remembered of callers that were refused.
const maxReasons = 10_000

// waiter is one run of listen. One goroutine does everything in it.
type waiter struct {
	a   *app
	f   *listenFlags
	ask *question // nil without --rpc
	run *run
	out *eventWriter

	m       *conn.Manager
	control *commit.Control // notes confirmed commits
	below   <-chan conn.Event
	desk    *desk.Front
	seen    int // lines of the desk's log

	starting int                       // listeners that were never up
	decided  map[string]bool           // calls that have our word
	why      map[netip.AddrPort]string // why a caller was refused by us
	let      map[netip.AddrPort]string // identities of those accepted, until they are in
	devices  map[conn.SessionID]*guest
	served   map[string]bool // identities
	known    map[string]bool // names of profiles
	spent    map[string]bool // identities and keys of devices that refused our password
	code     int             // the gravest so far
}

// guest is a device that was let in.
type guest struct {
	identity string
	line     desk.Line // of its admission
	x        *conn.Exchange
	served   bool
}

func newWaiter(a *app, f *listenFlags) *waiter {
	return &waiter{
		a: a, f: f, out: newEventWriter(a.env.Stdout),
		decided: map[string]bool{}, why: map[netip.AddrPort]string{}, let: map[netip.AddrPort]string{},
		devices: map[conn.SessionID]*guest{}, served: map[string]bool{},
		known: map[string]bool{}, spent: map[string]bool{},
	}
}

// loop works until enough devices were served, ctx is done, or something is
// beyond repair.
func (w *waiter) loop(ctx context.Context) error {
	for {
		if err := w.follow(); err != nil {
			return err
		}
		w.decide()
		if w.out.err != nil || w.f.count > 0 && len(w.served) >= w.f.count {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-w.desk.Changed():
		case ev := <-w.below:
			if g := w.devices[ev.Session]; ev.Kind == conn.ExchangeDone && g != nil && g.x == ev.Exchange {
				w.replied(g)
			}
		}
	}
}

// follow prints what the desk has logged, and acts on it.
func (w *waiter) follow() error {
	lines, next, missed := w.desk.After(w.seen)
	w.seen = next
	if missed > 0 {
		w.a.note("%d events came faster than they could be printed.", missed)
	}
	for _, l := range lines {
		w.print(l)
		if err := w.act(l); err != nil {
			return err
		}
	}
	return nil
}

func (w *waiter) act(l desk.Line) error {
	switch l.Event {
	case "listening":
		w.starting--
	case "down":
		if w.starting > 0 {
			return with(ExitConnection, final(l.Err))
		}
	case "caller", "refused":
		if l.Err != nil {
			if fault := new(dial.AuthError); errors.As(l.Err, &fault) && fault.SavedPassword {
				w.spend(w.let[l.From])
			}
			delete(w.let, l.From)
			delete(w.why, l.From)
		}
	case "admitted":
		w.devices[l.Session] = &guest{identity: w.identity(l), line: l}
		delete(w.let, l.From)
	case "open":
		if g := w.devices[l.Session]; g != nil {
			w.opened(l.Session, g)
		}
	case "lost", "closed":
		g := w.devices[l.Session]
		if g == nil {
			return nil
		}
		if l.Event == "lost" && !g.served {
			code := ExitConnection
			if brokeProtocol(l.Err) {
				code = ExitProtocol
			}
			w.grave(code)
		}
		if g.x == nil || g.served {
			w.leave(l.Session, g)
		}
	}
	return nil
}

// identity is what tells a device from others for --count.
func (w *waiter) identity(l desk.Line) string {
	if id := w.let[l.From]; id != "" {
		return id
	}
	return l.Profile
}

// grave notes an exit code.
func (w *waiter) grave(code int) { w.code = max(w.code, code) }

// opened sends the RPC, or has the device count as served.
func (w *waiter) opened(id conn.SessionID, g *guest) {
	if w.ask == nil {
		g.served = true
		w.served[g.identity] = true
		return
	}
	d, _ := w.m.Device(id)
	req, err := w.ask.request(d)
	if err == nil {
		g.x, err = w.m.Send(id, req)
	}
	if err != nil {
		w.out.reply(w.now(), w.named(g.line), nil, "", err)
		w.grave(exitOf(sendError(err)))
		w.over(id, g)
	}
}

// replied prints the reply and lets the device go.
func (w *waiter) replied(g *guest) {
	o, _, err := g.x.Snapshot()
	w.a.warn(o)
	file := ""
	if w.f.save != "" && g.x.Doc.Size() > 0 {
		var serr error
		if file, serr = w.save(g); serr != nil {
			w.a.note("%s", errorLine(serr))
			w.grave(ExitUnknown)
		}
	}
	fail := outcomeError(o, err)
	w.out.reply(w.now(), w.named(g.line), g.x, file, fail)
	w.grave(exitOf(fail))
	w.run.log.Info("exchange", "target", g.line.Profile, "operation", g.x.Request.Name, "bytes", o.Bytes, "errors", o.ErrorCount, "error", fmt.Sprint(err))
	w.over(g.x.Session, g)
}

// over ends the session of a device that was served.
func (w *waiter) over(id conn.SessionID, g *guest) {
	g.served = true
	w.served[g.identity] = true
	w.m.Disconnect(id)
	if d, ok := w.m.Device(id); ok && (d.State == conn.Lost || d.State == conn.Closed) {
		w.leave(id, g)
	}
}

// leave forgets a device whose session has ended.
func (w *waiter) leave(id conn.SessionID, g *guest) {
	w.served[g.identity] = true
	delete(w.devices, id)
	w.m.Forget(id)
}

// unanswered prints what became of requests that were cut off at the end.
func (w *waiter) unanswered() {
	for _, g := range w.devices {
		if g.x == nil || g.served {
			continue
		}
		o, done, err := g.x.Snapshot()
		if !done {
			o.Result = netconf.Unknown
		}
		fail := outcomeError(o, err)
		w.out.reply(w.now(), w.named(g.line), g.x, "", fail)
		w.grave(exitOf(fail))
		w.a.note("%s", errorLine(fail))
	}
}

// spend notes a device that refused our password. However often it calls, the
// password is not sent again: its router would lock the account.
func (w *waiter) spend(identity string) {
	if identity == "" {
		return
	}
	if len(w.spent) > maxReasons {
		clear(w.spent)
	}
	w.spent[identity] = true
}

// decide says yes or no to every caller that waits.
func (w *waiter) decide() {
	for _, c := range w.desk.Callers() {
		key := fmt.Sprint(c.ID, " ", c.Key)
		if w.decided[key] {
			continue
		}
		identity := cmp.Or(c.Matches, c.Key, c.Claim, c.From.String())
		t, why := w.target(c)
		if w.spent[identity] || w.spent[c.Key] && c.Key != "" {
			why = "it refused the password before, which is not sent again"
		}
		if why == "" && (c.Key != "" || c.Parked) && w.f.count > 0 {
			if w.served[identity] {
				why = "it was served already"
			} else if w.busy(identity) {
				continue // until it is known what becomes of those that are in
			}
		}
		if len(w.decided) > maxReasons {
			clear(w.decided)
		}
		w.decided[key] = true
		if why == "" {
			w.let[c.From] = identity
			if err := w.desk.Accept(c.ID, t, false); err != nil {
				delete(w.let, c.From)
				w.run.log.Info("not accepted", "from", c.From, "error", err.Error())
			}
			continue
		}
		if len(w.why) > maxReasons {
			clear(w.why)
		}
		w.why[c.From] = why
		if err := w.desk.Refuse(c.ID); err != nil {
			w.run.log.Info("not refused", "from", c.From, "error", err.Error())
		}
	}
}

// busy reports whether a device must wait: it is in already, or as many are in
// as may still be served.
func (w *waiter) busy(identity string) bool {
	in := make(map[string]bool)
	for _, id := range w.let {
		in[id] = true
	}
	for _, g := range w.devices {
		if !w.served[g.identity] {
			in[g.identity] = true
		}
	}
	return in[identity] || len(in)+len(w.served) >= w.f.count
}

// target is what a caller is let in as, or why it is not. The credentials of a
// profile go only to a device whose identity is believed.
func (w *waiter) target(c desk.Caller) (t link.Target, why string) {
	switch {
	case c.Second:
		return t, "the same device has a session that is alive"
	case c.Matches != "" && (c.Believed || w.f.acceptNew && strings.HasPrefix(c.Trust, string(callhome.HMACGood))):
		p, err := w.profile(c.Matches)
		if err == nil {
			w.known[p.Name] = true
			return w.f.complete(p.Target), ""
		}
		if !w.f.acceptNew {
			return t, "its profile cannot be read"
		}
	case !w.f.acceptNew && c.Matches != "":
		return t, "its identity is not proved (" + c.Trust + ")"
	case !w.f.acceptNew:
		return t, "it has no profile (" + c.Trust + ")"
	}
	return w.f.stranger(), ""
}

func (w *waiter) profile(name string) (profile.Profile, error) { return find(w.run.store, name) }

// named leaves out a name that no profile has: that of a caller without one.
func (w *waiter) named(l desk.Line) desk.Line {
	if !w.known[l.Profile] {
		l.Profile = ""
	}
	return l
}

// print writes one line of the desk's log.
func (w *waiter) print(l desk.Line) {
	if l.Event == "refused" {
		if why := w.why[l.From]; why != "" {
			l.Err, l.Text = refused(why), "refused: "+why
		}
	}
	if errors.Is(l.Err, callhome.ErrCallAgain) {
		l.Text = "accepted for its next call"
	}
	if g := w.devices[l.Session]; g != nil && l.Trust == "" {
		l.Trust = g.line.Trust
	}
	addr := ""
	for _, on := range w.desk.Listeners() {
		if l.Event == "listening" && on.Bound != "" && containsWord(l.Text, on.Bound) {
			addr = on.Bound
		}
	}
	w.out.line(w.named(l), addr)
}

func refused(why string) error {
	return fault("CALL-REFUSED", "not let in: "+why, "", "Accept it once in the interface, or see dialtone listen --help")
}

// final is the fault of an address for a program that ends with it, and does not
// try again.
func final(err error) error {
	var f *keys.Fault
	if !errors.As(err, &f) {
		return err
	}
	last := *f
	last.Kept = "nothing is listened on"
	return &last
}
