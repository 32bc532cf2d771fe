package app

import (
	"context"
	"net"
	"net/netip"
	"slices"
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

// dialling is one device of the demo that dials.
type dialling struct {
	options simnet.CallOptions
	addr    string         // that it dials
	device  *simnet.Caller // nil while there is nowhere to call
}

// diallers are the devices of the demo that dial. Each keeps its host key for
// the life of the demo.
func diallers() ([]*dialling, error) {
	var out []*dialling
	for _, o := range []simnet.CallOptions{
		{Via: link.Junos, DeviceID: westID, Secret: secret(), Device: simdev.Options{Name: westName, Dialect: simdev.Junos}, Wait: redial},
		{Via: link.CallHome, Device: simdev.Options{Name: "pop-2", Dialect: simdev.RFC}, Wait: redial},
	} {
		var err error
		if o.Server.HostKey, err = simnet.NewKey(); err != nil {
			return nil, err
		}
		out = append(out, &dialling{options: o})
	}
	return out, nil
}

// callers makes the desk of the demo ring. Outside the demo nothing rings.
func (d *demo) callers(f *desk.Front) desk.Desk {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lab == nil {
		return f
	}
	return ringing{f, d}
}

// Listeners implements desk.Desk. The interface asks for them after each
// change, so this is where a new one is noticed.
func (r ringing) Listeners() []desk.Listener {
	ls := r.Front.Listeners()
	r.demo.ring(ls)
	return ls
}

// ring has the devices call where we listen. When we listen there no more, they
// give up once their connection has ended. One that cannot be started does not
// call; the others do.
func (d *demo) ring(ls []desk.Listener) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var up []string
	for _, l := range ls {
		if at, err := netip.ParseAddrPort(l.Bound); err == nil && l.Kind == desk.SSH {
			up = append(up, net.JoinHostPort("127.0.0.1", strconv.Itoa(int(at.Port()))))
		}
	}
	for _, c := range d.diallers {
		if c.device != nil && !slices.Contains(up, c.addr) && c.device.Connections() == 0 {
			c.device.Stop()
			c.device = nil
		}
		if c.device == nil && len(up) > 0 {
			c.addr = up[0]
			if dev, err := d.lab.Call(c.addr, c.options); err == nil {
				c.device = dev
			}
		}
	}
}
