package inbox

import (
	"fmt"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn/desk"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/widget/table"
)

// bind is the dialog that gives a caller's identity to a saved profile. It
// lists the profiles that devices may call in to; the change is shown and asked
// about before it is made.
type bind struct {
	d      *screen.Deps
	caller desk.Caller
	ps     []profile.Profile
	list   table.List
	loaded bool
	gone   bool
}

func newBind(d *screen.Deps, c desk.Caller) *bind { return &bind{d: d, caller: c} }

// Init reads the profiles.
func (b *bind) Init() tea.Cmd { return readProfiles(b.d, b) }

// Help implements overlay.Dialog.
func (b *bind) Help() string {
	if len(b.ps) == 0 || b.gone {
		return "esc cancel"
	}
	return "enter see what changes  j k choose  esc cancel"
}

// takes reports whether a profile may belong to a caller: both by SSH, or both
// by HTTPS. A device that we dial is not one that calls.
func takes(p profile.Profile, c desk.Caller) bool {
	if byHTTPS(c.Via) {
		return p.Via == c.Via
	}
	return p.Via == link.CallHome || p.Via == link.Junos
}

// Update implements overlay.Dialog.
func (b *bind) Update(m tea.Msg) (tea.Cmd, bool) {
	switch m := m.(type) {
	case foundMsg:
		if m.to == any(b) {
			b.found(m.all)
		}
		return nil, false
	case msg.Desk:
		b.gone = !slices.ContainsFunc(m.Callers, func(c desk.Caller) bool { return c.ID == b.caller.ID })
		return nil, false
	case tea.KeyMsg:
		return b.key(m.String())
	}
	return nil, false
}

func (b *bind) found(all []profile.Profile) {
	b.ps, b.loaded = nil, true
	for _, p := range all {
		if takes(p, b.caller) {
			b.ps = append(b.ps, p)
		}
	}
	b.list.SetLen(len(b.ps))
	if i := slices.IndexFunc(b.ps, func(p profile.Profile) bool { return p.Name == b.caller.Matches }); i >= 0 {
		b.list.Select(i)
	}
}

func (b *bind) key(key string) (tea.Cmd, bool) {
	switch key {
	case "esc", "q", "ctrl+c":
		return nil, true
	case "enter":
		if i := b.list.At(); i >= 0 && !b.gone && cannot(b.ps[i], b.caller) == "" {
			return overlay.Open(b.confirm(b.ps[i])), true
		}
	default:
		b.list.Key(key)
	}
	return nil, false
}

// changes is what binding does to a profile, in sentences.
func changes(p profile.Profile, c desk.Caller) []string {
	var out []string
	if c.Claim != "" && c.Via == link.Junos && p.Via == link.CallHome {
		out = append(out, "~ calls by junos, no more by call-home")
	}
	if c.Claim != "" && c.Claim != p.DeviceID {
		out = append(out, "+ device id "+safe.Text(c.Claim))
	}
	if c.Via == link.HTTPSBasic && p.Host == "" {
		out = append(out, "+ address "+c.From.Addr().Unmap().String()+", and nothing else: whoever calls from there is taken for this device")
	}
	if key := bareKey(c); c.Key != "" && !slices.Contains(p.Pin, key) {
		what := "+ host key"
		if n := len(p.Pin); n > 0 {
			what += fmt.Sprintf(", in place of the %d that it holds", n)
		}
		out = append(out, what, "  "+key)
	}
	if len(out) == 0 {
		out = append(out, "nothing: it has this identity already")
	}
	return out
}

// cannot says why a profile cannot be that of a caller, "" when it can.
func cannot(p profile.Profile, c desk.Caller) string {
	switch {
	case c.Via == link.HTTPSBasic && p.Host != "" && p.Host != c.From.Addr().Unmap().String():
		return "another address"
	case c.Claim != "" && p.DeviceID != "" && p.DeviceID != c.Claim:
		return "another id"
	}
	return ""
}

// confirm shows the change and asks; Cancel is the default.
func (b *bind) confirm(p profile.Profile) overlay.Dialog {
	d, c, name := b.d, b.caller, p.Name
	do := func() tea.Msg {
		if err := d.Desk.Bind(c.ID, name); err != nil {
			return tea.BatchMsg{say(failed("Not bound", err)), say(msg.Awaited{Name: name, From: c.From, Off: true})}
		}
		return msg.ProfilesChanged{}
	}
	after := "The device is let in, and known by this from its next call on."
	if c.Via == link.HTTPSBasic {
		after = "The device is let in. From its next call on it is shown with this name, as one that proves nothing, and is never let in by itself."
	}
	body := append([]string{"What changes in the profile:"}, changes(p, b.caller)...)
	body = append(body, "", claims(b.caller)+".")
	body = append(body, verdict(b.caller)...)
	return &overlay.Confirm{
		Theme: b.d.Theme, Title: "Bind " + who(b.caller) + " to " + safe.Text(name) + "?", Wide: true,
		Body:    append(body, "", after),
		Choices: []overlay.Choice{{Key: "b", Label: "bind and let it in", Do: tea.Sequence(say(msg.Awaited{Name: name, From: c.From}), do)}},
	}
}

// View implements overlay.Dialog.
func (b *bind) View(maxW, maxH int) string {
	t := b.d.Theme
	w, h := min(maxW, 72), min(maxH, max(len(b.ps), 2)+8)
	body := []string{"  " + claims(b.caller)}
	for _, l := range style.Wrap(safe.Text(b.caller.Key), w-3) {
		body = append(body, "  "+t.Paint(style.Title, l))
	}
	body = append(body, "", t.Paint(style.Dim, "    "+t.Fit("NAME", 20)+t.Fit("VIA", 11)+t.Fit("DEVICE ID", 18)+"KEYS"))
	b.list.SetPage(max(h-4-len(body), 1))
	from, to := b.list.Window()
	for i := from; i < to; i++ {
		p := b.ps[i]
		id := safe.Text(p.DeviceID)
		if id == "" {
			id = "-"
		}
		row := t.Fit(safe.Text(p.Name), 19) + " " + t.Fit(viaWord(p.Via), 11) + t.Fit(id, 17) + fmt.Sprintf(" %d", len(p.Pin))
		if why := cannot(p, b.caller); why != "" {
			row = t.Fit(row, w-8-style.Width(why)) + why
		}
		if i == b.list.At() {
			body = append(body, t.Paint(style.Select, t.Fit("  "+t.Glyph(style.Selected)+" "+row, w-2)))
			continue
		}
		body = append(body, "    "+row)
	}
	switch {
	case b.loaded && len(b.ps) == 0:
		body = append(body, "  No profile is for a device that calls this way. Accept the caller", "  instead: that makes one.")
	case b.gone:
		body = append(body, t.Paint(style.Error, "  ! it waits no longer"))
	}
	return strings.Join(t.Box(w, h, "Bind "+who(b.caller)+" to a profile", "", true, body), "\n")
}
