// Package profile is the form in which a person describes a device. It can try
// the connection without saving anything.
package profile

import (
	"fmt"
	"sort"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/widget/form"
)

// Form implements overlay.Dialog.
type Form struct {
	d    *screen.Deps
	base profile.Profile // as it was when the form opened
	old  string          // name under which it is saved, "" for a new one
	form form.Form

	saving  bool
	trying  conn.SessionID // session of the test under way or done, 0: none
	tried   string         // what came of it
	triedAs style.Token
	asked   bool // esc was pressed once with changes
	changed bool
}

// Open reads the profile and opens the form on it. An empty name is a new
// one. t, when not nil, fills in what is not saved yet.
func Open(d *screen.Deps, name string, t *link.Target) tea.Cmd {
	return func() tea.Msg {
		p, found := find(d, name)
		old := name
		if !found {
			old = ""
			if t != nil {
				p.Target = *t
			}
		}
		return overlay.Push{Dialog: New(d, p, old)}
	}
}

// New returns the form on p. old is the name under which p is saved, "" when
// it is not.
func New(d *screen.Deps, p profile.Profile, old string) *Form {
	f := &Form{d: d, base: p, old: old}
	f.form.Fields = fields(p)
	f.form.Buttons = []form.Button{{Name: "test", Label: "Test"}, {Name: "config", Label: "Device config"}, {Name: "save", Label: "Save"}, {Name: "cancel", Label: "Cancel"}}
	f.check()
	return f
}

// Help implements overlay.Dialog.
func (f *Form) Help() string {
	return "tab next  space choose  ctrl+r test  y copy device config  esc cancel"
}

// check shows the fields of the chosen way and finds what is wrong.
func (f *Form) check() (profile.Profile, map[string]string) {
	via := ways[f.form.Field("via").At]
	for _, x := range f.form.Fields {
		x.Hidden = false
		if ws := needs(x.Name); ws != nil {
			x.Hidden = true
			for _, w := range ws {
				x.Hidden = x.Hidden && w != via
			}
		}
	}
	host := f.form.Field("host")
	host.Note = ""
	if via != link.SSH {
		host.Note = "a remark: it calls us"
	}
	p, bad := values(&f.form, f.base)
	for field, what := range profile.Check(p) {
		if bad[field] == "" {
			bad[field] = what
		}
	}
	for _, x := range f.form.Fields {
		x.Err = safe.Text(bad[x.Name])
	}
	return p, bad
}

// Update implements overlay.Dialog.
func (f *Form) Update(m tea.Msg) (tea.Cmd, bool) {
	switch m := m.(type) {
	case msg.Events:
		return f.events(m), false
	case savedMsg:
		return f.saved(m)
	case newSecretMsg:
		f.secret(m)
	case tea.KeyMsg:
		return f.key(m)
	}
	return nil, false
}

// secret puts the reference of a secret that was made for this device into its
// field; it is saved with the form.
func (f *Form) secret(m newSecretMsg) {
	field := f.form.Field("secret")
	if m.ref == "" || m.name != f.form.Field("name").Value() || field.Value() != "" {
		return
	}
	field.Line.Set(m.ref)
	f.changed = true
	f.check()
}

func (f *Form) key(k tea.KeyMsg) (tea.Cmd, bool) {
	switch k.String() {
	case "esc", "ctrl+c":
		return f.cancel()
	case "ctrl+r":
		return f.test(), false
	}
	if k.String() == "y" && f.form.Focused() == nil {
		p, _ := f.check()
		return NewConfig(f.d, p.Target).copied(), false
	}
	f.asked = false
	pressed, _, changed := f.form.Update(k)
	f.changed = f.changed || changed
	f.check()
	switch pressed {
	case "test":
		return f.test(), false
	case "config":
		p, _ := f.check()
		c := NewConfig(f.d, p.Target)
		c.form = true
		return overlay.Open(c), false
	case "save":
		return f.save(), false
	case "cancel":
		return f.stop(), true
	}
	return nil, false
}

// cancel closes the form; with changes only when asked twice.
func (f *Form) cancel() (tea.Cmd, bool) {
	if f.changed && !f.asked {
		f.asked = true
		return nil, false
	}
	return f.stop(), true
}

// stop ends a test that is still under way.
func (f *Form) stop() tea.Cmd {
	id := f.trying
	f.trying = 0
	if id == 0 {
		return nil
	}
	return func() tea.Msg { f.d.Backend.Disconnect(id); return nil }
}

// complain shows every error and goes to the first field that has one.
func (f *Form) complain(bad map[string]string) bool {
	if len(bad) == 0 {
		return false
	}
	f.form.Touch()
	for _, x := range f.form.Fields {
		if bad[x.Name] != "" && !x.Hidden {
			f.form.Select(x.Name)
			return true
		}
	}
	names := make([]string, 0, len(bad))
	for name, what := range bad { // a field that the form does not show
		names = append(names, name+" "+what)
	}
	sort.Strings(names)
	f.tried, f.triedAs = strings.Join(names, "; "), style.Error
	return true
}

// test dials with what is in the form. Nothing is saved; a host key that is
// trusted on the way is, when the person says so.
func (f *Form) test() tea.Cmd {
	p, bad := f.check()
	if p.Via.Calls() {
		f.tried, f.triedAs = "nothing to dial: the device calls us", style.Warn
		return nil
	}
	if p.Name == "" { // the one thing a test does not need
		delete(bad, "name")
		p.Name = "test of " + p.Host
	}
	if f.complain(bad) {
		return nil
	}
	end := f.stop()
	f.trying = f.d.Backend.Connect(p.Target)
	f.tried, f.triedAs = "dialling "+p.Address(), style.Accent
	return end
}

// events follows the session of a test.
func (f *Form) events(es msg.Events) tea.Cmd {
	for _, e := range es {
		if e.Kind != conn.DeviceChanged || e.Device.ID != f.trying || f.trying == 0 {
			continue
		}
		d := e.Device
		switch d.State {
		case conn.Open:
			f.tried, f.triedAs = fmt.Sprintf("works: session %d, %d capabilities, %s", d.NetconfID, len(d.Caps.URIs()), d.Caps.Letters()), style.OK
			return f.stop()
		case conn.Lost:
			f.tried, f.triedAs, f.trying = "failed", style.Error, 0
			if d.Err != nil {
				f.tried = d.Err.Error()
			}
		case conn.Authenticating:
			f.tried = "signing in"
		case conn.Greeting:
			f.tried = "signed in; waiting for the hello"
		}
	}
	return nil
}

type savedMsg struct {
	form *Form
	name string
	err  error
}

func (f *Form) save() tea.Cmd {
	p, bad := f.check()
	if f.complain(bad) || f.saving {
		return nil
	}
	if f.d.Profiles == nil {
		f.tried, f.triedAs = "nothing is saved in this run", style.Warn
		return nil
	}
	f.saving = true
	old := f.old
	return func() tea.Msg {
		if p.Name != old {
			if _, taken := find(f.d, p.Name); taken {
				return savedMsg{form: f, err: fmt.Errorf("there is a profile named %s already", p.Name)}
			}
		}
		err := f.d.Profiles.Put(p)
		if err == nil && old != "" && old != p.Name {
			err = f.d.Profiles.Delete(old)
		}
		return savedMsg{form: f, name: p.Name, err: err}
	}
}

// saved closes the form when all went well and keeps what was typed otherwise.
func (f *Form) saved(m savedMsg) (tea.Cmd, bool) {
	if m.form != f {
		return nil, false
	}
	f.saving = false
	if m.err != nil {
		f.tried, f.triedAs = "not saved: "+m.err.Error(), style.Error
		return nil, false
	}
	return tea.Batch(f.stop(), msg.Say(msg.Good, "Saved the profile "+m.name),
		func() tea.Msg { return msg.ProfilesChanged{} }), true
}

// View implements overlay.Dialog.
func (f *Form) View(maxW, maxH int) string {
	t := f.d.Theme
	w := min(maxW, 72)
	visible := 0
	for _, x := range f.form.Fields {
		if !x.Hidden {
			visible++
		}
	}
	h := min(maxH, visible+6)
	body := f.form.View(t, w-2, h-3)
	note := " " + t.Paint(f.triedAs, t.Fit(safe.Text(f.tried), w-4))
	if f.asked {
		note = " " + t.Paint(style.Warn, t.Fit("! what you changed is not saved; esc again drops it", w-4))
	}
	body = append(body, note)
	right := "new"
	if f.old != "" {
		right = safe.Text(f.old)
	}
	return strings.Join(t.Box(w, h, "Device profile", right, true, body), "\n")
}
