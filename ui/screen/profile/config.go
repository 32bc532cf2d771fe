package profile

import (
	"net"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn/desk"
	"dialtone/conn/devconf"
	"dialtone/conn/link"
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

	addrs []string // of this machine, as a device may dial them; the first is none
	at    int
	ports [2]string // of ssh and https
	text  string
	err   error
	top   int
	page  int
	lines int
}

// secretHere stands in the text for the shared secret, which is never shown.
const secretHere = "SHARED-SECRET"

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
}

// Init looks up the addresses of this machine.
func (c *Config) Init() tea.Cmd {
	return func() tea.Msg {
		m := heardMsg{to: c}
		if c.d.Desk != nil {
			m.listeners = c.d.Desk.Listeners()
		}
		all, err := net.InterfaceAddrs()
		if err != nil {
			return m // the placeholder says what is missing
		}
		for _, a := range all {
			n, ok := a.(*net.IPNet)
			if ok && n.IP.IsGlobalUnicast() && !slices.Contains(m.addrs, n.IP.String()) {
				m.addrs = append(m.addrs, n.IP.String())
			}
		}
		return m
	}
}

// Help implements overlay.Dialog.
func (c *Config) Help() string {
	if c.calls() {
		return "y copy  a another address  j k scroll  esc close"
	}
	return "y copy  j k scroll  esc close"
}

// calls reports a way in which the device dials us.
func (c *Config) calls() bool { return c.target.Via != link.SSH && c.target.Via != "" }

// Update implements overlay.Dialog.
func (c *Config) Update(m tea.Msg) (tea.Cmd, bool) {
	switch m := m.(type) {
	case heardMsg:
		if m.to == c {
			c.heard(m)
		}
	case tea.KeyMsg:
		return c.key(m.String())
	}
	return nil, false
}

// heard takes the addresses; that of a listener that is bound to one comes
// first.
func (c *Config) heard(m heardMsg) {
	var own []string
	for _, l := range m.listeners {
		host, port, err := net.SplitHostPort(l.Bound)
		if err != nil {
			continue
		}
		i := 0
		if l.Kind == "https" {
			i = 1
		}
		c.ports[i] = port
		if i == c.kind() && !net.ParseIP(host).IsUnspecified() {
			own = append(own, host)
		}
	}
	c.addrs = append([]string{""}, own...)
	for _, a := range m.addrs {
		ipv4 := net.ParseIP(a).To4() != nil
		if !slices.Contains(c.addrs, a) && (ipv4 || c.kind() == 0) { // outbound HTTPS takes no IPv6
			c.addrs = append(c.addrs, a)
		}
	}
	c.at = min(1, len(c.addrs)-1)
	c.write()
}

// kind is the listener that the device calls: 0 ssh, 1 https.
func (c *Config) kind() int {
	if c.target.Via == link.HTTPS || c.target.Via == link.HTTPSBasic {
		return 1
	}
	return 0
}

// write makes the text for the chosen address.
func (c *Config) write() {
	p := devconf.Plan{Target: c.target}
	if a := c.addrs[c.at]; a != "" {
		p.Listener = net.JoinHostPort(a, c.ports[c.kind()])
	} else if c.calls() {
		p.Listener = net.JoinHostPort("", c.ports[c.kind()])
	}
	if c.target.Secret != "" {
		p.Secret = secretHere
	}
	via := c.target.Via
	if via == "" {
		via = link.SSH
	}
	c.text, c.err = devconf.Text(via, p)
}

func (c *Config) key(key string) (tea.Cmd, bool) {
	switch key {
	case "esc", "q", "enter", "ctrl+c":
		return nil, true
	case "y":
		return c.copy(), false
	case "a":
		if c.calls() {
			c.at = (c.at + 1) % len(c.addrs)
			c.write()
		}
	case "j", "down":
		c.top++
	case "k", "up":
		c.top--
	case "ctrl+d", "pgdown", " ":
		c.top += max(c.page, 1)
	case "ctrl+u", "pgup":
		c.top -= max(c.page, 1)
	case "g", "home":
		c.top = 0
	case "G", "end":
		c.top = c.lines
	}
	c.top = min(max(c.top, 0), max(c.lines-c.page, 0))
	return nil, false
}

// copy copies the text as it is shown.
func (c *Config) copy() tea.Cmd {
	if c.err != nil {
		return msg.Fail(c.err)
	}
	return c.d.Copy("device configuration", c.text)
}

// copied looks up the addresses of this machine and copies the text, without
// the dialog.
func (c *Config) copied() tea.Cmd {
	look := c.Init()
	return func() tea.Msg {
		if m, ok := look().(heardMsg); ok {
			c.heard(m)
		}
		return tea.BatchMsg{c.copy()}
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
	if c.target.Secret != "" && strings.Contains(c.text, secretHere) {
		note("Put the secret kept at " + c.target.Secret + " in place of " + secretHere + "; it is not shown here.")
	}
	if c.calls() && c.addrs[c.at] == "" {
		note("Put the address of this machine, as the device sees it, in place of ADDRESS-OF-THIS-MACHINE.")
	}
	c.lines = len(body)
	h := min(maxH, len(body)+len(foot)+2+min(len(foot), 1))
	c.page = max(h-2-len(foot)-min(len(foot), 1), 1)
	c.top = min(max(c.top, 0), max(c.lines-c.page, 0))
	body = append([]string(nil), body[c.top:min(c.top+c.page, len(body))]...)
	if len(foot) > 0 {
		body = append(append(body, ""), foot...)
	}
	right := "junos"
	if c.lines > c.page {
		right = "j k scroll"
	}
	name := safe.Text(c.target.Name)
	if name == "" {
		name = "the device"
	}
	return strings.Join(t.Box(w, h, "To paste on "+name, right, true, body), "\n")
}
