package dial

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/conn/simnet"
	"dialtone/keys"
)

// onlySHA1 is an RSA host key that signs in the old way only.
func onlySHA1(t *testing.T) ssh.Signer {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(k)
	if err != nil {
		t.Fatal(err)
	}
	old, err := ssh.NewSignerWithAlgorithms(s.(ssh.AlgorithmSigner), []string{ssh.KeyAlgoRSA})
	if err != nil {
		t.Fatal(err)
	}
	return old
}

// TestHostKeyWithSHA1NeedsAYes: nothing is tried again before the person has
// switched the group on.
func TestHostKeyWithSHA1NeedsAYes(t *testing.T) {
	t.Parallel()
	l := lab(t)
	h := add(t, l, simnet.Server{HostKey: onlySHA1(t)})
	target := h.Target()
	dials := 0
	o := Options{Hosts: l.Known(), Home: t.TempDir(), AgentSocket: "/nonexistent"}
	o.Net = func(ctx context.Context, network, address string) (net.Conn, error) {
		dials++
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	_, err := New(o).Dial(within(t, time.Minute), target, &person{}, nil)
	var ae *AlgorithmError
	if !errors.As(err, &ae) || ae.What != "host key" || !slices.Equal(ae.Theirs, []string{"ssh-rsa"}) || !slices.Equal(ae.Remedies, []string{"ssh-rsa"}) || dials != 1 {
		t.Fatalf("%v (%+v) after %d dials", err, ae, dials)
	}
	for _, part := range []string{"SSH-ALG no common host key with " + h.Addr(), `the device has "ssh-rsa"`, "this profile allows", "ssh-ed25519", `legacy = ["ssh-rsa"]`} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
	if h.SignIns() != 0 {
		t.Errorf("%d sign-ins", h.SignIns())
	}
	target.Legacy = ae.Remedies
	c := reach(t, New(o), target, &person{})
	if !slices.Equal(c.Peer.Legacy, []string{"ssh-rsa"}) {
		t.Errorf("legacy in use: %v", c.Peer.Legacy)
	}
}

func TestUnknownKeyFailsThenAsksThenDialsAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		policy link.HostKeyPolicy
		answer link.TrustAnswer
		want   string // code, "" when let in
		from   string
		asked  int
		saved  bool
	}{
		{"once", link.Ask, link.TrustOnce, "", "accepted for this time", 1, false},
		{"saved", link.Ask, link.TrustAndSave, "", "accepted and saved now", 1, true},
		{"refused", link.Ask, link.Refuse, "KEY-UNKNOWN", "", 1, false},
		{"accept new", link.AcceptNew, link.Refuse, "", "accepted as new, saved now", 0, true},
		{"strict", link.Strict, link.TrustAndSave, "KEY-UNKNOWN", "", 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := lab(t)
			h := add(t, l, simnet.Server{Password: "x", Stranger: true})
			target := h.Target()
			target.HostKey, target.Password = tt.policy, "ask"
			who := &person{trust: tt.answer, secrets: []string{"x"}, asked: make(chan string, 9)}
			open := make(chan int, 1)
			d := dialer(t, l)
			c, err := d.Dial(within(t, time.Minute), target, asker{who, func() { open <- h.Connections() }}, nil)
			if code := code(err); err != nil && code != tt.want || err == nil && tt.want != "" {
				t.Fatalf("%v, want %q", err, tt.want)
			}
			if err == nil {
				echoed(t, c)
				if c.Peer.HostKeyFrom != tt.from {
					t.Errorf("trusted because %q, want %q", c.Peer.HostKeyFrom, tt.from)
				}
				c.Close()
			}
			if len(open) != tt.asked {
				t.Errorf("asked %d times about the key, want %d", len(open), tt.asked)
			}
			v, _, err := l.Known().Check(h.Addr(), nil, h.HostKey())
			if (v == keys.Trusted) != tt.saved || err != nil {
				t.Errorf("afterwards %v, %v; saved should be %v", v, err, tt.saved)
			}
		})
	}
}

// asker runs a hook before the question about a host key.
type asker struct {
	*person
	hook func()
}

func (a asker) HostKey(ctx context.Context, q link.HostKeyQuestion) (link.TrustAnswer, error) {
	a.hook()
	return a.person.HostKey(ctx, q)
}

func TestChangedRevokedAndPinnedKeysStopBeforeAnyCredential(t *testing.T) {
	t.Parallel()
	other, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaSigner, err := ssh.NewSignerFromKey(rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		setup func(h *simnet.Host, known string, t *link.Target) (line string)
		want  string
		text  string
	}{
		{"changed", func(h *simnet.Host, _ string, _ *link.Target) string {
			return entryOf(h, other.PublicKey())
		}, "KEY-CHANGED", "has changed"},
		{"changed type", func(h *simnet.Host, _ string, _ *link.Target) string {
			return entryOf(h, rsaSigner.PublicKey())
		}, "KEY-CHANGED", "no longer offers the recorded ssh-rsa key"},
		{"revoked", func(h *simnet.Host, _ string, _ *link.Target) string {
			return entryOf(h, h.HostKey()) + "@revoked * " + string(ssh.MarshalAuthorizedKey(h.HostKey()))
		}, "KEY-REVOKED", "revoked"},
		{"authority as host key", func(h *simnet.Host, _ string, _ *link.Target) string {
			return "@cert-authority * " + string(ssh.MarshalAuthorizedKey(h.HostKey()))
		}, "KEY-CA", "authority"},
		{"pin", func(h *simnet.Host, _ string, t *link.Target) string {
			t.Pin = []string{ssh.FingerprintSHA256(other.PublicKey())}
			return entryOf(h, h.HostKey())
		}, "KEY-PIN", "does not pin"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := lab(t)
			var tried []string
			h := add(t, l, simnet.Server{Password: "x", Stranger: true, Adjust: func(c *ssh.ServerConfig) {
				c.AuthLogCallback = func(_ ssh.ConnMetadata, method string, _ error) { tried = append(tried, method) }
			}})
			target := h.Target()
			target.Password = "ask"
			file := filepath.Join(t.TempDir(), "known_hosts")
			if err := os.WriteFile(file, []byte(tt.setup(h, file, &target)), 0o600); err != nil {
				t.Fatal(err)
			}
			d := New(Options{Hosts: keys.NewKnownHosts(file), Home: t.TempDir(), AgentSocket: "/nonexistent"})
			who := &person{trust: link.TrustAndSave, secrets: []string{"x"}, asked: make(chan string, 9)}
			_, err := d.Dial(within(t, time.Minute), target, who, nil)
			var hk *HostKeyError
			if !errors.As(err, &hk) || code(err) != tt.want || !strings.Contains(err.Error(), tt.text) {
				t.Fatalf("%v, want %s with %q", err, tt.want, tt.text)
			}
			if hk.Offered == nil || tt.want != "KEY-PIN" && (len(hk.Known) != 1 || hk.Known[0].File != file) {
				t.Errorf("the error does not carry the keys: %+v", hk)
			}
			l.Close() // the server is done with the connection
			if len(tried) > 0 || len(who.asked) > 0 {
				t.Errorf("the server saw %q, the person %d questions", tried, len(who.asked))
			}
		})
	}
}

func entryOf(h *simnet.Host, k ssh.PublicKey) string {
	host, port, _ := net.SplitHostPort(h.Addr())
	return fmt.Sprintf("[%s]:%s %s", host, port, ssh.MarshalAuthorizedKey(k))
}

// TestChangedKeyShowsBothFingerprints also sees that nothing of a login reaches
// the host.
func TestChangedKeyShowsBothFingerprints(t *testing.T) {
	t.Parallel()
	other, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	l := lab(t)
	h := add(t, l, simnet.Server{Password: "x", Stranger: true})
	file := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(file, []byte("# first\n"+entryOf(h, other.PublicKey())), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, policy := range []link.HostKeyPolicy{link.Ask, link.AcceptNew, link.Strict, ""} {
		target := h.Target()
		target.HostKey, target.Password = policy, "ask"
		d := New(Options{Hosts: keys.NewKnownHosts(file), Home: t.TempDir(), AgentSocket: "/nonexistent"})
		who := &person{trust: link.TrustAndSave, secrets: []string{"x"}, asked: make(chan string, 9)}
		_, err = d.Dial(within(t, time.Minute), target, who, nil)
		for _, part := range []string{"KEY-CHANGED", h.Addr(), ssh.FingerprintSHA256(h.HostKey()), ssh.FingerprintSHA256(other.PublicKey()), file + ":2", "Nothing was sent"} {
			if !strings.Contains(fmt.Sprint(err), part) {
				t.Errorf("%q: %q is not in %v", policy, part, err)
			}
		}
		if len(who.asked) != 0 || h.SignIns() != 0 {
			t.Errorf("%q: %d questions, %d sign-ins", policy, len(who.asked), h.SignIns())
		}
	}
}

// certified starts a host that shows a certificate of ca.
func certified(t *testing.T, l *simnet.Lab, ca ssh.Signer, change func(*ssh.Certificate)) *simnet.Host {
	t.Helper()
	key, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	cert := &ssh.Certificate{Key: key.PublicKey(), CertType: ssh.HostCert, ValidPrincipals: []string{"127.0.0.1"},
		ValidAfter: uint64(time.Now().Add(-time.Hour).Unix()), ValidBefore: uint64(time.Now().Add(time.Hour).Unix())}
	if change != nil {
		change(cert)
	}
	if err := cert.SignCert(rand.Reader, ca); err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewCertSigner(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return add(t, l, simnet.Server{Stranger: true, HostKey: signer})
}

func TestHostCertificates(t *testing.T) {
	t.Parallel()
	ca, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	authority := "@cert-authority * " + string(ssh.MarshalAuthorizedKey(ca.PublicKey()))
	for name, tt := range map[string]struct {
		change func(*ssh.Certificate)
		known  string
		want   string // code, "" when let in
	}{
		"good":              {nil, authority, ""},
		"expired":           {func(c *ssh.Certificate) { c.ValidBefore = uint64(time.Now().Add(-time.Minute).Unix()) }, authority, "KEY-CA"},
		"not yet":           {func(c *ssh.Certificate) { c.ValidAfter = uint64(time.Now().Add(time.Minute).Unix()) }, authority, "KEY-CA"},
		"other principal":   {func(c *ssh.Certificate) { c.ValidPrincipals = []string{"192.0.2.1"} }, authority, "KEY-CA"},
		"of a user":         {func(c *ssh.Certificate) { c.CertType = ssh.UserCert }, authority, "KEY-CA"},
		"revoked authority": {nil, authority + "@revoked * " + string(ssh.MarshalAuthorizedKey(ca.PublicKey())), "KEY-REVOKED"},
		"unknown authority": {nil, "", "KEY-UNKNOWN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := lab(t)
			h := certified(t, l, ca, tt.change)
			file := filepath.Join(t.TempDir(), "known_hosts")
			if err := os.WriteFile(file, []byte(tt.known), 0o600); err != nil {
				t.Fatal(err)
			}
			d := New(Options{Hosts: keys.NewKnownHosts(file), Home: t.TempDir(), AgentSocket: "/nonexistent"})
			who := &person{trust: link.Refuse, asked: make(chan string, 9)}
			c, err := d.Dial(within(t, time.Minute), h.Target(), who, nil)
			if err == nil {
				defer c.Close()
				if tt.want != "" || c.Peer.HostKeyFrom != file+":1 (certificate)" {
					t.Errorf("let in, trusted because %q, want %q", c.Peer.HostKeyFrom, tt.want)
				}
				return
			}
			asked := 0
			if tt.want == "KEY-UNKNOWN" {
				asked = 1
			}
			if code(err) != tt.want || len(who.asked) != asked || h.SignIns() != 0 {
				t.Errorf("%v, want %s; %d questions, %d sign-ins", err, tt.want, len(who.asked), h.SignIns())
			}
		})
	}
}

// TestCertificateOfOpenSSH has the real server show a certificate that the real
// ssh-keygen has made.
func TestCertificateOfOpenSSH(t *testing.T) {
	t.Parallel()
	socket, public := agentWithKey(t, "ed25519")
	dir := t.TempDir()
	ca, host := filepath.Join(dir, "ca"), filepath.Join(dir, "host")
	keygen := program(t, "ssh-keygen")
	run(t, nil, keygen, "-q", "-t", "ed25519", "-N", "", "-f", ca)
	run(t, nil, keygen, "-q", "-t", "ecdsa", "-N", "", "-f", host)
	run(t, nil, keygen, "-q", "-s", ca, "-I", "r1", "-h", "-n", "127.0.0.1", "-V", "-1h:+1h", host+".pub")
	target, known := sshd(t, public, "Subsystem netconf /bin/cat", "HostKey "+host, "HostCertificate "+host+"-cert.pub")
	line, err := os.ReadFile(ca + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(known, []byte("@cert-authority [127.0.0.*]:* "+string(line)), 0o600); err != nil {
		t.Fatal(err)
	}
	c := reach(t, New(Options{Hosts: keys.NewKnownHosts(known), Home: t.TempDir(), AgentSocket: socket}), target, nil)
	echoed(t, c)
	if c.Peer.HostKeyFrom != known+":1 (certificate)" || !strings.HasPrefix(c.Peer.HostKey, "ECDSA ") {
		t.Errorf("%+v", c.Peer)
	}
}

// TestKeyOfPort22IsEnough: the session says where the trust comes from, and
// saving the key for its own port is possible.
func TestKeyOfPort22IsEnough(t *testing.T) {
	t.Parallel()
	l := lab(t)
	h := add(t, l, simnet.Server{Stranger: true})
	file := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(file, []byte("127.0.0.1 "+string(ssh.MarshalAuthorizedKey(h.HostKey()))), 0o600); err != nil {
		t.Fatal(err)
	}
	hosts := keys.NewKnownHosts(file)
	d := New(Options{Hosts: hosts, Home: t.TempDir(), AgentSocket: "/nonexistent"})
	target := h.Target()
	target.HostKey = link.Strict
	for _, want := range []string{file + ":1 (recorded for port 22)", file + ":2"} {
		c, err := d.Dial(within(t, time.Minute), target, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		if c.Peer.HostKeyFrom != want {
			t.Errorf("trusted because %q, want %q", c.Peer.HostKeyFrom, want)
		}
		if err := hosts.Trust(h.Addr(), h.HostKey()); err != nil { // what the offer to record does
			t.Fatal(err)
		}
	}
}

// TestManyManInTheMiddles: whatever the wrong key is, no byte of a login is sent,
// and no policy lets it pass.
func TestManyManInTheMiddles(t *testing.T) {
	t.Parallel()
	l := lab(t)
	h := add(t, l, simnet.Server{Password: "x"})
	kinds := []func() ssh.Signer{
		func() ssh.Signer { k, _ := simnet.NewKey(); return k },
		func() ssh.Signer { return bigRSA(t) },
		func() ssh.Signer { return onlySHA1(t) },
	}
	for i := range 30 {
		h.SetHostKey(kinds[i%len(kinds)]())
		target := h.Target()
		target.Password = "ask"
		target.HostKey = []link.HostKeyPolicy{link.Ask, link.AcceptNew, link.Strict}[i/3%3]
		if i%2 == 0 {
			target.Legacy = LegacyGroups()
		}
		who := &person{trust: link.TrustAndSave, secrets: []string{"x"}, asked: make(chan string, 9)}
		_, err := dialer(t, l).Dial(within(t, time.Minute), target, who, nil)
		if c := code(err); c != "KEY-CHANGED" && (c != "SSH-ALG" || i%2 == 0) || len(who.asked) != 0 {
			t.Errorf("variant %d: %v, %d questions", i, err, len(who.asked))
		}
	}
	if h.SignIns() != 0 {
		t.Errorf("%d sign-ins reached the host", h.SignIns())
	}
}

func TestBigHostKeysWork(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	l := lab(t)
	h := add(t, l, simnet.Server{HostKey: bigRSA(t)})
	c := reach(t, dialer(t, l), h.Target(), nil)
	echoed(t, c)
	if !strings.HasPrefix(c.Peer.HostKey, "RSA SHA256:") {
		t.Error(c.Peer.HostKey)
	}
}

// bigRSA is a key of 4096 bits.
func bigRSA(t *testing.T) ssh.Signer {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 4096)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
