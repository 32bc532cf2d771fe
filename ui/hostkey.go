package ui

import (
	"errors"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"golang.org/x/crypto/ssh"

	"dialtone/conn"
	"dialtone/conn/dial"
	"dialtone/keys"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
)

// keyChanged opens the dialog of a device that showed another host key than
// the saved one, or a revoked one. There is no way to accept it: at most the
// saved key is forgotten, and the device is then a new one.
func (r *root) keyChanged(d conn.Device) (tea.Cmd, bool) {
	var e *dial.HostKeyError
	if !errors.As(d.Err, &e) || e.Verdict == keys.Unknown {
		return nil, false
	}
	r.stack.PushLate(r.keyChangedDialog(d, e), r.d.Now())
	r.toasts.Keep(msg.Toast{Level: msg.Error, Text: d.Target.Name + ": " + headline(d.Err), Detail: d.Err.Error()}, r.d.Now())
	return nil, true
}

func (r *root) keyChangedDialog(d conn.Device, e *dial.HostKeyError) overlay.Dialog {
	name, where := safe.Text(d.Target.Name), safe.Text(hostPort(e.Host))
	c := &overlay.Confirm{
		Theme: r.d.Theme, Title: "HOST KEY CHANGED: " + name, Danger: true, Wide: true, Cancel: "close",
		Body: []string{"The key of " + where + " is not the one saved. Somebody may be in the middle, or the device was replaced.", ""},
	}
	if e.Verdict == keys.Revoked {
		c.Title = "HOST KEY REVOKED: " + name
		c.Body = []string{"The key of " + where + " is marked as revoked, or an authority was misused.", ""}
	}
	for i, k := range e.Known {
		if i == 3 {
			break
		}
		c.Body = append(c.Body, "saved    "+knownType(k.Key)+"  "+knownAt(k), "  "+sha256Of(k.Key))
	}
	c.Body = append(c.Body, "offered  "+knownType(e.Offered), "  "+sha256Of(e.Offered), "",
		`Not connected, nothing was sent. There is no "accept anyway".`)
	both := []string{"offered  " + fingerprint(e.Offered)}
	for _, k := range e.Known {
		both = append(both, "saved    "+fingerprint(k.Key)+"  "+knownAt(k))
	}
	c.Choices = []overlay.Choice{{Key: "y", Label: "copy both", Stay: true, Do: r.d.Copy("fingerprints", strings.Join(both, "\n"))}}
	if r.d.HostKeys == nil || e.Verdict == keys.Revoked {
		return c
	}
	forget := &overlay.Confirm{
		Theme: r.d.Theme, Title: "Forget the saved key of " + name + "?", Danger: true, Word: safe.Text(hostName(e.Host)),
		Body:    []string{"After that the device is new again, and its key is asked about. Compare the fingerprint with the console of the device."},
		Choices: []overlay.Choice{{Key: "F", Label: "forget the saved key", Grave: true, Do: r.forget(e.Host)}},
	}
	c.Choices = append(c.Choices, overlay.Choice{Key: "F", Label: "forget the saved key (asks you to type the host name)", Do: overlay.Open(forget)})
	return c
}

// forget drops the saved key in a command, since it writes a file.
func (r *root) forget(host string) tea.Cmd {
	return func() tea.Msg {
		if err := r.d.HostKeys.Forget(host); err != nil {
			return msg.Toast{Level: msg.Error, Text: "The key was not forgotten: " + err.Error(), Detail: err.Error()}
		}
		return msg.Toast{Level: msg.Good, Text: "Forgot the key of " + hostPort(host)}
	}
}

// hostName is the host of "[192.0.2.2]:830".
func hostName(s string) string {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == ':' {
			s = s[:i]
			break
		}
	}
	if len(s) > 1 && s[0] == '[' && s[len(s)-1] == ']' {
		s = s[1 : len(s)-1]
	}
	return s
}

// knownAt is the file and line of a recorded key.
func knownAt(k keys.Known) string {
	if k.File == "" {
		return "pinned in the profile"
	}
	return safe.Text(k.File) + ":" + itoa(k.Line)
}

func knownType(k ssh.PublicKey) string {
	if k == nil {
		return "no key"
	}
	return keyType(k.Type())
}

func sha256Of(k ssh.PublicKey) string {
	if k == nil {
		return ""
	}
	return ssh.FingerprintSHA256(k)
}
