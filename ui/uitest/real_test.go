package uitest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dialtone/netconf/conform/realdev"
)

// agentOnly starts an ssh-agent with a key that exists nowhere else, lets its
// owner into the server, and returns the agent's socket.
func agentOnly(t *testing.T, s *realdev.Server) (socket string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "dta")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "agent")
	agent := exec.Command("ssh-agent", "-D", "-a", socket)
	if err := agent.Start(); err != nil {
		Missing(t, "ssh-agent")
	}
	t.Cleanup(func() { agent.Process.Kill(); agent.Wait() })
	for deadline := time.Now().Add(Timeout); ; time.Sleep(10 * time.Millisecond) {
		if c, err := net.Dial("unix", socket); err == nil {
			c.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("ssh-agent does not answer")
		}
	}
	key := filepath.Join(dir, "id")
	for _, args := range [][]string{{"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key}, {"ssh-add", "-q", key}} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Authorize(string(public)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	return socket
}

// TestStoryOfARealServer connects to netconfd behind OpenSSH as a new user
// would: unknown host key, a key that only the agent holds, an RPC, an error,
// and the key is known the next time.
func TestStoryOfARealServer(t *testing.T) {
	t.Parallel()
	s := realdev.Start(t, realdev.Options{})
	socket := agentOnly(t, s)
	bin := program.Path(t)
	home := t.TempDir()
	env := []string{"HOME=" + home, "SSH_AUTH_SOCK=" + socket, "XDG_CONFIG_HOME=" + home + "/config", "XDG_STATE_HOME=" + home + "/state"}
	host, port, _ := net.SplitHostPort(s.Addr)

	m := StartTmux(t, TmuxOptions{Env: env}, bin, fmt.Sprintf("%s@%s", s.User, s.Addr))
	m.See("Unknown host key", "SHA256:")
	time.Sleep(700 * time.Millisecond) // keys of the first moment are swallowed
	m.Keys("t")
	m.See("open 0")
	m.readRunning()
	m.Keys("q")
	m.See("Devices", "open")
	m.Keys("q")
	m.quitAnyway()
	known := filepath.Join(home, "config", "dialtone", "known_hosts")
	out, err := exec.Command("ssh-keygen", "-F", "["+host+"]:"+port, "-f", known).CombinedOutput()
	if err != nil || !strings.Contains(string(out), strings.Fields(s.HostKey)[1]) {
		t.Errorf("ssh-keygen does not find the key: %v\n%s", err, out)
	}

	again := StartTmux(t, TmuxOptions{W: 140, H: 40, Env: env}, bin, fmt.Sprintf("%s@%s", s.User, s.Addr))
	again.See("open 0")
	again.Keys("q")
	again.See("Devices")
	again.Keys("q", "Q")
	if code := again.Exit(); code != 0 {
		t.Errorf("exit code %d the second time", code)
	}
}
