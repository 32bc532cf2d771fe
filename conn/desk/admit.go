package desk

import (
	"cmp"
	"fmt"
	"slices"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/callhome"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/keys"
)

// Callers returns those on whom nobody has decided, oldest first.
func (f *Front) Callers() []Caller {
	cs := f.ssh.Callers()
	out := make([]Caller, len(cs))
	for i, c := range cs {
		out[i] = show(c)
	}
	if parked := f.https.callers(); len(parked) > 0 {
		out = append(out, parked...)
		slices.SortStableFunc(out, func(a, b Caller) int { return a.Since.Compare(b.Since) })
	}
	return out
}

// waiting finds a caller that waits.
func (f *Front) waiting(id CallerID) (callhome.Caller, error) {
	for _, c := range f.ssh.Callers() {
		if CallerID(c.ID) == id {
			return c, nil
		}
	}
	return callhome.Caller{}, gone()
}

func gone() error {
	return &keys.Fault{Code: "CALL-GONE", What: "the caller waits no longer", Do: "Wait until it calls again"}
}

// Accept lets a caller in as t. What t leaves open is filled from the call: the
// name, the user, the way, the device-id. With save, t becomes a new profile to
// which the caller's key is pinned; without, both are known until the program
// ends. When t's user is not the one of the call, the device must call again,
// and is then let in without another question.
func (f *Front) Accept(id CallerID, t link.Target, save bool) error {
	return f.accept(id, profile.Profile{Target: t}, save, func(p *profile.Profile) {
		p.User, p.Password, p.Open = cmp.Or(t.User, p.User), cmp.Or(t.Password, p.Password), cmp.Or(t.Open, p.Open)
	})
}

// AcceptAs is Accept of p.Target with save, which keeps group, tags and note as
// well. When p is the profile that the caller matches, user, password, open and
// group of it become those of p.
func (f *Front) AcceptAs(id CallerID, p profile.Profile) error {
	return f.accept(id, p, true, func(have *profile.Profile) {
		have.User, have.Password, have.Open, have.Group = p.User, p.Password, p.Open, p.Group
	})
}

// accept lets a caller in as p. change is what becomes of the profile that it
// matches.
func (f *Front) accept(id CallerID, p profile.Profile, save bool, change func(*profile.Profile)) error {
	if id&secureBit != 0 {
		return f.https.accept(id, p, save, change)
	}
	c, err := f.waiting(id)
	if err != nil {
		return err
	}
	t := p.Target
	t.Via, t.DeviceID = c.Via, c.Claim
	if t.User == "" {
		t.User = c.User
	}
	if t.Name == "" {
		t.Name = nameFor(c)
	}
	if t.Host == "" {
		t.Host = c.From.Addr().Unmap().String()
	}
	if save && c.Key != nil && t.Name == c.Trust.Profile {
		return f.bind(id, t.Name, change)
	}
	p.Target = t
	if c.Key != nil {
		if err := f.book.adopt(p, ssh.FingerprintSHA256(c.Key), save); err != nil {
			return err
		}
	}
	return f.admit(c, t)
}

// Bind makes an existing profile that of a caller: its key becomes the pin, its
// device-id the profile's.
func (f *Front) Bind(id CallerID, name string) error {
	if id&secureBit != 0 {
		return f.https.bind(id, name)
	}
	return f.bind(id, name, func(*profile.Profile) {})
}

func (f *Front) bind(id CallerID, name string, change func(*profile.Profile)) error {
	c, err := f.waiting(id)
	if err != nil {
		return err
	}
	if c.Key == nil {
		return &keys.Fault{Code: "CALL-KEYLESS", What: "the caller has shown no key yet", Do: "Accept it; it shows its key next and waits once more"}
	}
	p, old, err := f.book.bind(name, c, change)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%s bound to %s", keyText(c.Key), p.Name)
	if old != "" {
		text += ", in place of " + old
	}
	f.write(Line{Event: "bound", From: c.From, Via: c.Via, DeviceID: c.Claim, Profile: p.Name, Text: text})
	return f.admit(c, p.Target)
}

func (f *Front) admit(c callhome.Caller, t link.Target) error {
	if c.Key != nil && t.User != "" && t.User != c.User {
		f.book.grant(ssh.FingerprintSHA256(c.Key), f.o.Now().Add(grantTime))
	}
	if !f.ssh.Admit(c.ID, t, f.o.Ask) {
		return gone()
	}
	return nil
}

// Refuse hangs up on a caller and forgets what it claimed to be.
func (f *Front) Refuse(id CallerID) error {
	if id&secureBit != 0 {
		return f.https.refuse(id)
	}
	c, err := f.waiting(id)
	if err != nil {
		return err
	}
	f.forget(c)
	if !f.ssh.Refuse(c.ID, "refused by a person") {
		return gone()
	}
	return nil
}

// Block hangs up on a caller and refuses its address until the program ends.
func (f *Front) Block(id CallerID) error {
	if id&secureBit != 0 {
		return f.https.block(id)
	}
	c, err := f.waiting(id)
	if err != nil {
		return err
	}
	f.forget(c)
	f.ssh.Block(c.From.Addr(), true)
	f.write(Line{Event: "blocked", From: c.From, Via: c.Via, DeviceID: c.Claim, Text: c.From.Addr().String() + " is blocked until the program ends"})
	return nil
}

func (f *Front) forget(c callhome.Caller) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pairs.forget(c.Claim)
}
