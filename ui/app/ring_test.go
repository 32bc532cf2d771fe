package app

import (
	"context"
	"testing"
	"time"

	"dialtone/conn"
	"dialtone/conn/desk"
	"dialtone/conn/link"
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
	if len(rings.Listeners()) != 0 || d.diallers[0].device != nil {
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

// wait waits for changes of the desk until ok holds.
func wait(t *testing.T, d desk.Desk, ok func() bool) {
	t.Helper()
	limit := time.After(10 * time.Second)
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
