package session

import (
	"strings"
	"testing"
	"time"

	"dialtone/conn"
	"dialtone/netconf"
	"dialtone/netconf/simdev"
	"dialtone/ui/msg"
	"dialtone/ui/uitest"
)

// typed sends what stands in the editor.
func (b *bench) typed(text string) {
	b.t.Helper()
	b.Do(b.scr.setFocus(rpcPart))
	b.write(text)
	b.toasts = nil
	b.Press("ctrl+r")
}

// TestStoryOfATypedCommit: a confirmed commit that is written in the editor
// counts down, is confirmed and rolled back by the keys, and what became of it
// can be told.
func TestStoryOfATypedCommit(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, dialect, simdev.Faults{}, t.TempDir())
			b.edit(dialect, "moved-7")
			arm := `<commit><confirmed/><confirm-timeout>300</confirm-timeout><persist>tok</persist></commit>`
			if dialect == simdev.Junos {
				arm = `<commit-configuration><confirmed/><confirm-timeout>5</confirm-timeout></commit-configuration>`
			}
			b.typed(arm)
			b.told("Committed: rolls back in 05:00 unless confirmed.")
			st := b.c.State(b.id)
			if st.Pending == nil || !st.Waits || st.Pending.Wait != 5*time.Minute || st.Pending.Before.Zero() {
				t.Fatalf("state %+v", st.Pending)
			}
			if r := b.scr.reply(); r == nil || !strings.HasPrefix(r.x.Request.Name, "commit") || b.scr.draft.sent == "" {
				t.Errorf("the reply is not shown, or the text counts as unsent")
			}
			b.Press("C")
			if !b.Shows("Confirm the commit on core-r1?") {
				t.Fatalf("C does not confirm:\n%s", b.View())
			}
			b.Press("esc", "U")
			if !b.Shows("Roll back core-r1 now?") || !b.Shows("D  Show what differs first") {
				t.Fatalf("question:\n%s", b.View())
			}
			b.Press("D")
			b.until("the comparison", func() bool { return b.Shows("change 1 of 1") })
			if !b.Shows("moved-7") || !b.Shows("before the commit") {
				t.Errorf("comparison:\n%s", b.View())
			}
			b.Press("U", "U")
			b.told("Rolled back: core-r1 says that the commit is undone.")
			b.Press("esc")
			if b.holds("moved-7") || b.c.State(b.id).Pending != nil {
				t.Error("it is not rolled back")
			}

			b.edit(dialect, "moved-8")
			b.typed(arm)
			b.told("Committed: rolls back in 05:00")
			b.typed(map[simdev.Dialect]string{simdev.RFC: `<commit><persist-id>tok</persist-id></commit>`, simdev.Junos: `<commit-configuration/>`}[dialect])
			b.told("Confirmed: core-r1 keeps the commit.")
			if !b.holds("moved-8") || b.c.State(b.id).Pending != nil {
				t.Error("it is not confirmed")
			}
		})
	}
}

// The answer to what was typed is lost, and reading tells what became of it.
func TestLostAnswerToATypedCommitIsTold(t *testing.T) {
	t.Parallel()
	b := newBench(t, simdev.RFC, simdev.Faults{}, t.TempDir())
	b.edit(simdev.RFC, "moved-9")
	b.pipes.dev.SetFaults(simdev.Faults{LoseReply: true, Only: []string{"commit"}})
	b.typed(`<commit><confirmed/><persist>p</persist></commit>`)
	b.told("The answer to the confirmed commit was lost: it may or may not be in force.")
	if !b.Shows("Outcome unknown on core-r1") {
		t.Errorf("no dialog:\n%s", b.View())
	}
	b.pipes.dev.SetFaults(simdev.Faults{})
	b.Press("esc")
	b.until("the loss", func() bool { return b.scr.dev.State == conn.Lost })
	b.Press("R")
	b.until("the session", func() bool { return b.scr.dev.State == conn.Open })
	b.toasts = nil
	b.Press("V")
	b.told("Still applied: running of core-r1 is what the commit")
	if n := strings.Count(b.pipes.text(), "<commit>"); n != 1 {
		t.Errorf("%d commits were sent", n)
	}
}

// Who stops the reading before a commit gets no commit, from the dialog too.
func TestCtrlCBeforeACommitSendsNone(t *testing.T) {
	t.Parallel()
	b := newBench(t, simdev.RFC, simdev.Faults{}, t.TempDir())
	b.edit(simdev.RFC, "moved-10")
	b.pipes.dev.SetFaults(simdev.Faults{Silent: true, Only: []string{"get-config"}})
	b.Press("C")
	go b.stopWhenReading() // ends with the reading
	b.Press("C")
	b.told("stopped while the configuration was read before the commit")
	b.pipes.dev.SetFaults(simdev.Faults{})
	if b.holds("moved-10") || strings.Contains(b.pipes.text(), "<confirmed/>") {
		t.Error("the commit was sent")
	}
}

// stopWhenReading does what ctrl+c does as soon as a get-config is under way.
func (b *bench) stopWhenReading() {
	for limit := time.Now().Add(20 * time.Second); time.Now().Before(limit); time.Sleep(time.Millisecond) {
		for id := conn.ExchangeID(1); id < 50; id++ {
			x, ok := b.m.Exchange(id)
			if !ok || x.Request.Name != "get-config" {
				continue
			}
			if _, done, _ := x.Snapshot(); !done {
				b.m.Stop(id)
				return
			}
		}
	}
}

// A check may confirm a commit of Junos: V does not offer it then.
func TestNoCheckWhileACommitWaitsOnJunos(t *testing.T) {
	t.Parallel()
	b := newBench(t, simdev.Junos, simdev.Faults{}, "")
	b.edit(simdev.Junos, "moved-11")
	b.Press("C", "C")
	b.told("Committed: rolls back")
	b.until("the answer", func() bool { return b.scr.commits.doing == "" })
	for _, a := range b.scr.commitActions() {
		if a.ID == "session.validate" && !strings.Contains(a.Off, "Junos may take a check for its confirmation") {
			t.Errorf("V is on: %+v", a)
		}
	}
}

func TestCommitDialogOfJunos(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{})
	dev, _ := d.back.Device(d.scr.id)
	dev.Caps = netconf.NewCaps([]string{"urn:ietf:params:netconf:base:1.0", "urn:ietf:params:netconf:capability:candidate:1.0", "http://xml.juniper.net/netconf/junos/1.0"})
	d.Send(msg.Events{d.back.Set(dev)})
	d.scr.Resize(80, 20)
	d.Press("C")
	dialog := d.stack.Top().(*commitDialog)
	uitest.Golden(t, "commit-junos-80x20", dialog.View(80, 20)+"\n"+dialog.Help())
	d.Press("tab", "space") // from Cancel to confirmed, off
	if dialog.confirmed {
		t.Fatal("still confirmed")
	}
	d.Press("shift+tab", "shift+tab", "shift+tab") // comment, at
	d.Type("20:00")
	d.Press("shift+tab", "space")
	text := planText(dialog.plan)
	for _, want := range []string{"<at-time>20:00</at-time>", "<synchronize/>"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s lacks %s (%v)", text, want, dialog.err)
		}
	}
	if strings.Contains(text, "confirmed") {
		t.Errorf("plan %s", text)
	}
}

// A device without a candidate takes edits of running at once: they are asked
// about first, and Enter is not the answer that sends.
func TestEditOfRunningWithoutACandidateAsksFirst(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{})
	dev, _ := d.back.Device(d.scr.id)
	dev.Caps = netconf.NewCaps([]string{"urn:ietf:params:netconf:base:1.1", "urn:ietf:params:netconf:capability:writable-running:1.0", "urn:ietf:params:netconf:capability:startup:1.0"})
	d.Send(msg.Events{d.back.Set(dev)})
	d.write(`<edit-config><target><running/></target><config/></edit-config>`)
	d.Press("ctrl+r")
	for _, want := range []string{"Send edit-config to", "at once: the device has no", "Running is not locked", "Startup is not changed"} {
		if !d.Shows(want) {
			t.Errorf("%q is not said:\n%s", want, d.View())
		}
	}
	d.Press("enter")
	if len(d.sent) != 0 || d.stack.Top() != nil {
		t.Fatal("Enter sent it")
	}
	d.Press("ctrl+r", "s")
	if len(d.sent) != 1 {
		t.Errorf("%d were sent", len(d.sent))
	}
}
