package desk

import (
	"context"
	"time"

	"dialtone/conn/callhome"
	"dialtone/conn/link"
	"dialtone/conn/outbound"
	"dialtone/conn/profile"
	"dialtone/keys"
)

var _ outbound.Book = (*secure)(nil)

func (x *secure) reread() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.read = time.Time{}
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
	x.fresh()
	p, ok := x.byAddr[address(d)]
	return p, ok
}

// fresh reads the profiles again when they may have changed; x.mu is held.
func (x *secure) fresh() {
	if time.Since(x.read) >= freshFor { // how long reading takes is not the business of a test's clock
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
		x.read = time.Now()
	}
}

// ByID returns the device of a device-id; a changed profile holds a second
// later.
func (x *secure) ByID(id string) (callhome.Entry, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.fresh()
	p, ok := x.byID[id]
	if !ok {
		t, once := x.once[id]
		if !once {
			return callhome.Entry{}, false
		}
		p = profile.Profile{Target: t}
	}
	e := callhome.Entry{Target: p.Target}
	if ref := p.Secret; ref != "" {
		e.Secret = func(ctx context.Context) (keys.Secret, error) {
			ctx, cancel := context.WithTimeout(ctx, secretTime)
			defer cancel()
			return x.f.o.Vault.Get(ctx, ref)
		}
	}
	return e, true
}
