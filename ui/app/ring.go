package app

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"time"

	"dialtone/conn/desk"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/conn/simnet"
	"dialtone/keys"
	"dialtone/netconf/simdev"
)

// The device of the demo that dials in with a secret, and where that is kept.
const (
	westName   = "west-4"
	westID     = "west-4"
	westSecret = "store:west-4"
)

// redial is how long the demo's devices wait before they call again.
const redial = 3 * time.Second

// west is its profile. The key is not known yet: the first call brings it.
func west() profile.Profile {
	no := false
	return profile.Profile{
		Target: link.Target{Name: westName, Via: link.Junos, User: "admin", Agent: &no, DeviceID: westID, Secret: westSecret},
		Group:  "remote", Note: "Junos outbound SSH with a secret; L listens for it",
	}
}

// secret is what the device and the demo share. It is of no use elsewhere: the
// device lives in this process.
func secret() keys.Secret { return keys.NewSecret([]byte("known to the demo and to west-4")) }

// Get implements keys.Vault for the demo's one secret.
func (d *demo) Get(_ context.Context, ref string) (keys.Secret, error) {
	if ref != westSecret {
		return keys.Secret{}, &keys.Fault{Code: "SEC-REF", What: "the demo keeps no secret " + ref}
	}
	return secret(), nil
}

// ringing is the desk of the demo: as soon as it listens somewhere, two devices
// begin to call there, and they stop when it does.
type ringing struct {
	*desk.Front
	demo *demo
}

// callers makes the desk of the demo ring. Outside the demo nothing rings.
func (d *demo) callers(f *desk.Front) desk.Desk {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lab == nil {
		return f
	}
	d.calling = map[string][]*simnet.Caller{}
	return ringing{f, d}
}

// Listeners implements desk.Desk. The interface asks for them after each
// change, so this is where a new one is noticed.
func (r ringing) Listeners() []desk.Listener {
	ls := r.Front.Listeners()
	r.demo.ring(ls)
	return ls
}

// ring starts and stops the devices that call. A device that cannot be started
// does not call; the others do.
func (d *demo) ring(ls []desk.Listener) {
	d.mu.Lock()
	defer d.mu.Unlock()
	up := map[string]bool{}
	for _, l := range ls {
		at, err := netip.ParseAddrPort(l.Bound)
		if err != nil || l.Kind != desk.SSH {
			continue
		}
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(int(at.Port())))
		up[addr] = true
		if _, on := d.calling[addr]; on || len(d.calling) > 0 {
			continue // one set of devices calls at one place
		}
		d.calling[addr] = nil
		for _, o := range dialling() {
			if c, err := d.lab.Call(addr, o); err == nil {
				d.calling[addr] = append(d.calling[addr], c)
			}
		}
	}
	for addr, cs := range d.calling {
		if up[addr] {
			continue
		}
		delete(d.calling, addr)
		for _, c := range cs {
			c.Stop()
		}
	}
}

// dialling is the devices of the demo that dial.
func dialling() []simnet.CallOptions {
	return []simnet.CallOptions{
		{Via: link.Junos, DeviceID: westID, Secret: secret(), Device: simdev.Options{Name: westName, Dialect: simdev.Junos}, Wait: redial},
		{Via: link.CallHome, Device: simdev.Options{Name: "pop-2", Dialect: simdev.RFC}, Wait: redial},
	}
}
