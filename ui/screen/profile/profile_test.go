package profile

import (
	"reflect"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

// full is a profile in which every field says something.
func full(via link.Via) profile.Profile {
	no := false
	p := profile.Profile{Group: "core", Tags: []string{"lab", "mx"}, Note: "rack 4", Target: link.Target{
		Name: "core-r1", Via: via, Host: "192.0.2.1", Port: 2222, User: "admin", Identity: []string{"~/.ssh/a", "~/.ssh/b"},
		Agent: &no, AgentKey: "SHA256:" + strings.Repeat("a", 43), Password: "store:r1", Jump: []string{"bastion"}, DeviceID: "r1.lab", Secret: "store:r1-secret",
		Pin: []string{"SHA256:" + strings.Repeat("b", 43)}, HostKey: link.Strict, Open: "auto", ReadOnly: true,
		Keepalive: link.Duration(20 * time.Second), Timeout: link.Duration(90 * time.Second), CommitTimeout: link.Duration(20 * time.Minute),
		Legacy: []string{profile.Legacy()[0]}, Quirks: []string{"force-1.0"},
	}}
	return drop(p)
}

func open(t *testing.T, p profile.Profile, store profile.Store) *Form {
	t.Helper()
	th, _ := style.New("mono", false, false)
	return New(&screen.Deps{Theme: th, Profiles: store}, p, p.Name)
}

func TestFormKeepsAllOfAProfile(t *testing.T) {
	t.Parallel()
	for _, via := range ways {
		want := full(via)
		got, bad := open(t, want, nil).check()
		if len(bad) > 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", via, bad, got, want)
		}
	}
}

// The fields of the file that a person edits in the form; the others are kept.
func TestFormHasTheFieldsOfTheFile(t *testing.T) {
	t.Parallel()
	f := open(t, full(link.SSH), nil)
	kept := map[string]bool{"agent_key": true, "legacy": true, "quirks": true}
	for _, of := range []reflect.Type{reflect.TypeFor[link.Target](), reflect.TypeFor[profile.Profile]()} {
		for i := range of.NumField() {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("toml"), ",")
			if name == "" || name == "-" {
				continue
			}
			if there := f.form.Field(name) != nil; there == kept[name] {
				t.Errorf("%s: in the form %v, kept beside it %v", name, there, kept[name])
			}
		}
	}
}

func TestCommitWaitIsCheckedAndSaved(t *testing.T) {
	t.Parallel()
	p := full(link.SSH)
	p.CommitTimeout = 0
	p.Password = ""
	store := profile.Memory()
	f := open(t, p, store)
	fill := func(s string) {
		f.form.Select("commit_timeout")
		f.Update(uitest.Key("ctrl+u"))
		f.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(s)})
		f.form.Select("save")
	}
	for text, want := range map[string]string{"soon": `must be a time such as "30s"`, "25h": "must be at most 24h", "-1s": "must not be negative"} {
		if fill(text); f.form.Field("commit_timeout").Err != want {
			t.Errorf("%q: %q, want %q", text, f.form.Field("commit_timeout").Err, want)
		}
		if cmd, _ := f.Update(uitest.Key("enter")); cmd != nil {
			t.Errorf("saved with %q", text)
		}
	}
	fill("20m")
	cmd, _ := f.Update(uitest.Key("enter"))
	if cmd == nil {
		t.Fatal("not saved")
	}
	f.Update(cmd())
	if ps, _ := store.List(); len(ps) != 1 || ps[0].CommitTimeout != link.Duration(20*time.Minute) {
		t.Errorf("saved %+v", ps)
	}
}
