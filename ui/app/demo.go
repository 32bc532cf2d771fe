package app

import (
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/dial"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/conn/simnet"
	"dialtone/keys/cert"
	"dialtone/netconf/simdev"
)

// demo is the simulated devices of the demo, behind real SSH and TLS on loopback. They
// start when they are first asked for, and nothing of them touches a file.
type demo struct {
	mu       sync.Mutex
	lab      *simnet.Lab
	list     []profile.Profile
	diallers []*dialling
	certs    *cert.Reloader
}

// device is one of the demo's devices.
type device struct {
	name, group, note string
	device            simdev.Options
	server            simnet.Server
}

func devices() []device {
	return []device{
		{"core-r1", "core", "Junos dialect", simdev.Options{Name: "core-r1", Dialect: simdev.Junos}, simnet.Server{}},
		{"edge-7", "edge", "RFC dialect, base:1.1", simdev.Options{Name: "edge-7", Dialect: simdev.RFC, Startup: true}, simnet.Server{}},
		{"pe-big", "edge", "a configuration of 60 MB", simdev.Options{Name: "pe-big", Dialect: simdev.Junos, Bulk: 67_000_000}, simnet.Server{}},
		{"lab-x", "lab", "its host key is not known yet", simdev.Options{Name: "lab-x", Dialect: simdev.Junos}, simnet.Server{Stranger: true}},
		{"sat-3", "remote", "far away: 600 ms and 64 KB a second", simdev.Options{Name: "sat-3", Dialect: simdev.RFC, Bulk: 2_000_000,
			Faults: simdev.Faults{BytesPerSec: 64 << 10}}, simnet.Server{RTT: 600 * time.Millisecond}},
	}
}

func (d *demo) start() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lab != nil {
		return nil
	}
	lab := simnet.New()
	for _, dev := range devices() {
		h, err := lab.Add(dev.device, dev.server)
		if err != nil {
			lab.Close()
			return fmt.Errorf("%s: %w", dev.name, err)
		}
		t := h.Target()
		no := false
		t.Name, t.Agent = dev.name, &no
		if !dev.server.Stranger {
			t.Pin = []string{ssh.FingerprintSHA256(h.HostKey())}
		}
		d.list = append(d.list, profile.Profile{Target: t, Group: dev.group, Note: dev.note})
	}
	if err := d.dial(); err != nil {
		lab.Close()
		return err
	}
	d.list = append(d.list, west(), vale())
	d.lab = lab
	return nil
}

func (d *demo) dialer() *dial.Dialer {
	return dial.New(dial.Options{Hosts: d.lab.Known(), Home: os.DevNull})
}

func (d *demo) profiles() profile.Store { return profile.Memory(d.list...) }

// one starts the devices and returns the first, for a person who has none yet.
// Its pin makes it known to whatever dials.
func (d *demo) one() (link.Target, error) {
	if err := d.start(); err != nil {
		return link.Target{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.list[0].Target, nil
}

func (d *demo) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lab != nil {
		d.lab.Close()
	}
}
