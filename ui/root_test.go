package ui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/ui/action"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/pane"
	"dialtone/ui/screen"
	"dialtone/ui/uitest"
)

// probe is a screen that remembers what reached it.
type probe struct {
	d         *screen.Deps
	id        conn.SessionID
	w, h      int
	typing    bool
	warning   string
	off       string
	got       []tea.Msg
	ran       []action.ID
	wantPaste bool
}

func (p *probe) Update(m tea.Msg) tea.Cmd { p.got = append(p.got, m); return nil }
func (p *probe) View() string {
	return strings.Join(p.d.Theme.Box(p.w, p.h, "probe", "", true, nil), "\n")
}
func (p *probe) Resize(w, h int)       { p.w, p.h = w, h }
func (p *probe) Focus(on bool) tea.Cmd { return nil }
func (p *probe) Title() string {
	d, _ := p.d.Backend.Device(p.id)
	return d.Target.Name
}
func (p *probe) Actions() []action.Action {
	return []action.Action{
		{ID: "probe.send", Title: "Send", Keys: []string{"ctrl+r"}, Alters: true, Hint: 1},
		{ID: "probe.stop", Title: "Stop", Keys: []string{"ctrl+c"}, Off: p.off},
		{ID: "probe.done", Title: "Done", Keys: []string{"esc"}},
		{ID: "probe.mark", Title: "Mark", Keys: []string{"m"}, Off: "nothing to mark"},
	}
}
func (p *probe) Run(id action.ID) tea.Cmd { p.ran = append(p.ran, id); return nil }
func (p *probe) Capturing() bool          { return p.typing }
func (p *probe) Leave() string            { return p.warning }
func (p *probe) Status() string           { return "" }
func (p *probe) WantsPaste() bool         { return p.wantPaste }

// probes makes session tabs of p into probes, which are put into the map.
func probes(p *program) map[conn.SessionID]*probe {
	all := map[conn.SessionID]*probe{}
	p.root.makers.session = func(d *screen.Deps, id conn.SessionID) pane.Screen {
		all[id] = &probe{d: d, id: id}
		return all[id]
	}
	return all
}

func TestMessagesOfASessionReachItsHiddenScreen(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	all := probes(p)
	p.Send(msg.OpenSession{ID: 1}, msg.OpenSession{ID: 2}, msg.ShowDevices{})
	one, two := all[1], all[2]
	one.got, two.got = nil, nil
	p.Send(msg.LoadRPC{ID: 1, Body: "<get/>"})
	p.Send(events(p.backend.Set(conn.Device{ID: 2, Target: target("edge-7", "", link.Junos), State: conn.Open}),
		conn.Event{Kind: conn.Notified, Session: 1}))
	if len(one.got) != 2 || len(two.got) != 1 {
		t.Fatalf("screen 1 got %v, screen 2 got %v", one.got, two.got)
	}
	if _, ok := one.got[0].(msg.LoadRPC); !ok {
		t.Errorf("screen 1 got %T first", one.got[0])
	}
	if es := one.got[1].(msg.Events); len(es) != 1 || es[0].Session != 1 {
		t.Errorf("screen 1 got events %v", es)
	}
}

func TestCapturingScreenKeepsItsText(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	all := probes(p)
	p.Send(msg.OpenSession{ID: 1})
	s := all[1]
	s.typing = true
	p.Type("q?:2!")
	p.Paste("<get/>\n")
	if n := len(s.got); n != 6 {
		t.Fatalf("%d of 6 keys arrived: %v", n, s.got)
	}
	p.Press("ctrl+r", "esc", "ctrl+g", "ctrl+c")
	want := []action.ID{"probe.send", "probe.done", "probe.done", "probe.stop"}
	if len(s.ran) != len(want) {
		t.Fatalf("ran %v, want %v", s.ran, want)
	}
	for i := range want {
		if s.ran[i] != want[i] {
			t.Errorf("ran %v, want %v", s.ran, want)
		}
	}
	p.Press("ctrl+p")
	if _, ok := p.root.stack.Top().(*overlay.Palette); !ok {
		t.Error("ctrl+p opened no palette")
	}
}

func TestAltKeyIsEscThenKey(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	all := probes(p)
	p.Send(msg.OpenSession{ID: 1})
	all[1].typing = true
	p.Press("alt+x")
	if len(all[1].ran) != 1 || all[1].ran[0] != "probe.done" || len(all[1].got) != 1 {
		t.Errorf("ran %v, got %v", all[1].ran, all[1].got)
	}
	all[1].typing, all[1].got = false, nil
	p.Press("?", "alt+j")
	if p.root.stack.Top() != nil || len(p.root.tabs) != 2 || len(all[1].got) != 0 {
		t.Errorf("alt+j above help: %v open, %d tabs, got %v", p.root.stack.Top(), len(p.root.tabs), all[1].got)
	}
	p.Press("?", "alt+1")
	if p.root.stack.Top() != nil || p.root.at != 0 {
		t.Errorf("alt+1 above help: %v open, tab %d; want the device list", p.root.stack.Top(), p.root.at)
	}
	p.Press(":", "alt+?")
	if _, ok := p.root.stack.Top().(*overlay.Help); !ok {
		t.Errorf("alt+? above the palette: %v is open, want help", p.root.stack.Top())
	}
}

// TestAltKeyAnswersNoQuestion closes one of two questions; the letter falls into
// the grace of the other.
func TestAltKeyAnswersNoQuestion(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	first, second := make(chan answer, 1), make(chan answer, 1)
	for _, reply := range []chan answer{first, second} {
		p.Send(asked{&question{ctx: context.Background(), what: link.HostKeyQuestion{Target: target("pe-12", "192.0.2.12", link.SSH), Host: "[192.0.2.12]:830", Key: hostKey(1)}, reply: reply}})
	}
	p.Advance(time.Second)
	p.Press("alt+t")
	if a := <-first; a.value != link.Refuse {
		t.Errorf("the first was answered %v", a)
	}
	select {
	case a := <-second:
		t.Errorf("the second was answered %v", a)
	default:
	}
	p.mustShow(t, "Unknown host key")
}

func TestActionThatIsOffSaysWhy(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	all := probes(p)
	p.Send(msg.OpenSession{ID: 1})
	p.Press("m")
	p.mustShow(t, "Mark: nothing to mark")
	if len(all[1].ran) != 0 {
		t.Errorf("ran %v", all[1].ran)
	}
}

func TestReadOnlyModeSwitchesOffWhatAlters(t *testing.T) {
	t.Parallel()
	p := lab(t, func(d *Deps) { d.ReadOnly = true })
	all := probes(p)
	p.Send(msg.OpenSession{ID: 1})
	p.Press("ctrl+r")
	if len(all[1].ran) != 0 {
		t.Fatalf("ran %v", all[1].ran)
	}
	p.mustShow(t, "Send: read-only mode", "read-only")
}

func TestReadOnlyProfileSwitchesOffWhatAlters(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	all := probes(p)
	d, _ := p.backend.Device(1)
	d.Target.ReadOnly = true
	p.backend.Set(d)
	p.Send(msg.OpenSession{ID: 1})
	p.Press("ctrl+r")
	if len(all[1].ran) != 0 {
		t.Fatalf("ran %v", all[1].ran)
	}
	p.mustShow(t, "core-r1 is read-only")
}

func TestCtrlCStopsFirstThenQuits(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	all := probes(p)
	p.Send(msg.OpenSession{ID: 1})
	p.Press("ctrl+c")
	if len(all[1].ran) != 1 {
		t.Fatalf("ran %v", all[1].ran)
	}
	all[1].off = "nothing in flight"
	p.Press("ctrl+c")
	p.mustShow(t, "Quit with 3 open sessions?", "edge-7 gives the lock on candidate")
	p.Press("enter")
	if p.Quit() {
		t.Fatal("enter quit")
	}
	p.Press("ctrl+c", "ctrl+c")
	if !p.Quit() {
		t.Error("ctrl+c in the dialog did not quit")
	}
}

func TestQuitWithNothingOpenAsksNothing(t *testing.T) {
	t.Parallel()
	p := start(t, nil, nil)
	p.Press("q")
	if !p.Quit() {
		t.Error("still running")
	}
}

func TestClosingATabAsksForDrafts(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	all := probes(p)
	p.Send(msg.OpenSession{ID: 1})
	all[1].warning = "an RPC that was not sent"
	p.Press("q")
	p.mustShow(t, "an RPC that was not sent")
	p.Press("esc", "q", "x")
	if len(p.root.tabs) != 1 {
		t.Errorf("%d tabs", len(p.root.tabs))
	}
	if calls := p.backend.Calls(); len(calls) != 0 {
		t.Errorf("closing the tab did %v", calls)
	}
}

func TestTabsByNumberAndBrackets(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	probes(p)
	p.Send(msg.OpenSession{ID: 1}, msg.OpenSession{ID: 2})
	for _, c := range []struct {
		key string
		at  int
	}{{"1", 0}, {"3", 2}, {"]", 0}, {"[", 2}, {"2", 1}, {"9", 1}} {
		p.Press(c.key)
		if p.root.at != c.at {
			t.Fatalf("%s shows tab %d, want %d", c.key, p.root.at, c.at)
		}
	}
	p.Send(msg.OpenSession{ID: 1})
	if len(p.root.tabs) != 3 || p.root.at != 1 {
		t.Errorf("opening an open session: %d tabs, tab %d", len(p.root.tabs), p.root.at)
	}
}

func TestCountMovesUnlessItNamesATab(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	p.Press("3", "j")
	p.mustShow(t, "edge-8", "6 of 6 devices")
	if got := p.selected(); got != "edge-8" {
		t.Errorf("3j is at %s", got)
	}
	p.Press("1", "0", "k")
	if got := p.selected(); got != "core-r1" {
		t.Errorf("10k is at %s", got)
	}
}

// selected is the name in the row with the selection mark.
func (p *program) selected() string {
	for _, row := range p.Rows() {
		if _, after, ok := strings.Cut(uitest.Plain(row), "▌"); ok {
			f := strings.Fields(after)
			return f[1]
		}
	}
	return ""
}

func TestKeysInOneReadAreKeys(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	p.Send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("jjj")})
	if got := p.selected(); got != "edge-8" {
		t.Errorf("jjj is at %s", got)
	}
	p.Send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("show configuration | display xml")})
	p.mustShow(t, "Pasted text is ignored here.")
	p.Paste("q")
	if p.Quit() {
		t.Error("a pasted q quit")
	}
}

func TestLossIsToldOnce(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	d, _ := p.backend.Device(1)
	d.State, d.Err = conn.Lost, errors.New("NET-DEAD no answer to 3 keepalives")
	p.Send(events(p.backend.Set(d)), events(p.backend.Set(d)))
	p.mustShow(t, "core-r1 lost: NET-DEAD no answer to 3 keepalives")
	if n := strings.Count(uitest.Plain(p.View()), "x core-r1 lost"); n != 1 {
		t.Errorf("told %d times", n)
	}
	p.Advance(11 * time.Second)
	p.mustNotShow(t, "x core-r1 lost")
	p.Press("!")
	p.mustShow(t, "core-r1 lost: NET-DEAD", "Messages")
}

func TestTickRunsOnlyWhileSomethingElapses(t *testing.T) {
	t.Parallel()
	p := start(t, nil, nil)
	if p.Timers() != 0 {
		t.Fatalf("%d timers with nothing to show", p.Timers())
	}
	e := p.backend.Set(conn.Device{Target: target("r1", "192.0.2.1", link.SSH), State: conn.Dialing, Since: p.Now()})
	p.Send(events(e))
	p.Advance(5 * time.Second)
	p.mustShow(t, "5 s")
	e.Device.State = conn.Closed
	p.Send(events(p.backend.Set(e.Device)))
	p.Advance(2 * time.Second)
	if p.Timers() != 0 {
		t.Errorf("%d timers after all sessions closed", p.Timers())
	}
}

func TestReconnectKeepsTheTab(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	probes(p)
	p.Send(msg.Connect{Target: target("core-r2", "192.0.2.2", link.SSH)})
	if calls := p.backend.Calls(); len(calls) != 1 || calls[0] != "connect core-r2" {
		t.Errorf("calls %v", calls)
	}
	if len(p.root.tabs) != 2 || p.root.at != 1 {
		t.Errorf("%d tabs, tab %d", len(p.root.tabs), p.root.at)
	}
}

func TestKeysBehindABurstKeepTheirTurn(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	// As the framework has it: the key arrives before the commands have run.
	cmd := p.root.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("gjj")})
	later := p.root.Update(uitest.Key("k"))
	p.Do(cmd)
	p.Do(later)
	if got := p.selected(); got != "core-r2" {
		t.Errorf("gjj and k are at %s", got)
	}
	if len(p.root.held) != 0 {
		t.Errorf("%d keys are held", len(p.root.held))
	}
}

func TestRollbackIsSeenEverywhere(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	probes(p)
	d, _ := p.backend.Device(1)
	d.Pending = &conn.Pending{Sent: p.Now(), Deadline: p.Now().Add(9 * time.Minute)}
	p.Send(events(p.backend.Set(d)), msg.OpenSession{ID: 1})
	p.Advance(19 * time.Second)
	p.mustShow(t, "ROLLBACK 08:41")
	p.Press("1")
	p.mustShow(t, "ROLLBACK 08:41", "open -08:41", "core-r1: confirmed commit, rolls back in 08:41")
	titles := fmt.Sprint(p.Asked())
	if !strings.Contains(titles, "dialtone: core-r1 ROLLBACK 08:41") {
		t.Errorf("titles %s", titles)
	}
	p.Press("q")
	p.mustShow(t, "with 08:41 left: leaving")
	p.Press("esc")
	p.Resize(44, 8)
	p.mustShow(t, "core-r1  ROLLBACK in 08:41")
	p.Resize(80, 24)
	p.Advance(10 * time.Minute)
	p.mustShow(t, "ROLLBACK due")
	d.Pending = nil
	p.Send(events(p.backend.Set(d)))
	p.Advance(time.Second)
	p.mustNotShow(t, "ROLLBACK")
	if titles = fmt.Sprint(p.Asked()); !strings.HasSuffix(titles, "dialtone]") {
		t.Errorf("titles %s", titles)
	}
}
