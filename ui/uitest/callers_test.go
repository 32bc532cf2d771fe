package uitest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/conn/simnet"
	"dialtone/keys"
	"dialtone/netconf/simdev"
)

var listensOn = regexp.MustCompile(`127\.0\.0\.1:(\d+) +listening`)

// TestStoryOfCallers: the real program listens, devices call, one is refused
// for its secret, one is accepted and works, is lost and comes back into its
// tab, one is bound to a profile that was waiting for it.
func TestStoryOfCallers(t *testing.T) {
	t.Parallel()
	bin := program.Path(t)
	for _, size := range [][2]int{{80, 24}, {140, 40}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			t.Parallel()
			config := t.TempDir()
			writeProfile(t, config, "r7", "via = \"junos\"\nuser = \"admin\"\nagent = false\ndevice_id = \"r7.lab\"\nsecret = \"env:R7_SECRET\"\n")
			m := StartTmux(t, TmuxOptions{W: size[0], H: size[1], Env: []string{"R7_SECRET=" + storySecret, "XDG_CONFIG_HOME=" + config}}, bin)
			m.See("not listening", "(calls home)")
			addr := m.listen()

			lab := simnet.New()
			t.Cleanup(lab.Close)
			pop, err := lab.Call(addr, simnet.CallOptions{Via: link.CallHome, Wait: 100 * time.Millisecond,
				Device: simdev.Options{Name: "pop-2", Dialect: simdev.RFC}})
			if err != nil {
				t.Fatal(err)
			}
			m.See("● 1 waiting", "waits in the inbox")
			m.acceptPop(ssh.FingerprintSHA256(pop.HostKey()))
			first := m.ask("get-config (running)", "")
			m.Keys("K")
			m.See("CANDIDATE pop-2", "locked, clean")

			placed := pop.Placed()
			pop.Cut()
			m.Until("the device to be back in its tab", func(s string) bool {
				return pop.Placed() > placed && strings.Contains(s, "[2 pop-2 ●") && !strings.Contains(s, "3 pop-2")
			})
			m.See("pop-2 is back. Lost with session", "the lock on candidate")
			m.Gone("CANDIDATE pop-2")
			m.ask("get (all)", first)
			m.history()

			m.refusals(t, lab, addr)
			m.impostors(t, lab, addr)
			m.bindR7(t, lab, addr)

			m.Keys("1")
			m.See("[1 Devices]", "pop-2", "r7")
			m.Keys("q")
			m.quitAnyway("Quit with 2 open sessions")
			saved, err := os.ReadFile(filepath.Join(config, "dialtone", "profiles", "pop-2.toml"))
			if err != nil || !strings.Contains(string(saved), ssh.FingerprintSHA256(pop.HostKey())) || strings.Contains(string(saved), storySecret) {
				t.Errorf("%v\n%s", err, saved)
			}
		})
	}
}

const storySecret = "a long secret of this story"

func writeProfile(t *testing.T, config, name, text string) {
	t.Helper()
	dir := filepath.Join(config, "dialtone", "profiles")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// listen starts a listener on a port of the system's choice and returns where.
func (m *Tmux) listen() string {
	m.t.Helper()
	m.Keys("L")
	m.See("Listeners", "All addresses")
	m.Keys("Tab", "Tab", "Tab", "Tab", "C-u") // round by the buttons to the address
	m.Type("127.0.0.1:0")
	m.See("This machine only")
	m.Keys("BTab", "BTab", "l")
	s := m.Until("a port", listensOn.MatchString)
	m.Keys("Escape")
	m.Gone("This machine only")
	m.See(" ●")
	return "127.0.0.1:" + listensOn.FindStringSubmatch(s)[1]
}

// acceptPop lets the caller with no name in as pop-2, from now on by itself.
func (m *Tmux) acceptPop(fingerprint string) {
	m.t.Helper()
	m.Keys("0")
	m.See("[0 Inbox 1]", "call-home", "key NEW", fingerprint)
	m.Keys("Enter")
	m.See("Accept 127.0.0.1", "says no name", "The host key is new")
	m.Keys("Enter") // Cancel is the default
	m.Gone("says no name")
	m.Keys("Enter")
	m.See("says no name")
	m.Keys("BTab", "Space", "Tab", "Tab", "Tab", "C-u")
	m.Type("pop-2")
	m.See("[ pop-2", "(*) open by itself")
	m.Keys("BTab", "Enter")
	m.See("[2 pop-2 ●]", "open 00")
}

var rowsOf = regexp.MustCompile(`row 1 of \d+`)

// ask sends a template and waits for a reply whose size is not before; it
// returns that of the reply.
func (m *Tmux) ask(template, before string) string {
	m.t.Helper()
	m.Keys("t")
	m.See("type to filter")
	m.Type(template)
	m.See(template)
	m.Keys("Enter")
	m.Gone("type to filter")
	m.See("no effect on device")
	m.Keys("C-r")
	s := m.Until("a reply", func(s string) bool {
		return strings.Contains(s, "  ok ━") && rowsOf.MatchString(s) && rowsOf.FindString(s) != before
	})
	return rowsOf.FindString(s)
}

// history looks for what was sent in both sessions of the tab.
func (m *Tmux) history() {
	m.t.Helper()
	m.Keys("Tab")
	m.Gone("┏━ Reply")
	m.Keys("h")
	m.See("[3 History pop-2]", "get-config", "lock ", "3 of 3")
	m.Keys("q")
	m.Gone("3 History")
}

// impostors call: one device with two ids, two devices with one id, a preamble
// that was seen before, the wrong key. Each is refused with its reason on the
// screen, and none of them was asked to sign in.
func (m *Tmux) impostors(t *testing.T, lab *simnet.Lab, addr string) {
	t.Helper()
	key := func() ssh.Signer {
		k, err := simnet.NewKey()
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	one, two, secret := key(), key(), keys.NewSecret([]byte(storySecret))
	call := func(o simnet.CallOptions) *simnet.Caller {
		o.Via, o.Calls = link.Junos, 1
		c, err := lab.Call(addr, o)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := call(simnet.CallOptions{DeviceID: "r8.lab", Server: simnet.Server{HostKey: one}, Source: "127.0.0.20"})
	m.See("r8.lab", "[0 Inbox 1]")
	for _, c := range []struct {
		o    simnet.CallOptions
		says []string
	}{
		{simnet.CallOptions{DeviceID: "r9.lab", Server: simnet.Server{HostKey: one}, Source: "127.0.0.21"}, []string{"KEY-OTHER", `came as "r8.lab"`}},
		{simnet.CallOptions{DeviceID: "r8.lab", Server: simnet.Server{HostKey: two}, Source: "127.0.0.22"}, []string{"KEY-TWICE", `"r8.lab" came with`}},
		{simnet.CallOptions{DeviceID: "r7.lab", Secret: secret, Faults: simnet.CallFaults{Announce: one}, Server: simnet.Server{HostKey: two}, Source: "127.0.0.23"}, []string{"KEY-MISMATCH", "but SSH"}},
		{simnet.CallOptions{DeviceID: "r7.lab", Secret: secret, Server: simnet.Server{HostKey: one}, Source: "127.0.0.24"}, []string{"KEY-OTHER", `came as "r8.lab"`}},
	} {
		thief := call(c.o)
		<-thief.Over()
		m.See(c.o.Source+":", "REFUSED")
		m.Keys("Tab", "g", "Enter") // the newest
		m.See(append(c.says, c.o.Source, "y  copy the line")...)
		m.Keys("Escape")
		m.Gone("y  copy the line")
		m.Keys("Tab")
		m.See("┏━ Waiting")
		if n := thief.SignIns(); n != 0 {
			t.Errorf("%s: %d requests to sign in", c.says[0], n)
		}
	}
	m.Keys("x")
	m.See("Refuse")
	m.Keys("x")
	<-first.Over()
	m.See("[0 Inbox]")
	if n := first.SignIns(); n != 0 {
		t.Errorf("%d requests to sign in at the one that waited", n)
	}
}

// refusals calls with a wrong secret and with something that is no SSH, and
// looks for both in the log, with their reasons.
func (m *Tmux) refusals(t *testing.T, lab *simnet.Lab, addr string) {
	t.Helper()
	m.Keys("0")
	m.See("Listener log")
	for _, o := range []simnet.CallOptions{
		{Via: link.Junos, DeviceID: "r7.lab", Secret: keys.NewSecret([]byte(storySecret)), Source: "127.0.0.9", Calls: 1, Faults: simnet.CallFaults{WrongHMAC: true}},
		{Via: link.Junos, Source: "127.0.0.8", Calls: 1, Faults: simnet.CallFaults{Raw: []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")}},
	} {
		c, err := lab.Call(addr, o)
		if err != nil {
			t.Fatal(err)
		}
		<-c.Over()
	}
	m.See("127.0.0.9:", "127.0.0.8:", "REFUSED")
	m.Keys("Tab", "g")
	m.See("┏━ Listener log")
	m.Keys("j", "Enter")
	m.See("127.0.0.9", "r7.lab", "failed its secret", "y  copy the line")
	m.Keys("Escape")
	m.Gone("y  copy the line")
	m.Keys("Tab")
	m.See("┏━ Waiting")
}

// bindR7 calls with the right secret and gives the key to the profile.
func (m *Tmux) bindR7(t *testing.T, lab *simnet.Lab, addr string) {
	t.Helper()
	r7, err := lab.Call(addr, simnet.CallOptions{Via: link.Junos, DeviceID: "r7.lab", Secret: keys.NewSecret([]byte(storySecret)),
		Device: simdev.Options{Name: "r7", Dialect: simdev.Junos}, Wait: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	m.See("HMAC ok, key NEW", "[0 Inbox 1]")
	m.Keys("b")
	m.See("Bind r7.lab to a profile", "pop-2")
	m.Keys("Enter")
	m.See("Bind r7.lab to r7?", "+ host key", ssh.FingerprintSHA256(r7.HostKey()))
	m.Keys("b")
	m.See("[3 r7 ●]", "open 00")
}

// TestStoryOfCallersInTheDemo: L and 0 can be tried without a device, in the
// smallest terminal too.
func TestStoryOfCallersInTheDemo(t *testing.T) {
	t.Parallel()
	m := StartTmux(t, TmuxOptions{W: 60, H: 15}, program.Path(t), "demo")
	m.See("not listening", "core-r1")
	m.Keys("L")
	m.See("127.0.0.1:0")
	m.Keys("l")
	m.See("listening", "● 2")
	m.Keys("Escape")
	m.Gone("This machine only")
	m.Keys("0")
	m.See("[0 Inbox 2]", "HMAC ok, key NEW", "west-4", "call-home")
	m.Keys("Enter")
	m.See("Accept ", "Cancel")
	m.Keys("a")
	m.Until("a session", func(s string) bool { return strings.Contains(s, "[2 ") && strings.Contains(s, "open 00") })
	m.Resize(140, 40)
	m.Keys("1")
	m.See("Call-home inbox", "1 waiting")
	m.Keys("L")
	m.See("accepted")
	m.Keys("x") // the listener goes, and with it who waits; the session stays
	m.See("Nothing is listened on")
	m.Keys("Escape")
	m.Gone("Nothing is listened on")
	m.See("not listening", "● ")
	m.Keys("q")
	m.quitAnyway("Quit with 1 open session")
}
