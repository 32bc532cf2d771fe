package ui

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"dialtone/conn"
	"dialtone/netconf"
	"dialtone/netconf/xmldoc"
	"dialtone/ui/action"
	"dialtone/ui/msg"
	"dialtone/ui/screen/shell"
	"dialtone/ui/uitest"
)

// places is every table of actions, by the place that it belongs to.
func places(t *testing.T) map[string][]action.Action {
	out := map[string][]action.Action{}
	p, _ := atDesk(t, nil)
	out["Everywhere"] = p.root.rootActions()
	out["Devices"] = p.root.screenActions()
	p.Press("/")
	out["Devices, filter"] = p.root.screenActions()
	p.Press("esc", "0")
	out["Inbox"] = p.root.screenActions()
	p.Press("tab")
	out["Inbox, listener log"] = p.root.screenActions()
	p.Send(msg.ShowHistory{ID: 1})
	out["History"] = p.root.screenActions()
	p.Press("/")
	out["History, filter"] = p.root.screenActions()
	p.Press("esc")
	p.Send(msg.OpenSession{ID: 1})
	out["Session, "+focused(p)] = p.root.screenActions()
	for range 3 {
		p.Press("tab")
		out["Session, "+focused(p)] = p.root.screenActions()
	}
	p.Send(msg.OpenSession{ID: 1}, msg.ShowExchange{ID: 1, Exchange: exchange(t, "<rpc-reply><a><b/></a></rpc-reply>")})
	out["Session, reply"] = p.root.screenActions()
	p.Press("y")
	out["Session, reply, what to copy"] = p.root.screenActions()
	p.Press("esc", "/")
	out["Session, reply, search"] = p.root.screenActions()
	p.Press("esc", "shift+tab", "i")
	out["Session, rpc being written"] = p.root.screenActions()
	p.Press("esc")
	p.Resize(140, 40)
	p.Press("tab", "tab")
	out["Session, templates and history"] = p.root.screenActions()
	p.Resize(80, 24)
	p.Send(msg.ShowDiff{ID: 1, A: exchange(t, "<rpc-reply><a>1</a></rpc-reply>"), B: exchange(t, "<rpc-reply><a>2</a></rpc-reply>")})
	out["Diff"] = p.root.screenActions()
	p.Press("y")
	out["Diff, what to copy"] = p.root.screenActions()
	p.Press("esc", "w")
	out["Diff, file to save to"] = p.root.screenActions()
	p.Press("esc", "esc")
	junos, _ := p.backend.Device(2)
	junos.Caps = netconf.NewCaps([]string{"urn:ietf:params:netconf:base:1.0", "http://xml.juniper.net/netconf/junos/1.0"})
	p.Send(events(p.backend.Set(junos)), msg.OpenSession{ID: 2}, msg.RunAction{ID: 2, Action: "session.past"})
	out["Past commits"] = p.root.screenActions()
	p.Press("esc")
	p.Send(msg.ShowShell{Name: "vmx-9", Shell: quietShell{}})
	out["Shell"] = p.root.screenActions()
	out["Shell, command line"] = shell.New(p.root.d, "vmx-9", quietShell{}).Actions()
	p.Press("q")
	p.Send(msg.OpenSession{ID: 4})
	out["Session, lost"] = p.root.screenActions()
	return out
}

// exchange is a reply that has come.
func exchange(t *testing.T, text string) *conn.Exchange {
	t.Helper()
	d := xmldoc.New(xmldoc.Options{})
	t.Cleanup(func() { d.Close() })
	if _, err := d.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	d.Finish(nil)
	return &conn.Exchange{ID: 1, Device: "core-r1", Doc: d}
}

// focused is the section of the first action, which is the focused pane's.
func focused(p *program) string {
	as := p.root.screenActions()
	if len(as) == 0 {
		return "no pane"
	}
	return strings.ToLower(as[0].Section)
}

func TestNoPlaceHasTwoActionsOnOneKey(t *testing.T) {
	t.Parallel()
	for place, as := range places(t) {
		for _, clash := range action.Clashes(as) {
			t.Errorf("%s: %s", place, clash)
		}
	}
}

func TestOnlyTheLettersOfADeviceAlterIt(t *testing.T) {
	t.Parallel()
	const letters = "VCXUK"
	for place, as := range places(t) {
		for _, a := range as {
			for _, k := range a.Keys {
				if len(k) == 1 && unicode.IsUpper(rune(k[0])) && a.Alters != strings.Contains(letters, k) {
					t.Errorf("%s: %s on %s, alters: %v", place, a.ID, k, a.Alters)
				}
			}
		}
	}
}

func TestActionsAreComplete(t *testing.T) {
	t.Parallel()
	for place, as := range places(t) {
		for _, a := range as {
			if a.ID == "" || a.Title == "" || len(a.Keys) == 0 || a.Section == "" {
				t.Errorf("%s: %+v", place, a)
			}
			for _, k := range a.Keys {
				uitest.Key(k) // fails for a name that no terminal sends
				if strings.HasPrefix(k, "alt+") || strings.HasPrefix(k, "f1") || k == "ctrl+enter" || k == "ctrl+q" || k == "ctrl+s" {
					t.Errorf("%s: %s on %s, which not every terminal can send", place, a.ID, k)
				}
			}
		}
	}
}

// TestKeyTable keeps docs/keys.md as the tables have it; DIALTONE_UPDATE=1
// writes it.
func TestKeyTable(t *testing.T) {
	t.Parallel()
	all := places(t)
	var names []string
	for n := range all {
		names = append(names, n)
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString("# Keys\n\nWritten from the tables of the program; the same tables make `?`, the palette and the help bar.\n" +
		"`[keys]` in `config.toml` gives other keys to an action by its name.\n")
	for _, n := range names {
		fmt.Fprintf(&b, "\n## %s\n\n%s", n, markdown(all[n]))
	}
	var ids []string
	for _, as := range all {
		for _, a := range as {
			ids = append(ids, string(a.ID))
		}
	}
	ids = append(ids, written(t)...)
	slices.Sort(ids)
	kept(t, filepath.Join("..", "docs", "keys.md"), b.String())
	kept(t, filepath.Join("action", "ids.txt"), strings.Join(slices.Compact(ids), "\n")+"\n")
}

// written lists the names of actions that stand in the source: some are there
// only in a state that places does not come to.
func written(t *testing.T) []string {
	t.Helper()
	name := regexp.MustCompile(`\bID: +"([a-z]+\.[a-z.-]+)"`)
	var out []string
	err := filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range name.FindAllSubmatch(text, -1) {
			out = append(out, string(m[1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// markdown is the table of as for a document: keys, what they do, the name for
// config.toml.
func markdown(as []action.Action) string {
	var b strings.Builder
	b.WriteString("| Keys | Does | Name |\n|---|---|---|\n")
	for _, a := range as {
		keys := make([]string, 0, len(a.Keys))
		for _, k := range a.Keys {
			keys = append(keys, "`"+strings.ReplaceAll(action.KeyName(k, true), "|", `\|`)+"`")
		}
		title := a.Title
		if a.Alters {
			title += " (changes the device)"
		}
		b.WriteString("| " + strings.Join(keys, " ") + " | " + title + " | `" + string(a.ID) + "` |\n")
	}
	return b.String()
}

// kept compares a written file with what it should be; DIALTONE_UPDATE=1 writes
// it.
func kept(t *testing.T, path, want string) {
	t.Helper()
	if os.Getenv("DIALTONE_UPDATE") == "1" {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(path)
	if err != nil || string(have) != want {
		t.Errorf("%s is not what the tables say (%v); DIALTONE_UPDATE=1 writes it", path, err)
	}
}

func TestOwnKeysWorkAndClashesAreTold(t *testing.T) {
	t.Parallel()
	p := lab(t, func(d *Deps) {
		d.Keys = action.Overrides{"devices.add": {"space"}, "root.messages": {"o"}, "root.palette": {"ctrl+x"}}
	})
	p.Press("!", "a")
	if p.root.stack.Top() != nil {
		t.Error("the old keys still work")
	}
	p.Press("space")
	p.mustShow(t, "Device profile")
	p.Press("esc", "ctrl+x")
	p.mustShow(t, "commands.")
	p.Press("esc")
	kept := ""
	for _, n := range p.root.toasts.Kept() {
		kept += n.Toast.Text + "\n"
	}
	if strings.Count(kept, "one key on two actions") != 1 || !strings.Contains(kept, "o: devices.sort, root.messages") {
		t.Errorf("told %q", kept)
	}
	if len(action.Clashes(p.root.screenActions())) != 0 {
		t.Error("the devices' own keys clash")
	}
}
