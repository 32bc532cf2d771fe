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
	"dialtone/ui/safe"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/widget/form"
	"dialtone/ui/widget/prompt"
)

// accept is the dialog in which a person lets a caller in: what is proved, what
// is only claimed, and as which device. Cancel is the default.
type accept struct {
	d      *screen.Deps
	caller desk.Caller
	form   form.Form

	base   profile.Profile // the profile that it matches, empty for a new one
	taken  []string        // names of the saved profiles
	gone   bool            // it has hung up
	sent   bool
	notice string
}

// bareKey is the fingerprint of a caller's key without its type.
func bareKey(c desk.Caller) string {
	if i := strings.Index(c.Key, "SHA256:"); i >= 0 {
		return safe.Text(c.Key[i:])
	}
	return safe.Text(c.Key)
}

// byHTTPS reports a way of calling that signs nobody in.
func byHTTPS(v link.Via) bool { return v == link.HTTPS || v == link.HTTPSBasic }

func newAccept(d *screen.Deps, c desk.Caller) *accept {
	a := &accept{d: d, caller: c}
	text := func(name, label, value, hint string) *form.Field {
		f := &form.Field{Name: name, Label: label, Line: prompt.Line{Hint: hint}}
		f.Line.Set(value)
		return f
	}
	keep := "as a profile, with the key above"
	switch {
	case c.Via == link.HTTPSBasic:
		keep = "as a profile, by its address alone"
	case c.Key == "":
		keep = "as a profile"
	}
	known := c.Matches != "" && !strings.Contains(c.Trust, "NEW") && !strings.Contains(c.Trust, "REPLACED")
	a.form.Fields = []*form.Field{
		text("name", "Name", nameFor(c), "of the profile"),
		text("group", "Group", "", ""),
		text("user", "User", c.User, "admin"),
		text("secret", "Secret", "", "none; or store:NAME, keyring:NAME, env:VAR, file:PATH"),
		text("password", "Password", "ask", "none; or ask, store:NAME, env:VAR, file:PATH"),
		{Name: "save", Label: "Save", Kind: form.Toggle, On: !known, Note: keep},
		{Name: "open", Label: "Next time", Kind: form.Choice, Options: []string{"ask again", "open by itself"}},
	}
	a.form.Buttons = []form.Button{{Name: "cancel", Label: "Cancel"}, {Name: "accept", Label: "Accept"}}
	a.form.Select("cancel")
	a.form.Field("user").Hidden = byHTTPS(c.Via)
	a.form.Field("password").Hidden = byHTTPS(c.Via)
	a.form.Field("secret").Hidden = c.Via != link.HTTPS || c.Matches != ""
	a.check()
	return a
}

// nameFor proposes a name: that of the profile, else the claim when it can be
// one, else the address.
func nameFor(c desk.Caller) string {
	if c.Matches != "" {
		return c.Matches
	}
	if profile.ValidName(c.Claim) {
		return c.Claim
	}
	addr := strings.Trim(strings.ReplaceAll(c.From.Addr().Unmap().WithZone("").String(), ":", "-"), "-.")
	if profile.ValidName(addr) {
		return addr
	}
	return ""
}

// foundMsg is what the store of profiles holds, for the dialog that asked.
type foundMsg struct {
	to  any
	all []profile.Profile
}

// Init reads the profiles in a command, because the disk may be slow.
func (a *accept) Init() tea.Cmd { return readProfiles(a.d, a) }

func readProfiles(d *screen.Deps, to any) tea.Cmd {
	return func() tea.Msg {
		if d.Profiles == nil {
			return foundMsg{to: to}
		}
		ps, _ := d.Profiles.List()
		return foundMsg{to, ps}
	}
}

// Help implements overlay.Dialog. In a field the letter is text.
func (a *accept) Help() string {
	if f := a.form.Focused(); f != nil {
		return inField(f, "cancel (default)")
	}
	return "a accept  tab next  shift+tab back  esc cancel (default)"
}

// Update implements overlay.Dialog.
func (a *accept) Update(m tea.Msg) (tea.Cmd, bool) {
	switch m := m.(type) {
	case foundMsg:
		if m.to == any(a) {
			a.found(m.all)
		}
	case msg.Desk:
		a.gone = !slices.ContainsFunc(m.Callers, func(c desk.Caller) bool { return c.ID == a.caller.ID })
	case tea.KeyMsg:
		return a.key(m)
	}
	return nil, false
}

// found fills in what the profile says that the caller matches.
func (a *accept) found(all []profile.Profile) {
	a.taken = a.taken[:0]
	for _, p := range all {
		a.taken = append(a.taken, p.Name)
		if p.Name != a.caller.Matches || a.base.Name != "" {
			continue
		}
		a.base = p
		a.form.Field("group").Line.Set(p.Group)
		if p.User != "" {
			a.form.Field("user").Line.Set(p.User)
		}
		a.form.Field("password").Line.Set(p.Password)
		if p.Open == "auto" {
			a.form.Field("open").At = 1
		}
	}
	a.check()
}

func (a *accept) key(k tea.KeyMsg) (tea.Cmd, bool) {
	key := k.String()
	switch {
	case key == "esc", key == "ctrl+c":
		return nil, true
	case key == "a" && a.form.Focused() == nil:
		return a.accept()
	}
	pressed, _, _ := a.form.Update(k)
	a.check()
	switch pressed {
	case "cancel":
		return nil, true
	case "accept":
		return a.accept()
	}
	return nil, false
}

// check reads the form and shows what is wrong beside the fields.
func (a *accept) check() (profile.Profile, bool) {
	get := func(name string) string { return a.form.Field(name).Value() }
	p := a.base
	p.Name, p.Group = get("name"), get("group")
	if p.Via == "" || p.Via == link.SSH {
		p.Via = a.caller.Via
	}
	if p.DeviceID == "" && p.Via != link.CallHome {
		p.DeviceID = a.caller.Claim
	}
	if f := a.form.Field("secret"); !f.Hidden {
		p.Secret = f.Value()
	}
	if !byHTTPS(p.Via) {
		p.User, p.Password = get("user"), get("password")
	}
	if at := a.form.Field("open").At; (at == 1 || p.Open != "") && p.Via != link.HTTPSBasic {
		p.Open = [...]string{"ask", "auto"}[at]
	}
	save := a.form.Field("save").On
	a.form.Field("group").Hidden = !save
	a.form.Field("open").Hidden = !save || p.Via == link.HTTPSBasic // nothing is proved that could let it in
	bad := profile.Check(p)
	if save && p.Name != a.caller.Matches && slices.Contains(a.taken, p.Name) {
		bad["name"] = "is taken; b in the inbox binds to it"
	}
	ok := true
	for _, f := range a.form.Fields {
		f.Err = ""
		if !f.Hidden {
			f.Err = safe.Text(bad[f.Name])
			ok = ok && f.Err == ""
		}
		delete(bad, f.Name)
	}
	a.notice = ""
	for name, what := range bad {
		a.notice = safe.Text(name + " " + what)
		ok = ok && !save
	}
	return p, ok
}

// accept lets the caller in; the session is shown once it is there.
func (a *accept) accept() (tea.Cmd, bool) {
	p, ok := a.check()
	if a.gone || a.sent {
		return nil, false
	}
	if !ok {
		a.form.Touch()
		for _, f := range a.form.Fields {
			if f.Err != "" {
				a.form.Select(f.Name)
				break
			}
		}
		return nil, false
	}
	a.sent = true
	d, c, save := a.d, a.caller, a.form.Field("save").On
	do := func() tea.Msg {
		whole, ok := d.Desk.(desk.Saver)
		var err error
		if ok && save {
			err = whole.AcceptAs(c.ID, p)
		} else {
			err = d.Desk.Accept(c.ID, p.Target, save)
		}
		if err != nil {
			return tea.BatchMsg{say(failed("Not accepted", err)), say(msg.Awaited{Name: p.Name, From: c.From, Off: true})}
		}
		if !save {
			return nil
		}
		if ok {
			return msg.ProfilesChanged{}
		}
		if err := keepRest(d, p); err != nil {
			return failed("Accepted; what was typed is not in the profile", err)
		}
		return msg.ProfilesChanged{}
	}
	return tea.Sequence(say(msg.Awaited{Name: p.Name, From: c.From}), do), true
}

func say(m tea.Msg) tea.Cmd { return func() tea.Msg { return m } }

// keepRest adds to the profile that the desk has saved what the desk does not
// keep: the group, and what was changed in a profile that was there before.
func keepRest(d *screen.Deps, p profile.Profile) error {
	if d.Profiles == nil {
		return nil
	}
	all, _ := d.Profiles.List()
	for _, have := range all {
		if have.Name != p.Name {
			continue
		}
		if have.Group == p.Group && have.User == p.User && have.Password == p.Password && have.Open == p.Open {
			return nil
		}
		have.Group, have.User, have.Password, have.Open = p.Group, p.User, p.Password, p.Open
		return d.Profiles.Put(have)
	}
	return nil
}

// View implements overlay.Dialog. Where there is little room the sentences go
// first; the key and the verdict stay.
func (a *accept) View(maxW, maxH int) string {
	t, c := a.d.Theme, a.caller
	w := min(maxW, 72)
	in := w - 4
	head := []string{"  " + t.Fit(claims(c), in)}
	if c.Key != "" {
		for _, l := range style.Wrap(safe.Text(c.Key), w-3) {
			head = append(head, "  "+t.Paint(style.Title, l))
		}
	}
	head = append(head, "  "+t.Paint(token(c), t.Fit(safe.Text(c.Trust), in)))
	fields := 0
	for _, f := range a.form.Fields {
		if !f.Hidden {
			fields++
		}
	}
	note := a.note()
	room := maxH - 2 - len(head) - b2i(note != "") - 2 // frame, blank and buttons
	var sentences []string
	for _, v := range verdict(c) { // whole ones or none
		rows := style.Wrap(v, in)
		if len(sentences)+len(rows) > room-min(fields, 4) {
			break
		}
		for _, l := range rows {
			sentences = append(sentences, "  "+l)
		}
	}
	room -= len(sentences)
	body := append(head, sentences...)
	if room > fields {
		body, room = append(body, ""), room-1
	}
	body = append(body, a.form.View(t, w-2, max(min(fields, room), 1)+2)...)
	if note != "" {
		body = append(body, " "+note)
	}
	title := "Accept " + who(c) + "?"
	if c.Parked {
		title = "Open a session with " + who(c) + "?"
	}
	return strings.Join(t.Box(w, min(len(body)+2, maxH), title, viaWord(c.Via), true, body), "\n")
}

// note is what stands in the way, "" when nothing does.
func (a *accept) note() string {
	t := a.d.Theme
	switch {
	case a.gone:
		return t.Paint(style.Error, "! it waits no longer: it hung up, or was decided on; esc closes")
	case a.notice != "" && a.form.Field("save").On:
		return t.Paint(style.Warn, "! "+a.notice)
	case a.form.Field("save").On && !a.form.Field("secret").Hidden && a.form.Field("secret").Value() == "":
		return t.Paint(style.Warn, "! without a secret any host may claim this name from now on")
	case a.caller.User != "" && !byHTTPS(a.caller.Via) && a.form.Field("user").Value() != a.caller.User:
		return t.Paint(style.Warn, "! another user: it must call once more, and is then let in at once")
	}
	return ""
}

// claims is the first sentence of a dialog on a caller.
func claims(c desk.Caller) string {
	at := from(c)
	switch {
	case c.Claim == "":
		return at + " says no name"
	case c.Believed:
		return at + " is " + claim(c)
	}
	return fmt.Sprintf("%s claims to be %s", at, claim(c))
}
