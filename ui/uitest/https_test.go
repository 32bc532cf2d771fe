package uitest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var listensSecurely = regexp.MustCompile(`https +127\.0\.0\.1:(\d+) +(since|listening)`)

// securely runs simulated devices in a process of their own until the test ends.
func securely(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command(program.Path(t), append([]string{"simulate", "--wait", "200ms"}, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("simulate %q:\n%s", args, out.String())
		}
	})
}

// TestStoryOfOutboundHTTPS: the real program makes a certificate and listens; a
// device of 20.3 parks and is opened twice and as a shell, one of 20.2 is opened
// once and bound by its address.
func TestStoryOfOutboundHTTPS(t *testing.T) {
	t.Parallel()
	bin := program.Path(t)
	for _, size := range [][2]int{{80, 24}, {140, 40}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			t.Parallel()
			config := t.TempDir()
			writeProfile(t, config, "edge-9", "via = \"https\"\ndevice_id = \"r9.lab\"\nsecret = \"env:R9_SECRET\"\n")
			writeProfile(t, config, "old-1", "via = \"https-basic\"\n")
			m := StartTmux(t, TmuxOptions{W: size[0], H: size[1], Env: []string{"R9_SECRET=" + storySecret, "XDG_CONFIG_HOME=" + config}}, bin)
			m.See("not listening", "edge-9", "old-1")
			addr := m.listenSecurely(config)
			crt := filepath.Join(config, "dialtone", "server.crt")

			secret := filepath.Join(t.TempDir(), "secret")
			if err := os.WriteFile(secret, []byte(storySecret+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			securely(t, "--dial", addr, "--via", "https", "--device-id", "r9.lab", "--secret-file", secret, "--trusted-cert", crt)
			m.Keys("0")
			m.See("[0 Inbox 1]", "r9.lab", "secret ok", "edge-9", "parked")
			m.openParked("[2 edge-9 ●]")
			first := m.ask("get-config (running)", "")
			m.Keys("0")
			m.openParked("[3 edge-9 ●]")
			m.ask("get (all)", first)

			m.shellStory()

			securely(t, "--dial", addr, "--via", "https-basic", "--trusted-cert", crt)
			m.basicStory(t, config)

			m.Keys("q")
			m.quitAnyway()
		})
	}
}

// listenSecurely makes the certificate in the interface and starts a listener
// for outbound HTTPS on a port of the system's choice; it returns where.
func (m *Tmux) listenSecurely(config string) string {
	m.t.Helper()
	m.Keys("L")
	m.See("Listeners", "( ) https")
	m.Keys("Tab", "Tab", "Tab", "Space") // round by the buttons to the kind
	m.See("(*) https", "[::]:443")
	m.Keys("Tab", "C-u")
	m.Type("127.0.0.1:0")
	m.See("This machine only")
	m.Keys("BTab", "BTab", "l")
	m.See("There is no certificate yet")
	m.Keys("c")
	m.See("Certificate for outbound HTTPS", "none yet")
	m.Keys("BTab", "BTab", "C-u")
	m.Type("127.0.0.1, nms.example.net")
	m.Keys("Tab", "Tab", "m")
	m.See("just made", "nms.example.net, 127.0.0.1", "SHA-256")
	for name, mode := range map[string]os.FileMode{"server.crt": 0o644, "server.key": 0o600} {
		if fi, err := os.Stat(filepath.Join(config, "dialtone", name)); err != nil || fi.Mode().Perm() != mode {
			m.t.Errorf("%s: %v, %v", name, fi, err)
		}
	}
	m.Keys("m") // there is one now: nothing is replaced without a yes
	m.See("Replace the certificate?")
	m.Keys("Enter")
	m.Gone("Replace the certificate?")
	m.Keys("Escape")
	m.Gone("just made")
	m.Keys("l")
	s := m.Until("a port", listensSecurely.MatchString)
	m.Keys("Escape")
	m.Gone("This machine only")
	return "127.0.0.1:" + listensSecurely.FindStringSubmatch(s)[1]
}

// openParked opens a session of the device that is selected in the inbox.
func (m *Tmux) openParked(tab string) {
	m.t.Helper()
	m.See("Waiting", "parked")
	m.Keys("Enter")
	m.See("Open a session with", "Cancel")
	m.Keys("a")
	m.See(tab, "open 00")
}

// shellStory opens a command shell, runs commands, meets the trap of cd, stops
// one that never ends, opens another shell from there and leaves it.
func (m *Tmux) shellStory() {
	m.t.Helper()
	m.Keys("0")
	m.See("Waiting", "r9.lab")
	m.Keys("s")
	m.See("[4 edge-9 csh]", "There is no prompt and no echo", "csh open")
	m.Type(`cli -c "show version"`)
	m.Keys("Enter")
	m.See(`% cli -c "show version"`, "Hostname: r9.lab")
	m.Type("cd /var")
	m.Keys("Enter")
	m.See("cd holds for this line only")
	m.Type("half a line")
	m.Keys("C-c") // empties the line, as in any shell
	m.Gone("half a line")
	m.Keys("Up")
	m.See("% cd /var")
	m.Keys("C-c")
	m.Type("yes")
	m.Keys("Enter")
	m.See("\n┃y ")
	m.Keys("C-c")
	m.See("interrupted: the device has ended the shell", "s opens another", "csh ended")
	m.Keys("s")
	m.See("[5 edge-9 csh]", "csh open")
	m.Type("hostname")
	m.Keys("Enter")
	m.See("r9.lab")
	m.Keys("Escape", "q")
	m.See("ends the shell on edge-9")
	m.Keys("x")
	m.Gone("5 edge-9 csh")
	m.See("[4 edge-9 csh]")
	m.Keys("q") // it has ended: nothing to ask
	m.Gone("4 edge-9 csh")
}

// selected is the row with the cursor in a list.
func selected(screen string) string {
	for _, l := range strings.Split(screen, "\n") {
		if strings.Contains(l, "\u258c") {
			return l
		}
	}
	return ""
}

// selectRow moves down in a list, and from its end to its top, until the row
// with a text is selected. It waits for what each key does.
func (m *Tmux) selectRow(text string) {
	m.t.Helper()
	tries := 0
	m.Until("the row of "+text, func(s string) bool {
		at := selected(s)
		if strings.Contains(at, text) {
			return true
		}
		key := "j"
		if tries++; tries%5 == 0 {
			key = "g"
		}
		m.Keys(key)
		for begun := time.Now(); selected(m.Screen()) == at && time.Since(begun) < time.Second; {
			time.Sleep(20 * time.Millisecond)
		}
		return false
	})
}

// basicStory binds a device of 20.2 to a profile by its address and opens it
// once: nothing is proved, and every place says so.
func (m *Tmux) basicStory(t *testing.T, config string) {
	m.t.Helper()
	m.Keys("0")
	m.See("no identity", "[0 Inbox 2]")
	m.selectRow("no identity")
	m.See("proves nothing")
	m.Keys("b")
	m.See("says no name", "old-1")
	m.Keys("Enter")
	m.See("Bind 127.0.0.1 to old-1?", "+ address 127.0.0.1", "is never let in by")
	m.Keys("b")
	m.See("[4 old-1 ? ●]", "no identity")
	m.ask("get-config (running)", "")
	saved, err := os.ReadFile(filepath.Join(config, "dialtone", "profiles", "old-1.toml"))
	if err != nil || !strings.Contains(string(saved), `host = '127.0.0.1'`) && !strings.Contains(string(saved), `host = "127.0.0.1"`) {
		t.Errorf("%v\n%s", err, saved)
	}
	m.Keys("0")
	m.selectRow("in use") // the second one that was asked for
	m.Keys("Enter")
	m.See("Accept, after a look", "20.2 has")
	m.Keys("1")
	m.See("[1 Devices]", "old-1", "edge-9")
}

// TestStoryOfHTTPSInTheDemo: both forms can be tried without a device, in the
// smallest terminal and without colours too.
func TestStoryOfHTTPSInTheDemo(t *testing.T) {
	t.Parallel()
	m := StartTmux(t, TmuxOptions{W: 60, H: 15, Env: []string{"NO_COLOR=1"}}, program.Path(t), "demo")
	m.See("not listening", "core-r1")
	m.Keys("L")
	m.See("( ) https")
	m.Keys("Tab", "Tab", "Tab", "Space")
	m.See("(*) https", "127.0.0.1:0")
	m.Keys("BTab", "l")
	m.Until("a port", listensSecurely.MatchString)
	m.Keys("c")
	m.See("in memory", "localhost, 127.0.0.1")
	m.Keys("Escape")
	m.Gone("in memory")
	m.Keys("Escape")
	m.Gone("This machine only")
	m.Keys("0")
	m.See("[0 Inbox 2]", "no identity", "secret ok")
	m.selectRow("vale-5")
	m.Keys("s")
	m.See("[2 vale-5 csh]", "csh open")
	m.Type("uname -a")
	m.Keys("Enter")
	m.See("JUNOS vale-5")
	m.Type("yes")
	m.Keys("Enter")
	m.See("\n┃y ")
	m.Resize(140, 40)
	m.Keys("C-c")
	m.See("interrupted: the device has ended the shell")
	m.Resize(60, 15)
	m.Keys("q")
	m.Gone("vale-5 csh")
	m.Keys("0")
	m.selectRow("no identity")
	m.Keys("Enter")
	m.See("Open a session with", "no identity", "Cancel")
	m.Keys("a")
	m.See("open 00", "no identity", " ? ●")
	m.Keys("1")
	m.See("[1 Devices]")
	m.Keys("q")
	m.quitAnyway("Quit with 1 open session")
}
