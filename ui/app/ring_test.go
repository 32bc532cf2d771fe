package app

import (
	"context"
	"testing"
	"time"

	"dialtone/conn"
	"dialtone/conn/desk"
	"dialtone/conn/link"
	"dialtone/ui/cli"
)

// TestDemoRings: without a listener nobody calls; with one both devices do, the
// one with a secret is believed to have it, and they stop with the listener.
func TestDemoRings(t *testing.T) {
	t.Parallel()
	d := &demo{}
	if err := d.start(); err != nil {
		t.Fatal(err)
	}
	defer d.close()
	m := conn.NewManager(conn.Options{Dialer: d.dialer()})
	defer m.Close(context.Background())
	front := desk.New(desk.Options{Manager: m, Profiles: d.profiles(), Vault: d, Dialer: d.dialer()})
	defer front.Close()
	rings := d.callers(front)
	if len(rings.Listeners()) != 0 || d.diallers[0].stop != nil {
		t.Fatal("somebody calls although nobody listens")
	}
	if err := rings.Listen(desk.SSH, "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	wait(t, rings, func() bool { return rings.Listeners()[0].Bound != "" && len(rings.Callers()) == 2 })
	var trust []string
	for _, c := range rings.Callers() {
		trust = append(trust, string(c.Via)+" "+c.Trust+" "+c.Matches)
		if c.Via == link.Junos && (c.Trust != "HMAC ok, key NEW" || c.Matches != westName) || c.Via == link.CallHome && c.Trust != "key NEW" {
			t.Errorf("%q", trust)
		}
	}
	if err := rings.Stop(desk.SSH, "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	wait(t, rings, func() bool {
		rings.Listeners()
		return len(rings.Callers()) == 0
	})
}

// TestDemoRingsByHTTPS: both forms call over TLS; one shows the secret of its
// profile, the other nothing. A session lives on when the listener goes, and the
// devices call at the next one too.
func TestDemoRingsByHTTPS(t *testing.T) {
	t.Parallel()
	d := &demo{}
	if err := d.start(); err != nil {
		t.Fatal(err)
	}
	defer d.close()
	m := conn.NewManager(conn.Options{Dialer: d.dialer()})
	defer m.Close(context.Background())
	front, notes := openDesk(cli.InterfaceDeps{Demo: true, Profiles: d.profiles(), Manager: conn.Options{Dialer: d.dialer()}}, m, d, nil)
	if len(notes) > 0 {
		t.Fatal(notes)
	}
	defer front.Close()
	rings := d.callers(front)
	for n := 1; n <= 2; n++ {
		if err := rings.Listen(desk.HTTPS, "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		var vale desk.CallerID
		wait(t, rings, func() bool {
			rings.Listeners()
			basic := false
			for _, c := range rings.Callers() {
				switch {
				case c.Via == link.HTTPSBasic && c.Trust == "no identity" && !c.Believed && c.Matches == "":
					basic = true
				case c.Via == link.HTTPS && c.Trust == "secret ok" && c.Believed && c.Matches == valeName && c.Note == "":
					vale = c.ID
				}
			}
			return basic && vale != 0
		})
		if err := rings.Accept(vale, link.Target{}, false); err != nil {
			t.Fatal(err)
		}
		open := func() (open int) {
			for _, dev := range m.Devices() {
				if dev.State == conn.Open && dev.Target.Name == valeName {
					open++
				}
			}
			return open
		}
		wait(t, rings, func() bool { return open() == n })
		if err := rings.Stop(desk.HTTPS, "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		wait(t, rings, func() bool { return len(rings.Listeners()) == 0 })
		if open() != n {
			t.Errorf("%d sessions are left of %d", open(), n)
		}
	}
}

// wait waits for changes of the desk until ok holds.
func wait(t *testing.T, d desk.Desk, ok func() bool) {
	t.Helper()
	limit := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-d.Changed():
		case <-limit:
			t.Fatalf("callers %v, log %v", d.Callers(), d.Log(20))
		}
	}
}

func TestDemoHasOneSecret(t *testing.T) {
	t.Parallel()
	d := &demo{}
	if s, err := d.Get(t.Context(), westSecret); err != nil || len(s.Reveal()) < 20 {
		t.Errorf("%v", err)
	}
	if _, err := d.Get(t.Context(), "file:/etc/passwd"); err == nil {
		t.Error("another secret was found")
	}
}
