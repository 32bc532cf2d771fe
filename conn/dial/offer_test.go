package dial

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/conn/simnet"
)

// heardLists plays a server up to the first packet of the client and returns
// the version line and the lists in it (RFC 4253 section 7.1).
func heardLists(t *testing.T, target link.Target) (version string, lists [][]string) {
	t.Helper()
	type heard struct {
		version string
		lists   [][]string
	}
	got := make(chan heard, 1)
	at := fake(t, func(c net.Conn) {
		var h heard
		defer func() { got <- h }()
		_, _ = io.WriteString(c, "SSH-2.0-x\r\n")
		r := bufio.NewReader(c)
		h.version, _ = r.ReadString('\n')
		var head [5]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return
		}
		packet := make([]byte, min(binary.BigEndian.Uint32(head[:]), 1<<16)-1)
		if _, err := io.ReadFull(r, packet); err != nil || packet[0] != 20 {
			return
		}
		for rest := packet[17:]; len(h.lists) < 8; {
			n := binary.BigEndian.Uint32(rest)
			h.lists = append(h.lists, strings.Split(string(rest[4:4+n]), ","))
			rest = rest[4+n:]
		}
	})
	target.Host, target.Port, target.User = at.Host, at.Port, "admin"
	_, _ = New(Options{Home: t.TempDir(), AgentSocket: "/nonexistent"}).Dial(within(t, time.Minute), target, nil, nil)
	h := <-got
	return h.version, h.lists
}

// TestOnlyModernAlgorithmsAreOffered reads our first packet: the lists are ours
// and not the library's, and a group of old ones comes behind them by name only.
func TestOnlyModernAlgorithmsAreOffered(t *testing.T) {
	t.Parallel()
	version, lists := heardLists(t, link.Target{})
	if version != "SSH-2.0-dialtone\r\n" {
		t.Errorf("version %q", version)
	}
	if len(lists) != 8 {
		t.Fatalf("%d lists", len(lists))
	}
	if !slices.Contains(lists[0], "kex-strict-c-v00@openssh.com") { // against Terrapin
		t.Errorf("no strict key exchange in %v", lists[0])
	}
	for i, want := range map[int]string{
		1: "cert-v01 ssh-ed25519 ecdsa-sha2 rsa-sha2", 2: "gcm ctr chacha20-poly1305", 4: "hmac-sha2",
	} {
		for _, a := range lists[i] {
			if !slices.ContainsFunc(strings.Fields(want), func(part string) bool { return strings.Contains(a, part) }) {
				t.Errorf("list %d offers %s", i, a)
			}
		}
	}
	all := slices.Concat(lists[0], lists[1], lists[2], lists[4])
	for _, a := range all {
		for _, old := range []string{"sha1", "cbc", "group-exchange", "group1-", "arcfour", "ssh-dss", "md5", "3des"} {
			if strings.Contains(a, old) {
				t.Errorf("%s is offered", a)
			}
		}
		if a == "ssh-rsa" || strings.HasPrefix(a, "ssh-rsa-cert") {
			t.Errorf("%s is offered", a)
		}
	}
	if last := lists[2][len(lists[2])-1]; last != ssh.CipherChaCha20Poly1305 || !strings.Contains(lists[2][0], "gcm") {
		t.Errorf("ciphers %v", lists[2])
	}
	for _, g := range legacyGroups() {
		_, with := heardLists(t, link.Target{Legacy: []string{g.name}})
		flat := slices.Concat(with[0], with[1], with[2], with[4])
		for _, a := range slices.Concat(g.add.kex, g.add.hostKeys, g.add.ciphers, g.add.macs) {
			if !slices.Contains(flat, a) {
				t.Errorf("%s does not bring %s", g.name, a)
			}
		}
		if with[0][0] != lists[0][0] || with[1][0] != lists[1][0] || with[2][0] != lists[2][0] || with[4][0] != lists[4][0] {
			t.Errorf("%s changes what comes first", g.name)
		}
	}
}

func TestProfilesMayNameEveryLegacyGroupAndNoOther(t *testing.T) {
	t.Parallel()
	if ours, theirs := LegacyGroups(), profile.Legacy(); !slices.Equal(ours, theirs) {
		t.Errorf("the dialer knows %v, profiles may name %v", ours, theirs)
	}
}

// TestEachLegacyGroupIsItsOwnRemedy has devices that know one old thing only.
func TestEachLegacyGroupIsItsOwnRemedy(t *testing.T) {
	t.Parallel()
	for name, adjust := range map[string]func(*ssh.ServerConfig){
		"dh-gex":      func(c *ssh.ServerConfig) { c.KeyExchanges = []string{ssh.KeyExchangeDHGEXSHA256} },
		"dh-gex-sha1": func(c *ssh.ServerConfig) { c.KeyExchanges = []string{ssh.InsecureKeyExchangeDHGEXSHA1} },
		"dh14-sha1":   func(c *ssh.ServerConfig) { c.KeyExchanges = []string{ssh.InsecureKeyExchangeDH14SHA1} },
		"cbc":         func(c *ssh.ServerConfig) { c.Ciphers = []string{ssh.InsecureCipherTripleDESCBC} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := lab(t)
			h := add(t, l, simnet.Server{Adjust: adjust})
			target := h.Target()
			_, err := dialer(t, l).Dial(within(t, time.Minute), target, nil, nil)
			var ae *AlgorithmError
			if !errors.As(err, &ae) || !slices.Equal(ae.Remedies, []string{name}) || h.SignIns() != 0 {
				t.Fatalf("%v, %d sign-ins", err, h.SignIns())
			}
			target.Legacy = []string{name}
			c, err := dialer(t, l).Dial(within(t, time.Minute), target, nil, nil)
			if err != nil {
				if strings.HasPrefix(name, "dh-gex") && !errors.As(err, &ae) {
					t.Skip("the library's server does not do this:", err)
				}
				t.Fatal(err)
			}
			defer c.Close()
			echoed(t, c)
			if !slices.Equal(c.Peer.Legacy, []string{name}) {
				t.Errorf("legacy in use: %v", c.Peer.Legacy)
			}
		})
	}
}

// TestAgentComesBeforeFiles has a device that takes two keys: the agent's and
// that of a file.
func TestAgentComesBeforeFiles(t *testing.T) {
	t.Parallel()
	socket, public := agentWithKey(t, "ed25519")
	file := filepath.Join(t.TempDir(), "id")
	run(t, nil, program(t, "ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", file)
	line, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	var both []ssh.PublicKey
	for _, text := range []string{public, string(line)} {
		k, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, k)
	}
	for _, tt := range []struct {
		name  string
		takes []ssh.PublicKey
		want  string
	}{
		{"both", both, "publickey (agent, " + ssh.FingerprintSHA256(both[0]) + ")"},
		{"the file's", both[1:], "publickey (" + file + ", " + ssh.FingerprintSHA256(both[1]) + ")"},
	} {
		l := lab(t)
		h := add(t, l, simnet.Server{Keys: tt.takes})
		target := h.Target()
		target.Identity = []string{file}
		c, err := New(Options{Hosts: l.Known(), Home: t.TempDir(), AgentSocket: socket}).Dial(within(t, time.Minute), target, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		if c.Peer.Auth != tt.want {
			t.Errorf("%s: signed in by %q, want %q", tt.name, c.Peer.Auth, tt.want)
		}
	}
}

// TestPortsAndAddresses is where a target leads without an SSH configuration.
func TestPortsAndAddresses(t *testing.T) {
	t.Parallel()
	d := New(Options{Home: t.TempDir()})
	for want, target := range map[string]link.Target{
		"r1:830":             {Host: "r1"},
		"r1:22":              {Host: "r1", Port: 22},
		"192.0.2.1:8830":     {Host: "192.0.2.1", Port: 8830},
		"[2001:db8::1]:830":  {Host: "2001:db8::1"},
		"[fe80::1%eth0]:830": {Host: "fe80::1%eth0"},
	} {
		route, err := d.route(target)
		if err != nil || len(route) != 1 || route[0].address != want || route[0].record != want {
			t.Errorf("%+v leads to %+v, %v; want %s", target, route, err, want)
		}
	}
	for _, bad := range []link.Target{{}, {Host: "a b"}, {Host: "[::1]"}, {Host: "r1", Port: 65536}, {Host: "r1", Port: -1}} {
		if route, err := d.route(bad); err == nil {
			t.Errorf("%+v leads to %+v", bad, route)
		}
	}
}
