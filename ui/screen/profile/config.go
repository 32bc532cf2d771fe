package profile

import (
	"net"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn/desk"
	"dialtone/conn/devconf"
	"dialtone/conn/link"
	"dialtone/keys"
	"dialtone/keys/cert"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
	"dialtone/ui/screen"
	"dialtone/ui/style"
)

// Config shows what to paste on a device so that it can be reached as its
// profile says. It implements overlay.Dialog.
type Config struct {
	d      *screen.Deps
	target link.Target

	addrs   []string // of this machine, as a device may dial them; the first is none
	at      int
	ports   [2]string         // of ssh and https
	bound   map[string]string // port of the listener on one address alone
	cert    []byte            // what devices by HTTPS are to trust, in PEM
	own     desk.Certificate
	form    bool        // opened from the form, which then gets a new secret's reference
	leaf    *cert.Pair  // to compare with the address
	shown   keys.Secret // the shared secret, while it is shown
	text    string
	err     error
	heardOf bool   // of addresses and certificate
	said    string // of the last copy
	body    overlay.Scroll
}

// Certifier is a desk that has a certificate for outbound HTTPS.
type Certifier interface{ Certificate() desk.Certificate }

// NewConfig returns the dialog on a target.
func NewConfig(d *screen.Deps, t link.Target) *Config {
	c := &Config{d: d, target: t, addrs: []string{""}, ports: [2]string{"4334", "443"}}
	c.write()
	return c
}

// ShowConfig returns the command that opens the dialog.
func ShowConfig(d *screen.Deps, t link.Target) tea.Cmd { return overlay.Open(NewConfig(d, t)) }

// heardMsg is where this machine can be called.
type heardMsg struct {
	to        *Config
	addrs     []string
	listeners []desk.Listener
	cert      desk.Certificate // for HTTPS
}

// Init looks up the addresses of this machine, and the certificate.
func (c *Config) Init() tea.Cmd {
	secure := c.kind() == 1
	return func() tea.Msg {
		m := heardMsg{to: c, addrs: devconf.Addresses()}
		if c.d.Desk != nil {
			m.listeners = c.d.Desk.Listeners()
		}
		if k, ok := c.d.Desk.(Certifier); ok && secure {
			m.cert = k.Certificate()
		}
		return m
	}
}

// Help implements overlay.Dialog.
func (c *Config) Help() string {
	out := "y copy"
	if c.secretKnown() {
		out += " with the secret  s show it"
	}
	if c.secretWanted() {
		out += "  n new secret"
	}
	if c.calls() {
		out += "  a another address"
	}
	return out + "  j k scroll  esc close"
}

// calls reports a way in which the device dials us.
func (c *Config) calls() bool { return c.target.Via.Calls() }

// Update implements overlay.Dialog.
func (c *Config) Update(m tea.Msg) (tea.Cmd, bool) {
	switch m := m.(type) {
	case heardMsg:
		if m.to == c {
			c.heard(m)
		}
	case secretMsg:
		if m.to == c {
			return c.told(m), false
		}
	case newSecretMsg:
		if m.to == c {
			return c.made(m), false
		}
	case copiedMsg:
		if m.to == c {
			c.said = m.text
		}
	case tea.KeyMsg:
		return c.key(m.String())
	}
	return nil, false
}

// heard takes the addresses; that of a listener that is bound to one comes
// first, then those that the certificate is for.
func (c *Config) heard(m heardMsg) {
	var own []string
	all := [2]bool{} // a listener on every address stands behind any of them
	c.bound = map[string]string{}
	for _, l := range m.listeners {
		host, port, err := net.SplitHostPort(l.Bound)
		if err != nil {
			continue
		}
		i := 0
		if l.Kind == "https" {
			i = 1
		}
		every := host == "" || net.ParseIP(host).IsUnspecified()
		if every || !all[i] {
			c.ports[i], all[i] = port, every
		}
		if i == c.kind() && !every && c.bound[host] == "" {
			own = append(own, host)
			c.bound[host] = port
		}
	}
	c.addrs = append([]string{""}, own...)
	if m.cert.Pair != nil {
		m.addrs = append(cert.Names(m.cert.Pair.Leaf), m.addrs...)
	}
	for _, a := range m.addrs {
		ip := net.ParseIP(a)
		ipv6 := ip != nil && ip.To4() == nil
		if !slices.Contains(c.addrs, a) && (!ipv6 || c.kind() == 0) { // outbound HTTPS takes no IPv6
			c.addrs = append(c.addrs, a)
		}
	}
	c.at = min(1, len(c.addrs)-1)
	c.heardOf = true
	c.leaf, c.own = m.cert.Pair, m.cert
	if c.leaf != nil {
		c.cert = c.leaf.PEM
	}
	c.write()
}

func (c *Config) key(key string) (tea.Cmd, bool) {
	c.said = ""
	switch key {
	case "esc", "q", "enter", "ctrl+c":
		c.shown.Wipe()
		return nil, true
	case "y":
		return c.copy(), false
	case "n":
		if c.secretWanted() {
			return c.newSecret(), false
		}
	case "s":
		switch {
		case len(c.shown.Reveal()) > 0:
			c.hide()
		case c.secretKnown():
			return c.lookUp(false), false
		}
	case "a":
		if c.calls() {
			c.at = (c.at + 1) % len(c.addrs)
			c.write()
		}
	default:
		c.body.Key(key)
	}
	return nil, false
}

// copiedMsg is what became of a copy, for the dialog: it may lie over the toast.
type copiedMsg struct {
	to   *Config
	text string
}

// put copies text and tells the dialog too.
func (c *Config) put(what, text string) tea.Cmd {
	do := c.d.Copy(what, text)
	return func() tea.Msg {
		m := do()
		t, _ := m.(msg.Toast)
		return tea.BatchMsg{func() tea.Msg { return m }, func() tea.Msg { return copiedMsg{c, t.Text} }}
	}
}

// copy copies the text, whole: with the secret where it can be looked up.
func (c *Config) copy() tea.Cmd {
	switch {
	case c.err != nil:
		return msg.Fail(c.err)
	case c.secretKnown():
		return c.lookUp(true)
	}
	return c.put("device configuration", c.text)
}

// copied looks up the addresses of this machine and copies the text, without
// the dialog.
func (c *Config) copied() tea.Cmd {
	look := c.Init()
	return func() tea.Msg {
		if m, ok := look().(heardMsg); ok {
			c.heard(m)
		}
		if !c.secretKnown() {
			return tea.BatchMsg{c.copy()}
		}
		m, _ := c.lookUp(true)().(secretMsg)
		return tea.BatchMsg{c.told(m)}
	}
}

// View implements overlay.Dialog.
func (c *Config) View(maxW, maxH int) string {
	t := c.d.Theme
	w := min(maxW, 100)
	in := w - 4
	var body []string
	put := func(tok style.Token, text string) {
		for i, l := range style.Wrap(safe.Block(text), in-2) {
			if i > 0 {
				l = "  " + l
			}
			body = append(body, " "+t.Paint(tok, l))
		}
	}
	if c.err != nil {
		put(style.Error, "! "+c.err.Error())
	}
	for line := range strings.Lines(c.text) {
		tok := style.Text
		if strings.HasPrefix(line, "#") {
			tok = style.Dim
		}
		put(tok, strings.TrimRight(line, "\n"))
	}
	var foot []string
	note := func(text string) {
		for _, l := range style.Wrap(safe.Text(text), in) {
			foot = append(foot, " "+t.Paint(style.Warn, l))
		}
	}
	switch {
	case len(c.shown.Reveal()) > 0:
		note("The secret is on the screen in plain text; s hides it.")
	case c.secretKnown():
		note("In place of " + secretHere + " the copy has the secret kept at " + c.target.Secret + "; s shows it.")
	case c.target.Secret != "" && strings.Contains(c.text, secretHere):
		note("Put the secret kept at " + c.target.Secret + " in place of " + secretHere + "; it is not shown here.")
	case c.secretWanted():
		note("The profile has no secret; n makes one of 160 bits and keeps it.")
	case c.target.Via == link.HTTPS:
		note("The profile has no secret: put one in place of " + secretHere + ", and name it in the profile.")
	}
	if c.kind() == 1 && c.heardOf {
		for _, text := range c.trust() {
			note(text)
		}
	}
	if c.calls() && c.addrs[c.at] == "" {
		note("Put the address of this machine, as the device sees it, in place of ADDRESS-OF-THIS-MACHINE.")
	}
	if c.said != "" {
		for _, l := range style.Wrap(safe.Text(c.said), in) {
			foot = append(foot, " "+t.Paint(style.OK, l))
		}
	}
	h := min(maxH, len(body)+len(foot)+2+min(len(foot), 1))
	body = c.body.Show(body, h-2-len(foot)-min(len(foot), 1))
	if len(foot) > 0 {
		body = append(append(body, ""), foot...)
	}
	right := "junos"
	if !c.body.All() {
		right = "j k scroll"
	}
	name := safe.Text(c.target.Name)
	if name == "" {
		name = "the device"
	}
	return strings.Join(t.Box(w, h, "To paste on "+name, right, true, body), "\n")
}
