package history

import (
	"bytes"
	"encoding/json"
	"fmt"
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
	"dialtone/ui/action"
	"dialtone/ui/msg"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

type desk struct {
	*uitest.Driver
	scr    *Screen
	deps   *screen.Deps
	toasts []string
	asked  []tea.Msg
	kept   []*conn.Exchange // what the program still has in memory
}

// row is one exchange that the tests keep in the journal.
type row struct {
	x *conn.Exchange
	o netconf.Outcome
}

// rows is all of them, oldest first.
func rows(at time.Time) []row {
	one := func(ago time.Duration, device, op, target string, effect netconf.Effect, o netconf.Outcome) row {
		start := at.Add(-ago)
		o.Sent, o.Ended = start, start.Add(time.Duration(o.Bytes/2000+100)*time.Millisecond)
		return row{&conn.Exchange{Session: 1, Device: device, Started: start, Request: netconf.Request{
			Name: op, Target: target, Effect: effect, Body: []byte("<" + op + "/>")}}, o}
	}
	return []row{
		one(26*time.Hour, "core-r1", "get-config", "candidate", netconf.Reads, netconf.Outcome{Result: netconf.Answered, OK: true, Bytes: 2_100_000}),
		one(9*time.Minute, "core-r1", "get", "", netconf.Reads, netconf.Outcome{Result: netconf.Stopped, Bytes: 12_000_000}),
		one(8*time.Minute, "core-r1", "lock", "candidate", netconf.Stages, netconf.Outcome{Result: netconf.Answered, OK: true, Bytes: 38}),
		one(7*time.Minute, "edge-7", "get", "", netconf.Reads, netconf.Outcome{Result: netconf.Answered, OK: true, Bytes: 900}),
		one(6*time.Minute, "core-r1", "edit-config", "candidate", netconf.Stages, netconf.Outcome{Result: netconf.Answered, Bytes: 612, ErrorCount: 1,
			Errors: []*netconf.RPCError{{Tag: "data-missing", Severity: "error", Message: "mandatory leaf is missing", Path: "/x"}}}),
		one(5*time.Minute, "core-r1", "commit", "running", netconf.Commits, netconf.Outcome{Result: netconf.Unknown}),
		one(time.Minute, "core-r1", "get-config", "running", netconf.Reads, netconf.Outcome{Result: netconf.Answered, OK: true, Bytes: 2_100_000}),
	}
}

func newDesk(t testing.TB, th *style.Theme, id conn.SessionID) *desk {
	t.Helper()
	d := &desk{Driver: uitest.NewDriver(t)}
	back := &uitest.Backend{}
	back.Set(conn.Device{ID: 1, Target: link.Target{Name: "core-r1"}, State: conn.Open})
	j := journal.Memory()
	for _, r := range rows(d.Now().UTC()) {
		d.kept = append(d.kept, r.x)
		j.Append(r.x, r.o, nil)
	}
	if th == nil {
		th, _ = style.New("default", false, true)
	}
	d.deps = &screen.Deps{Backend: back, Journal: j, Theme: th, Now: d.Now, Tick: d.Tick, WorkDir: t.TempDir()}
	d.scr = New(d.deps, id)
	d.Drive(d)
	d.scr.Resize(80, 21)
	d.Do(tea.Batch(d.scr.Init(), d.scr.Focus(true)))
	return d
}

func (d *desk) Update(m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case msg.Toast:
		d.toasts = append(d.toasts, m.Text)
		return nil
	case tea.KeyMsg:
		if d.scr.Capturing() {
			return d.scr.Update(m)
		}
		if a, ok := action.Match(d.scr.Actions(), m.String()); ok {
			if a.Off != "" {
				return msg.Say(msg.Info, a.Off)
			}
			return d.scr.Run(a.ID)
		}
		return nil
	case msg.OpenSession, msg.LoadRPC, msg.ShowExchange:
		d.asked = append(d.asked, m)
		return nil
	}
	return d.scr.Update(m)
}

func (d *desk) View() string { return d.scr.View() + "\n" + d.scr.Status() }

func TestHistoryAtSizes(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{80, 24}, {140, 40}, {60, 15}} {
		for _, id := range []conn.SessionID{0, 1} {
			d := newDesk(t, nil, id)
			d.scr.Resize(size[0], size[1]-3)
			uitest.Golden(t, fmt.Sprintf("history-%d-%dx%d", id, size[0], size[1]), d.View())
		}
	}
}

func TestHistoryIsExactAtEverySize(t *testing.T) {
	t.Parallel()
	for _, id := range []conn.SessionID{0, 1} {
		d := newDesk(t, nil, id)
		for w := 2; w <= 200; w += 7 {
			for h := 2; h <= 60; h += 5 {
				d.scr.Resize(w, h)
				uitest.ExactSize(t, d.scr.View(), w, h)
			}
		}
	}
}

func TestEnterLoadsTheWholeRequest(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil, 1)
	d.Press("j", "j", "enter")
	if len(d.asked) != 2 || d.asked[1].(msg.LoadRPC) != (msg.LoadRPC{ID: 1, Body: "<edit-config/>"}) {
		t.Errorf("asked %v", d.asked)
	}
}

func TestReplyOnlyWhileInMemory(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil, 1)
	d.Press("o")
	if len(d.asked) != 2 || d.asked[1].(msg.ShowExchange).Exchange != d.kept[len(d.kept)-1] {
		t.Fatalf("asked %v", d.asked)
	}
	for i := range d.scr.shown { // as after another start of the program
		d.scr.shown[i] = reread(t, d.scr.shown[i])
	}
	d.Press("o")
	if len(d.asked) != 2 || len(d.toasts) != 1 || !strings.Contains(d.toasts[0], "no longer in memory") {
		t.Errorf("asked %d, toasts %q", len(d.asked), d.toasts)
	}
}

func reread(t *testing.T, e journal.Entry) (out journal.Entry) {
	t.Helper()
	b, err := json.Marshal(e)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFilter(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil, 1)
	d.Press("/")
	d.Type("edit")
	d.Press("enter")
	if len(d.scr.shown) != 1 || d.scr.Capturing() || !strings.HasPrefix(d.scr.Status(), "1 of 6") {
		t.Errorf("%d shown, status %q", len(d.scr.shown), d.scr.Status())
	}
	d.Press("esc")
	if len(d.scr.shown) != 6 {
		t.Errorf("%d shown without a filter", len(d.scr.shown))
	}
}

func TestExportWritesWhatIsListed(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil, 1)
	d.Press("w")
	path := filepath.Join(d.deps.WorkDir, "history-20311121-140231.jsonl")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(b, []byte("\n")); n != 6 {
		t.Errorf("%d lines", n)
	}
	if fi, _ := os.Stat(path); fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", fi.Mode())
	}
	if d.Press("w"); len(d.toasts) != 2 || !strings.Contains(d.toasts[1], "was left as it is") {
		t.Errorf("toasts %q", d.toasts)
	}
}

func TestNewEntriesAppearAndTheSelectionStays(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil, 1)
	d.Press("j", "j")
	was, _ := d.scr.selected()
	x := &conn.Exchange{Session: 1, Device: "core-r1", Started: d.Now(), Request: netconf.Request{Name: "validate"}}
	d.deps.Journal.Append(x, netconf.Outcome{Result: netconf.Answered, OK: true}, nil)
	d.Send(msg.Events{{Kind: conn.ExchangeDone, Session: 1, Exchange: x}})
	if e, _ := d.scr.selected(); len(d.scr.shown) != 7 || e.Seq != was.Seq {
		t.Errorf("%d shown, selected %q", len(d.scr.shown), e.Operation)
	}
}

func TestHostileEntries(t *testing.T) {
	t.Parallel()
	bad := "\x1b]0;x\x07\x1b[2J\u202e\u200b\x9b31m\nZ"
	d := newDesk(t, nil, 0)
	x := &conn.Exchange{Session: 1, Device: bad, Started: d.Now(), Request: netconf.Request{Name: bad, Target: bad, Body: []byte(bad)}}
	d.deps.Journal.Append(x, netconf.Outcome{Result: netconf.Answered, ErrorCount: 1, Errors: []*netconf.RPCError{{Tag: bad, Message: bad, Path: bad, Severity: bad}}}, nil)
	d.Send(msg.Events{{Kind: conn.ExchangeDone, Session: 1, Exchange: x}})
	d.scr.list.Select(0)
	d.scr.Resize(140, 37)
	uitest.OnlySGR(t, d.scr.View())
	if s := d.scr.Status(); strings.ContainsAny(s, "\x1b\n\x07\u202e\u200b") {
		t.Errorf("status %q", s)
	}
}

func TestNoKeyHasTwoActions(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil, 1)
	if c := action.Clashes(d.scr.Actions()); len(c) > 0 {
		t.Error(c)
	}
}
