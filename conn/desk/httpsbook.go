package desk

import (
	"dialtone/conn/callhome"
	"dialtone/conn/link"
	"dialtone/conn/outbound"
	"dialtone/conn/profile"
)

var _ outbound.Book = (*secure)(nil)

func (x *secure) reread() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.fresh.expire()
}

// address is where a device calls from, without the port.
func address(d outbound.Caller) string { return d.From.Addr().Unmap().WithZone("").String() }

// byAddress returns the profile to which the address of a device of the basic
// form is bound. Nothing is proved by it.
func (x *secure) byAddress(d outbound.Caller) (profile.Profile, bool) {
	if d.Via != link.HTTPSBasic {
		return profile.Profile{}, false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.fresh.renew(x.load)
	p, ok := x.byAddr[address(d)]
	return p, ok
}

// load reads the profiles; x.mu is held.
func (x *secure) load() {
	ps, _ := x.f.o.Profiles.List() // those that cannot be read are shown with the profiles
	x.byID, x.byAddr = map[string]profile.Profile{}, map[string]profile.Profile{}
	for _, p := range ps {
		if _, taken := x.byAddr[p.Host]; p.Via == link.HTTPSBasic && p.Host != "" && !taken {
			x.byAddr[p.Host] = p
		}
		if p.Via == link.HTTPS && p.DeviceID != "" {
			if _, taken := x.byID[p.DeviceID]; !taken {
				x.byID[p.DeviceID] = p
			}
			delete(x.once, p.DeviceID)
		}
	}
}

// ByID returns the device of a device-id; a changed profile holds a second
// later.
func (x *secure) ByID(id string) (callhome.Entry, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.fresh.renew(x.load)
	p, ok := x.byID[id]
	if !ok {
		t, once := x.once[id]
		if !once {
			return callhome.Entry{}, false
		}
		p = profile.Profile{Target: t}
	}
	return callhome.Entry{Target: p.Target, Secret: secretOf(x.f.o.Vault, p.Secret)}, true
}
