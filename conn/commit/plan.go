package commit

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"time"

	"dialtone/conn"
	"dialtone/netconf"
)

// Limits of an order.
const (
	maxMinutes  = 65535           // of Junos's confirm-timeout
	maxSeconds  = 4294967295      // of the standard one
	maxComment  = 512             // bytes
	closeCall   = 5 * time.Second // beside a round trip: less may be too late for an answer
	maxRevision = 49
)

// Plan says what would be sent for an order, or why it cannot be given. Nothing
// is sent. The error is a *netconf.Fault.
func (c *Control) Plan(id conn.SessionID, o Order) (Plan, error) {
	c.mu.Lock()
	s := c.sessions
	c.mu.Unlock()
	if s == nil {
		return Plan{}, refusal("there are no sessions", "")
	}
	d, ok := s.Device(id)
	if !ok {
		return Plan{}, refusal("there is no such session", "")
	}
	st := c.State(id)
	if why := st.Why(o.Do); why != "" {
		return Plan{}, refusal(why, "")
	}
	p := &planner{c: c, d: d, st: st, o: o, plan: Plan{Session: id, Netconf: d.NetconfID, Device: d.Target.Name, Order: o}}
	if err := p.build(); err != nil {
		return Plan{}, err
	}
	if d.Target.ReadOnly {
		for _, st := range p.plan.Steps {
			if st.Request.Effect.Alters() {
				return Plan{}, conn.ReadOnly(d.Target.Name, st.Request.Name)
			}
		}
	}
	return p.plan, nil
}

// Typed is the plan of a commit or cancellation that a person wrote: it sends r
// as it is. IsCommit tells such requests from others.
func (c *Control) Typed(id conn.SessionID, r netconf.Request) (Plan, error) {
	_, d, err := c.device(id)
	switch {
	case err != nil:
		return Plan{}, err
	case !IsCommit(r):
		return Plan{}, refusal(fmt.Sprintf("%q is no commit", r.Name), "")
	case d.Target.ReadOnly:
		return Plan{}, conn.ReadOnly(d.Target.Name, r.Name)
	}
	st, op := c.state(d), conn.CommitOf(r)
	p := Plan{Session: id, Netconf: d.NetconfID, Device: d.Target.Name, Order: Order{Do: DoTyped, Confirmed: op.Confirmed}, Token: op.Persist}
	p.confirms = st.Pending != nil && st.Waits
	p.Steps = []Step{{Title: r.Name, Request: r}}
	if op.Confirmed {
		p.Wait = op.Wait
	}
	return p, nil
}

// IsCommit reports a request that makes a candidate running now, or undoes that.
func IsCommit(r netconf.Request) bool {
	op := conn.CommitOf(r)
	return op.Commits || op.Cancels
}

// Arms reports a confirmed commit: one that is undone unless it is confirmed.
func Arms(r netconf.Request) bool { return conn.CommitOf(r).Confirmed }

// refusal is why an order cannot be given.
func refusal(what, do string) error {
	return &netconf.Fault{Code: "COMMIT-NOT", What: what, Kept: "Nothing was sent", Do: do}
}

// planner makes the steps of one order.
type planner struct {
	c    *Control
	d    conn.Device
	st   State
	o    Order
	plan Plan
}

func (p *planner) step(title, body string, effect netconf.Effect, target netconf.Datastore, unit string) {
	name := body[1:]
	name = name[:strings.IndexAny(name, " />")]
	p.plan.Steps = append(p.plan.Steps, Step{Title: title, Unit: unit, Request: netconf.Request{
		Name: name, Target: string(target), Body: []byte(body), Effect: effect,
	}})
}

func (p *planner) warn(format string, args ...any) {
	p.plan.Warnings = append(p.plan.Warnings, fmt.Sprintf(format, args...))
}

func (p *planner) build() error {
	if len(p.o.Comment) > maxComment || !plain(p.o.Comment) || !plain(p.o.At) {
		return refusal(fmt.Sprintf("the comment or time is longer than %d bytes or holds characters that XML does not allow", maxComment), "")
	}
	switch p.o.Do {
	case DoLock, DoUnlock:
		p.lock()
	case DoValidate:
		p.validate()
	case DoCommit:
		return p.commit()
	case DoConfirm:
		p.confirm()
	case DoCancel:
		p.cancel()
	case DoExtend:
		return p.extend()
	case DoDiscard:
		p.discard()
	case DoRollback:
		if p.o.Revision < 0 || p.o.Revision > maxRevision {
			return refusal(fmt.Sprintf("rollback %d does not exist: they are numbered 0 to %d", p.o.Revision, maxRevision), "")
		}
		p.staging()
		p.step(fmt.Sprintf("load rollback %d into the candidate", p.o.Revision), fmt.Sprintf(`<load-configuration rollback="%d"/>`, p.o.Revision), netconf.Stages, netconf.Candidate, "")
	case DoRescueSave:
		p.step("save running as the rescue configuration", `<request-save-rescue-configuration/>`, netconf.Commits, "", "")
	case DoRescueLoad:
		p.staging()
		p.step("load the rescue configuration into the candidate", `<load-configuration rescue="rescue"/>`, netconf.Stages, netconf.Candidate, "")
	case DoCopyStartup:
		p.step("copy running to startup", "<copy-config>\n  <target><startup/></target>\n  <source><running/></source>\n</copy-config>", netconf.Commits, netconf.Startup, "")
	case DoKill:
		return p.kill()
	default:
		return refusal("there is no such order", "")
	}
	return nil
}

// staging warns of what loading a whole configuration replaces.
func (p *planner) staging() {
	if p.st.Edits > 0 || p.st.Differs == Yes {
		p.warn("What is in the candidate now is replaced.")
	}
	if !p.holds(netconf.Candidate) {
		p.warn("The candidate is shared and not locked: edits of others may be replaced.")
	}
}

func (p *planner) holds(ds netconf.Datastore) bool {
	for _, l := range p.st.Locks {
		if l.Ours && l.Store == ds {
			return true
		}
	}
	return false
}

// store is the datastore that an order of locking means.
func (p *planner) store() netconf.Datastore {
	if p.o.Store != "" {
		return p.o.Store
	}
	if p.st.Mode == Writable {
		return netconf.Running
	}
	return netconf.Candidate
}

func (p *planner) lock() {
	ds := p.store()
	native := p.st.Mode == Junos && ds == netconf.Candidate
	if p.o.Do == DoLock {
		if native {
			p.step("lock the candidate", `<lock-configuration/>`, netconf.Stages, ds, "")
			return
		}
		p.step("lock "+string(ds), "<lock>\n  <target><"+string(ds)+"/></target>\n</lock>", netconf.Stages, ds, "")
		return
	}
	p.unlock(ds)
	if ds == netconf.Candidate && (p.st.Edits > 0 || p.st.Differs == Yes) {
		p.warn("The device discards what is in the candidate and not committed when the lock goes.")
	}
}

func (p *planner) unlock(ds netconf.Datastore) {
	if p.st.Mode == Junos && ds == netconf.Candidate {
		p.step("unlock the candidate", `<unlock-configuration/>`, netconf.Stages, ds, "")
		return
	}
	p.step("unlock "+string(ds), "<unlock>\n  <target><"+string(ds)+"/></target>\n</unlock>", netconf.Stages, ds, "")
}

func (p *planner) validate() {
	if p.st.Mode == Junos {
		p.step("check the candidate", "<commit-configuration>\n  <check/>\n</commit-configuration>", netconf.Reads, netconf.Candidate, "")
		return
	}
	ds := netconf.Candidate
	if p.st.Mode != Candidate {
		ds = netconf.Running
	}
	p.step("validate "+string(ds), "<validate>\n  <source><"+string(ds)+"/></source>\n</validate>", netconf.Reads, ds, "")
}

// native reports that Junos's own operations are used: on Junos, but for a
// standard confirmed commit that a person sent there.
func (p *planner) native() bool {
	return p.st.Mode == Junos && (p.o.Do == DoCommit || p.st.Pending == nil || p.st.Pending.Native)
}

// wait turns a time into the words of confirm-timeout.
func (p *planner) wait(d time.Duration) (text, unit string, real time.Duration, err error) {
	if d == 0 {
		d = conn.ConfirmTime
	}
	size, name, most := time.Second, "s", int64(maxSeconds)
	if p.native() {
		size, name, most = time.Minute, "min", maxMinutes
	}
	n := int64((d + size - 1) / size)
	if d < 0 || n < 1 || n > most {
		return "", "", 0, refusal(fmt.Sprintf("a time of %s cannot be told to the device: it takes 1 to %d %s", d, most, name), "")
	}
	real = time.Duration(n) * size
	unit = fmt.Sprintf("%d %s", n, name)
	if p.native() {
		unit += " (Junos counts minutes)"
		if real != d {
			p.warn("Junos counts whole minutes: %s becomes %d min.", d, n)
		}
	} else if real != d {
		p.warn("The device counts whole seconds: %s becomes %d s.", d, n)
	}
	return strconv.FormatInt(n, 10), unit, real, nil
}

func (p *planner) commit() error {
	o := p.o
	if why := p.st.Why(DoValidate); why != "" && (o.Check || o.Validate) {
		return refusal(why, "")
	}
	if o.Check {
		p.validate()
		return nil
	}
	if p.st.Mode != Junos && (o.Comment != "" || o.Sync || o.At != "") {
		return refusal("only Junos devices take a comment, a time or synchronize with a commit", "Leave them out")
	}
	if o.At != "" && o.Confirmed {
		return refusal("a commit at a time cannot be a confirmed one", "")
	}
	if q := p.st.Pending; q != nil && p.st.Waits && !o.Confirmed {
		return refusal("a confirmed commit waits: a commit now would confirm it", "Confirm it or roll it back first")
	}
	if o.Validate {
		p.validate()
	}
	if err := p.commitStep(); err != nil {
		return err
	}
	if o.Unlock && p.holds(netconf.Candidate) {
		p.unlock(netconf.Candidate)
	}
	if p.st.Differs == No && p.st.Edits == 0 {
		p.warn("The candidate was the same as running when it was compared last.")
	}
	for _, l := range p.st.Locks {
		if !l.Ours {
			p.warn("%s", capital(l.Words())+".")
		}
	}
	if !p.holds(netconf.Candidate) {
		p.warn("The candidate is not locked: edits that others made in it are committed too.")
	}
	return nil
}

func (p *planner) commitStep() error {
	o := p.o
	var kids []string
	title, unit := "commit", ""
	if o.Confirmed {
		text, u, real, err := p.wait(o.Timeout)
		if err != nil {
			return err
		}
		if why := p.st.confirmable(p.d.Caps); why != "" {
			return refusal(why, "")
		}
		unit = u
		p.plan.Wait = real
		title = "commit, to be confirmed within " + span(real)
		kids = append(kids, "<confirmed/>", "<confirm-timeout>"+text+"</confirm-timeout>")
	}
	if o.Persist || o.Token != "" {
		if !o.Confirmed {
			return refusal("only a confirmed commit can survive the session", "")
		}
		if p.st.Mode == Junos || !p.d.Caps.Has("confirmed-commit:1.1") {
			return refusal("the device has no persist-id (:confirmed-commit:1.1)", "Keep the session open until the commit is confirmed")
		}
		tok := o.Token
		if tok == "" {
			tok = p.c.o.Token()
		}
		if !plain(tok) || len(tok) > maxComment {
			return refusal("the persist token cannot be written in XML", "")
		}
		p.plan.Token = tok
		kids = append(kids, "<persist>"+escape(tok)+"</persist>")
	} else if o.Confirmed && p.st.Mode != Junos {
		p.warn("Losing the session before confirming undoes the commit.")
	}
	element := "commit"
	if p.st.Mode == Junos {
		element = "commit-configuration"
		if o.Comment != "" {
			kids = append(kids, "<log>"+escape(o.Comment)+"</log>")
		}
		if o.At != "" {
			kids = append(kids, "<at-time>"+escape(o.At)+"</at-time>")
			title += " at " + o.At
		}
		if o.Sync {
			kids = append(kids, "<synchronize/>")
		}
	}
	p.step(title, compose(element, kids), netconf.Commits, netconf.Running, unit)
	return nil
}

// compose writes an operation with one child a line.
func compose(element string, kids []string) string {
	if len(kids) == 0 {
		return "<" + element + "/>"
	}
	return "<" + element + ">\n  " + strings.Join(kids, "\n  ") + "\n</" + element + ">"
}

// persistID is the child that names the pending commit, none without a token.
func (p *planner) persistID() []string {
	tok := p.o.Token
	if tok == "" && p.st.Pending != nil {
		tok = p.st.Pending.PersistID
	}
	if tok == "" {
		return nil
	}
	return []string{"<persist-id>" + escape(tok) + "</persist-id>"}
}

func (p *planner) confirm() {
	p.late("the confirmation")
	if p.st.Edits > 0 {
		p.warn("%s made since then %s committed too.", edits(p.st.Edits), are(p.st.Edits))
	}
	element, kids := "commit", p.persistID()
	if p.native() {
		element, kids = "commit-configuration", nil
		if p.o.Comment != "" {
			kids = []string{"<log>" + escape(p.o.Comment) + "</log>"}
		}
	}
	p.step("confirm", compose(element, kids), netconf.Commits, netconf.Running, "")
}

// late warns when the time left hardly suffices for an answer.
func (p *planner) late(what string) {
	if p.st.Pending == nil {
		return
	}
	rtt := p.c.rtt(p.plan.Session)
	switch left := p.st.Left; {
	case left <= 0:
		p.warn("The time is over since %s: the device should have rolled back. Verify first.", span(-left))
	case left < rtt+closeCall:
		p.warn("Only %s left and an answer takes %s: %s may come too late. Verify afterwards.", short(left), short(rtt), what)
	}
}

func (p *planner) cancel() {
	switch {
	case p.st.Mode == Junos:
		p.warn("Junos has no cancel-commit: rollback 1 is loaded and committed. That undoes the newest commit, whoever made it.")
		p.staging()
		p.step("load rollback 1 into the candidate", `<load-configuration rollback="1"/>`, netconf.Stages, netconf.Candidate, "")
		p.step("commit it", `<commit-configuration/>`, netconf.Commits, netconf.Running, "")
	case p.d.Caps.Has("confirmed-commit:1.1"):
		p.step("roll back now", compose("cancel-commit", p.persistID()), netconf.Commits, netconf.Running, "")
	default:
		p.warn("The device has no cancel-commit: it rolls back when the session ends.")
		p.step("end the session, so that the device rolls back", `<close-session/>`, netconf.Stages, "", "")
	}
}

func (p *planner) extend() error {
	text, unit, real, err := p.wait(p.o.Timeout)
	if err != nil {
		return err
	}
	p.plan.Wait = real
	element, kids := "commit", []string{"<confirmed/>", "<confirm-timeout>" + text + "</confirm-timeout>"}
	if p.native() {
		element = "commit-configuration"
		p.warn("On Junos that is a second confirmed commit. If it is not confirmed, verify what running is: a release may go back to before the second one only.")
	} else {
		kids = append(kids, p.persistID()...)
	}
	if p.st.Edits > 0 {
		p.warn("%s made since then %s put in force too.", edits(p.st.Edits), are(p.st.Edits))
	}
	p.late("the extension")
	p.step("extend by "+span(real)+" from now", compose(element, kids), netconf.Commits, netconf.Running, unit)
	return nil
}

func (p *planner) discard() {
	if !p.holds(netconf.Candidate) {
		p.warn("The candidate is shared and not locked: edits of others in it are discarded too.")
	}
	if p.st.Mode == Junos {
		p.step("make the candidate the same as running", `<load-configuration rollback="0"/>`, netconf.Stages, netconf.Candidate, "")
		return
	}
	p.step("make the candidate the same as running", `<discard-changes/>`, netconf.Stages, netconf.Candidate, "")
}

// kill ends a session that holds a lock, and no other.
func (p *planner) kill() error {
	for _, l := range p.st.Locks {
		if l.Ours || l.Session == 0 || l.Session != p.o.Holder {
			continue
		}
		if l.Former.IsZero() {
			p.warn("Session %d is not ours: what %s has not committed is lost.", l.Session, who(l))
		}
		p.step(fmt.Sprintf("end session %d", l.Session), fmt.Sprintf("<kill-session>\n  <session-id>%d</session-id>\n</kill-session>", l.Session), netconf.Destroys, "", "")
		return nil
	}
	return refusal(fmt.Sprintf("session %d holds no lock that was seen", p.o.Holder), "Look at the locks first")
}

func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a buffer takes all
	return b.String()
}

// plain reports text that XML can hold as it is.
func plain(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return r < ' ' && r != '\t' || r == 0x7f || r == '\uFFFD' || r == '\uFFFE' || r == '\uFFFF'
	}) < 0
}
