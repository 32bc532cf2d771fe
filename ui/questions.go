package ui

import (
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/keys"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/widget/prompt"
)

// ask opens the dialog of a question and waits for the next one.
func (r *root) ask(m asked) tea.Cmd {
	var d overlay.Dialog
	switch q := m.q.what.(type) {
	case link.HostKeyQuestion:
		d = hostKeyDialog(r.d, m.q, q)
	case link.SecretQuestion:
		d = &secretDialog{theme: r.d.Theme, q: m.q, what: q, line: prompt.Line{Masked: true}}
	case link.ChallengeQuestion:
		d = newChallenge(r.d.Theme, m.q, q)
	}
	cmds := []tea.Cmd{r.park(r.asker.next(r.ctx))}
	if d != nil {
		r.stack.PushLate(d, r.d.Now())
		cmds = append(cmds, r.park(m.q.gone(r.ctx)))
	}
	return tea.Batch(cmds...)
}

// hostKeyDialog asks about a key that was not seen before. Enter, esc and n
// refuse.
func hostKeyDialog(d *screen.Deps, q *question, k link.HostKeyQuestion) overlay.Dialog {
	reply := func(a link.TrustAnswer) tea.Cmd {
		return func() tea.Msg { q.answer(a, nil); return nil }
	}
	saved, trust := k.SavedTo, "trust and save"
	if saved == "" {
		saved, trust = "memory only: nothing is written", "trust for this run"
	}
	return &overlay.Confirm{
		Theme: d.Theme, Title: "Unknown host key: " + safe.Text(k.Target.Name), Cancel: "refuse", CancelKey: "n", Wide: true,
		Body: []string{
			safe.Text(hostPort(k.Host)) + " offered a key not seen before.", "",
			fingerprint(k.Key), "compare it with the fingerprint on the device console", "",
			"saved to  " + safe.Text(saved), "as        " + safe.Text(k.Host),
		},
		Choices: []overlay.Choice{
			{Key: "t", Label: trust, Do: reply(link.TrustAndSave)},
			{Key: "o", Label: "this session only", Do: reply(link.TrustOnce)},
			{Key: "y", Label: "copy", Stay: true, Do: d.Copy("fingerprint", fingerprint(k.Key))},
		},
		Declined: reply(link.Refuse),
		Late:     withdrawnIs(q),
	}
}

func withdrawnIs(q *question) func(tea.Msg) bool {
	return func(m tea.Msg) bool {
		w, ok := m.(withdrawn)
		return ok && w.q == q
	}
}

// hostPort reads "[192.0.2.12]:830" as "192.0.2.12 port 830".
func hostPort(s string) string {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return s
	}
	return strings.Trim(s[:i], "[]") + " port " + s[i+1:]
}

// fingerprint is a key as a person compares it: "ED25519  SHA256:…".
func fingerprint(k ssh.PublicKey) string {
	if k == nil {
		return "no key"
	}
	return keyType(k.Type()) + "  " + sha256Of(k)
}

func keyType(s string) string {
	name := strings.TrimPrefix(s, "ssh-")
	name = strings.TrimPrefix(name, "ecdsa-sha2-")
	switch {
	case strings.HasPrefix(name, "nistp"):
		return "ECDSA " + name
	case strings.HasPrefix(s, "sk-"):
		return safe.Text(s)
	}
	return strings.ToUpper(safe.Text(name))
}

// secretDialog asks for a password or a passphrase. What is typed is never
// shown.
type secretDialog struct {
	theme  *style.Theme
	q      *question
	what   link.SecretQuestion
	line   prompt.Line
	at, of int
}

// Place implements overlay.Placed.
func (s *secretDialog) Place(i, of int) { s.at, s.of = i, of }

// words is what the dialog is about, and what Enter does in it.
func (s *secretDialog) words() (title, about, enter string) {
	if s.what.Kind == link.StorePassphrase {
		return "Secret store", "the passphrase of the secret store", "go on"
	}
	name := safe.Text(s.what.Target.Name)
	return "Sign in: " + name, "sign in to " + name, "sign in"
}

// Help implements overlay.Dialog.
func (s *secretDialog) Help() string {
	_, _, enter := s.words()
	return "enter " + enter + "  esc cancel"
}

// Waits implements overlay.Waiter.
func (s *secretDialog) Waits() string {
	_, about, _ := s.words()
	return "Waits for an answer: " + about
}

// Update implements overlay.Dialog. An empty answer is not sent by Enter: it
// is most often a key in flight.
func (s *secretDialog) Update(m tea.Msg) (tea.Cmd, bool) {
	k, ok := m.(tea.KeyMsg)
	if !ok {
		if withdrawnIs(s.q)(m) {
			s.line.Wipe()
			return nil, true
		}
		return nil, false
	}
	switch k.String() {
	case "esc", "ctrl+c":
		s.line.Wipe()
		s.q.answer(nil, link.ErrDeclined)
		return nil, true
	case "enter":
		if s.line.Len() == 0 {
			return nil, false
		}
		s.q.answer(keys.NewSecret(s.line.Take()), nil)
		return nil, true
	}
	s.line.Update(k)
	return nil, false
}

// View implements overlay.Dialog.
func (s *secretDialog) View(maxW, maxH int) string {
	w := min(66, maxW)
	in := w - 6
	body := []string{""}
	for _, l := range style.Wrap(safe.Text(s.what.What), in) {
		body = append(body, "  "+l)
	}
	if where := safe.Text(s.what.Target.Name); where != "" {
		switch t := s.what.Target; {
		case t.Host == "":
		case t.Via == link.SSH || t.Via == "":
			where += "   " + safe.Text(t.Address())
		default: // the port that it called from says nothing
			where += "   called from " + safe.Text(t.Host)
		}
		body = append(body, "  "+s.theme.Paint(style.Dim, s.theme.Fit(where, in)))
	}
	body = append(body, "", "  [ "+s.line.View(s.theme, in-6, true)+" ]", "")
	if s.what.Try > 1 {
		body = append(body, "  "+s.theme.Paint(style.Warn, fmt.Sprintf("! not accepted; try %d", s.what.Try)), "")
	}
	title, _, enter := s.words()
	body = append(body, rightEnd("> enter  "+enter+"     esc  cancel", w))
	return overlay.Frame(s.theme, title, overlay.Questions(s.at, s.of), body, 4, w, maxH)
}

func rightEnd(s string, w int) string {
	return strings.Repeat(" ", max(w-4-style.Width(s), 0)) + s
}

// challenge is one round of keyboard-interactive. The frame, the profile and
// the host are ours; what the device says stands inside, marked as its words.
type challenge struct {
	theme  *style.Theme
	q      *question
	what   link.ChallengeQuestion
	lines  []prompt.Line
	focus  int
	at, of int
}

func newChallenge(t *style.Theme, q *question, what link.ChallengeQuestion) *challenge {
	c := &challenge{theme: t, q: q, what: what, lines: make([]prompt.Line, len(what.Prompts))}
	for i := range c.lines {
		c.lines[i].Masked = i >= len(what.Echo) || !what.Echo[i]
	}
	return c
}

// Place implements overlay.Placed.
func (c *challenge) Place(i, of int) { c.at, c.of = i, of }

// Help implements overlay.Dialog.
func (c *challenge) Help() string { return "tab next  enter answer  esc cancel" }

// Waits implements overlay.Waiter.
func (c *challenge) Waits() string {
	return "Waits for an answer: sign in to " + safe.Text(c.what.Target.Name)
}

// Update implements overlay.Dialog.
func (c *challenge) Update(m tea.Msg) (tea.Cmd, bool) {
	k, ok := m.(tea.KeyMsg)
	if !ok {
		if withdrawnIs(c.q)(m) {
			c.wipe()
			return nil, true
		}
		return nil, false
	}
	switch k.String() {
	case "esc", "ctrl+c":
		c.wipe()
		c.q.answer(nil, link.ErrDeclined)
		return nil, true
	case "tab", "down":
		c.focus = (c.focus + 1) % max(len(c.lines), 1)
	case "shift+tab", "up":
		c.focus = (c.focus + max(len(c.lines), 1) - 1) % max(len(c.lines), 1)
	case "enter":
		if c.focus+1 < len(c.lines) {
			c.focus++
			return nil, false
		}
		out := make([]string, len(c.lines))
		for i := range c.lines {
			out[i] = string(c.lines[i].Take())
		}
		c.q.answer(out, nil)
		return nil, true
	default:
		if c.focus < len(c.lines) {
			c.lines[c.focus].Update(k)
		}
	}
	return nil, false
}

func (c *challenge) wipe() {
	for i := range c.lines {
		c.lines[i].Wipe()
	}
}

// maxPromptRows bounds what a device's own text takes of the dialog.
const maxPromptRows = 3

// View implements overlay.Dialog.
func (c *challenge) View(maxW, maxH int) string {
	w := min(66, maxW)
	in := w - 8
	body := []string{"", "  " + c.theme.Fit(safe.Text(c.what.Target.Name)+"   "+safe.Text(c.what.Target.Address())+" asks:", in+2)}
	quote := "  " + c.theme.Paint(style.Dim, "|") + " "
	for _, s := range []string{c.what.Name, c.what.Instruction} {
		if strings.TrimSpace(s) == "" {
			continue
		}
		rows := style.Wrap(safe.Block(s), in)
		for _, l := range rows[:min(len(rows), maxPromptRows)] {
			body = append(body, quote+l)
		}
	}
	first := max(min(c.focus-1, len(c.lines)-3), 0)
	for i := first; i < min(first+3, len(c.lines)); i++ {
		rows := style.Wrap(safe.Block(c.what.Prompts[i]), in)
		for _, l := range rows[:min(len(rows), 2)] {
			body = append(body, quote+l)
		}
		body = append(body, "  [ "+c.lines[i].View(c.theme, in-4, i == c.focus)+" ]")
	}
	if len(c.lines) > 3 {
		body = append(body, "  "+c.theme.Paint(style.Dim, fmt.Sprintf("answer %d of %d", c.focus+1, len(c.lines))))
	}
	body = append(body, "", rightEnd("> enter  answer     esc  cancel", w))
	return overlay.Frame(c.theme, "Sign in: "+safe.Text(c.what.Target.Name), overlay.Questions(c.at, c.of), body, 4, w, maxH)
}
