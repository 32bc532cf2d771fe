package inbox

import (
	"errors"
	"io/fs"
	"net/netip"
	"strings"
	"testing"
	"time"

	"dialtone/conn/desk"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/keys"
	"dialtone/keys/cert"
	"dialtone/ui/overlay"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

// maker is a desk that makes certificates in memory.
type maker struct {
	*uitest.Desk
	now  desk.Certificate
	made []string
	kind cert.KeyType
	fail error
}

func (m *maker) Certificate() desk.Certificate { return m.now }

func (m *maker) MakeCertificate(hosts []string, kt cert.KeyType, replace bool) (*cert.Pair, error) {
	if m.fail != nil {
		return nil, m.fail
	}
	if m.now.Pair != nil && !replace {
		return nil, errors.New("replaced without a word")
	}
	m.made, m.kind = hosts, kt
	return pairFor(hosts, testNow)
}

func (m *maker) ListenStale(s desk.Setting) error {
	m.made = append(m.made, "stale "+s.Addr)
	return nil
}

var testNow = time.Date(2031, 11, 21, 14, 2, 31, 0, time.UTC)

func pairFor(hosts []string, now time.Time) (*cert.Pair, error) {
	c, k, err := cert.Make(hosts, cert.P256, now)
	if err != nil {
		return nil, err
	}
	r, err := cert.Fixed(c, k, testNow)
	if err != nil {
		return nil, err
	}
	return r.Pair(), nil
}

// noFile is the state before the first certificate.
func noFile() desk.Certificate {
	return desk.Certificate{CertFile: "/home/ops/.config/dialtone/server.crt", KeyFile: "/home/ops/.config/dialtone/server.key",
		Err: &keys.Fault{Code: "TLS-FILE", What: "/home/ops/.config/dialtone/server.crt: no such file or directory", Err: fs.ErrNotExist}}
}

func withMaker(t *testing.T, now desk.Certificate) (*bench, *maker) {
	t.Helper()
	b := newBench(t, nil)
	m := &maker{Desk: b.desk, now: now}
	b.deps.Desk = m
	return b, m
}

func paired(t *testing.T, hosts []string, made time.Time) desk.Certificate {
	t.Helper()
	p, err := pairFor(hosts, made)
	if err != nil {
		t.Fatal(err)
	}
	c := noFile()
	c.Pair, c.Err = p, nil
	return c
}

// names replaces what is proposed.
func (b *bench) names(text string) {
	b.Press("tab", "tab", "ctrl+u")
	b.Type(text)
}

func TestFirstCertificateIsMadeWithoutAQuestion(t *testing.T) {
	t.Parallel()
	b, m := withMaker(t, noFile())
	b.Press("c")
	if !b.Shows("There is none yet") || !b.Shows("[ Make ]") || !b.Shows("none yet") {
		t.Fatal(b.View())
	}
	b.Press("enter") // Close is the default
	if len(b.stack.Layers()) != 0 || m.made != nil {
		t.Fatalf("made %q\n%s", m.made, b.View())
	}
	b.Press("c")
	b.names("192.0.2.10, nms.example.net bad_name")
	b.Press("tab")
	if !b.Shows("bad_name") {
		t.Error(b.View())
	}
	b.Press("shift+tab", "backspace", "backspace", "backspace", "backspace", "backspace", "backspace", "backspace", "backspace", "tab", "space", "tab", "m")
	if strings.Join(m.made, " ") != "192.0.2.10 nms.example.net" || m.kind != cert.RSA2048 {
		t.Fatalf("made %q, %s\n%s", m.made, m.kind, b.View())
	}
	if !b.Shows("just made") || !b.Shows("nms.example.net, 192.0.2.10") || !b.Shows("2034-02-23") {
		t.Error(b.View())
	}
	if len(b.toasts) != 1 || !strings.Contains(b.toasts[0].Text, "from the next call on") {
		t.Errorf("%+v", b.toasts)
	}
}

func TestCertificateIsReplacedOnlyAfterAYes(t *testing.T) {
	t.Parallel()
	b, m := withMaker(t, paired(t, []string{"192.0.2.10"}, testNow.Add(-800*24*time.Hour)))
	b.Press("c")
	if !b.Shows("expires on 2031-12-") || !b.Shows("192.0.2.10") || !b.Shows("[ Make another ]") {
		t.Error(b.View())
	}
	b.Press("m")
	if !b.Shows("Replace the certificate?") || !b.Shows("the new one until each has it") {
		t.Fatal(b.View())
	}
	b.Press("enter")
	if m.made != nil {
		t.Fatalf("made %q", m.made)
	}
	m.fail = errors.New("FS-IO cannot save it")
	b.Press("m", "r")
	if !b.Shows("! FS-IO cannot save it") {
		t.Error(b.View())
	}
	m.fail = nil
	b.Press("m", "r")
	if strings.Join(m.made, " ") != "192.0.2.10" || !b.Shows("just made") || b.Shows("FS-IO") {
		t.Errorf("made %q\n%s", m.made, b.View())
	}
}

func TestCertificateOfTheDemoIsShownOnly(t *testing.T) {
	t.Parallel()
	c := paired(t, []string{"127.0.0.1"}, testNow)
	c.CertFile, c.KeyFile = "", ""
	b, m := withMaker(t, c)
	b.Press("c")
	if !b.Shows("in memory") || b.Shows("Make") || b.Shows("Names") {
		t.Error(b.View())
	}
	b.Press("m", "tab", "x", "enter")
	if m.made != nil || len(b.stack.Layers()) != 0 {
		t.Errorf("made %q", m.made)
	}
}

// TestBrokenPairIsNamedAndNotReplacedByItself: a key that does not fit is told,
// and the files of the person stay until a yes.
func TestBrokenPairIsNamedAndNotReplacedByItself(t *testing.T) {
	t.Parallel()
	c := noFile()
	c.Err = &keys.Fault{Code: "TLS-PAIR", What: "server.key does not belong to server.crt"}
	b, m := withMaker(t, c)
	b.Press("c")
	if !b.Shows("TLS-PAIR server.key does not belong") || !b.Shows("not usable") {
		t.Error(b.View())
	}
	b.names("192.0.2.10")
	b.Press("tab", "tab", "m", "enter")
	if m.made != nil {
		t.Errorf("made %q", m.made)
	}
	b.Press("m", "r")
	if len(m.made) != 1 {
		t.Errorf("made %q\n%s", m.made, b.View())
	}
}

// TestStaleCertificateIsAskedAbout: the listener is started with it only after a
// person has said so.
func TestStaleCertificateIsAskedAbout(t *testing.T) {
	t.Parallel()
	b, m := withMaker(t, paired(t, []string{"192.0.2.10"}, testNow.Add(-900*24*time.Hour)))
	b.desk.Fail = &keys.Fault{Code: "TLS-EXPIRED", What: "devices will refuse server.crt: it expired on 2031-08-01"}
	b.Send(overlay.Push{Dialog: Listeners(b.deps, msgDesk(b))})
	b.Press("shift+tab", "shift+tab", "space", "tab", "ctrl+u")
	b.Type("127.0.0.1:0")
	b.Press("tab", "l")
	if !b.Shows("Listen with this certificate?") || !b.Shows("devices will refuse server.crt") {
		t.Fatal(b.View())
	}
	b.Press("enter")
	if m.made != nil {
		t.Fatalf("%q", m.made)
	}
	b.Press("l", "a")
	if strings.Join(m.made, "") != "stale 127.0.0.1:0" {
		t.Errorf("%q\n%s", m.made, b.View())
	}
}

func TestSuggestedNames(t *testing.T) {
	t.Parallel()
	got := suggest([]desk.Listener{{Kind: "ssh", Bound: "192.0.2.7:4334"}, {Kind: "https", Bound: "[::]:443"}, {Kind: "https", Bound: "192.0.2.9:443"}, {Kind: "https", Bound: "192.0.2.9:8443"}, {Kind: "https"}})
	if n := strings.Count(" "+strings.Join(got, " ")+" ", " 192.0.2.9 "); n != 1 || strings.Contains(strings.Join(got, " "), "192.0.2.7") || strings.Contains(strings.Join(got, " "), ":") || len(got) > mostProposed {
		t.Errorf("%q", got)
	}
	if err := cert.CheckHosts(got); err != nil {
		t.Error(err)
	}
}

// TestStrangerByHTTPSMayBeGivenASecret: what is accepted without one is warned
// of.
func TestStrangerByHTTPSMayBeGivenASecret(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.set([]desk.Caller{{ID: 7, Via: link.HTTPS, From: netip.MustParseAddrPort("203.0.113.80:1024"), Since: b.Now(), Claim: "vmx-9", Trust: "unknown device", Parked: true}}, nil, nil)
	b.Press("enter")
	if !b.Shows("without a secret any host may claim") {
		t.Error(b.View())
	}
	b.Press("tab", "tab", "tab", "tab")
	b.Type("store:vmx-9")
	b.Press("shift+tab", "shift+tab", "shift+tab", "shift+tab", "a")
	if got := b.desk.Accepted(); len(got) != 1 || got[0].Secret != "store:vmx-9" || got[0].DeviceID != "vmx-9" || got[0].Via != link.HTTPS {
		t.Errorf("%+v\n%s", got, b.View())
	}
}

// TestBasicDeviceIsBoundWithAWarning: the dialog says that the address is all
// that tells the device apart, and offers no opening by itself.
func TestBasicDeviceIsBoundWithAWarning(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	if err := b.deps.Profiles.Put(profile.Profile{Target: link.Target{Name: "old-1", Via: link.HTTPSBasic}}); err != nil {
		t.Fatal(err)
	}
	if err := b.deps.Profiles.Put(profile.Profile{Target: link.Target{Name: "old-2", Via: link.HTTPSBasic, Host: "192.0.2.1"}}); err != nil {
		t.Fatal(err)
	}
	b.set([]desk.Caller{{ID: 8, Via: link.HTTPSBasic, From: netip.MustParseAddrPort("203.0.113.81:1024"), Since: b.Now(), Trust: "no identity", Parked: true, Note: "release 20.2 has no identity"}}, nil, nil)
	b.Press("enter")
	if !b.Shows("by its address alone") || b.Shows("open by itself") || !b.Shows("proves nothing") {
		t.Error(b.View())
	}
	b.Press("esc", "b")
	if !b.Shows("another address") {
		t.Error(b.View())
	}
	b.Press("j", "enter") // old-2: another address
	if b.Shows("Bind 203.0.113.81 to old-2?") {
		t.Error(b.View())
	}
	b.Press("k", "enter")
	if !b.Shows("+ address 203.0.113.81") || !b.Shows("whoever calls from there") || !b.Shows("never let in by itself") {
		t.Error(b.View())
	}
	b.Press("b")
	if got := b.desk.Calls(); len(got) != 1 || got[0] != "bind 8 old-1" {
		t.Errorf("%q", got)
	}
	busy := b.desk.Callers()
	busy[0].Sessions = 1
	b.set(busy, nil, nil)
	b.Press("enter", "b")
	if !b.Shows("in use") || len(b.stack.Layers()) > 0 || len(b.toasts) != 2 || !strings.Contains(b.toasts[0].Text, "one session at a time") {
		t.Errorf("%+v\n%s", b.toasts, b.View())
	}
}

// TestCertificateDialogAtEverySize: it fits, and in the smallest terminal what a
// device objects to and the buttons are there.
func TestCertificateDialogAtEverySize(t *testing.T) {
	t.Parallel()
	old := paired(t, []string{"192.0.2.10", strings.Repeat("a", 60) + ".example.net", "2001:db8::1"}, testNow.Add(-900*24*time.Hour))
	broken := noFile()
	broken.Err = errors.New("\x1b]0;x\a" + strings.Repeat("w", 200))
	for name, c := range map[string]desk.Certificate{"none": noFile(), "old": old, "broken": broken, "memory": {Pair: old.Pair}} {
		b, _ := withMaker(t, c)
		b.Press("c")
		for w := 20; w < 160; w += 7 {
			for h := 4; h < 50; h += 3 {
				view := b.stack.Layers()[0].View(w, h)
				rows := strings.Split(view, "\n")
				if len(rows) > h || style.Width(rows[0]) > w {
					t.Fatalf("%s: %dx%d on %dx%d", name, style.Width(rows[0]), len(rows), w, h)
				}
				uitest.OnlySGR(t, view)
			}
		}
		view := b.stack.Layers()[0].View(60, 12)
		if !strings.Contains(view, "Close") || name == "old" && !strings.Contains(view, "expired") {
			t.Errorf("%s\n%s", name, view)
		}
	}
}

// TestListenersLeadToTheCertificate: who has none is told the key that makes
// one.
func TestListenersLeadToTheCertificate(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"There is no certificate yet that devices could trust: c makes one": noFile().Err,
		"TLS-PAIR k does not belong to c. c shows the certificate":          &keys.Fault{Code: "TLS-PAIR", What: "k does not belong to c"},
		"LSN-INUSE taken": &keys.Fault{Code: "LSN-INUSE", What: "taken"},
	} {
		b, _ := withMaker(t, noFile())
		b.desk.Fail = err
		b.Send(overlay.Push{Dialog: Listeners(b.deps, msgDesk(b))})
		b.Press("l")
		if v := strings.Join(strings.Fields(strings.ReplaceAll(b.View(), "\u2503", " ")), " "); !strings.Contains(v, want) {
			t.Errorf("no %q in\n%s", want, b.View())
		}
		b.Press("c")
		if !b.Shows("Certificate for outbound HTTPS") {
			t.Error(b.View())
		}
	}
}
