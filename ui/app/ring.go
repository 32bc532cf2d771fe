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
	"dialtone/conn/outbound/outboundsim"
	"dialtone/conn/profile"
	"dialtone/conn/simnet"
	"dialtone/keys"
	"dialtone/keys/cert"
	"dialtone/netconf/simdev"
)

// The devices of the demo that dial in with a secret, and where that is kept.
const (
	westName   = "west-4"
	westID     = "west-4"
	westSecret = "store:west-4"

	valeName   = "vale-5" // by outbound HTTPS
	valeID     = "vale-5"
	valeSecret = "store:vale-5"
)

// barnName is the device of the demo that speaks the form of 20.2: nothing of it
// is known but its address.
const barnName = "barn-6"

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

// vale is the profile of the device by outbound HTTPS.
func vale() profile.Profile {
	return profile.Profile{
		Target: link.Target{Name: valeName, Via: link.HTTPS, DeviceID: valeID, Secret: valeSecret},
		Group:  "remote", Note: "Junos outbound HTTPS of 20.3; L, https listens for it",
	}
}

// secret is what the devices and the demo share. It is of no use elsewhere: the
// devices live in this process.
func secret() keys.Secret { return keys.NewSecret([]byte("known to the demo and its devices")) }

// Get implements keys.Vault for the demo's secrets, which are one.
func (d *demo) Get(_ context.Context, ref string) (keys.Secret, error) {
	if ref != westSecret && ref != valeSecret {
		return keys.Secret{}, &keys.Fault{Code: "SEC-REF", What: "the demo keeps no secret " + ref}
	}
	return secret(), nil
}

// certificate is what the demo's desk shows to devices by outbound HTTPS. It is
// made for this run and stays in memory.
func (d *demo) certificate() (*cert.Reloader, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.certs != nil {
		return d.certs, nil
	}
	now := time.Now()
	c, k, err := cert.Make([]string{"127.0.0.1", "localhost"}, cert.P256, now)
	if err != nil {
		return nil, err
	}
	d.certs, err = cert.Fixed(c, k, now)
	clear(k)
	return d.certs, err
}

// ringing is the desk of the demo: as soon as it listens somewhere, two devices
// of that way begin to call there, and they stop when it does.
type ringing struct {
	*desk.Front
	demo *demo
}

// dialling is one device of the demo that dials.
type dialling struct {
	kind string      // of listener that it calls
	addr string      // that it dials, "" while there is nowhere to call
	stop func() bool // false when it has a connection that must not be cut
	call func() (stop func() bool, err error)
}

// sshDialler is a device that dials by call home or outbound SSH. It keeps its
// host key for the life of the demo.
func (d *demo) sshDialler(o simnet.CallOptions) (*dialling, error) {
	key, err := simnet.NewKey()
	if err != nil {
		return nil, err
	}
	o.Server.HostKey = key
	c := &dialling{kind: desk.SSH}
	c.call = func() (func() bool, error) {
		dev, err := d.lab.Call(c.addr, o)
		if err != nil {
			return nil, err
		}
		return func() bool {
			if dev.Connections() > 0 {
				return false
			}
			dev.Stop()
			return true
		}, nil
	}
	return c, nil
}

// secureDialler is a device that dials by outbound HTTPS.
func (d *demo) secureDialler(o outboundsim.Options) *dialling {
	c := &dialling{kind: desk.HTTPS}
	c.call = func() (func() bool, error) {
		o := o
		o.Servers, o.Roots = []string{c.addr}, d.certs.Pair().PEM
		dev, err := d.lab.CallSecure(o)
		if err != nil {
			return nil, err
		}
		return func() bool {
			dev.Retire() // its sessions live on
			return true
		}, nil
	}
	return c
}

// dial makes the devices that dial; d.mu is held.
func (d *demo) dial() error {
	for _, o := range []simnet.CallOptions{
		{Via: link.Junos, DeviceID: westID, Secret: secret(), Device: simdev.Options{Name: westName, Dialect: simdev.Junos}, Wait: redial},
		{Via: link.CallHome, Device: simdev.Options{Name: "pop-2", Dialect: simdev.RFC}, Wait: redial},
	} {
		c, err := d.sshDialler(o)
		if err != nil {
			return err
		}
		d.diallers = append(d.diallers, c)
	}
	for _, o := range []outboundsim.Options{
		{DeviceID: valeID, Secret: string(secret().Reveal()), Device: simdev.New(simdev.Options{Name: valeName, Dialect: simdev.Junos})},
		{Basic: true, Device: simdev.New(simdev.Options{Name: barnName, Dialect: simdev.Junos})},
	} {
		o.WaitTime = redial
		d.diallers = append(d.diallers, d.secureDialler(o))
	}
	return nil
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
	up := map[string][]string{}
	for _, l := range ls {
		if at, err := netip.ParseAddrPort(l.Bound); err == nil {
			up[l.Kind] = append(up[l.Kind], net.JoinHostPort("127.0.0.1", strconv.Itoa(int(at.Port()))))
		}
	}
	for _, c := range d.diallers {
		at := up[c.kind]
		if c.stop != nil && !slices.Contains(at, c.addr) && c.stop() {
			c.stop = nil
		}
		if c.stop == nil && len(at) > 0 && (c.kind != desk.HTTPS || d.certs != nil) {
			c.addr = at[0]
			if stop, err := c.call(); err == nil {
				c.stop = stop
			}
		}
	}
}
