package profile

import (
	"strings"
	"testing"

	"dialtone/conn/desk"
	"dialtone/conn/link"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

func TestConfigOfACaller(t *testing.T) {
	t.Parallel()
	th, _ := style.New("default", false, true)
	d := &screen.Deps{Theme: th, StateDir: t.TempDir()}
	c := NewConfig(d, link.Target{Name: "edge-8", Via: link.Junos, User: "netconf", DeviceID: "r8.lab", Secret: "store:edge-8"})
	c.Update(heardMsg{to: c, addrs: []string{"192.0.2.10", "2001:db8::1"}, listeners: []desk.Listener{{Kind: "ssh", Bound: "[::]:7804"}}})
	for _, size := range [][2]int{{80, 21}, {140, 37}, {60, 12}} {
		uitest.Golden(t, "config-"+map[int]string{80: "80x24", 140: "140x40", 60: "60x15"}[size[0]], c.View(size[0], size[1]))
	}
	if !strings.Contains(c.text, "192.0.2.10 port 7804") || strings.Contains(c.View(80, 21), "ADDRESS-OF") {
		t.Error(c.text)
	}
	c.Update(uitest.Key("a"))
	if !strings.Contains(c.text, "2001:db8::1 port 7804") {
		t.Error(c.text)
	}
	c.Update(uitest.Key("a"))
	if !strings.Contains(c.text, "ADDRESS-OF-THIS-MACHINE port 7804") || !strings.Contains(c.View(100, 40), "Put the address of this machine") {
		t.Error(c.text)
	}
}

// TestConfigTakesTheBoundAddress: an address that is listened on comes first,
// and outbound HTTPS is given no IPv6.
func TestConfigTakesTheBoundAddress(t *testing.T) {
	t.Parallel()
	th, _ := style.New("default", false, true)
	c := NewConfig(&screen.Deps{Theme: th}, link.Target{Name: "vmx", Via: link.HTTPS, DeviceID: "vmx"})
	c.Update(heardMsg{to: c, addrs: []string{"2001:db8::1", "192.0.2.10"}, listeners: []desk.Listener{
		{Kind: "ssh", Bound: "192.0.2.7:4334"}, {Kind: "https", Bound: "192.0.2.9:8443"}, {Kind: "https"}}})
	if !strings.Contains(c.text, "192.0.2.9 port 8443") || len(c.addrs) != 3 {
		t.Errorf("%q\n%s", c.addrs, c.text)
	}
}

func TestConfigAtEverySizeAndHostile(t *testing.T) {
	t.Parallel()
	th, _ := style.New("default", false, false)
	bad := "\x1b]0;x\x07\u202e" + strings.Repeat("w", 300)
	for _, target := range []link.Target{{Name: bad, Via: link.Junos, DeviceID: bad, Secret: bad}, {Name: bad, Via: link.Via(bad)}, {Name: "x"}} {
		c := NewConfig(&screen.Deps{Theme: th}, target)
		for w := 20; w < 160; w += 11 {
			for h := 4; h < 50; h += 5 {
				rows := strings.Split(c.View(w, h), "\n")
				if len(rows) > h || style.Width(rows[0]) > w {
					t.Fatalf("%dx%d on %dx%d", style.Width(rows[0]), len(rows), w, h)
				}
				uitest.OnlySGR(t, strings.Join(rows, "\n"))
			}
		}
		for _, k := range []string{"G", "j", "k", "ctrl+d", "g", "y"} {
			c.Update(uitest.Key(k))
		}
	}
}
