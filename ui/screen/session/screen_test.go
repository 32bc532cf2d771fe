package session

import (
	calls "dialtone/conn/desk"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/journal"
	"dialtone/conn/link"
	"dialtone/netconf"
	"dialtone/netconf/tmpl"
	"dialtone/netconf/xmldoc"
	"dialtone/ui/action"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

// desk is a session screen with a fake device below it and a little of the root
// above it: keys find actions, dialogs take keys, toasts are kept.
type desk struct {
	*uitest.Driver
	t      testing.TB
	scr    *Screen
	back   *uitest.Backend
	stack  overlay.Stack
	toasts []string
	asked  []tea.Msg
	sent   []netconf.Request
	last   conn.ExchangeID
}

// templates is a few of each kind.
func templates() []tmpl.Template {
	return []tmpl.Template{
		{Name: "get-config-running", Title: "get-config (running)", Doc: "Reads the running configuration.", Body: "<get-config>\n  <source><running/></source>\n</get-config>"},
		{Name: "get-config-startup", Title: "get-config (startup)", Needs: []string{"startup"}, Body: "<get-config><source><startup/></source></get-config>"},
		{Name: "edit-config", Title: "edit-config", Vars: []tmpl.Var{
			{Name: "target", Title: "Datastore", Choices: []string{"candidate", "running"}}, {Name: "config", Title: "Configuration", Raw: true},
		}, Body: "<edit-config>\n  <target><{{{target}}}/></target>\n  <config>{{{config}}}</config>\n</edit-config>"},
		{Name: "lock", Title: "lock candidate", Body: "<lock><target><candidate/></target></lock>"},
		{Name: "kill-session", Title: "kill-session", Vars: []tmpl.Var{{Name: "id", Title: "Session to end"}}, Body: "<kill-session><session-id>{{id}}</session-id></kill-session>"},
		{Name: "commit", Title: "commit", Body: "<commit/>"},
	}
}

type setup struct {
	theme    *style.Theme
	dev      conn.Device
	state    string
	readOnly bool
}

func candidateCaps() netconf.Caps {
	return netconf.NewCaps([]string{
		"urn:ietf:params:netconf:base:1.1", "urn:ietf:params:netconf:capability:candidate:1.0",
		"urn:ietf:params:netconf:capability:writable-running:1.0",
	})
}

func newDesk(t testing.TB, o setup) *desk {
	t.Helper()
	d := &desk{t: t, Driver: uitest.NewDriver(t), back: &uitest.Backend{}}
	d.back.OnSend = func(id conn.SessionID, r netconf.Request) (*conn.Exchange, error) {
		d.last++
		d.sent = append(d.sent, r)
		x := &conn.Exchange{ID: d.last, Session: id, Device: "core-r1", Request: r, Started: d.Now(), Doc: xmldoc.New(xmldoc.Options{})}
		t.Cleanup(func() { x.Doc.Close() })
		return x, nil
	}
	if o.theme == nil {
		o.theme, _ = style.New("default", false, true)
	}
	if o.dev.Target.Name == "" {
		o.dev = conn.Device{
			Target: link.Target{Name: "core-r1", Via: link.SSH, Host: "192.0.2.1", User: "admin"}, State: conn.Open,
			Caps: candidateCaps(), Opened: d.Now().Add(-42 * time.Minute), Since: d.Now().Add(-42 * time.Minute),
			Locks: []netconf.Datastore{netconf.Candidate}, Dirty: 3,
		}
	}
	e := d.back.Set(o.dev)
	deps := &screen.Deps{
		Backend: d.back, Journal: journal.Memory(), Templates: templates(), Theme: o.theme,
		Now: d.Now, Tick: d.Tick, StateDir: o.state, WorkDir: t.TempDir(), ReadOnly: o.readOnly,
	}
	d.scr = New(deps, e.Session)
	d.Drive(d)
	d.scr.Resize(80, 21)
	d.Do(tea.Batch(d.scr.Init(), d.scr.Focus(true)))
	return d
}

// Update is what the root does with a message.
func (d *desk) Update(m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case msg.Toast:
		d.toasts = append(d.toasts, m.Text)
		return nil
	case overlay.Push:
		d.stack.Push(m.Dialog)
		return nil
	case overlay.PushLate:
		d.stack.Push(m.Dialog)
		return nil
	case tea.KeyMsg:
		if cmd, ok := d.stack.Key(m, d.Now()); ok {
			return cmd
		}
		return d.key(m)
	case msg.For, msg.Events, msg.Desk:
		return d.scr.Update(m)
	}
	d.asked = append(d.asked, m)
	return nil
}

func (d *desk) key(k tea.KeyMsg) tea.Cmd {
	key := k.String()
	if k.Paste {
		return d.scr.Update(k)
	}
	if d.scr.Capturing() {
		if strings.HasPrefix(key, "ctrl+") || key == "esc" || key == "tab" {
			if a, ok := action.Match(d.scr.Actions(), key); ok {
				return d.run(a)
			}
		}
		return d.scr.Update(k)
	}
	if a, ok := action.Match(d.scr.Actions(), key); ok {
		return d.run(a)
	}
	return nil
}

func (d *desk) run(a action.Action) tea.Cmd {
	if a.Off != "" {
		return msg.Say(msg.Info, a.Title+": "+a.Off)
	}
	return d.scr.Run(a.ID)
}

// View is the screen with its status row, and the dialog on top beside it.
func (d *desk) View() string {
	out := d.scr.View() + "\n" + d.scr.d.Theme.Fit(" "+d.scr.Status(), d.scr.w)
	if top := d.stack.Top(); top != nil {
		out += "\n" + top.View(d.scr.w, d.scr.h)
	}
	return out
}

// write puts text into the editor as a person would.
func (d *desk) write(text string) {
	d.t.Helper()
	d.Send(insertMsg{id: d.scr.id, text: text, replace: true})
}

// reply lets the newest request be answered with text after a while.
func (d *desk) answer(text string, took time.Duration, o netconf.Outcome, err error) {
	d.t.Helper()
	if len(d.scr.replies.list) == 0 {
		d.t.Fatalf("nothing was sent: %q\n%s", d.toasts, d.View())
	}
	r := d.scr.replies.list[len(d.scr.replies.list)-1]
	if _, werr := r.x.Doc.Write([]byte(text)); werr != nil {
		d.t.Fatal(werr)
	}
	d.Send(msg.Events{{Kind: conn.ExchangeProgress, Session: d.scr.id, Exchange: r.x}})
	d.Advance(took)
	r.x.Doc.Finish(err)
	o.Bytes, o.Sent, o.Ended = int64(len(text)), r.x.Started, d.Now()
	r.ask = func() (netconf.Outcome, bool, error) { return o, true, err }
	d.Send(msg.Events{{Kind: conn.ExchangeDone, Session: d.scr.id, Exchange: r.x}})
}

const getConfig = `<get-config>
  <source><running/></source>
  <filter type="subtree">
    <interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"/>
  </filter>
</get-config>`

func okReply(id string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<rpc-reply message-id=%q>\n<data>\n<interfaces xmlns=\"urn:ietf:params:xml:ns:yang:ietf-interfaces\">\n", id)
	for i := range 9 {
		fmt.Fprintf(&b, "<interface><name>ge-0/0/%d</name><description>to core-r%d</description><enabled>true</enabled></interface>\n", i, i)
	}
	b.WriteString("</interfaces>\n</data>\n</rpc-reply>")
	return b.String()
}

func TestSessionAtSizes(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{80, 24}, {140, 40}, {60, 15}} {
		d := newDesk(t, setup{})
		d.scr.Resize(size[0], size[1]-3)
		name := fmt.Sprintf("%dx%d", size[0], size[1])
		uitest.Golden(t, "empty-"+name, d.View())
		d.write(getConfig)
		uitest.Golden(t, "written-"+name, d.View())
		d.Press("ctrl+r")
		d.answer(okReply("118"), 1400*time.Millisecond, netconf.Outcome{MessageID: "118", Result: netconf.Answered, OK: true}, nil)
		d.Press("j", "j", "j", " ", "j", " ", "k")
		uitest.Golden(t, "replied-"+name, d.View())
	}
}

func TestScreenIsExactAtEverySize(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{})
	d.write(getConfig)
	d.Press("ctrl+r")
	d.answer(okReply("1"), time.Second, netconf.Outcome{MessageID: "1", Result: netconf.Answered, OK: true}, nil)
	states := []conn.State{conn.Open, conn.Lost, conn.Dialing}
	for _, st := range states {
		dev, _ := d.back.Device(d.scr.id)
		dev.State, dev.Err = st, errors.New("connection reset by peer, quite a long time after all that")
		dev.Lost = []string{"the lock of candidate"}
		d.Send(msg.Events{d.back.Set(dev)})
		for w := 40; w <= 200; w += 16 {
			for h := 5; h <= 57; h += 7 {
				for _, zoom := range []bool{false, true} {
					for p := rpcPart; p < parts; p++ {
						d.scr.wanted, d.scr.zoomed = p, zoom
						d.scr.Resize(w, h)
						uitest.ExactSize(t, d.scr.View(), w, h)
						if t.Failed() {
							t.Fatalf("state %v zoom %v part %d", st, zoom, p)
						}
					}
				}
			}
		}
	}
}

func TestTitleSaysWhatSendingWouldDo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ body, title, right string }{
		{"<get-config><source><running/></source></get-config>", "RPC  get-config", "no effect on device"},
		{"<edit-config><target><candidate/></target><config/></edit-config>", "RPC  edit-config → candidate", "changes the candidate"},
		{"<edit-config><target><running/></target><config/></edit-config>", "RPC  edit-config → running", "changes the device"},
		{"<commit/>", "RPC  commit", "changes the device"},
		{"<lock><target><candidate/></target></lock>", "RPC  lock → candidate", "changes a lock"},
		{"<kill-session><session-id>4</session-id></kill-session>", "RPC  kill-session", "CHANGES THE DEVICE, asks first"},
		{"<some-vendor-thing xmlns=\"urn:x\"/>", "RPC  some-vendor-thing", "changes the device"},
		{"<get-config>", "RPC", "not well-formed"},
	} {
		d := newDesk(t, setup{})
		d.write(c.body)
		title, right := d.scr.rpcTitle()
		if title != c.title || right != c.right {
			t.Errorf("%s: %q %q, want %q %q", c.body, title, right, c.title, c.right)
		}
	}
}

func TestLongTextIsJudgedWhenItHasBeenQuiet(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{})
	d.write("<edit-config><target><candidate/></target><config>" + strings.Repeat("<a/>\n", 10000) + "</config></edit-config>")
	d.Press("i", "enter", "enter")
	if title, right := d.scr.rpcTitle(); title != "RPC" || right != "" {
		t.Errorf("claims %q %q before it looked", title, right)
	}
	d.Advance(time.Second)
	if title, right := d.scr.rpcTitle(); title != "RPC  edit-config → candidate" || right != "changes the candidate" {
		t.Errorf("%q %q after a second", title, right)
	}
	if d.Timers() != 0 {
		t.Errorf("%d timers are left", d.Timers())
	}
}

func TestReadOnlyRefusesWithReason(t *testing.T) {
	t.Parallel()
	for _, o := range []setup{{readOnly: true}, {dev: conn.Device{State: conn.Open, Caps: candidateCaps(), Target: link.Target{Name: "core-r1", ReadOnly: true}}}} {
		d := newDesk(t, o)
		d.write("<commit/>")
		if _, right := d.scr.rpcTitle(); right != "changes the device, refused: read-only" {
			t.Errorf("title says %q", right)
		}
		d.Press("ctrl+r")
		if len(d.sent) != 0 || len(d.toasts) != 1 || !strings.Contains(d.toasts[0], "read-only") {
			t.Errorf("sent %v, toasts %q", d.sent, d.toasts)
		}
		d.write(getConfig)
		d.Press("ctrl+r")
		if len(d.sent) != 1 {
			t.Error("a read is refused too")
		}
	}
}

func TestDangerAsksForTheName(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"<kill-session><session-id>4711</session-id></kill-session>",
		"<delete-config><target><startup/></target></delete-config>",
		"<edit-config><target><running/></target><config/></edit-config>",
	} {
		d := newDesk(t, setup{})
		d.write(body)
		d.Press("ctrl+r")
		if d.stack.Top() == nil || len(d.sent) != 0 {
			t.Fatalf("%s: sent %d without a question", body, len(d.sent))
		}
		d.Press("enter", "s", "y")
		d.Type("x")
		d.Press("enter")
		if len(d.sent) != 0 {
			t.Fatalf("%s: sent with the wrong name", body)
		}
		for range 5 {
			d.Press("backspace")
		}
		d.Type("core-r1")
		d.Press("enter")
		if len(d.sent) != 1 || string(d.sent[0].Body) != body {
			t.Errorf("%s: sent %q", body, d.sent)
		}
	}
}

func TestEnterAndPasteNeverSend(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{})
	d.write(getConfig)
	d.Press("enter", "enter", "ctrl+j", "enter", "esc")
	d.Paste("<commit/>\n\n")
	d.Press("esc")
	if len(d.sent) != 0 {
		t.Errorf("sent %v", d.sent)
	}
}

func TestOrdinaryEditIsSentOnceByCtrlR(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{})
	body := "<edit-config><target><candidate/></target><config/></edit-config>"
	d.write(body)
	d.Press("ctrl+r", "ctrl+r", "ctrl+r")
	if len(d.sent) != 1 || string(d.sent[0].Body) != body {
		t.Errorf("sent %q", d.sent)
	}
	if len(d.toasts) == 0 || !strings.Contains(d.toasts[0], "has not been answered yet") {
		t.Errorf("toasts %q", d.toasts)
	}
}

func TestProgressStaysSilentAtFirst(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{})
	d.write(getConfig)
	d.Press("ctrl+r")
	d.Advance(149 * time.Millisecond)
	if d.Shows("waiting") || d.Shows("Waiting") {
		t.Errorf("speaks too early:\n%s", d.View())
	}
	d.Advance(time.Second)
	if !d.Shows("waiting  0.9 s") {
		t.Errorf("does not say that it waits:\n%s", d.View())
	}
	r := d.scr.reply()
	if _, err := r.x.Doc.Write([]byte(okReply("121")[:500])); err != nil {
		t.Fatal(err)
	}
	d.Send(msg.Events{{Kind: conn.ExchangeProgress, Session: d.scr.id, Exchange: r.x}})
	if !d.Shows("Reply 121") || !d.Shows("receiving 500 B  1.1 s") || !d.Shows("rows so far ") {
		t.Errorf("does not say what has come:\n%s", d.View())
	}
	d.answer("", time.Second, netconf.Outcome{MessageID: "121", Result: netconf.Answered, OK: true}, nil)
	d.Advance(time.Second)
	if d.Timers() != 0 {
		t.Errorf("%d timers run with nothing to wait for", d.Timers())
	}
}

func TestStopSaysThatTheDeviceMayGoOn(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{})
	d.write(getConfig)
	d.Press("ctrl+r", "ctrl+c")
	if s := d.back.Stopped(); len(s) != 1 || s[0] != d.scr.reply().x.ID {
		t.Errorf("stopped %v", s)
	}
	if len(d.toasts) != 1 || d.toasts[0] != "Stopped waiting. The device may still finish it." {
		t.Errorf("toasts %q", d.toasts)
	}
	d.answer("", time.Second, netconf.Outcome{Result: netconf.Stopped}, &netconf.Fault{Code: "RPC-STOPPED", What: "stopped waiting"})
	if !d.Shows("  stopped ━") {
		t.Errorf("title does not say stopped:\n%s", d.View())
	}
}

func TestExchangesOfOthersAreKeptAndDoNotPushIn(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{})
	d.write(getConfig)
	d.Press("ctrl+r")
	d.answer(okReply("1"), time.Second, netconf.Outcome{MessageID: "1", Result: netconf.Answered, OK: true}, nil)
	for range 2 * keptReplies {
		x, err := d.back.Send(d.scr.id, netconf.Request{Name: "validate", Body: []byte("<validate/>")})
		if err != nil {
			t.Fatal(err)
		}
		d.Send(msg.Events{{Kind: conn.ExchangeProgress, Session: d.scr.id, Exchange: x}})
		d.answer("<rpc-reply><ok/></rpc-reply>", time.Second, netconf.Outcome{MessageID: "2", Result: netconf.Answered, OK: true}, nil)
	}
	if r := d.scr.reply(); r.number() != "1" {
		t.Errorf("reply %s took the place of the one that was looked at", r.number())
	}
	if n := len(d.scr.replies.list); n != keptReplies {
		t.Errorf("%d replies are kept", n)
	}
}

func TestUnknownOutcomeIsSaidInWords(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{})
	d.write("<edit-config><target><candidate/></target><config/></edit-config>")
	d.Press("ctrl+r")
	d.answer("", 2*time.Second, netconf.Outcome{Result: netconf.Unknown}, &netconf.Fault{
		Code: "NET-CUT", What: "the link was cut after the request was sent", Kept: "Nothing came", Do: "Check the candidate"})
	uitest.Golden(t, "unknown", d.View())
}

func TestErrorsAreMarkedInTheRPC(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{})
	d.write(`<edit-config>
  <target><candidate/></target>
  <config>
    <interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces">
      <interface><name>ge-0/0/2</name>
        <mtu>99999</mtu>
      </interface>
    </interfaces>
  </config>
</edit-config>`)
	d.Press("ctrl+r")
	d.answer("<rpc-reply message-id=\"123\"><rpc-error/></rpc-reply>", 200*time.Millisecond, netconf.Outcome{
		MessageID: "123", Result: netconf.Answered, ErrorCount: 2, Errors: []*netconf.RPCError{
			{Type: "application", Tag: "invalid-value", Severity: "error", Path: "/if:interfaces/if:interface[if:name='ge-0/0/2']/if:mtu",
				Message: "\"99999\" is not in range 256..9216", BadElement: "mtu"},
			{Type: "application", Tag: "data-missing", Severity: "error", Path: "/interfaces/interface[name=ge-0/0/9]/type", Message: "mandatory leaf is missing"},
		}}, nil)
	uitest.Golden(t, "errors", d.View())
	d.Press("enter")
	if line, _ := d.scr.rpc.Cursor(); line != 6 || d.scr.focus != rpcPart {
		t.Errorf("went to line %d of part %d", line, d.scr.focus)
	}
}

func TestLocate(t *testing.T) {
	t.Parallel()
	body := []byte("<edit-config>\n<config>\n<a xmlns=\"urn:a\">\n<b><name>x</name>\n<c>1</c>\n</b>\n<d/>\n</a>\n</config></edit-config>")
	errs := []*netconf.RPCError{
		{Path: "/nc:rpc/nc:edit-config/nc:config/a:a/a:b[a:name='x']/a:c"}, {Path: "/a/b[name='y']/c"},
		{BadElement: "p:d"}, {Path: "/nowhere"}, {}, {BadElement: "a"},
	}
	if got := fmt.Sprint(Locate(body, errs)); got != "[5 5 7 0 0 3]" {
		t.Errorf("lines %s", got)
	}
}

func TestLostSessionSaysWhatWasLost(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{})
	dev, _ := d.back.Device(d.scr.id)
	dev.State, dev.Since = conn.Lost, d.Now()
	dev.Err = &netconf.Fault{Code: "NET-CUT", What: "connection reset by peer", Kept: "Every reply that came", Do: "Connect again"}
	dev.Lost = []string{"the lock of candidate", "3 edits in candidate that were not committed"}
	d.Send(msg.Events{d.back.Set(dev)})
	uitest.Golden(t, "lost", d.View())
	d.write(getConfig)
	d.Press("ctrl+r")
	if len(d.sent) != 0 || len(d.toasts) != 1 || !strings.Contains(d.toasts[0], "R connects") {
		t.Errorf("sent %v, toasts %q", d.sent, d.toasts)
	}
	d.Press("R")
	if len(d.asked) != 1 || d.asked[0].(msg.Connect).Target.Name != "core-r1" {
		t.Errorf("asked %v", d.asked)
	}
}

// A device that dials us cannot be dialled: nothing offers that.
func TestLostCallerIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, via := range []link.Via{link.CallHome, link.Junos, link.HTTPS, link.HTTPSBasic} {
		d := newDesk(t, setup{})
		dev, _ := d.back.Device(d.scr.id)
		dev.State, dev.Since, dev.Target.Via = conn.Lost, d.Now(), via
		d.Send(msg.Events{d.back.Set(dev)})
		if v := d.View(); !strings.Contains(v, "when it calls again") || strings.Contains(v, "connect again") {
			t.Errorf("%s: shown as\n%s", via, v)
		}
		d.write(getConfig)
		d.Press("ctrl+r")
		if len(d.sent) != 0 || len(d.toasts) != 1 || !strings.Contains(d.toasts[0], "wait until the device calls again") {
			t.Errorf("%s: sent %v, toasts %q", via, d.sent, d.toasts)
		}
		if d.Press("R"); len(d.asked) != 0 {
			t.Errorf("%s: asked %v", via, d.asked)
		}
		if s := d.scr.verifyLater(); strings.Contains(s, "R ") || !strings.Contains(s, "V verifies") {
			t.Errorf("%s: %q", via, s)
		}
	}
}

// Why a device that dials us does not come back is said where it is waited for.
func TestLostCallerSaysThatACallWasRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{})
	dev, _ := d.back.Device(d.scr.id)
	dev.State, dev.Since = conn.Lost, d.Now()
	dev.Target.Via, dev.Target.DeviceID = link.Junos, "edge-7"
	d.Send(msg.Events{d.back.Set(dev)})
	line := calls.Line{Time: d.Now().Add(-time.Second), Event: "refused", DeviceID: "edge-7", From: netip.MustParseAddrPort("192.0.2.7:5000"),
		Err: &netconf.Fault{Code: "KEY-CHANGED", What: "the device shows another key\x1b[2J", Do: "Compare it"}}
	say := func(change func(*calls.Line)) string {
		change(&line)
		d.Send(msg.Desk{Log: []calls.Line{line}})
		return d.View()
	}
	if v := say(func(*calls.Line) {}); strings.Contains(v, "KEY-CHANGED") {
		t.Errorf("before it was lost:\n%s", v)
	}
	if v := say(func(l *calls.Line) { l.Time, l.DeviceID = d.Now().Add(time.Second), "edge-8" }); strings.Contains(v, "KEY-CHANGED") {
		t.Errorf("of another device:\n%s", v)
	}
	v := say(func(l *calls.Line) { l.DeviceID = "edge-7" })
	for _, want := range []string{"a call in its name, from 192.0.2.7, was refused:", "KEY-CHANGED the device shows another key", "Compare it"} {
		if !strings.Contains(v, want) {
			t.Errorf("%q is not said:\n%s", want, v)
		}
	}
	if strings.Contains(v, "\x1b[2J") {
		t.Errorf("hostile text: %q", v)
	}
	dev.State, dev.Since = conn.Open, d.Now().Add(2*time.Second)
	d.Send(msg.Events{d.back.Set(dev)})
	if v := d.View(); strings.Contains(v, "KEY-CHANGED") {
		t.Errorf("after it came back:\n%s", v)
	}
}

func TestDiallingShowsElapsedTimeAfterAWhile(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{dev: conn.Device{Target: link.Target{Name: "pe-12", Host: "192.0.2.12"}, State: conn.Authenticating}})
	d.scr.dev.Since = d.Now()
	d.scr.refresh()
	if d.Shows("0.1 s") || !d.Shows("Signing in on pe-12.") {
		t.Errorf("at once:\n%s", d.View())
	}
	d.Advance(2 * time.Second)
	if !d.Shows("2.0 s") {
		t.Errorf("after two seconds:\n%s", d.View())
	}
}

func TestTemplateGoesToTheEditorUnsent(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{})
	d.Press("t")
	uitest.Golden(t, "templates", d.View())
	d.Type("get-config")
	d.Press("enter")
	for i := 0; d.stack.Top() != nil && i < 10; i++ {
		d.Press("enter")
	}
	if !strings.Contains(d.scr.text(), "<get-config") || len(d.sent) != 0 {
		t.Errorf("editor %q, sent %d", d.scr.text(), len(d.sent))
	}
}

func TestTemplateAsksForWhatItNeeds(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{})
	d.Press("t")
	d.Type("edit-c")
	d.Press("enter")
	uitest.Golden(t, "template-blank", d.View())
	d.Press("right", "left", "right", "enter")
	d.Type("<a>")
	d.Press("enter")
	if d.stack.Top() == nil {
		t.Fatalf("a value that is no XML is taken: %q", d.scr.text())
	}
	d.Type("</a>")
	d.Press("enter")
	if got := d.scr.text(); !strings.Contains(got, "<running/>") || !strings.Contains(got, "<config><a></a></config>") {
		t.Errorf("editor %q", got)
	}
	d.Press("t")
	d.Type("startup")
	d.Press("enter")
	if d.stack.Top() == nil || !d.Shows("! device lacks") {
		t.Errorf("a template that the device cannot take is not explained:\n%s", d.View())
	}
}

func TestNotificationsAreCountedAndListed(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{})
	ring, most := d.back.Notes(d.scr.id), 100_000
	for range most {
		ring.Add(&netconf.Notification{Name: "old", Body: []byte("<notification><old/></notification>")})
	}
	for i := range 3 {
		at := d.Now().Add(time.Duration(i) * time.Second)
		ring.Add(&netconf.Notification{
			EventTime: at, Received: at.Add(40 * time.Millisecond), Name: "interface-state-change",
			Body: []byte("<notification><interface-state-change><name>ge-0/0/2</name></interface-state-change></notification>")})
	}
	d.Send(msg.Events{{Kind: conn.Notified, Session: d.scr.id}})
	if !d.Shows("100 003 notifications, 3 dropped") {
		t.Errorf("status %q", d.scr.Status())
	}
	d.Press("e", "k")
	uitest.Golden(t, "notifications", d.View())
	for range 5 {
		ring.Add(&netconf.Notification{Name: "later", Body: []byte("<notification><later/></notification>")})
	}
	if view := d.View(); !strings.Contains(view, "▌  14:02:32.000") || !strings.Contains(view, "100 008 notifications, 8 dropped") {
		t.Errorf("the list moved under the selection:\n%s", view)
	}
	d.Press("G")
	if !d.Shows("<later/>") {
		t.Errorf("the newest is not reached:\n%s", d.View())
	}
	d.Press("g")
	if !d.Shows("8 dropped before these") || !d.Shows("<old/>") {
		t.Errorf("the oldest is not reached:\n%s", d.View())
	}
	for range most {
		ring.Add(&netconf.Notification{Name: "newer", Body: []byte("<notification><newer/></notification>")})
	}
	if !d.Shows("newer") {
		t.Errorf("what was selected is gone, and nothing is shown:\n%s", d.View())
	}
}

// What a device did against the protocol is listed with its bytes, exactly.
func TestProtocolFaultsShowTheirBytes(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{})
	d.Press("f")
	if d.stack.Top() != nil {
		t.Fatal("a list of nothing")
	}
	raw := "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>\n<rpc-reply>\x1b[2J&x;\x00</rpc-reply>"
	at := d.Now()
	d.Send(msg.Events{
		d.back.Fault(d.scr.id, conn.Oddity{At: at, Err: &netconf.Fault{Code: "XML-DTD", What: "a message with a DOCTYPE was refused"}, Raw: []byte(raw)}),
		d.back.Fault(d.scr.id, conn.Oddity{At: at.Add(time.Second), Err: &netconf.Fault{Code: "HEL-XML", What: "no bytes \x1b"}}),
		d.back.Fault(d.scr.id, conn.Oddity{At: at.Add(2 * time.Second), Err: &netconf.Fault{Code: "RPC-ID", What: "reply \"105\" matches no request"},
			Raw: []byte("<rpc-reply message-id=\"105\"><ok/></rpc-reply>")}),
	})
	if !d.Shows("3 protocol faults") {
		t.Errorf("status %q", d.scr.Status())
	}
	d.Press("f")
	if !d.Shows("<rpc-reply message-id=\"105\"><ok/></rpc-reply>") {
		t.Errorf("not raw:\n%s", d.View())
	}
	d.Press("v")
	if !d.Shows("▾ <rpc-reply message-id=\"105\">") {
		t.Errorf("not as XML:\n%s", d.View())
	}
	d.Press("k")
	if !d.Shows("No bytes belong to this one.") {
		t.Errorf("nothing is said of no bytes:\n%s", d.View())
	}
	d.Press("v", "w", "k")
	uitest.OnlySGR(t, d.View())
	uitest.Golden(t, "faults", d.View())
	d.Press("w")
	d.Press("ctrl+u")
	d.Type("odd.bin")
	d.Press("enter")
	got, err := os.ReadFile(filepath.Join(d.scr.d.WorkDir, "odd.bin"))
	if err != nil || string(got) != raw {
		t.Errorf("saved %q, %v; toasts %q", got, err, d.toasts)
	}
	d.Press("esc")
	if d.stack.Top() != nil {
		t.Error("the list stays")
	}
}

func TestMonoAndASCIISayTheSame(t *testing.T) {
	t.Parallel()
	th, _ := style.New("mono", true, true)
	d := newDesk(t, setup{theme: th})
	d.write("<save-config/>")
	d.Press("ctrl+r")
	d.Advance(time.Second)
	d.answer(okReply("7"), time.Second, netconf.Outcome{MessageID: "7", Result: netconf.Answered, OK: true}, nil)
	dev, _ := d.back.Device(d.scr.id)
	dev.State, dev.Err = conn.Lost, errors.New("gone")
	d.Send(msg.Events{d.back.Set(dev)})
	view := d.View()
	for _, r := range view {
		if r > 0x7e {
			t.Fatalf("%q in\n%s", r, view)
		}
	}
	for _, want := range []string{"changes the device", "  ok =", "! The session on core-r1 was lost.", "lost "} {
		if !d.Shows(want) {
			t.Errorf("%q is missing in\n%s", want, view)
		}
	}
}

func TestUnsentTextIsNotReplacedUnasked(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{})
	d.Press("i")
	d.Type("<get/>")
	d.Press("esc")
	d.Send(msg.LoadRPC{ID: d.scr.id, Body: "<lock/>"})
	if d.stack.Top() == nil || !strings.Contains(d.scr.text(), "<get/>") {
		t.Fatalf("replaced without a question: %q", d.scr.text())
	}
	d.Press("r")
	if d.scr.text() != "<lock/>" {
		t.Errorf("editor %q", d.scr.text())
	}
}

func TestRepliesCanBeLookedAtAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{})
	for i := range 3 {
		d.write(getConfig)
		d.Press("ctrl+r")
		d.answer(okReply(fmt.Sprint(118+i)), time.Second, netconf.Outcome{MessageID: fmt.Sprint(118 + i), Result: netconf.Answered, OK: true}, nil)
	}
	d.Press("j", "j", "j", " ", ",", ",")
	if !d.Shows("Reply 118  2 before the last") {
		t.Errorf("two back:\n%s", d.View())
	}
	d.Press(".", ".")
	if !d.Shows("Reply 120") || !d.Shows("▸ <interface> ge-0/0/0") {
		t.Errorf("its folds are gone:\n%s", d.View())
	}
}

func TestDraftOutlivesTheRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := newDesk(t, setup{state: dir})
	d.Press("i")
	d.Type("<get><x/></get>")
	d.Press("esc")
	d.Advance(2 * time.Second)
	path := filepath.Join(dir, "drafts", "core-r1.xml")
	b, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(b), "<x/>") {
		t.Fatalf("draft %q, %v", b, err)
	}
	if fi, _ := os.Stat(path); fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", fi.Mode())
	}
	e := newDesk(t, setup{state: dir})
	if e.stack.Top() == nil {
		t.Fatal("the draft is not offered")
	}
	e.Press("e")
	if e.scr.text() != string(b) {
		t.Errorf("editor %q", e.scr.text())
	}
	e.Press("ctrl+r")
	e.answer(okReply("1"), time.Second, netconf.Outcome{MessageID: "1", Result: netconf.Answered, OK: true}, nil)
	e.Advance(2 * time.Second)
	if _, err := os.Stat(path); err == nil {
		t.Error("the draft of what was sent is still there")
	}
}

func TestHostileTextStaysInItsPlace(t *testing.T) {
	t.Parallel()
	bad := "\x1b]0;x\x07\x1b[2J\u202e\u200b\x9b31m\nZ"
	d := newDesk(t, setup{dev: conn.Device{Target: link.Target{Name: bad, Host: bad}, State: conn.Open, Caps: candidateCaps(),
		Locks: []netconf.Datastore{netconf.Datastore(bad)}, Dirty: 1}})
	d.scr.Resize(140, 37)
	d.write("<get/>")
	d.Press("ctrl+r")
	d.answer("<rpc-reply message-id=\""+bad+"\"><a>"+bad+"</a></rpc-reply>", time.Second, netconf.Outcome{
		MessageID: bad, Result: netconf.Answered, ErrorCount: 1,
		Errors: []*netconf.RPCError{{Tag: bad, Type: bad, Severity: "error", Path: bad, Message: bad, BadElement: bad, Info: bad}},
		Flags:  []*netconf.Fault{{Code: "X", What: bad}},
	}, nil)
	d.back.Notes(d.scr.id).Add(&netconf.Notification{Name: bad, Body: []byte("<n>" + bad + "</n>")})
	d.Send(msg.Events{{Kind: conn.Notified, Session: d.scr.id}, d.back.Fault(d.scr.id, conn.Oddity{Err: errors.New(bad), Raw: []byte(bad)})})
	look := func() {
		t.Helper()
		uitest.OnlySGR(t, d.View())
	}
	look()
	d.Press("v")
	look()
	d.Press("e")
	look()
	d.Press("esc", "f")
	look()
	d.Press("esc", "tab", "t")
	look()
	d.Press("esc")
	dev, _ := d.back.Device(d.scr.id)
	dev.State, dev.Err, dev.Lost = conn.Lost, errors.New(bad), []string{bad}
	d.Send(msg.Events{d.back.Set(dev)})
	look()
}

func TestNoKeyHasTwoActions(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{})
	d.scr.Resize(140, 37)
	d.write(getConfig)
	for _, editing := range []bool{false, true} {
		d.scr.rpc.SetEditing(editing)
		if c := action.Clashes(d.scr.Actions()); len(c) > 0 {
			t.Errorf("RPC, editing %v: %v", editing, c)
		}
	}
	d.scr.rpc.SetEditing(false)
	d.Press("ctrl+r")
	d.answer(okReply("1"), time.Second, netconf.Outcome{Result: netconf.Answered, OK: true}, nil)
	if c := action.Clashes(d.scr.Actions()); len(c) > 0 {
		t.Errorf("reply: %v", c)
	}
	d.Press("tab")
	if c := action.Clashes(d.scr.Actions()); d.scr.focus != sidePart || len(c) > 0 {
		t.Errorf("part %d: %v", d.scr.focus, c)
	}
}
