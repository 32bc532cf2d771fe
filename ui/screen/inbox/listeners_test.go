package inbox

import (
	"strings"
	"testing"

	"dialtone/conn/desk"
	"dialtone/keys"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/style"
)

// whole is a desk that makes certificates and remembers its listeners.
type whole struct{ *maker }

func (whole) Settings() ([]desk.Setting, error) { return nil, nil }
func (whole) SetAuto(_, _ string, _ bool) error { return nil }

// TestListenersHelpIsTrueAndFits: what the help bar names works where the cursor
// is, and nothing of it is cut at 80 columns.
func TestListenersHelpIsTrueAndFits(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.deps.Desk, b.deps.ConfigDir = whole{&maker{Desk: b.desk}}, t.TempDir()
	b.Send(overlay.Push{Dialog: Listeners(b.deps, msg.ReadDesk(b.desk))})
	l := b.stack.Top().(*listeners)
	full := l.Help()
	for _, s := range []string{"l listen", "x stop", "s autostart", "c cert", "j k choose", "y copy", "tab next", "esc close"} {
		if !strings.Contains(full, s) {
			t.Errorf("%q lacks %q", full, s)
		}
	}
	if w := style.Width(full[:strings.Index(full, "  c cert")]); w > 58 { // the way out shows at 60 columns too
		t.Errorf("%d cells: %q", w, full)
	}
	if w := style.Width(full); w > 78 {
		t.Errorf("%d cells: %q", w, full)
	}
	for range 4 { // through the fields
		b.Press("tab")
		if h := l.Help(); l.form.Focused() != nil && (strings.Contains(h, "l listen") || !strings.Contains(h, "enter next")) {
			t.Errorf("in %s: %q", l.form.Focused().Label, h)
		}
	}
}

// TestWhatWasStartedIsChosen: stop after start means the one that was started.
func TestWhatWasStartedIsChosen(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.Send(overlay.Push{Dialog: Listeners(b.deps, msg.ReadDesk(b.desk))})
	l := b.stack.Top().(*listeners)
	now := msg.ReadDesk(b.desk)
	now.Listeners = nil
	b.Send(now)
	b.Press("l") // [::]:4334
	now.Listeners = []desk.Listener{{Kind: "ssh", Addr: "127.0.0.1:1"}, {Kind: "ssh", Addr: "[::]:4334"}}
	b.Send(now)
	if x, _ := l.selected(); x.Addr != "[::]:4334" {
		t.Errorf("chosen: %+v", x)
	}
	b.Press("k")
	b.Send(now)
	if x, _ := l.selected(); x.Addr != "127.0.0.1:1" {
		t.Errorf("the cursor went back to %+v", x)
	}
}

// TestFaultsAreSentences: what a fault keeps and advises begins with a capital
// and ends like a sentence, and a wrong network is said in full at 80 columns.
func TestFaultsAreSentences(t *testing.T) {
	t.Parallel()
	f := &keys.Fault{Code: "LSN-INUSE", What: "the port is taken", Kept: "it is tried again by itself"}
	if got := told(f); got != "LSN-INUSE the port is taken. It is tried again by itself." {
		t.Error(got)
	}
	b := newBench(t, nil)
	k := &termed{keeping: keeping{Desk: b.desk}}
	b.deps.Desk = k
	b.set(nil, nil, nil)
	b.Send(overlay.Push{Dialog: Listeners(b.deps, msg.ReadDesk(b.desk))})
	b.Press("shift+tab", "shift+tab")
	b.Type("10.0.0.0/33")
	b.Press("tab", "tab", "l")
	if !b.Shows(`"10.0.0.0/33" is neither a network nor an address `) {
		t.Errorf("cut:\n%s", b.View())
	}
}

// TestTermsBelongToTheirAddress: another address that is typed does not take on
// whom the last one let call, but keeps what the person has said here.
func TestTermsBelongToTheirAddress(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		terms string // typed before the address
		addr  string
		want  desk.Setting
	}{
		"another address": {"", "127.0.0.1:1", desk.Setting{Kind: "ssh", Addr: "127.0.0.1:1"}},
		"one used before": {"", "192.0.2.1:2", desk.Setting{Kind: "ssh", Addr: "192.0.2.1:2", Only: "198.51.100.1"}},
		"said here":       {"203.0.113.9", "127.0.0.1:1", desk.Setting{Kind: "ssh", Addr: "127.0.0.1:1", Only: "203.0.113.9", NoPlain: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			k := &termed{keeping: keeping{Desk: b.desk, kept: []desk.Setting{{Kind: "ssh", Addr: "[::1]:3", Only: "::1", NoPlain: true}, {Kind: "ssh", Addr: "192.0.2.1:2", Only: "198.51.100.1"}}}}
			b.deps.Desk, b.deps.ConfigDir = k, t.TempDir()
			b.Send(overlay.Push{Dialog: Listeners(b.deps, msg.ReadDesk(b.desk))})
			l := b.stack.Top().(*listeners)
			if c.terms != "" {
				l.form.Select("only")
				b.Press("ctrl+u")
				b.Type(c.terms)
			}
			l.form.Select("addr")
			b.Press("ctrl+u")
			b.Type(c.addr)
			l.form.Select("close")
			if b.Press("l"); len(k.asked) != 1 || k.asked[0] != c.want {
				t.Errorf("asked %+v, want %+v\n%s", k.asked, c.want, b.View())
			}
		})
	}
}
