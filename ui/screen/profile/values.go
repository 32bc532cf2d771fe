package profile

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/ui/screen"
	"dialtone/ui/widget/form"
	"dialtone/ui/widget/prompt"
)

// ways is the ways of reaching a device in the order of the form.
var ways = [...]link.Via{link.SSH, link.CallHome, link.Junos, link.HTTPS, link.HTTPSBasic}

var policies = [...]link.HostKeyPolicy{link.Ask, link.AcceptNew, link.Strict}

// needs names for each field the ways that use it; a field without an entry is
// always there.
func needs(field string) []link.Via {
	sshLike := []link.Via{link.SSH, link.CallHome, link.Junos}
	switch field {
	case "port", "jump":
		return []link.Via{link.SSH}
	case "user", "agent", "identity", "password", "host_key":
		return sshLike
	case "device_id", "secret":
		return []link.Via{link.Junos, link.HTTPS}
	case "pin":
		return []link.Via{link.CallHome, link.Junos}
	case "open":
		return []link.Via{link.CallHome, link.Junos, link.HTTPS}
	}
	return nil
}

// fields makes the form's fields from a profile.
func fields(p profile.Profile) []*form.Field {
	text := func(name, label, value, hint string) *form.Field {
		f := &form.Field{Name: name, Label: label, Line: prompt.Line{Hint: hint}}
		f.Line.Set(value)
		return f
	}
	short := func(f *form.Field, note string) *form.Field {
		f.Short, f.Note = true, note
		return f
	}
	port := ""
	if p.Port != 0 {
		port = strconv.Itoa(p.Port)
	}
	via := max(slices.Index(ways[:], p.Via), 0)
	policy := max(slices.Index(policies[:], p.HostKey), 0)
	open, mode := 0, 0
	if p.Open == "auto" {
		open = 1
	}
	if p.ReadOnly {
		mode = 1
	}
	return []*form.Field{
		text("name", "Name", p.Name, "core-r1"),
		text("group", "Group", p.Group, ""),
		{Name: "via", Label: "Reach by", Kind: form.Choice, Options: []string{"ssh", "call-home", "junos", "https+", "https"}, At: via},
		text("host", "Host", p.Host, "192.0.2.1"),
		short(text("port", "Port", port, "830"), ""),
		text("device_id", "Device id", p.DeviceID, "what the device calls itself"),
		text("secret", "Secret", p.Secret, "store:NAME, keyring:NAME, env:VAR or file:PATH"),
		text("user", "User", p.User, "admin"),
		{Name: "agent", Label: "Agent", Kind: form.Toggle, On: p.UseAgent(), Note: "offer the keys of the ssh-agent"},
		text("identity", "Key files", strings.Join(p.Identity, ", "), "~/.ssh/id_ed25519"),
		text("password", "Password", p.Password, "none; or ask, store:NAME, keyring:NAME, env:VAR, file:PATH"),
		text("jump", "Jump hosts", strings.Join(p.Jump, ", "), "none"),
		text("pin", "Host keys", strings.Join(p.Pin, ", "), "SHA256:... that this device may show"),
		{Name: "host_key", Label: "New host key", Kind: form.Choice, Options: []string{"ask", "accept new", "refuse"}, At: policy},
		{Name: "open", Label: "When it calls", Kind: form.Choice, Options: []string{"ask", "open by itself"}, At: open},
		{Name: "read_only", Label: "Mode", Kind: form.Choice, Options: []string{"read-write", "read-only"}, At: mode},
		short(text("keepalive", "Keepalive", wait(p.Keepalive), "15s"), "three missed mean lost"),
		short(text("timeout", "Timeout", wait(p.Timeout), "300s"), "of silence, not in total"),
		short(text("commit_timeout", "Commit wait", wait(p.CommitTimeout), "15m"), "of silence during commit and validate"),
		text("tags", "Tags", strings.Join(p.Tags, ", "), ""),
		text("note", "Note", p.Note, ""),
	}
}

func wait(d link.Duration) string {
	if d == 0 {
		return ""
	}
	return time.Duration(d).String()
}

// values reads the profile back. What the form does not show is kept from
// base. The errors are of fields that cannot be read at all.
func values(f *form.Form, base profile.Profile) (profile.Profile, map[string]string) {
	p, bad := base, map[string]string{}
	get := func(name string) string { return f.Field(name).Value() }
	p.Name, p.Group, p.Note = get("name"), get("group"), get("note")
	p.Tags = words(get("tags"))
	p.Via = ways[f.Field("via").At]
	p.Host, p.User = get("host"), get("user")
	p.Port = 0
	if s := get("port"); s != "" && !f.Field("port").Hidden {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 65535 {
			bad["port"] = "must be 1 to 65535"
		}
		p.Port = n
	}
	p.DeviceID, p.Secret, p.Password = get("device_id"), get("secret"), get("password")
	p.Identity, p.Jump, p.Pin = words(get("identity")), words(get("jump")), words(get("pin"))
	p.Agent = base.Agent
	if on := f.Field("agent").On; on != base.UseAgent() {
		p.Agent = &on
	}
	if pol := policies[f.Field("host_key").At]; pol != link.Ask || base.HostKey != "" {
		p.HostKey = pol
	}
	p.Open = base.Open
	if at := f.Field("open").At; at == 1 || base.Open != "" {
		p.Open = [...]string{"ask", "auto"}[at]
	}
	p.ReadOnly = f.Field("read_only").At == 1
	p.Keepalive = duration(get("keepalive"), "keepalive", bad)
	p.Timeout = duration(get("timeout"), "timeout", bad)
	p.CommitTimeout = duration(get("commit_timeout"), "commit_timeout", bad)
	return drop(p), bad
}

// drop empties what the chosen way does not use, so that nothing invisible is
// saved.
func drop(p profile.Profile) profile.Profile {
	unused := func(field string) bool {
		ways := needs(field)
		return ways != nil && !slices.Contains(ways, p.Via)
	}
	if unused("port") {
		p.Port, p.Jump = 0, nil
	}
	if unused("user") {
		p.User, p.Agent, p.AgentKey, p.Identity, p.Password, p.HostKey = "", nil, "", nil, "", ""
	}
	if unused("secret") {
		p.DeviceID, p.Secret = "", ""
	}
	if unused("pin") {
		p.Pin = nil
	}
	if unused("open") {
		p.Open = ""
	}
	return p
}

func words(s string) []string {
	var out []string
	for _, w := range strings.Split(s, ",") {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}

// duration reads "30s", and a bare number as seconds.
func duration(s, field string, bad map[string]string) link.Duration {
	if s == "" {
		return 0
	}
	if n, err := strconv.Atoi(s); err == nil && n >= 0 && n < 1<<20 {
		return link.Duration(time.Duration(n) * time.Second)
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		bad[field] = `must be a time such as "30s"`
	}
	return link.Duration(d)
}

// find returns the saved profile of a name.
func find(d *screen.Deps, name string) (profile.Profile, bool) {
	if d.Profiles == nil {
		return profile.Profile{}, false
	}
	ps, _ := d.Profiles.List()
	for _, p := range ps {
		if p.Name == name {
			return p, true
		}
	}
	return profile.Profile{}, false
}
