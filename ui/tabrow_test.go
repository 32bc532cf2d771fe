package ui

import (
	"fmt"
	"strings"
	"testing"

	"dialtone/conn"
	"dialtone/conn/desk"
	"dialtone/conn/link"
	"dialtone/ui/msg"
	"dialtone/ui/uitest"
)

// TestTabsKeepApartFromTheListeners at every width, with as many tabs and ports
// as there are: a blank stands between the last tab and the state at the right,
// and the tab that is shown is whole.
func TestTabsKeepApartFromTheListeners(t *testing.T) {
	t.Parallel()
	p, front := atDesk(t, nil)
	now := p.Now()
	ls := []desk.Listener{{Kind: "ssh", Addr: "127.0.0.1:24334", Bound: "127.0.0.1:24334"}, {Kind: "ssh", Addr: "127.0.0.1:24340"}}
	p.stand(front, nil, ls)
	for i := range 6 {
		d := p.backend.Set(conn.Device{Target: link.Target{Name: fmt.Sprint("edge-", i), Via: link.Junos}, State: conn.Open, Since: now})
		p.Send(events(d))
		p.Send(msg.OpenSession{ID: d.Session})
	}
	p.Press("0")
	for w := 80; w < 180; w++ {
		p.Resize(w, 24)
		row := uitest.Plain(p.Rows()[0])
		if !strings.Contains(row, "[0 Inbox] ") || !strings.Contains(row, " call-home ") || strings.Contains(row, "→") {
			t.Errorf("%d columns: %q", w, row)
		}
	}
}

// TestASignInNamesNoPortOfADeviceThatCalled: nobody dials it, at 830 or any.
func TestASignInNamesNoPortOfADeviceThatCalled(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	for via, want := range map[link.Via]string{link.SSH: "192.0.2.9:830", link.Junos: "called from 192.0.2.9 ", link.CallHome: "called from 192.0.2.9 "} {
		q := link.SecretQuestion{What: "password of admin@192.0.2.9", Target: link.Target{Name: "r1", Host: "192.0.2.9", Via: via}}
		d := &secretDialog{theme: p.root.d.Theme, what: q, q: &question{}}
		if got := d.View(80, 20); !strings.Contains(got, want) {
			t.Errorf("%s: no %q in\n%s", via, want, got)
		}
	}
}
