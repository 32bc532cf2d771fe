package ui

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dialtone/conn"
	"dialtone/conn/commit"
	"dialtone/conn/link"
	"dialtone/netconf"
	"dialtone/ui/msg"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

// waiting is the lab with a confirmed commit on core-r1 that ends in left.
func waiting(t *testing.T, left time.Duration, change func(*Deps)) *program {
	t.Helper()
	p := lab(t, change)
	d, _ := p.backend.Device(1)
	body := fmt.Sprintf("<commit><confirmed/><confirm-timeout>%d</confirm-timeout></commit>", int(left.Seconds()))
	x := &conn.Exchange{ID: 1, Session: 1, Device: "core-r1", Request: netconf.Request{Name: "commit", Body: []byte(body), Effect: netconf.Commits}}
	if err := p.root.d.Commits.Before(x, d); err != nil {
		t.Fatal(err)
	}
	p.root.d.Commits.After(x, netconf.Outcome{Result: netconf.Answered, OK: true, Sent: p.Now()}, nil, d)
	p.Send(events(p.backend.Set(d)))
	return p
}

func TestCommitBarAtSizes(t *testing.T) {
	t.Parallel()
	for _, at := range [][2]int{{80, 24}, {140, 40}, {60, 15}, {44, 8}} {
		name := fmt.Sprintf("%dx%d", at[0], at[1])
		p := waiting(t, 8*time.Minute+41*time.Second, nil)
		p.Resize(at[0], at[1])
		uitest.ExactSize(t, p.View(), at[0], at[1])
		uitest.Golden(t, "bar-devices-"+name, uitest.Plain(p.View()))
		p.Send(msg.OpenSession{ID: 1})
		uitest.Golden(t, "bar-session-"+name, uitest.Plain(p.View()))
		p.Advance(8 * time.Minute)
		uitest.Golden(t, "bar-last-minute-"+name, uitest.Plain(p.View()))
	}
}

func TestBarAtEverySize(t *testing.T) {
	t.Parallel()
	for _, ascii := range []bool{false, true} {
		p := waiting(t, 41*time.Second, func(d *Deps) { d.Theme, _ = style.New("default", ascii, false) })
		p.Send(msg.OpenSession{ID: 1})
		for w := 40; w <= 200; w += 20 {
			for h := 8; h <= 60; h += 13 {
				p.Resize(w, h)
				uitest.ExactSize(t, p.View(), w, h)
				uitest.OnlySGR(t, p.View())
			}
		}
	}
}

// TestBarTakesAndGivesBackItsRow: the screens always have exactly the room that
// is left.
func TestBarTakesAndGivesBackItsRow(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	all := probes(p)
	p.Send(msg.OpenSession{ID: 1})
	before := all[1].h
	d, _ := p.backend.Device(1)
	d.Pending = &conn.Pending{Sent: p.Now(), Deadline: p.Now().Add(time.Minute)}
	p.Send(events(p.backend.Set(d)))
	if all[1].h != before-1 {
		t.Errorf("%d rows with a bar, %d without", all[1].h, before)
	}
	d.Pending = nil
	p.Send(events(p.backend.Set(d)))
	if all[1].h != before {
		t.Errorf("%d rows after the bar, %d before", all[1].h, before)
	}
}

// TestOneBellInTheLastMinute counts the bells behind the titles.
func TestOneBellInTheLastMinute(t *testing.T) {
	t.Parallel()
	p := waiting(t, 2*time.Minute, nil)
	bells := func() int { return strings.Count(fmt.Sprint(p.Asked()), "\a") }
	p.Advance(58 * time.Second)
	if n := bells(); n != 0 {
		t.Errorf("%d bells before the last minute", n)
	}
	p.Advance(5 * time.Second)
	if n := bells(); n != 1 {
		t.Errorf("%d bells when the last minute begins", n)
	}
	p.Advance(2 * time.Minute)
	if n := bells(); n != 1 {
		t.Errorf("%d bells in all", n)
	}
}

// TestLettersOfTheBarConcernWhatItNames: on another session's screen C is that
// session's, so the bar does not offer it.
func TestLettersOfTheBarConcernWhatItNames(t *testing.T) {
	t.Parallel()
	p := waiting(t, 5*time.Minute, nil)
	p.mustShow(t, "CONFIRMED COMMIT core-r1", "C confirm")
	p.Send(msg.OpenSession{ID: 1}, msg.OpenSession{ID: 3})
	p.mustShow(t, "CONFIRMED COMMIT core-r1", "2 go there")
	if row := p.Rows()[21]; strings.Contains(row, "C confirm") {
		t.Errorf("the bar offers C: %q", row)
	}
}

// former writes the note of a run that was killed.
func former(t *testing.T, sent time.Time) string {
	t.Helper()
	dir := t.TempDir()
	c, _ := commit.New(commit.Options{Dir: dir, Clock: commit.Wall(func() time.Time { return sent }), Token: func() string { return "tok" }})
	d := conn.Device{ID: 9, Target: target("core-r1", "192.0.2.1", link.SSH), State: conn.Open, NetconfID: 7}
	r := netconf.Request{Name: "commit", Body: []byte("<commit><confirmed/><confirm-timeout>600</confirm-timeout><persist>tok</persist></commit>"), Effect: netconf.Commits}
	if err := c.Before(&conn.Exchange{ID: 1, Session: 9, Device: "core-r1", Request: r}, d); err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.json")); len(files) != 1 {
		t.Fatalf("notes: %q", files)
	}
	return dir
}

// withNotes is the program started on what a former run left.
func withNotes(t *testing.T, sentBefore time.Duration) *program {
	t.Helper()
	var dir string
	p := start(t, nil, func(d *Deps) {
		dir = former(t, d.Now().Add(-sentBefore))
		c, errs := commit.New(commit.Options{Dir: dir, Clock: commit.Wall(d.Now)})
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		c.Bind(d.Backend)
		d.Commits = c
	})
	p.Advance(time.Second)
	return p
}

func TestFormerCommitsComeFirst(t *testing.T) {
	t.Parallel()
	for name, sent := range map[string]time.Duration{"waits": 100 * time.Second, "expired": 13 * time.Minute} {
		for _, at := range [][2]int{{80, 24}, {140, 40}, {60, 15}} {
			p := withNotes(t, sent)
			p.Resize(at[0], at[1])
			uitest.Golden(t, fmt.Sprintf("former-%s-%dx%d", name, at[0], at[1]), uitest.Plain(p.View()))
		}
	}
	p := withNotes(t, 13*time.Minute)
	p.mustShow(t, "expired 3 min ago, verify")
	p.Press("esc")
	p.mustShow(t, "expired 3 min ago: verify", "C see")
	if calls := p.backend.Calls(); len(calls) != 0 {
		t.Errorf("done by itself: %q", calls)
	}
	p.Press("C", "enter")
	if calls := p.backend.Calls(); len(calls) != 1 || calls[0] != "connect core-r1" {
		t.Errorf("calls %q", calls)
	}
}

func TestForgettingANoteAsks(t *testing.T) {
	t.Parallel()
	p := withNotes(t, time.Minute)
	p.Press("d")
	p.Advance(time.Second)
	p.mustShow(t, "Forget the commit on core-r1?")
	p.Press("enter")
	if len(p.root.d.Commits.Pendings()) != 1 {
		t.Fatal("Enter forgot it")
	}
	p.Press("C", "d", "d")
	if len(p.root.d.Commits.Pendings()) != 0 {
		t.Errorf("not forgotten:\n%s", p.View())
	}
}

// TestQuitCanConfirmFirst offers C only when the commit can be confirmed, and
// leaves only when the device has said yes.
func TestQuitCanConfirmFirst(t *testing.T) {
	t.Parallel()
	p := waiting(t, 5*time.Minute, nil)
	p.Press("q")
	p.mustShow(t, "C  confirm commit on core-r1, then quit", "quit anyway", "with 05:00 left: leaving")
	uitest.Golden(t, "quit-pending-80x24", uitest.Plain(p.View()))
	p.Press("enter")
	if p.Quit() || len(p.backend.Calls()) != 0 {
		t.Fatalf("Enter is not the safe answer: %q", p.backend.Calls())
	}
	p.Send(confirmedMsg{rep: commit.Report{Verdict: commit.OutcomeUnknown, Words: "The answer was lost."}, quit: true})
	p.mustShow(t, "Not confirmed", "The answer was lost.")
	if p.Quit() {
		t.Error("quit although the outcome is not known")
	}
	p.Press("esc")
	p.Send(confirmedMsg{rep: commit.Report{Verdict: commit.Done, Words: "Confirmed."}, quit: true})
	if !p.Quit() {
		t.Error("did not quit after the confirmation")
	}
}

func TestReadOnlyModeHasNoConfirmation(t *testing.T) {
	t.Parallel()
	p := waiting(t, 5*time.Minute, func(d *Deps) { d.ReadOnly = true })
	p.Press("C")
	p.mustShow(t, "read-only mode")
	if len(p.root.tabs) != 1 {
		t.Error("C went on in read-only mode")
	}
}
