package dial

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/conn/simnet"
	"dialtone/keys"
	"dialtone/netconf"
	"dialtone/netconf/conform"
	"dialtone/netconf/conform/realdev"
	"dialtone/netconf/simdev"
)

// over opens NETCONF over links of d to target.
func over(d *Dialer, target link.Target, want string) conform.Opener {
	return func(t *testing.T, on func(netconf.Notification)) *netconf.Session {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		l, err := d.Dial(ctx, target, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		if l.Peer.Auth != want {
			t.Fatalf("signed in by %q, want %q", l.Peer.Auth, want)
		}
		s, err := netconf.Open(ctx, netconf.NewTransport(l, netconf.FrameOptions{}), netconf.Options{OnNotification: on})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// TestTheWholeTableOverSSHWithAnAgent walks the conformance table as people
// work: our SSH client, a key that only a real ssh-agent holds, and behind it
// the simulated device in both dialects and OpenSSH with a server that others
// wrote.
func TestTheWholeTableOverSSHWithAnAgent(t *testing.T) {
	t.Parallel()
	socket, public := agentWithKey(t, "ed25519")
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(public))
	if err != nil {
		t.Fatal(err)
	}
	auth := "publickey (agent, " + ssh.FingerprintSHA256(key) + ")"
	for _, c := range []struct {
		name  string
		o     simdev.Options
		model conform.Model
	}{
		{"rfc", simdev.Options{}, conform.Lab(simdev.LabNS)},
		{"rfc in base 1.0", simdev.Options{Without: []string{"base:1.1"}}, conform.Lab(simdev.LabNS)},
		{"junos", simdev.Options{Dialect: simdev.Junos}, conform.Junos()},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := lab(t)
			h, err := l.Add(c.o, simnet.Server{Keys: []ssh.PublicKey{key}})
			if err != nil {
				t.Fatal(err)
			}
			d := New(Options{Hosts: l.Known(), Home: t.TempDir(), AgentSocket: socket})
			conform.Run(t, over(d, h.Target(), auth), conform.Options{Model: c.model, Timeout: time.Minute})
		})
	}
	for name, o := range map[string]realdev.Options{"OpenSSH and netconfd": {}, "OpenSSH and netconfd in base 1.0": {Only10: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := realdev.Start(t, o)
			if err := server.Authorize(public); err != nil {
				t.Fatal(err)
			}
			host, port, err := net.SplitHostPort(server.Addr)
			if err != nil {
				t.Fatal(err)
			}
			n, err := strconv.Atoi(port)
			if err != nil {
				t.Fatal(err)
			}
			target := link.Target{Name: "netconfd", Via: link.SSH, Host: host, Port: n, User: server.User}
			d := New(Options{Hosts: keys.NewKnownHosts(server.KnownHosts(t)), Home: t.TempDir(), AgentSocket: socket})
			conform.Run(t, over(d, target, auth), conform.Options{Model: conform.Lab(realdev.LabNS), Timeout: time.Minute})
		})
	}
}

// TestTheKeyIsWithTheAgentAlone is what the tests with an agent rest upon.
func TestTheKeyIsWithTheAgentAlone(t *testing.T) {
	t.Parallel()
	socket, public := agentWithKey(t, "ed25519")
	target, known := sshd(t, public, "Subsystem netconf /bin/cat")
	home := t.TempDir()
	if entries, err := os.ReadDir(home); err != nil || len(entries) != 0 {
		t.Fatal(entries, err)
	}
	hosts := keys.NewKnownHosts(known)
	l, err := New(Options{Hosts: hosts, Home: home, AgentSocket: socket}).Dial(within(t, time.Minute), target, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	_, err = New(Options{Hosts: hosts, Home: home, AgentSocket: "/nonexistent"}).Dial(within(t, time.Minute), target, nil, nil)
	if code(err) != "AUTH-FAIL" || strings.Contains(fmt.Sprint(err), "refused publickey") {
		t.Errorf("without the agent: %v", err)
	}
}
