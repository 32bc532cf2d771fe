package ui

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/conn/profile"
)

// names is the NAME column from top to bottom.
func (p *program) names() string {
	var out []string
	for _, row := range p.Rows()[3:] {
		for _, g := range []string{"● ", "◐ ", "▲ ", "○ "} {
			if _, after, ok := strings.Cut(row, g); ok {
				out = append(out, strings.Fields(strings.NewReplacer("\x1b[0m", " ").Replace(after))[0])
				break
			}
		}
	}
	return strings.Join(out, " ")
}

func TestFilterOfDevices(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]string{
		"core":      "core-r1 core-r2",
		"!core":     "edge-7 edge-8 pe-12 vmx-3",
		"192.0.2.1": "core-r1 pe-12",
		"mx":        "core-r1 vmx-3",
		"#mx":       "core-r1",
		"edge !7":   "edge-8",
		"-f cr2":    "core-r2 core-r1", // the best first; 192.0.2.1 has a 2 too
		"nothing":   "",
		"":          "core-r1 core-r2 edge-7 edge-8 pe-12 vmx-3",
	} {
		p := lab(t, nil)
		p.Press("/")
		p.Type(filter)
		p.Press("enter")
		if got := p.names(); got != want {
			t.Errorf("%q shows %q, want %q", filter, got, want)
		}
		p.Press("esc")
		if got := p.names(); strings.Count(got, " ") != 5 {
			t.Errorf("esc after %q shows %q", filter, got)
		}
	}
}

func TestGroupsAndOrder(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	for _, want := range []string{"core-r1 core-r2", "edge-8", "core-r1 core-r2 edge-7 edge-8 pe-12 vmx-3"} {
		p.Press("v")
		if got := p.names(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for _, want := range []string{"core-r1 edge-7 pe-12 vmx-3 core-r2 edge-8", "pe-12 vmx-3 edge-7 core-r1 core-r2 edge-8"} {
		p.Press("o")
		if got := p.names(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSelectionStaysOnItsDevice(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	p.Press("G")
	if p.selected() != "vmx-3" {
		t.Fatalf("G is at %s", p.selected())
	}
	p.Send(events(p.backend.Set(conn.Device{Target: target("aaa", "192.0.2.9", link.SSH), State: conn.Dialing})))
	p.Press("o")
	if p.selected() != "vmx-3" {
		t.Errorf("the selection went to %s", p.selected())
	}
}

func TestDevicesActions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		at    int
		keys  []string
		calls []string
		shows string
	}{
		{"enter dials a saved one", 1, []string{"enter"}, []string{"connect core-r2"}, "core-r2"},
		{"enter shows an open one", 0, []string{"enter"}, nil, "[2 core-r1"},
		{"enter shows what was lost", 5, []string{"enter"}, nil, "[2 vmx-3"},
		{"enter waits for a caller", 3, []string{"enter"}, nil, "edge-8 calls us"},
		{"R while open says why not", 0, []string{"R"}, nil, "still connected"},
		{"x of a clean one", 0, []string{"x"}, []string{"disconnect core-r1"}, "core-r1"},
		{"x of a dirty one asks", 2, []string{"x"}, nil, "1 edit not committed: edge-7 discards"},
		{"x of a dirty one, no", 2, []string{"x", "enter"}, nil, "edge-7"},
		{"x of a dirty one, yes", 2, []string{"x", "x"}, []string{"disconnect edge-7"}, "edge-7"},
		{"x of none", 1, []string{"x"}, nil, "not connected"},
		{"d asks", 1, []string{"d"}, nil, "Delete the profile core-r2?"},
		{"d of an unsaved one", 2, []string{"d"}, nil, "not a saved profile"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := lab(t, nil)
			for range c.at {
				p.Press("j")
			}
			p.Press(c.keys...)
			p.mustShow(t, c.shows)
			if got := p.backend.Calls(); !slices.Equal(got, c.calls) {
				t.Errorf("did %q, want %q", got, c.calls)
			}
		})
	}
}

func TestDeleteTakesASecondKey(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	p.Press("j", "d", "enter")
	if ps, _ := p.store.List(); len(ps) != 3 {
		t.Fatal("enter deleted")
	}
	p.Press("d", "d")
	ps, _ := p.store.List()
	if len(ps) != 2 || strings.Contains(p.names(), "core-r2") {
		t.Errorf("%d profiles, shown %q", len(ps), p.names())
	}
}

func TestDemoKey(t *testing.T) {
	t.Parallel()
	p := start(t, nil, nil)
	p.Press("t")
	p.mustShow(t, "dialtone demo")
	p = start(t, nil, func(d *Deps) {
		d.StartDemo = func() (link.Target, error) { return target("demo-r1", "127.0.0.1", link.SSH), nil }
	})
	p.Press("t")
	if got := p.backend.Calls(); len(got) != 1 || got[0] != "connect demo-r1" {
		t.Errorf("did %q", got)
	}
	p = start(t, nil, func(d *Deps) {
		d.StartDemo = func() (link.Target, error) { return link.Target{}, errors.New("no loopback") }
	})
	p.Press("t")
	p.mustShow(t, "The demo did not start: no loopback")
}

func TestImportFromSSHConfig(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	if err := os.MkdirAll(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	cfg := "Host core-r1\n HostName 192.0.2.1\nHost new-r9\n HostName 192.0.2.9\n User lab\nHost *\n User x\n"
	if err := os.WriteFile(filepath.Join(home, ".ssh", "config"), []byte(cfg), 0o600); err != nil {
		t.Fatal(err)
	}
	p := lab(t, nil)
	p.Press("I")
	p.mustShow(t, "Import from ~/.ssh/config", "new-r9", "1 saved already")
	p.Press("enter") // nothing is chosen
	if ps, _ := p.store.List(); len(ps) != 3 {
		t.Fatalf("%d profiles", len(ps))
	}
	p.Press("a", "enter")
	ps, _ := p.store.List()
	i := slices.IndexFunc(ps, func(q profile.Profile) bool { return q.Name == "new-r9" })
	if len(ps) != 4 || i < 0 || ps[i].Host != "192.0.2.9" || ps[i].User != "lab" {
		t.Errorf("profiles %+v", ps)
	}
	p.mustShow(t, "Imported 1 device", "new-r9")
}

func TestProfileFormSaves(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	p.Press("a")
	p.Type("pe-13")
	p.Press("tab")
	p.Type("lab")
	p.Press("tab", "tab")
	p.Type("192.0.2.13")
	p.Press("tab")
	p.Type("83000")
	p.Press("tab")
	p.mustShow(t, "must be 1 to 65535")
	p.Press("shift+tab", "ctrl+u")
	p.Type("8300")
	for !strings.Contains(p.View(), ">\x1b[7m[ Save ]") {
		p.Press("tab")
	}
	p.Press("enter")
	ps, _ := p.store.List()
	i := slices.IndexFunc(ps, func(q profile.Profile) bool { return q.Name == "pe-13" })
	if i < 0 || ps[i].Port != 8300 || ps[i].Group != "lab" || ps[i].Via != link.SSH || ps[i].Host != "192.0.2.13" {
		t.Fatalf("saved %+v", ps)
	}
	p.mustShow(t, "Saved the profile pe-13")
	p.mustNotShow(t, "Device profile")
}

func TestProfileFormKeepsWhatItDoesNotShow(t *testing.T) {
	t.Parallel()
	off := false
	was := profile.Profile{Target: link.Target{Name: "r1", Via: link.SSH, Host: "192.0.2.1", Port: 830, User: "u", Agent: &off, AgentKey: "SHA256:" + strings.Repeat("A", 43),
		Identity: []string{"~/a", "~/b"}, Password: "store:r1", Jump: []string{"bastion"}, HostKey: link.Strict, ReadOnly: true,
		Keepalive: link.Duration(30 * time.Second), Timeout: link.Duration(2 * time.Minute), Legacy: profile.Legacy()[:1], Quirks: []string{"force-1.0"}}, Group: "g", Tags: []string{"a", "b"}, Note: "n"}
	p := start(t, profile.Memory(was), nil)
	p.Press("e", "ctrl+e")
	p.Type("x")
	for !strings.Contains(p.View(), ">\x1b[7m[ Save ]") {
		p.Press("tab")
	}
	p.Press("enter")
	ps, _ := p.store.List()
	if len(ps) != 1 || ps[0].Name != "r1x" {
		t.Fatalf("%+v", ps)
	}
	got := ps[0]
	if got.UseAgent() || got.AgentKey != was.AgentKey || len(got.Identity) != 2 || got.Password != was.Password || got.Jump[0] != "bastion" || got.HostKey != link.Strict ||
		!got.ReadOnly || got.Keepalive != was.Keepalive || got.Timeout != was.Timeout || len(got.Legacy) != 1 || len(got.Quirks) != 1 || len(got.Tags) != 2 || got.Note != "n" {
		t.Errorf("saved %+v", got)
	}
}

func TestProfileFormRefusesATakenName(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	p.Press("e", "ctrl+u")
	p.Type("core-r2")
	for !strings.Contains(p.View(), ">\x1b[7m[ Save ]") {
		p.Press("tab")
	}
	p.Press("enter")
	p.mustShow(t, "not saved: there is a profile named core-r2 already")
	p.Press("esc")
	p.mustShow(t, "esc again drops it")
	p.Press("esc")
	if ps, _ := p.store.List(); len(ps) != 3 {
		t.Errorf("%d profiles", len(ps))
	}
}

func TestProfileFormTestsWithoutSaving(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	p.Press("a", "tab", "tab", "tab")
	p.Type("192.0.2.77")
	p.Press("ctrl+r")
	p.mustShow(t, "dialling 192.0.2.77:830")
	calls := p.backend.Calls()
	if len(calls) != 1 || calls[0] != "connect test of 192.0.2.77" {
		t.Fatalf("did %q", calls)
	}
	all := p.backend.Devices()
	d := all[len(all)-1]
	d.State, d.NetconfID, d.Caps, d.Opened = conn.Open, 7, caps("candidate:1.0"), p.Now()
	p.Send(events(p.backend.Set(d)))
	p.mustShow(t, "works: session 7, 2 capabilities, C-----")
	if calls = p.backend.Calls(); len(calls) != 2 || calls[1] != "disconnect test of 192.0.2.77" {
		t.Errorf("did %q", calls)
	}
	if ps, _ := p.store.List(); len(ps) != 3 || len(p.root.tabs) != 1 {
		t.Errorf("%d profiles, %d tabs", len(ps), len(p.root.tabs))
	}
	p.Press("ctrl+r")
	all = p.backend.Devices()
	d = all[len(all)-1]
	d.State, d.Err = conn.Lost, errors.New("AUTH-FAIL password refused")
	p.Send(events(p.backend.Set(d)))
	p.mustShow(t, "AUTH-FAIL password refused")
}

func TestWheelAndClick(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	p.Send(tea.MouseMsg{Button: tea.MouseButtonWheelDown, Action: tea.MouseActionPress})
	if p.selected() != "core-r2" {
		t.Errorf("the wheel went to %s", p.selected())
	}
	for i, row := range p.Rows() {
		if strings.Contains(row, "pe-12") {
			p.Send(tea.MouseMsg{Button: tea.MouseButtonLeft, Action: tea.MouseActionPress, X: 10, Y: i})
		}
	}
	if p.selected() != "pe-12" {
		t.Errorf("the click went to %s", p.selected())
	}
}
