package desk

import (
	"fmt"
	"reflect"

	"dialtone/conn/link"
	"dialtone/conn/outbound"
	"dialtone/conn/profile"
	"dialtone/keys"
)

// callers are the rows of the inbox.
func (x *secure) callers() []Caller {
	s := x.running()
	if s == nil {
		return nil
	}
	ds := s.Callers()
	out := make([]Caller, len(ds))
	for i, d := range ds {
		out[i] = Caller{ID: secureBit | CallerID(d.ID), Via: d.Via, From: d.From, Since: d.Since, Claim: d.Claim, Trust: d.Trust, Believed: d.Believed,
			Matches: d.Profile, Parked: true, Sessions: d.Sessions, User: d.Target.User, Note: d.Note}
		if p, ok := x.byAddress(d); ok {
			out[i].Matches = p.Name
			out[i].Note = "it is taken for " + p.Name + " by its address alone: any host with that address would be"
		}
		if d.Waiting == 0 {
			out[i].Note = "has a session and no call waiting now"
		}
	}
	return out
}

// find returns a device and the server that it waits at.
func (x *secure) find(id CallerID) (*outbound.Server, outbound.Caller, error) {
	if s := x.running(); s != nil {
		if d, ok := s.Caller(outbound.CallerID(id &^ secureBit)); ok && id&secureBit != 0 {
			return s, d, nil
		}
	}
	return nil, outbound.Caller{}, gone()
}

// accept opens a session on a device as t. With save, t becomes a profile with
// the device's id.
func (x *secure) accept(id CallerID, as profile.Profile, save bool, change func(*profile.Profile)) error {
	t := as.Target
	_, d, err := x.find(id)
	if err != nil {
		return err
	}
	known := d.Profile != "" && (t.Name == "" || t.Name == d.Profile)
	if known {
		t = d.Target
	} else if p, ok := x.byAddress(d); ok && (t.Name == "" || t.Name == p.Name) {
		known, t = true, p.Target
	}
	t.Via, t.DeviceID = d.Via, d.Claim
	if t.Name == "" {
		t.Name = d.From.String()
		if profile.ValidName(d.Claim) {
			t.Name = d.Claim
		}
	}
	if t.Host == "" {
		t.Host = address(d)
	}
	switch {
	case known && save:
		if err := x.change(&t, change); err != nil {
			return err
		}
	case !known:
		as.Target = t
		if err := x.keep(as, save); err != nil {
			return err
		}
	}
	x.open(d, t)
	return nil
}

// change changes the saved profile of t, and t with it.
func (x *secure) change(t *link.Target, do func(*profile.Profile)) error {
	p, ok := saved(x.f.o.Profiles, t.Name)
	if !ok {
		return nil // known until the program ends
	}
	before := p
	if do(&p); reflect.DeepEqual(before, p) {
		return nil
	}
	defer x.reread()
	t.User, t.Password, t.Open = p.User, p.Password, p.Open
	return x.f.o.Profiles.Put(p)
}

// keep makes a profile known: as a profile, or until the program ends.
func (x *secure) keep(as profile.Profile, save bool) error {
	t := as.Target
	if save {
		if _, taken := saved(x.f.o.Profiles, t.Name); taken {
			return nameTaken(t.Name)
		}
		defer x.reread()
		if err := x.f.o.Profiles.Put(as); err != nil {
			return err
		}
		if t.Via == link.HTTPS && t.Secret == "" {
			x.f.write(Line{Event: "profile", Via: t.Via, DeviceID: t.DeviceID, Profile: t.Name, Text: t.Name + " has no secret, so any caller may claim its device-id"})
		}
		return nil
	}
	if t.DeviceID == "" {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.once) >= mostOnce {
		clear(x.once)
	}
	x.once[t.DeviceID] = t
	x.fresh.expire()
	return nil
}

// bind gives a device's id to an existing profile and opens a session.
func (x *secure) bind(id CallerID, name string) error {
	_, d, err := x.find(id)
	if err != nil {
		return err
	}
	p, ok := saved(x.f.o.Profiles, name)
	switch {
	case !ok:
		return noProfile(name)
	case p.Via != d.Via:
		return otherWay(p)
	case d.Via == link.HTTPSBasic && p.Host != "" && p.Host != address(d):
		return &keys.Fault{Code: "PRO-ID", What: fmt.Sprintf("the profile %s is that of the address %s, the caller has %s", p.Name, p.Host, address(d)),
			Kept: "Nothing was changed", Do: "Change host in the profile first, if that is right"}
	case d.Claim != "" && p.DeviceID != "" && p.DeviceID != d.Claim:
		return otherID(p, d.Claim)
	}
	if d.Via == link.HTTPSBasic && p.Host == "" {
		p.Host = address(d)
		if err := x.f.o.Profiles.Put(p); err != nil {
			return err
		}
		x.reread()
		x.f.write(Line{Event: "bound", From: d.From, Via: d.Via, Profile: p.Name, Text: fmt.Sprintf("%s bound to %s: the device proves nothing, any host with that address is taken for it", p.Host, p.Name)})
	}
	if d.Claim != "" && p.DeviceID == "" {
		p.DeviceID = d.Claim
		if err := x.f.o.Profiles.Put(p); err != nil {
			return err
		}
		x.reread()
		x.f.write(Line{Event: "bound", From: d.From, Via: d.Via, DeviceID: d.Claim, Profile: p.Name, Text: fmt.Sprintf("device-id %q bound to %s", d.Claim, p.Name)})
	}
	x.open(d, p.Target)
	return nil
}

func (x *secure) refuse(id CallerID) error {
	s, d, err := x.find(id)
	if err != nil {
		return err
	}
	if !s.Refuse(d.ID) {
		return gone()
	}
	x.count(d.On, 0, 1)
	x.f.write(x.line("refused", d, "refused by a person; it will call again"))
	return nil
}

func (x *secure) block(id CallerID) error {
	s, d, err := x.find(id)
	if err != nil {
		return err
	}
	s.Block(d.From.Addr(), true)
	x.f.write(x.line("blocked", d, d.From.Addr().String()+" is blocked until the program ends"))
	return nil
}

// open asks a device for a session, in the background, and hands it to the
// manager.
func (x *secure) open(d outbound.Caller, t link.Target) {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := x.server
	if x.ctx.Err() != nil || s == nil {
		return
	}
	x.wg.Add(1)
	go func() { // ends when the session has come, or has not within its time
		defer x.wg.Done()
		if err := x.f.guard("open", func() { x.opened(s, d, t) }); err != nil {
			x.f.write(Line{Event: "refused", Text: what(err), Err: err})
		}
	}()
}

func (x *secure) opened(s *outbound.Server, d outbound.Caller, t link.Target) {
	f := x.f
	start := f.o.Now()
	lk, err := s.Open(x.ctx, d.ID)
	line := x.line("admitted", d, "accepted as "+t.Name)
	line.Profile = t.Name
	if err != nil {
		line.Event, line.Text, line.Err = "refused", what(err), err
		x.count(d.On, 0, 1)
		f.write(line)
		return
	}
	f.mu.Lock()
	open := f.adopt(line, t, lk, &origin{d.From, d.Via, d.Claim, t.Name, start})
	f.mu.Unlock()
	if open {
		x.count(d.On, 1, 0)
	}
	f.touch()
}
