package inbox

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn/desk"
	"dialtone/conn/devconf"
	"dialtone/keys"
	"dialtone/keys/cert"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/widget/form"
	"dialtone/ui/widget/prompt"
)

// Certifier is a desk that has a certificate for outbound HTTPS, and can make
// one.
type Certifier interface {
	Certificate() desk.Certificate
	MakeCertificate(hosts []string, kt cert.KeyType, replace bool) (*cert.Pair, error)
}

// certificate is the dialog on what devices are shown that dial in by outbound
// HTTPS: what it is for, until when, what a device may object to, and making
// one. Close is the default.
type certificate struct {
	d    *screen.Deps
	desk Certifier
	form form.Form

	now    desk.Certificate
	loaded bool
	making bool
	typed  bool // the names are the person's
	fresh  bool // the one shown was made in this dialog
	failed string
}

// Certificate returns the dialog; nil when the desk has no certificates.
func Certificate(d *screen.Deps) overlay.Dialog {
	k, ok := d.Desk.(Certifier)
	if !ok {
		return nil
	}
	c := &certificate{d: d, desk: k}
	c.form.Fields = []*form.Field{
		{Name: "names", Label: "Names", Line: prompt.Line{Hint: "192.0.2.10, nms.example.net"}},
		{Name: "key", Label: "Key", Kind: form.Choice, Options: []string{string(cert.P256), string(cert.RSA2048), string(cert.RSA4096)}},
	}
	c.buttons()
	return c
}

func (c *certificate) buttons() {
	c.form.Buttons = []form.Button{{Name: "close", Label: "Close"}}
	switch {
	case c.fixed():
	case c.there():
		c.form.Buttons = append(c.form.Buttons, form.Button{Name: "make", Label: "Make another"})
	default:
		c.form.Buttons = append(c.form.Buttons, form.Button{Name: "make", Label: "Make"})
	}
	c.form.Select("close")
}

// fixed reports a certificate that cannot be made anew.
func (c *certificate) fixed() bool { return c.loaded && c.now.CertFile == "" }

// there reports files that would be replaced: a pair, or one that is broken.
func (c *certificate) there() bool { return !c.now.Missing() }

// Help implements overlay.Dialog.
func (c *certificate) Help() string {
	out := ""
	if !c.fixed() {
		out = "m make  "
	}
	if c.now.Pair != nil {
		out += "y copy it on one line  f copy the fingerprint  "
	}
	return out + "tab next  esc close"
}

// certMsg is the certificate as it is now, and what may stand in another one.
type certMsg struct {
	to    *certificate
	now   desk.Certificate
	hosts []string
}

// madeMsg is the end of making one.
type madeMsg struct {
	to   *certificate
	pair *cert.Pair
	err  error
}

// Init reads the certificate in a command.
func (c *certificate) Init() tea.Cmd {
	d := c.d
	return func() tea.Msg {
		m := certMsg{to: c, now: c.desk.Certificate()}
		if m.now.Pair != nil {
			m.hosts = cert.Names(m.now.Pair.Leaf)
		} else {
			m.hosts = suggest(d.Desk.Listeners())
		}
		return m
	}
}

// mostProposed is how many names and addresses are proposed.
const mostProposed = 6

// suggest is what devices may dial: this machine's name, the addresses that we
// listen on, and those of its networks.
func suggest(ls []desk.Listener) []string {
	var out []string
	if name := devconf.Hostname(); name != "" && cert.CheckHosts([]string{name}) == nil {
		out = append(out, name)
	}
	for _, l := range ls {
		if a := hostOf(l.Bound); a != "" && l.Kind == desk.HTTPS {
			out = append(out, a)
		}
	}
	out = append(out, devconf.Addresses()...)
	seen := map[string]bool{}
	kept := out[:0]
	for _, a := range out {
		ip, err := netip.ParseAddr(a)
		if dialled := err != nil || ip.Is4(); dialled && !seen[a] { // outbound HTTPS takes no IPv6
			kept = append(kept, a)
		}
		seen[a] = true
	}
	return kept[:min(len(kept), mostProposed)]
}

// Update implements overlay.Dialog.
func (c *certificate) Update(m tea.Msg) (tea.Cmd, bool) {
	switch m := m.(type) {
	case certMsg:
		if m.to == c {
			c.now, c.loaded = m.now, true
			if !c.typed {
				c.form.Field("names").Line.Set(strings.Join(m.hosts, ", "))
			}
			c.buttons()
		}
	case replaceMsg:
		if m.to == c {
			return c.begin(m.hosts, m.kt, true), false
		}
	case madeMsg:
		if m.to == c {
			return c.made(m)
		}
	case tea.KeyMsg:
		return c.key(m)
	}
	return nil, false
}

func (c *certificate) made(m madeMsg) (tea.Cmd, bool) {
	c.making, c.failed = false, ""
	if m.err != nil {
		c.failed = m.err.Error()
		return nil, false
	}
	c.now.Pair, c.now.Err, c.fresh = m.pair, nil, true
	c.buttons()
	return msg.Say(msg.Good, "A new certificate is in "+filepath.Base(c.now.CertFile)+"; listeners show it from the next call on"), false
}

func (c *certificate) key(k tea.KeyMsg) (tea.Cmd, bool) {
	key := k.String()
	if key == "esc" || key == "ctrl+c" {
		return nil, true
	}
	if c.form.Focused() == nil {
		switch key {
		case "q":
			return nil, true
		case "m":
			return c.make(), false
		case "y":
			if p := c.now.Pair; p != nil {
				return c.d.Copy("certificate", cert.OneLine(p.PEM)), false
			}
		case "f":
			if p := c.now.Pair; p != nil {
				return c.d.Copy("fingerprint", cert.Fingerprint(p.Leaf)), false
			}
		}
	}
	if c.fixed() && key != "enter" { // there is nothing to fill in
		return nil, false
	}
	pressed, _, changed := c.form.Update(k)
	if f := c.form.Focused(); changed && f != nil && f.Name == "names" {
		c.typed = true
	}
	c.check()
	switch pressed {
	case "close":
		return nil, true
	case "make":
		return c.make(), false
	}
	return nil, false
}

// hosts are the names and addresses as typed.
func (c *certificate) hosts() []string {
	return strings.FieldsFunc(c.form.Field("names").Value(), func(r rune) bool { return r == ',' || r == ' ' || r == ';' })
}

func (c *certificate) check() bool {
	f := c.form.Field("names")
	f.Err = ""
	var fault *keys.Fault
	if err := cert.CheckHosts(c.hosts()); errors.As(err, &fault) {
		f.Err = safe.Text(fault.What)
	}
	return f.Err == ""
}

// make makes a pair, after a question when files would be replaced.
func (c *certificate) make() tea.Cmd {
	if c.making || !c.loaded || c.fixed() {
		return nil
	}
	if !c.check() {
		c.form.Touch()
		c.form.Select("names")
		return nil
	}
	hosts, kt := c.hosts(), cert.KeyType(c.form.Field("key").Value())
	if !c.there() {
		return c.begin(hosts, kt, false)
	}
	body := []string{"The new one is for " + strings.Join(hosts, ", ") + ". Both files are replaced: " + c.now.CertFile + " and " + filepath.Base(c.now.KeyFile) + "."}
	if c.now.Pair != nil {
		body = append(body, "Devices that trust the certificate that is there refuse the new one until each has it in its configuration. Sessions that are open stay open.")
	}
	return overlay.Open(&overlay.Confirm{Theme: c.d.Theme, Title: "Replace the certificate?", Danger: true, Body: body,
		Choices: []overlay.Choice{{Key: "r", Label: "replace both files", Do: func() tea.Msg { return replaceMsg{c, hosts, kt} }}}})
}

// replaceMsg is the yes of the person.
type replaceMsg struct {
	to    *certificate
	hosts []string
	kt    cert.KeyType
}

func (c *certificate) begin(hosts []string, kt cert.KeyType, replace bool) tea.Cmd {
	c.making, c.failed = true, ""
	return func() tea.Msg {
		p, err := c.desk.MakeCertificate(hosts, kt, replace)
		return madeMsg{c, p, err}
	}
}

// View implements overlay.Dialog. Where there is little room the sentences
// below are cut first; warnings stay.
func (c *certificate) View(maxW, maxH int) string {
	t := c.d.Theme
	w := min(maxW, 84)
	in := w - 4
	var body []string
	put := func(tok style.Token, text string) {
		for _, l := range style.Wrap(safe.Text(text), in) {
			body = append(body, "  "+t.Paint(tok, l))
		}
	}
	switch {
	case !c.loaded:
		put(style.Dim, "reading the files")
	case c.now.Pair == nil && !c.there():
		put(style.Text, "Devices that dial in by outbound HTTPS trust a certificate of this machine. There is none yet.")
	case c.now.Pair == nil:
		put(style.Error, "! "+c.now.Err.Error())
	}
	for _, l := range c.objections(in) {
		body = append(body, "  "+l)
	}
	if c.now.Pair != nil {
		for _, l := range c.facts(in) {
			body = append(body, "  "+l)
		}
	}
	if !c.fixed() && c.loaded {
		put(style.Dim, "Names: every name and IPv4 address that devices dial. They refuse a certificate that is for others.")
	}
	form := c.form.View(t, w-2, 4)
	if c.fixed() {
		form = form[len(form)-2:]
	}
	room := max(maxH-2-len(form)-1, 0)
	body = append(body[:min(len(body), room):min(len(body), room)], "")
	body = append(body, form...)
	right := "none yet"
	switch {
	case c.making:
		right = "being made"
	case c.fresh:
		right = "just made"
	case c.now.Pair != nil:
		right = "in memory"
		if c.now.CertFile != "" {
			right = filepath.Base(c.now.CertFile)
		}
	case c.there():
		right = "not usable"
	}
	return strings.Join(t.Box(w, min(len(body)+2, maxH), "Certificate for outbound HTTPS", right, true, body), "\n")
}

// facts is what a person compares.
func (c *certificate) facts(w int) []string {
	t, p := c.d.Theme, c.now.Pair
	var out []string
	line := func(label, value string) {
		for _, l := range style.Wrap(safe.Text(value), w-13) {
			out = append(out, t.Paint(style.Dim, t.Fit(label, 13))+l)
			label = ""
		}
	}
	day := "2006-01-02"
	line("for", strings.Join(cert.Names(p.Leaf), ", "))
	line("valid", fmt.Sprintf("%s to %s", p.Leaf.NotBefore.Local().Format(day), p.Leaf.NotAfter.Local().Format(day)))
	line("SHA-256", strings.ReplaceAll(cert.Fingerprint(p.Leaf), ":", " "))
	if c.now.CertFile != "" {
		line("file", c.now.CertFile)
	} else {
		line("file", "none: it is kept in memory until the program ends")
	}
	return out
}

// objections is what went wrong here, and what a device may object to.
func (c *certificate) objections(w int) []string {
	t := c.d.Theme
	var out []string
	put := func(tok style.Token, text string) {
		for _, l := range style.Wrap(safe.Text(text), w) {
			out = append(out, t.Paint(tok, l))
		}
	}
	if c.failed != "" {
		put(style.Error, "! "+c.failed)
	}
	if c.now.Pair != nil {
		for _, l := range c.now.Pair.Warnings {
			put(style.Warn, "! "+l)
		}
	}
	return out
}

// hostOf is the address of a listener that is bound to one, "" when it is bound
// to all.
func hostOf(bound string) string {
	at, err := netip.ParseAddrPort(bound)
	if err != nil || at.Addr().IsUnspecified() {
		return ""
	}
	return at.Addr().Unmap().String()
}
