package ui

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/netconf"
	"dialtone/ui/msg"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

// program is the root under a driver, with a fake backend below it.
type program struct {
	*uitest.Driver
	root    *root
	backend *uitest.Backend
	store   profile.Store
	asker   *Asker
}

// start makes the program with what change does to its dependencies.
func start(t *testing.T, store profile.Store, change func(*Deps)) *program {
	t.Helper()
	d := uitest.NewDriver(t)
	b := &uitest.Backend{Now: d.Now}
	theme, _ := style.New("mono", false, false)
	if store == nil {
		store = profile.Memory()
	}
	deps := Deps{Deps: screen.Deps{Backend: b, Profiles: store, Now: d.Now, Tick: d.Tick, Theme: theme, ConfigDir: "~/.config/dialtone"}, Asker: NewAsker()}
	if change != nil {
		change(&deps)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	r := newRoot(ctx, deps)
	r.park = d.Park
	p := &program{Driver: d.Drive(r), root: r, backend: b, store: store, asker: deps.Asker}
	p.Do(r.Init())
	p.Resize(80, 24)
	return p
}

func target(name, host string, via link.Via) link.Target {
	return link.Target{Name: name, Host: host, Via: via, User: "admin"}
}

func caps(names ...string) netconf.Caps {
	uris := []string{"urn:ietf:params:netconf:base:1.1"}
	for _, n := range names {
		uris = append(uris, "urn:ietf:params:netconf:capability:"+n)
	}
	return netconf.NewCaps(uris)
}

// lab is a store and devices in every state, as in the drawings.
func lab(t *testing.T, change func(*Deps)) *program {
	t.Helper()
	store := profile.Memory(
		profile.Profile{Target: target("core-r1", "192.0.2.1", link.SSH), Group: "core", Tags: []string{"mx"}},
		profile.Profile{Target: target("core-r2", "192.0.2.2", link.SSH), Group: "core", Note: "spare"},
		profile.Profile{Target: target("edge-8", "", link.CallHome), Group: "edge"},
	)
	p := start(t, store, change)
	now := p.Now()
	all := caps("candidate:1.0", "confirmed-commit:1.1", "validate:1.1", "notification:1.0", "writable-running:1.0", "xpath:1.0")
	p.Send(events(
		p.backend.Set(conn.Device{Target: target("core-r1", "192.0.2.1", link.SSH), State: conn.Open, Caps: all, NetconfID: 4711,
			Since: now.Add(-42*time.Minute - 10*time.Second), Opened: now.Add(-42 * time.Minute), Peer: link.Peer{Addr: "192.0.2.1:830", User: "admin",
				Auth: "publickey (agent, SHA256:9fXo)", HostKey: "ED25519 SHA256:q7WkAf0Zt1", HostKeyFrom: "~/.ssh/known_hosts:31", ServerVersion: "SSH-2.0-OpenSSH_9.6"}}),
		p.backend.Set(conn.Device{Target: target("edge-7", "", link.Junos), State: conn.Open, Caps: caps("candidate:1.0", "confirmed-commit:1.0", "validate:1.0"),
			Dirty: 1, Locks: []netconf.Datastore{netconf.Candidate}, Since: now.Add(-235 * time.Second), Opened: now.Add(-235 * time.Second), Peer: link.Peer{Addr: "198.51.100.7"}}),
		p.backend.Set(conn.Device{Target: target("pe-12", "192.0.2.12", link.SSH), State: conn.Authenticating, Since: now.Add(-2 * time.Second)}),
		p.backend.Set(conn.Device{Target: target("vmx-3", "203.0.113.80", link.HTTPS), State: conn.Lost, Opened: now.Add(-time.Hour),
			Since: now.Add(-4 * time.Second), Peer: link.Peer{Addr: "203.0.113.80"}, Err: errors.New("connection reset by peer"), Lost: []string{"the lock of candidate"}}),
	))
	p.Press("g")
	p.root.toasts = p.root.toasts.Silent()
	return p
}

func (p *program) mustShow(t *testing.T, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if !p.Shows(s) {
			t.Fatalf("%q is not shown\n%s", s, uitest.Plain(p.View()))
		}
	}
}

func (p *program) mustNotShow(t *testing.T, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if p.Shows(s) {
			t.Fatalf("%q is shown\n%s", s, uitest.Plain(p.View()))
		}
	}
}

func size(w, h int) string { return fmt.Sprintf("%dx%d", w, h) }

func events(es ...conn.Event) msg.Events { return es }
