package profile

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn/devconf"
	"dialtone/conn/link"
	"dialtone/keys"
	"dialtone/ui/msg"
)

// Secrets is a desk that knows the secrets that devices share with us.
type Secrets interface {
	Secret(ctx context.Context, ref string) (keys.Secret, error)
}

// Keeper is a desk that keeps the new secret of a device.
type Keeper interface {
	KeepSecret(ctx context.Context, name string, s keys.Secret) (ref string, err error)
}

// secretTime is how long looking a secret up may take; a person may be asked.
const secretTime = 2 * time.Minute

// secretKnown reports a secret that can be looked up.
func (c *Config) secretKnown() bool {
	_, ok := c.d.Desk.(Secrets)
	return ok && c.target.Secret != "" && c.shares()
}

// secretWanted reports a device without a secret for which one can be made.
func (c *Config) secretWanted() bool {
	_, ok := c.d.Desk.(Keeper)
	return ok && !c.d.Demo && c.d.ConfigDir != "" && c.target.Secret == "" && c.target.Name != "" && c.shares()
}

// shares reports a way in which the device may have a shared secret.
func (c *Config) shares() bool {
	return c.target.Via == link.Junos || c.target.Via == link.CallHome || c.target.Via == link.HTTPS
}

// newSecretMsg is the reference of a secret that was made for a device.
type newSecretMsg struct {
	to   *Config
	name string
	ref  string
	err  error
}

// newSecret makes a secret, keeps it under the name of the device, and puts its
// reference into the profile; the form does that itself.
func (c *Config) newSecret() tea.Cmd {
	d, k, name, form := c.d, c.d.Desk.(Keeper), c.target.Name, c.form
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(context.Background(), secretTime)
		defer cancel()
		m := newSecretMsg{to: c, name: name}
		s := devconf.NewSecret()
		defer s.Wipe()
		if m.ref, m.err = k.KeepSecret(ctx, name, s); m.err != nil || form {
			return m
		}
		if p, ok := find(d, name); ok {
			p.Secret = m.ref
			m.err = d.Profiles.Put(p)
		}
		return m
	}
}

// made takes the reference of a secret that was made here.
func (c *Config) made(m newSecretMsg) tea.Cmd {
	if m.ref != "" {
		c.target.Secret = m.ref
		c.write()
	}
	if m.err != nil {
		return msg.Fail(m.err)
	}
	return tea.Batch(msg.Say(msg.Good, "A secret of 160 bits is kept at "+m.ref+"; y copies it with the text"), func() tea.Msg { return msg.ProfilesChanged{} })
}

// secretMsg is the shared secret, for the dialog that wanted it.
type secretMsg struct {
	to     *Config
	secret keys.Secret
	err    error
	copy   bool // to be copied, not shown
}

// lookUp returns the command that brings the secret.
func (c *Config) lookUp(copy bool) tea.Cmd {
	d, ref := c.d.Desk.(Secrets), c.target.Secret
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(context.Background(), secretTime)
		defer cancel()
		s, err := d.Secret(ctx, ref)
		return secretMsg{c, s, err, copy}
	}
}

// told takes the secret: to show it, or to copy the text with it.
func (c *Config) told(m secretMsg) tea.Cmd {
	switch {
	case m.err != nil && m.copy:
		return tea.Batch(c.put("device configuration", c.masked()), msg.Say(msg.Warn, "Copied without the secret, which could not be read: "+m.err.Error()))
	case m.err != nil:
		return msg.Fail(m.err)
	case m.copy:
		text, err := c.plan(string(m.secret.Reveal()))
		m.secret.Wipe()
		if err != nil {
			return msg.Fail(err)
		}
		return c.put("device configuration with its secret", text)
	}
	c.shown = m.secret
	c.write()
	return nil
}

// hide takes the secret off the screen.
func (c *Config) hide() {
	c.shown.Wipe()
	c.shown = keys.Secret{}
	c.write()
}
