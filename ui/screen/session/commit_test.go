package session

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/commit"
	"dialtone/conn/journal"
	"dialtone/conn/link"
	"dialtone/netconf"
	"dialtone/netconf/simdev"
	"dialtone/netconf/xmldoc"
	"dialtone/ui/msg"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

// bench is a session screen over a real manager and a simulated device, with a
// wall clock that the test moves.
type bench struct {
	*desk
	m      *conn.Manager
	c      *commit.Control
	id     conn.SessionID
	events <-chan conn.Event
	pipes  *pipes
	shift  *atomic.Int64
	dir    string
}

func newBench(t *testing.T, dialect simdev.Dialect, faults simdev.Faults, dir string) *bench {
	t.Helper()
	b := &bench{shift: &atomic.Int64{}, dir: dir}
	now := func() time.Time { return time.Now().Add(time.Duration(b.shift.Load())) }
	b.pipes = &pipes{dev: simdev.New(simdev.Options{Name: "core-r1", Dialect: dialect, Faults: faults}), cut: make(chan io.Closer, 4)}
	b.c, _ = commit.New(commit.Options{Dir: dir, Clock: commit.Wall(now)})
	j := journal.Memory()
	b.m = conn.NewManager(conn.Options{Dialer: b.pipes, Journal: j, Watch: b.c})
	b.c.Bind(b.m)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		b.m.Close(ctx)
	})
	b.events = b.m.Events()
	b.id = b.m.Connect(link.Target{Name: "core-r1"})
	th, _ := style.New("default", false, true)
	b.desk = &desk{t: t, Driver: uitest.NewDriver(t)}
	b.scr = New(&screen.Deps{Backend: b.m, Journal: j, Commits: b.c, Templates: templates(), Theme: th, Now: now, Tick: b.Tick, WorkDir: t.TempDir()}, b.id)
	b.Drive(b.desk)
	b.scr.Resize(100, 30)
	b.Do(tea.Batch(b.scr.Init(), b.scr.Focus(true)))
	b.until("the session", func() bool { return b.scr.dev.State == conn.Open })
	return b
}

func (b *bench) until(what string, ok func() bool) {
	b.t.Helper()
	limit := time.After(20 * time.Second)
	for !ok() {
		select {
		case e := <-b.events:
			b.Send(msg.Events{e})
		case <-limit:
			b.t.Fatalf("waited for %s; toasts %q\n%s", what, b.toasts, b.View())
		}
	}
}

// told waits until a toast or a dialog holds text.
func (b *bench) told(text string) {
	b.t.Helper()
	b.until(text, func() bool {
		for _, s := range b.toasts {
			if strings.Contains(s, text) {
				return true
			}
		}
		return b.Shows(text)
	})
}

func (b *bench) edit(dialect simdev.Dialect, value string) {
	b.t.Helper()
	config := `<interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"><interface><name>eth1</name><description>` + value + `</description></interface></interfaces>`
	if dialect == simdev.Junos {
		config = `<configuration><system><host-name>` + value + `</host-name></system></configuration>`
	}
	b.Do(b.scr.setFocus(rpcPart))
	b.write("<edit-config><target><candidate/></target><config>" + config + "</config></edit-config>")
	b.Press("ctrl+r")
	b.until("the edit", func() bool { return b.scr.dev.Dirty > 0 && b.scr.inFlight() == nil })
}

// running is what the device has now.
func (b *bench) holds(value string) bool {
	b.t.Helper()
	x, err := b.m.Send(b.id, netconf.Request{Name: "get-config", Body: []byte("<get-config><source><running/></source></get-config>"), Effect: netconf.Reads})
	if err != nil {
		b.t.Fatal(err)
	}
	<-x.Done()
	text, _ := io.ReadAll(x.Doc.Reader())
	return strings.Contains(string(text), value)
}

func dialects() []simdev.Dialect { return []simdev.Dialect{simdev.RFC, simdev.Junos} }

// TestStoryOfChanges locks, edits, compares, validates, commits with a time
// limit and confirms, on both kinds of devices.
func TestStoryOfChanges(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, dialect, simdev.Faults{}, t.TempDir())
			b.Press("K")
			b.told("says ok")
			b.until("the lock", func() bool { return b.scr.holds() })
			b.edit(dialect, "moved-1")
			b.Press("D")
			b.told("change 1 of 1")
			b.Press("y", "p", "esc")
			b.toasts = nil
			b.Press("V")
			b.told("says ok")
			b.Press("C")
			if !b.Shows("[x] confirmed") || !b.Shows("+0  -0  ~1") || !b.Shows(">[ Cancel ]") {
				t.Fatalf("dialog:\n%s", b.View())
			}
			b.Press("enter")
			if b.stack.Top() != nil || b.holds("moved-1") {
				t.Fatal("Enter is not the safe answer")
			}
			b.Press("C", "C")
			b.told("rolls back in 10:00 unless confirmed")
			if !b.holds("moved-1") {
				t.Error("running does not hold the change")
			}
			if st := b.c.State(b.id); st.Pending == nil || !st.Waits {
				t.Fatalf("state %+v", st)
			}
			b.shift.Store(int64(9 * time.Minute))
			b.Press("C")
			if !b.Shows("Confirm the commit on core-r1?") || !b.Shows("Rolls back in 0") {
				t.Fatalf("question:\n%s", b.View())
			}
			b.Press("C")
			b.told("Confirmed: core-r1 keeps the commit")
			if files, _ := filepath.Glob(filepath.Join(b.dir, "*")); len(files) != 0 {
				t.Errorf("left behind: %q", files)
			}
			b.toasts = nil
			b.Press("K")
			b.told("says ok")
			b.until("the release", func() bool { return !b.scr.holds() })
		})
	}
}

// TestStoryOfTakingBack discards edits, and rolls a confirmed commit back.
func TestStoryOfTakingBack(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, dialect, simdev.Faults{}, t.TempDir())
			b.edit(dialect, "moved-2")
			b.Press("X")
			if !b.Shows("Discard the candidate of core-r1?") || !b.Shows("shared and not locked") {
				t.Fatalf("question:\n%s", b.View())
			}
			b.Press("enter")
			if b.scr.dev.Dirty == 0 {
				t.Fatal("Enter discarded")
			}
			b.Press("X", "X")
			b.until("the discard", func() bool { return b.scr.dev.Dirty == 0 })
			b.edit(dialect, "moved-3")
			b.Press("C", "C")
			b.told("Committed: rolls back")
			b.toasts = nil
			b.Press("U")
			if !b.Shows("Roll back core-r1 now?") {
				t.Fatalf("question:\n%s", b.View())
			}
			b.Press("U")
			b.told("Rolled back: core-r1")
			if b.holds("moved-3") {
				t.Error("running still holds the change")
			}
		})
	}
}

// TestStoryOfALostAnswer: the answer to a confirmed commit is lost with the
// link. The screen says that the outcome is not known, sends nothing by itself,
// and after connecting again says which it was.
func TestStoryOfALostAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(t, simdev.RFC, simdev.Faults{}, t.TempDir())
	b.edit(simdev.RFC, "moved-4")
	b.Press("C", "C")
	b.told("Committed: rolls back")
	b.toasts = nil
	(<-b.pipes.cut).Close()
	b.until("the loss", func() bool { return b.scr.dev.State == conn.Lost })
	for _, words := range []string{"must have rolled back", "R connects again, then V verifies"} {
		if !b.Shows(words) {
			t.Errorf("%q is not said:\n%s", words, b.View())
		}
	}
	sent := len(b.m.Replies(b.id))
	b.Press("R")
	b.until("the session", func() bool { return b.scr.dev.State == conn.Open })
	if n := len(b.m.Replies(b.id)); n != sent {
		t.Errorf("%d exchanges after the loss, %d before", n, sent)
	}
	b.Press("V")
	b.told("Rolled back: running of core-r1 is what it was")
	if b.holds("moved-4") {
		t.Error("running holds the change")
	}
	if b.c.State(b.id).Pending != nil {
		t.Error("the commit is still listed")
	}
}

// TestStoryOfThePast lists past commits, compares and loads one.
func TestStoryOfThePast(t *testing.T) {
	t.Parallel()
	b := newBench(t, simdev.Junos, simdev.Faults{}, "")
	b.edit(simdev.Junos, "moved-5")
	b.Press("C")
	b.Press("shift+tab")
	b.Type("second try")
	b.Press("tab", "C")
	b.told("Committed: rolls back")
	b.Press("C", "C")
	b.told("Confirmed")
	b.toasts = nil
	b.Press("r")
	b.told("Past commits  core-r1")
	b.until("the list", func() bool { return b.Shows("second try") })
	b.Press("j", "j", "enter")
	b.told("rollback 2")
	b.until("the comparison", func() bool { return b.Shows("change 1 of") })
	b.Press("esc", "l")
	if !b.Shows("Load a past configuration on core-r1?") || !b.Shows(`<load-configuration rollback="2"/>`) {
		t.Fatalf("question:\n%s", b.View())
	}
	b.Press("l")
	b.until("the load", func() bool { return b.scr.dev.Dirty > 0 })
	b.Press("esc")
	if b.scr.over() != nil {
		t.Error("esc leaves the list open")
	}
}

func TestMarkedRepliesAreCompared(t *testing.T) {
	t.Parallel()
	b := newBench(t, simdev.RFC, simdev.Faults{}, "")
	get := func() {
		b.Do(b.scr.setFocus(rpcPart))
		b.write("<get-config><source><candidate/></source></get-config>")
		b.Press("ctrl+r")
		b.until("the reply", func() bool { return b.scr.inFlight() == nil && b.scr.reply() != nil && b.scr.reply().ended })
	}
	get()
	b.Press("m")
	b.told("Marked reply")
	b.edit(simdev.RFC, "moved-6")
	get()
	sent := len(b.scr.replies.list)
	b.Press("D")
	b.told("change 1 of 1")
	if !b.Shows("moved-6") || len(b.scr.replies.list) != sent {
		t.Errorf("%d exchanges, %d before\n%s", len(b.scr.replies.list), sent, b.View())
	}
}

// TestReadOnlyTakesTheKeysAway: nothing that touches the configuration can be
// planned, and the reason is told.
func TestReadOnlyTakesTheKeysAway(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{readOnly: true})
	for _, k := range []string{"V", "C", "X", "U", "K"} {
		d.toasts = nil
		d.Press(k)
		if len(d.sent) != 0 || d.stack.Top() != nil {
			t.Errorf("%s: sent %v, dialog %v", k, d.sent, d.stack.Top())
		}
	}
}

func commitDesk(t *testing.T) *desk {
	d := newDesk(t, setup{})
	dev, _ := d.back.Device(d.scr.id)
	dev.Caps = netconf.NewCaps([]string{"urn:ietf:params:netconf:base:1.1", "urn:ietf:params:netconf:capability:candidate:1.0",
		"urn:ietf:params:netconf:capability:confirmed-commit:1.1", "urn:ietf:params:netconf:capability:validate:1.1"})
	d.Send(msg.Events{d.back.Set(dev)})
	return d
}

func TestCommitDialogAtSizes(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{80, 20}, {140, 36}, {60, 11}} {
		d := commitDesk(t)
		d.scr.Resize(size[0], size[1])
		d.Press("C")
		name := fmt.Sprintf("commit-%dx%d", size[0], size[1])
		uitest.Golden(t, name, d.stack.Top().View(size[0], size[1])+"\n"+d.stack.Top().Help())
		d.Press("r")
		uitest.Golden(t, name+"-requests", d.stack.Top().View(size[0], size[1]))
	}
}

func TestCommitDialogTakesNumbersAndToggles(t *testing.T) {
	t.Parallel()
	d := commitDesk(t)
	d.Press("C", "tab", "tab", "ctrl+u")
	d.Type("9x0")
	dialog := d.stack.Top().(*commitDialog)
	if o, err := dialog.order(); err != nil || o.Timeout != 90*time.Second || !o.Validate || o.Unlock || o.Persist {
		t.Errorf("order %+v, %v", o, err)
	}
	d.Press("ctrl+u")
	if _, err := dialog.order(); err == nil || !strings.Contains(dialog.View(80, 24), "must be a number") {
		t.Errorf("no time is no error:\n%s", dialog.View(80, 24))
	}
	d.Press("C")
	if d.stack.Top() == nil || len(d.sent) != 0 {
		t.Error("C sent a plan that is wrong")
	}
	d.Type("60")
	d.Press("tab", "space")
	first := dialog.plan.Token
	d.Press("tab", "tab", "space")
	if first == "" || dialog.plan.Token != first {
		t.Errorf("the token that is shown changes: %q, then %q", first, dialog.plan.Token)
	}
	if text := planText(dialog.plan); !strings.Contains(text, first) || !strings.Contains(text, "<confirm-timeout>60</confirm-timeout>") || strings.Contains(text, "validate") {
		t.Errorf("plan %s", text)
	}
}

func TestCoverIsExactAtEverySize(t *testing.T) {
	t.Parallel()
	d := commitDesk(t)
	d.Do(d.scr.compareReplies(&conn.Exchange{Doc: mustDoc(t, okReply("1"))}, &conn.Exchange{Doc: mustDoc(t, strings.Replace(okReply("1"), "to core-r3", "elsewhere", 1))}, "one\x1b[2J", "two"))
	for w := 40; w <= 200; w += 20 {
		for h := 8; h <= 60; h += 13 {
			d.scr.Resize(w, h)
			uitest.ExactSize(t, d.scr.View(), w, h)
			uitest.OnlySGR(t, d.scr.View())
		}
	}
	d.scr.Resize(80, 20)
	if !d.Shows("change 1 of 1") || !d.Shows("elsewhere") {
		t.Errorf("no comparison:\n%s", d.View())
	}
	d.Press("esc")
	if d.scr.over() != nil {
		t.Error("esc does not go back")
	}
}

func mustDoc(t *testing.T, text string) *xmldoc.Doc {
	t.Helper()
	d := xmldoc.New(xmldoc.Options{})
	t.Cleanup(func() { d.Close() })
	if _, err := d.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	d.Finish(nil)
	return d
}

// TestStoryOfAnUnknownCommit: the device commits and hangs up instead of
// answering. The screen says that it is not known, sends nothing again, and
// Verify finds that the commit is in force and still waits.
func TestStoryOfAnUnknownCommit(t *testing.T) {
	t.Parallel()
	b := newBench(t, simdev.RFC, simdev.Faults{Only: []string{"commit"}, LoseReply: true, KeepOnLoss: true}, t.TempDir())
	b.edit(simdev.RFC, "moved-7")
	b.Press("C", "tab", "tab", "tab", "space") // survives the session
	dialog, ok := b.stack.Top().(*commitDialog)
	if !ok || !dialog.persist {
		t.Fatalf("dialog:\n%s", b.View())
	}
	b.Press("C")
	b.told("Outcome unknown on core-r1")
	if !b.Shows("Nothing is sent again by itself") {
		t.Errorf("the words:\n%s", b.View())
	}
	b.Press("esc")
	b.until("the loss", func() bool { return b.scr.dev.State == conn.Lost })
	sent := len(b.m.Replies(b.id))
	for _, k := range []string{"C", "U", "X", "K"} {
		b.toasts = nil
		b.Press(k)
		if b.stack.Top() != nil || len(b.toasts) != 1 {
			t.Errorf("%s on a lost session: toasts %q\n%s", k, b.toasts, b.View())
		}
	}
	b.Press("R")
	b.until("the session", func() bool { return b.scr.dev.State == conn.Open })
	if n := len(b.m.Replies(b.id)); n != sent {
		t.Errorf("%d exchanges after the loss, %d before", n, sent)
	}
	b.Press("V")
	b.told("Still applied: running of core-r1")
	if !b.Shows("C  confirm it (asks first)") || !b.Shows("U  roll back now (asks first)") {
		t.Errorf("choices:\n%s", b.View())
	}
	b.Press("enter")
	if st := b.c.State(b.id); st.Pending == nil {
		t.Error("looking settled the commit by itself")
	}
	b.Press("U")
	if !b.Shows("<persist-id>" + dialog.plan.Token) {
		t.Fatalf("question:\n%s", b.View())
	}
	b.Press("U")
	b.told("Rolled back: core-r1 says")
	if b.holds("moved-7") {
		t.Error("running still holds the change")
	}
}

// TestStoryOfAnUnknownEdit: D compares, and that settles it.
func TestStoryOfAnUnknownEdit(t *testing.T) {
	t.Parallel()
	b := newBench(t, simdev.RFC, simdev.Faults{Only: []string{"edit-config"}, LoseReply: true}, "")
	b.write(`<edit-config><target><candidate/></target><config><interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"><interface><name>eth1</name><description>moved-8</description></interface></interfaces></config></edit-config>`)
	b.Press("ctrl+r")
	b.until("the loss", func() bool { return b.scr.dev.State == conn.Lost })
	b.until("the words", func() bool { return b.Shows("OUTCOME UNKNOWN") })
	b.Press("R")
	b.until("the session", func() bool { return b.scr.dev.State == conn.Open })
	b.Press("D")
	b.until("the comparison", func() bool { return b.Shows("change 1 of 1") || b.Shows("The two say the same") })
	if st := b.c.State(b.id); st.Unknown != "" {
		t.Errorf("still unknown after comparing: %s", st.Unknown)
	}
}
