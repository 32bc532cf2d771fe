package dial

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/keys"
)

// Limits on what a device may ask of us before it lets us in.
const (
	maxRounds    = 8        // of keyboard-interactive, on one connection
	maxPrompts   = 8        // in one round
	maxPrompt    = 1 << 10  // bytes of one prompt
	maxBanner    = 16 << 10 // kept
	abuseBanner  = 1 << 20  // ends the connection
	humanTime    = 110 * time.Second
	agentTime    = 60 * time.Second
	eatTries     = 40 // each eats a packet; the library allows 64 tries in all
	humanRetries = 3  // how often a person may type a password
)

// auth signs in on one connection. The library calls next from the goroutine
// of the handshake, one call at a time; only the banner is looked at from
// others.
type auth struct {
	ctx context.Context // ends with the connection
	d   *Dialer
	t   *link.Target // its own copy
	ask link.Asker
	w   *wire

	judged bool // a patient check has been asked; only the key exchange touches it
	loaded bool
	creds  []keys.Credential
	place  place         // set once the host key is trusted
	key    ssh.PublicKey // offered last, while it has not been refused
	notes  []*keys.Fault // what went wrong on our side

	how      string // the method under way, in words
	tried    []string
	halves   int // methods that were right and not enough
	rounds   int
	human    int  // passwords and challenges that a person answered
	declined bool // nobody answers any more
	kbd      kbdState
	saved    savedPassword
	fatal    error
	over     error // why no method is picked any more
	eaten    int   // methods given out since

	progress func(link.Stage)

	mu      sync.Mutex
	banner  []byte
	noise   int    // bytes of banners in all
	hostKey string // in words, once it is trusted
	from    string // why it is
}

// kbdState is where keyboard-interactive stands.
type kbdState struct{ offered, asked bool }

// savedPassword answers one prompt of a connection by itself, once.
type savedPassword struct {
	used, refused bool
}

// onBanner keeps the beginning of what the device says before it lets us in.
func (a *auth) onBanner(text string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.noise += len(text)
	if room := maxBanner - len(a.banner); room > 0 {
		a.banner = append(a.banner, text[:min(room, len(text))]...)
	}
	if a.noise > abuseBanner {
		a.w.end(&keys.Fault{Code: "SSH-ABUSE", What: quoted("%s sent more than 1 MiB of banners", a.w.addr)})
	}
	return nil // the library goes on reading until it sees that the connection is closed
}

func (a *auth) said() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return string(a.banner)
}

// next picks the method after the last one failed: keys of the agent, key
// files, keyboard-interactive, password.
//
// When nothing is left it does not return the error at once: the library would
// then stop reading, and its reader would hang for ever on packets that a
// hostile device has sent ahead. The connection is closed and a method that
// sends nothing eats what had arrived.
func (a *auth) next(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	var m ssh.AuthMethod
	if a.over == nil {
		a.closeAttempt(c)
		m, a.over = a.pick(c)
	}
	if a.over == nil {
		return m, nil
	}
	if a.eaten++; a.eaten > eatTries {
		return nil, a.over
	}
	a.w.mute()
	return ssh.KeyboardInteractive(func(_, _ string, prompts []string, _ []bool) ([]string, error) {
		return make([]string, len(prompts)), nil
	}), nil
}

// pick is next without the cleaning up.
func (a *auth) pick(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	if a.fatal != nil {
		return nil, a.fatal
	}
	if a.ctx.Err() != nil {
		return nil, a.ctx.Err() // the connection is gone
	}
	allowed := func(m string) bool { return slices.Contains(c.AllowedMethods, m) }
	if allowed("publickey") {
		if m := a.nextKey(); m != nil {
			return m, nil
		}
	}
	if allowed("keyboard-interactive") && a.mayChallenge() {
		a.kbd.offered, a.kbd.asked = true, false
		a.how = "keyboard-interactive"
		return ssh.KeyboardInteractive(a.challenge), nil
	}
	if allowed("password") {
		if m := a.nextPassword(); m != nil {
			return m, nil
		}
	}
	if a.ctx.Err() != nil {
		return nil, a.ctx.Err()
	}
	return nil, a.failure(c)
}

// closeAttempt books the method that was under way as refused, unless it was
// right and the device wants another one besides.
func (a *auth) closeAttempt(c *ssh.ClientAuthContext) {
	right := len(c.PartialSuccessMethods) > a.halves
	a.halves = len(c.PartialSuccessMethods)
	if right {
		a.how = ""
	}
	if a.how == "" {
		return
	}
	a.tried = append(a.tried, a.how)
	a.how, a.key = "", nil
	if a.saved.used {
		a.saved.refused = true
	}
}

// nextKey offers one key. Each is a method of its own, so that an agent that
// fails for one key does not keep the next from being tried.
func (a *auth) nextKey() ssh.AuthMethod {
	if !a.loaded {
		a.loaded = true
		a.creds = a.load()
	}
	if len(a.creds) == 0 {
		return nil
	}
	c := a.creds[0]
	a.creds = a.creds[1:]
	from := c.From
	if from != "agent" {
		from = a.d.short(from)
	}
	a.how, a.key = "publickey ("+from+", "+c.Fingerprint()+")", c.PublicKey()
	return ssh.PublicKeys(a.watch(c))
}

// load collects the keys: the agent's, of which those that are named as files
// come first, then the files that the agent does not hold. In front of all is the
// one that the device took last.
func (a *auth) load() (out []keys.Credential) {
	last := a.d.accepted.at(a.place)
	defer func() { first(out, last) }()
	files := keys.Files{Home: a.d.o.Home, Ask: a.passphrase, Legacy: slices.Contains(a.t.Legacy, LegacyRSA)}
	paths := a.t.Identity
	named := len(paths) > 0
	if !named {
		paths = files.DefaultFiles()
	}
	if a.t.UseAgent() {
		agent := keys.Agent{Socket: a.d.o.AgentSocket, Only: a.t.AgentKey, SHA1: files.Legacy, SignTime: agentTime, Waiting: a.waiting()}
		var prefer []ssh.PublicKey
		if last != nil {
			prefer = append(prefer, last)
		}
		for _, p := range paths {
			if k := files.Public(p); k != nil {
				prefer = append(prefer, k)
			}
		}
		list, faults := agent.Credentials(a.ctx, prefer)
		out = append(out, list...)
		a.notes = append(a.notes, faults...)
	}
	if a.t.AgentKey != "" && !named {
		return out // exactly that key was asked for
	}
	for _, p := range paths {
		list, err := files.Load(a.ctx, p)
		if err != nil {
			a.note(err)
			continue
		}
		for _, c := range list {
			if !slices.ContainsFunc(out, func(have keys.Credential) bool {
				return string(have.PublicKey().Marshal()) == string(c.PublicKey().Marshal())
			}) {
				out = append(out, c)
			}
		}
	}
	return out
}

// note keeps a fault of ours for the message when nothing works.
func (a *auth) note(err error) {
	var f *keys.Fault
	if errors.As(err, &f) {
		a.notes = append(a.notes, f)
		if errors.Is(f.Err, link.ErrDeclined) {
			a.declined = true
		}
	}
}

// waiting tells the caller that the agent may wait for a person.
func (a *auth) waiting() func(string, bool) {
	return func(comment string, on bool) {
		if a.d.o.Waiting != nil {
			a.d.o.Waiting(*a.t, comment, on)
		}
	}
}

// watched is a key that tells when it signs.
type watched struct {
	ssh.Signer
	a     *auth
	agent bool
}

func (a *auth) watch(c keys.Credential) ssh.Signer {
	return &watched{Signer: c.Signer, a: a, agent: c.From == "agent"}
}

// Algorithms are those of the key itself.
func (s *watched) Algorithms() []string {
	if m, ok := s.Signer.(ssh.MultiAlgorithmSigner); ok {
		return m.Algorithms()
	}
	return []string{bareKey(s.PublicKey()).Type()}
}

// SignWithAlgorithm signs; the time that an agent takes is a person's time.
func (s *watched) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (sig *ssh.Signature, err error) {
	if s.agent {
		defer s.a.w.human(agentTime)()
	}
	if m, ok := s.Signer.(ssh.AlgorithmSigner); ok {
		sig, err = m.SignWithAlgorithm(rand, data, algorithm)
	} else {
		sig, err = s.Sign(rand, data)
	}
	if err != nil {
		s.a.note(err)
		s.a.how = "" // the device has refused nothing
	}
	return sig, err
}

// passphrase asks for that of a key file.
func (a *auth) passphrase(ctx context.Context, file string, try int) (keys.Secret, error) {
	return a.secret(ctx, link.KeyPassphrase, "passphrase of "+a.d.short(file), try)
}

// secret asks a person; the clock of the handshake stands still meanwhile.
func (a *auth) secret(ctx context.Context, kind link.SecretKind, what string, try int) (keys.Secret, error) {
	if a.declined || a.ask == nil {
		return keys.Secret{}, link.ErrDeclined
	}
	defer a.w.human(humanTime)()
	ctx, cancel := context.WithTimeout(ctx, humanTime)
	defer cancel()
	s, err := a.ask.Secret(ctx, link.SecretQuestion{Kind: kind, Target: *a.t, What: what, Try: try})
	if err != nil {
		a.declined = true
	}
	return s, err
}

// mayChallenge reports whether another keyboard-interactive attempt makes
// sense: the first always, later ones only after a person has answered.
func (a *auth) mayChallenge() bool {
	return !a.kbd.offered || a.kbd.asked && !a.declined && a.human < humanRetries
}

// challenge answers one round of keyboard-interactive. A saved password
// answers a single hidden prompt, once; everything else goes to the person.
func (a *auth) challenge(name, instruction string, prompts []string, echo []bool) ([]string, error) {
	a.rounds++
	if a.rounds > maxRounds || len(prompts) > maxPrompts || slices.ContainsFunc(prompts, func(p string) bool { return len(p) > maxPrompt }) {
		return nil, a.abuse(len(prompts))
	}
	if len(prompts) == 0 {
		if instruction != "" {
			_ = a.onBanner(instruction + "\n")
		}
		return nil, nil
	}
	if len(prompts) == 1 && !echo[0] && a.hasSaved() {
		s, err := a.savedSecret()
		if err == nil {
			defer s.Wipe()
			a.how = "keyboard-interactive (saved password)"
			return []string{string(s.Reveal())}, nil
		}
		a.note(err)
	}
	if a.declined || a.ask == nil {
		a.how = "" // given up here, not refused there
		return nil, link.ErrDeclined
	}
	a.kbd.asked = true
	a.human++
	defer a.w.human(humanTime)()
	ctx, cancel := context.WithTimeout(a.ctx, humanTime)
	defer cancel()
	answers, err := a.ask.Challenge(ctx, link.ChallengeQuestion{
		Target: *a.t, Name: clip(name), Instruction: clip(instruction),
		Prompts: slices.Clone(prompts), Echo: slices.Clone(echo),
	})
	if err == nil && len(answers) != len(prompts) {
		err = link.ErrDeclined
	}
	if err != nil {
		a.declined, a.how = true, ""
	}
	return answers, err
}

// clip bounds text of the device that is only shown.
func clip(s string) string { return s[:min(len(s), 4*maxPrompt)] }

func (a *auth) abuse(prompts int) error {
	what := quoted("%s asked more than %d rounds of questions", a.w.addr, maxRounds)
	if a.rounds <= maxRounds {
		what = quoted("%s asked %d questions at once, or very long ones", a.w.addr, prompts)
	}
	a.fatal = &keys.Fault{Code: "AUTH-ABUSE", What: what, Kept: "The connection was ended", Do: "Look at the device before trying again"}
	return a.fatal
}

// hasSaved reports whether a saved password may still answer.
func (a *auth) hasSaved() bool {
	return a.t.Password != "" && a.t.Password != "ask" && !a.saved.used
}

// savedSecret takes the saved password, for the only time.
func (a *auth) savedSecret() (keys.Secret, error) {
	a.saved.used = true
	defer a.w.human(humanTime)() // the vault may ask for a passphrase
	ctx, cancel := context.WithTimeout(a.ctx, humanTime)
	defer cancel()
	s, err := a.d.vault().Get(ctx, a.t.Password)
	if err != nil {
		a.saved.used = false
		a.t.Password = "" // not to be looked up again
	}
	return s, err
}

// nextPassword offers the saved password once, or what a person types.
func (a *auth) nextPassword() ssh.AuthMethod {
	if a.hasSaved() {
		s, err := a.savedSecret()
		if err != nil {
			a.note(err)
			return nil
		}
		defer s.Wipe()
		a.how = "password (saved)"
		return ssh.Password(string(s.Reveal()))
	}
	if a.t.Password != "ask" || a.declined || a.human >= humanRetries {
		return nil
	}
	a.human++
	s, err := a.secret(a.ctx, link.Password, "password of "+a.t.User+"@"+a.t.Host, a.human)
	if err != nil {
		return nil
	}
	defer s.Wipe()
	a.how = "password"
	return ssh.Password(string(s.Reveal()))
}

// reason is the fault of ours that says most; a missing agent says least.
func (a *auth) reason() *keys.Fault {
	for _, n := range a.notes {
		if n.Code != "AGENT-NONE" {
			return n
		}
	}
	return a.notes[0]
}

// failure words why nothing worked.
func (a *auth) failure(c *ssh.ClientAuthContext) error {
	left := strings.Join(c.AllowedMethods, ", ")
	out := &AuthError{SavedPassword: a.saved.refused, Tried: a.tried, Left: c.AllowedMethods}
	f := &keys.Fault{Code: "AUTH-FAIL"}
	who := a.t.User + "@" + a.w.addr
	switch {
	case len(a.tried) == 0 && len(a.notes) > 0:
		*f = *a.reason() // it is on our side
		f.What += quoted(", and nothing else could be offered to %s (it takes: %.200q)", who, left)
	case len(a.tried) == 0 && a.declined:
		f.Code, f.What = "AUTH-STOPPED", quoted("signing in as %s was given up (it takes: %.200q)", who, left)
	case len(a.tried) == 0:
		f.What = quoted("there is nothing to sign in with as %s (it takes: %.200q)", who, left)
		f.Do = "Load a key into the ssh-agent, name a key file, or set password = \"ask\""
	default:
		f.What = quoted("%s was not let in: refused %s (methods left: %.200q)", who, strings.Join(a.tried, ", "), left)
		f.Do = "Check the user name and what the device accepts"
		if a.saved.refused {
			f.Do = "Change the saved password; it is not sent again by itself"
		}
		for _, n := range a.notes {
			if n.Code == "AGENT-NONE" && a.t.Agent == nil {
				continue // nobody asked for one
			}
			f.What += "; " + n.Code + " " + n.What
			if n.Do != "" {
				f.What += " (" + n.Do + ")"
			}
		}
	}
	if len(c.PartialSuccessMethods) > 0 {
		f.What += quoted("; the device had accepted %.100q and wants more", strings.Join(c.PartialSuccessMethods, ", "))
	}
	if said := strings.TrimSpace(a.said()); said != "" {
		f.What += quoted("; the device said %.300q", said[:min(len(said), 300)])
	}
	errs := make([]error, 0, len(a.notes))
	for _, n := range a.notes {
		errs = append(errs, n)
	}
	f.Err = errors.Join(errs...)
	out.Fault = f
	a.fatal = out
	return out
}
