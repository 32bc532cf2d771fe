package profile

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn/desk"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/keys"
	"dialtone/keys/cert"
	"dialtone/ui/clip"
	"dialtone/ui/msg"
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

// TestConfigPairsAddressAndPort: of several listeners the text has the port of
// the one behind its address, and for any other address that of the one on all.
func TestConfigPairsAddressAndPort(t *testing.T) {
	t.Parallel()
	th, _ := style.New("default", false, true)
	c := NewConfig(&screen.Deps{Theme: th}, link.Target{Name: "r1", Via: link.Junos, DeviceID: "r1"})
	c.Update(heardMsg{to: c, addrs: []string{"192.0.2.10"}, listeners: []desk.Listener{
		{Kind: "ssh", Bound: "192.0.2.7:7001"}, {Kind: "ssh", Bound: "[::]:4334"}, {Kind: "ssh", Bound: "[2001:db8::1]:7002"}}})
	for _, want := range []string{"192.0.2.7 port 7001", "2001:db8::1 port 7002", "192.0.2.10 port 4334"} {
		if !strings.Contains(c.text, want) {
			t.Errorf("no %s in\n%s", want, c.text)
		}
		c.Update(uitest.Key("a"))
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

// safeDesk is a desk with a certificate and one secret.
type safeDesk struct {
	*uitest.Desk
	cert desk.Certificate
	fail error
}

const canary = "canary-7Qx2-of-the-device"

func (d safeDesk) Certificate() desk.Certificate { return d.cert }

func (d safeDesk) Secret(_ context.Context, ref string) (keys.Secret, error) {
	if ref != "store:r8" || d.fail != nil {
		return keys.Secret{}, cmp.Or(d.fail, errors.New("no such secret"))
	}
	return keys.NewSecret([]byte(canary)), nil
}

func certified(t *testing.T, hosts ...string) desk.Certificate {
	t.Helper()
	c, k, err := cert.Make(hosts, cert.P256, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r, err := cert.Fixed(c, k, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return desk.Certificate{Pair: r.Pair()}
}

// copies keeps what is copied.
func copies(t *testing.T, d *screen.Deps) *string {
	t.Helper()
	var got string
	d.Clip = clip.New(clip.Options{Now: time.Now, Getenv: func(name string) string { return map[string]string{"DISPLAY": ":0"}[name] }, LookPath: func(s string) (string, error) { return s, nil },
		Run: func(_ context.Context, in string, _ string, _ ...string) error { got = in; return nil }})
	return &got
}

// TestConfigCopiesTheSecretAndHidesIt: the text is copied whole; the secret is
// on the screen only after s, and is gone after another.
func TestConfigCopiesTheSecretAndHidesIt(t *testing.T) {
	t.Parallel()
	th, _ := style.New("default", false, true)
	for _, via := range []link.Via{link.Junos, link.HTTPS, link.CallHome} {
		d := &screen.Deps{Theme: th, Now: time.Now, Desk: safeDesk{Desk: uitest.NewDesk(), cert: certified(t, "nms.example.net", "192.0.2.10")}}
		got := copies(t, d)
		c := NewConfig(d, link.Target{Name: "edge-8", Via: via, DeviceID: "r8.lab", Secret: "store:r8"})
		c.Update(c.Init()())
		if strings.Contains(c.View(100, 40), canary) {
			t.Errorf("%s: the secret is shown:\n%s", via, c.View(100, 40))
		}
		press := func(key string) {
			cmd, _ := c.Update(uitest.Key(key))
			var run func(tea.Cmd)
			run = func(cmd tea.Cmd) {
				if cmd == nil {
					return
				}
				switch m := cmd().(type) {
				case tea.BatchMsg:
					for _, cmd := range m {
						run(cmd)
					}
				default:
					cmd, _ := c.Update(m)
					run(cmd)
				}
			}
			run(cmd)
		}
		press("y")
		if v := c.View(100, 40); !strings.Contains(v, "Device configuration with its secret: copied") {
			t.Errorf("%s: the dialog does not say that it copied\n%s", via, v)
		}
		if !strings.Contains(*got, "secret \""+canary+"\"") || strings.Contains(*got, secretHere) {
			t.Errorf("%s copied %q", via, *got)
		}
		if strings.Contains(c.View(100, 40), canary) {
			t.Errorf("%s: copying shows the secret", via)
		}
		press("s")
		if v := c.View(100, 40); !strings.Contains(strings.Join(strings.Fields(v), ""), canary) || !strings.Contains(v, "s hides it") {
			t.Errorf("%s: the secret is not shown:\n%s", via, v)
		}
		press("s")
		if strings.Contains(c.View(100, 40), canary) {
			t.Errorf("%s: the secret is still shown", via)
		}
	}
}

func TestConfigWithoutItsSecretSaysSo(t *testing.T) {
	t.Parallel()
	th, _ := style.New("default", false, true)
	d := &screen.Deps{Theme: th, Now: time.Now, Desk: safeDesk{Desk: uitest.NewDesk(), fail: errors.New("SEC-OPEN wrong passphrase")}}
	got := copies(t, d)
	c := NewConfig(d, link.Target{Name: "edge-8", Via: link.Junos, DeviceID: "r8.lab", Secret: "store:r8"})
	cmd, _ := c.Update(uitest.Key("y"))
	cmd, _ = c.Update(cmd())
	said := ""
	var listen func(m tea.Msg)
	listen = func(m tea.Msg) {
		switch m := m.(type) {
		case tea.BatchMsg:
			for _, cmd := range m {
				listen(cmd())
			}
		case msg.Toast:
			said += m.Text + "\n"
		}
	}
	listen(cmd())
	if !strings.Contains(*got, secretHere) || !strings.Contains(said, "without the secret") || !strings.Contains(said, "SEC-OPEN") {
		t.Errorf("copied %q, said %q", *got, said)
	}
}

// TestConfigHoldsTheCertificate: on one line, for an address that it is for;
// for another one the device would refuse it, and that is said.
func TestConfigHoldsTheCertificate(t *testing.T) {
	t.Parallel()
	th, _ := style.New("default", false, true)
	own := certified(t, "nms.example.net", "192.0.2.10", "2001:db8::1")
	for _, via := range []link.Via{link.HTTPS, link.HTTPSBasic} {
		c := NewConfig(&screen.Deps{Theme: th}, link.Target{Name: "vmx", Via: via, DeviceID: "vmx"})
		c.Update(heardMsg{to: c, cert: own, addrs: []string{"198.51.100.1"}, listeners: []desk.Listener{{Kind: "https", Bound: "[::]:8443"}}})
		if one := cert.OneLine(own.Pair.PEM); strings.Count(c.text, one) != 1 || strings.Contains(c.text, "ON-ONE-LINE") || !strings.Contains(c.text, "nms.example.net") {
			t.Errorf("%s:\n%s", via, c.text)
		}
		if strings.Join(c.addrs, " ") != " nms.example.net 192.0.2.10 198.51.100.1" {
			t.Errorf("%q", c.addrs)
		}
		if strings.Contains(c.View(100, 60), "will refuse it") {
			t.Error(c.View(100, 60))
		}
		c.Update(uitest.Key("a"))
		c.Update(uitest.Key("a"))
		if v := c.View(100, 60); !strings.Contains(v, "will refuse it") || !strings.Contains(c.text, "198.51.100.1") {
			t.Error(v)
		}
	}
	c := NewConfig(&screen.Deps{Theme: th}, link.Target{Name: "vmx", Via: link.HTTPS, DeviceID: "vmx"})
	c.Update(heardMsg{to: c, cert: desk.Certificate{Err: errors.New("TLS-FILE server.crt: no such file")}})
	if v := c.View(100, 60); !strings.Contains(v, "No certificate: TLS-FILE") || !strings.Contains(v, "c in the inbox") {
		t.Error(v)
	}
}

// keeping is a desk that keeps secrets.
type keeping struct {
	safeDesk
	kept map[string]string
}

func (k keeping) KeepSecret(_ context.Context, name string, s keys.Secret) (string, error) {
	if _, there := k.kept[name]; there {
		return "", errors.New("SEC-EXISTS there is a secret")
	}
	k.kept[name] = string(s.Reveal())
	return "store:" + name, nil
}

// TestConfigMakesASecret: a profile without one gets it with one key, in the
// list of devices at once and in the form when it is saved; one that is there is
// never replaced.
func TestConfigMakesASecret(t *testing.T) {
	t.Parallel()
	th, _ := style.New("default", false, true)
	for _, form := range []bool{false, true} {
		k := keeping{safeDesk{Desk: uitest.NewDesk()}, map[string]string{}}
		target := link.Target{Name: "edge-8", Via: link.Junos, User: "netconf", DeviceID: "r8.lab"}
		store := profile.Memory(profile.Profile{Target: target, Note: "kept"})
		d := &screen.Deps{Theme: th, Now: time.Now, Desk: k, ConfigDir: "/etc/dialtone", Profiles: store}
		c := NewConfig(d, target)
		c.form = form
		f := New(d, profile.Profile{Target: target}, "edge-8")
		if !strings.Contains(c.Help(), "n new secret") || !strings.Contains(c.View(100, 40), "n makes one") {
			t.Errorf("%q\n%s", c.Help(), c.View(100, 40))
		}
		cmd, _ := c.Update(uitest.Key("n"))
		m := cmd()
		c.Update(m)
		f.Update(m)
		ps, _ := store.List()
		switch {
		case len(k.kept["edge-8"]) != 32 || strings.Contains(c.View(100, 40), k.kept["edge-8"]):
			t.Errorf("kept %q\n%s", k.kept, c.View(100, 40))
		case c.target.Secret != "store:edge-8" || c.secretWanted() || f.form.Field("secret").Value() != "store:edge-8" || !f.changed:
			t.Errorf("%+v", c.target)
		case !form && ps[0].Secret != "store:edge-8", form && ps[0].Secret != "", ps[0].Note != "kept":
			t.Errorf("form %t: %+v", form, ps[0])
		}
		again := NewConfig(d, target)
		cmd, _ = again.Update(uitest.Key("n"))
		if m := cmd().(newSecretMsg); m.err == nil || again.target.Secret != "" {
			t.Errorf("%+v", m)
		}
	}
	for _, target := range []link.Target{{Name: "x", Via: link.SSH}, {Name: "x", Via: link.HTTPSBasic}, {Name: "x", Via: link.Junos, Secret: "env:X"}, {Via: link.Junos}} {
		c := NewConfig(&screen.Deps{Theme: th, Desk: keeping{}, ConfigDir: "/etc/dialtone"}, target)
		if cmd, _ := c.Update(uitest.Key("n")); cmd != nil || strings.Contains(c.Help(), "new secret") {
			t.Errorf("%+v: a secret is offered", target)
		}
	}
}
