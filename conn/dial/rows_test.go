package dial

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/conn/simnet"
	"dialtone/keys"
)

// TestGreetingIsWaitedForTwentySeconds is security row H1, on a fake clock: the
// time counts from the connection, whatever drips in.
func TestGreetingIsWaitedForTwentySeconds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"silent":            {"", "SSH-TIMEOUT no SSH greeting from 192.0.2.1:830 in 20 s"},
		"a byte a second":   {"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n", "SSH-TIMEOUT no SSH greeting from 192.0.2.1:830 in 20 s"},
		"greeting in parts": {"motd\r\nSSH-2.0-OpenSSH_9.2p1\r\n", "SSH-TIMEOUT no SSH greeting from 192.0.2.1:830 in 20 s"},
		"something else":    {"220 mail.example.net ESMTP Postfix (Debian)\r\n", `SSH-NOTSSH 192.0.2.1:830 answered "220 mail.exampl`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				dripped := make(chan struct{})
				go io.Copy(io.Discard, theirs) // ends with the pipe
				go func() {                    // ends with the text or the pipe
					defer close(dripped)
					for i := range tt.text {
						time.Sleep(time.Second)
						if _, err := theirs.Write([]byte{tt.text[i]}); err != nil {
							return
						}
					}
				}()
				start := time.Now()
				d := New(Options{Home: t.TempDir(), AgentSocket: "/nonexistent", Net: func(context.Context, string, string) (net.Conn, error) { return ours, nil }})
				_, err := d.Dial(context.Background(), link.Target{Host: "192.0.2.1", User: "admin"}, nil, nil)
				if took := time.Since(start); err == nil || !strings.HasPrefix(err.Error(), tt.want) || took != 20*time.Second {
					t.Errorf("%v after %v, want %s", err, took, tt.want)
				}
				theirs.Close()
				<-dripped
			})
		})
	}
}

// TestVersion199IsAccepted is security row H3.
func TestVersion199IsAccepted(t *testing.T) {
	t.Parallel()
	l := lab(t)
	h := add(t, l, simnet.Server{Adjust: func(c *ssh.ServerConfig) { c.ServerVersion = "SSH-1.99-old" }})
	c, err := dialer(t, l).Dial(within(t, time.Minute), h.Target(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	echoed(t, c)
	if c.Peer.ServerVersion != "SSH-1.99-old" {
		t.Errorf("version %q", c.Peer.ServerVersion)
	}
}

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

// TestHostKeyWithSHA1NeedsAYes is security row H4 in its own words: nothing is
// tried again before the person has switched the group on.
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
	c, err := New(o).Dial(within(t, time.Minute), target, &person{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if !slices.Equal(c.Peer.Legacy, []string{"ssh-rsa"}) {
		t.Errorf("legacy in use: %v", c.Peer.Legacy)
	}
}

// TestChangedKeyShowsBothFingerprints is what security row H6 wants on the
// screen, and that nothing of a login reaches the host.
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

// TestHostCertificates is security row H7 on the wire.
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
	c, err := New(Options{Hosts: keys.NewKnownHosts(known), Home: t.TempDir(), AgentSocket: socket}).Dial(within(t, time.Minute), target, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	echoed(t, c)
	if c.Peer.HostKeyFrom != known+":1 (certificate)" || !strings.HasPrefix(c.Peer.HostKey, "ECDSA ") {
		t.Errorf("%+v", c.Peer)
	}
}

// TestKeyOfPort22IsEnough is security row H8 against the simulated device and
// OpenSSH: the session says where the trust comes from, and saving the key for
// its own port is possible.
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

// TestLongBannerIsKeptInPart is the first half of security row H10.
func TestLongBannerIsKeptInPart(t *testing.T) {
	t.Parallel()
	l := lab(t)
	text := strings.Repeat("\x1b[2Jwelcome\n", 8<<10)
	h := add(t, l, simnet.Server{Password: "pa55", Banner: text})
	target := h.Target()
	target.Password = "ask"
	c, err := dialer(t, l).Dial(within(t, time.Minute), target, &person{secrets: []string{"pa55"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.Peer.Banner != text[:16<<10] {
		t.Errorf("%d B of the banner are kept", len(c.Peer.Banner))
	}
}

// TestRefusedPasswordIsToldInFull is security row H12: what was refused, what is
// left, what the device said about it, and the saved password is tried once.
func TestRefusedPasswordIsToldInFull(t *testing.T) {
	t.Setenv("DIALTONE_TEST_ROW", "wrong")
	l := lab(t)
	tries := 0
	h := add(t, l, simnet.Server{Password: "right", Keys: []ssh.PublicKey{}, Banner: "account locked\x1b[2J after 3 failures\n", Adjust: func(c *ssh.ServerConfig) {
		was := c.PasswordCallback
		c.PasswordCallback = func(m ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
			tries++
			return was(m, p)
		}
	}})
	target := h.Target()
	target.Password = "env:DIALTONE_TEST_ROW"
	_, err := dialer(t, l).Dial(within(t, time.Minute), target, &person{}, nil)
	for _, part := range []string{"AUTH-FAIL", "admin@" + h.Addr(), "refused password (saved)", `methods left: "`, "publickey", `the device said "account locked\x1b[2J after 3 failures"`, "not sent again by itself"} {
		if !strings.Contains(fmt.Sprint(err), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
	if strings.Contains(fmt.Sprint(err), "wrong") || strings.Contains(fmt.Sprint(err), "\x1b") || tries != 1 {
		t.Errorf("%v after %d tries", err, tries)
	}
	var ae *AuthError
	if !errors.As(err, &ae) || !ae.SavedPassword {
		t.Errorf("the saved password is not suspect: %+v", ae)
	}
}

// TestHalfOfALogin is the rest of row H12: the password was right, and what the
// device wants next cannot be given.
func TestHalfOfALogin(t *testing.T) {
	t.Setenv("DIALTONE_TEST_HALF", "pa55")
	l := lab(t)
	h := add(t, l, simnet.Server{Password: "pa55", Adjust: func(c *ssh.ServerConfig) {
		c.PasswordCallback = func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) {
			return nil, &ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
				return nil, errors.New("no")
			}}}
		}
	}})
	target := h.Target()
	target.Password = "env:DIALTONE_TEST_HALF"
	no := false
	target.Agent = &no
	_, err := dialer(t, l).Dial(within(t, time.Minute), target, &person{}, nil)
	for _, part := range []string{"AUTH-FAIL", `had accepted "password" and wants more`, "publickey"} {
		if !strings.Contains(fmt.Sprint(err), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
	var ae *AuthError
	if !errors.As(err, &ae) || ae.SavedPassword || strings.Contains(err.Error(), "refused") {
		t.Errorf("the saved password was right and is called suspect: %v", err)
	}
}

// TestTrafficWithoutDataEndsTheLink is the part of security row H16 that is no
// request: bytes that carry nothing, again and again.
func TestTrafficWithoutDataEndsTheLink(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		wire, data int64
		want       string
	}{
		"nothing but noise": {64 << 20, 0, "SSH-ABUSE"},
		"data":              {64 << 20, 63 << 20, ""},
		"a little noise":    {8 << 20, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := lab(t)
			h := add(t, l, simnet.Server{})
			target := h.Target()
			target.Keepalive = link.Duration(time.Hour)
			c, err := dialer(t, l).Dial(within(t, time.Minute), target, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			echoed(t, c)
			tn := c.ReadWriteCloser.(*stream).tn
			tn.w.bytes.Add(tt.wire)
			tn.payload.Add(tt.data)
			tn.tick()
			if tt.want == "" {
				echoed(t, c)
				return
			}
			<-c.Done
			if code(c.Err()) != tt.want {
				t.Errorf("%v", c.Err())
			}
		})
	}
}

// TestRefusedSubsystemSaysWhatToDo is the wording of security row H18.
func TestRefusedSubsystemSaysWhatToDo(t *testing.T) {
	t.Parallel()
	l := lab(t)
	h := add(t, l, simnet.Server{Refuse: func(string, string) bool { return true }})
	c, err := dialer(t, l).Dial(within(t, time.Minute), h.Target(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Read(make([]byte, 1))
	for _, part := range []string{"NC-SUBSYS", h.Addr(), "refused the netconf subsystem", "set system services netconf ssh", "xmlagent", "xml-mode netconf need-trailer"} {
		if !strings.Contains(fmt.Sprint(err), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
}

// TestDeviceThatClosesAtOnce is the third case of row H18: the channel is
// confirmed, and then the whole connection goes.
func TestDeviceThatClosesAtOnce(t *testing.T) {
	t.Parallel()
	target := rudeServer(t, nil, func(conn *ssh.ServerConn, chans <-chan ssh.NewChannel, reqs <-chan *ssh.Request) {
		go ssh.DiscardRequests(reqs) // ends with the connection
		nc, ok := <-chans
		if !ok {
			return
		}
		_, creqs, err := nc.Accept()
		if err == nil {
			_ = (<-creqs).Reply(true, nil)
		}
		conn.Close()
	})
	c, err := New(Options{Home: t.TempDir()}).Dial(within(t, time.Minute), target, nil, nil)
	if err == nil {
		defer c.Close()
		_, err = c.Read(make([]byte, 1))
	}
	if code(err) != "NC-SUBSYS" && code(err) != "NET-LOST" && code(err) != "NET-CLOSED" {
		t.Errorf("%v", err)
	}
}

// TestManyManInTheMiddles is goal 11 in small: whatever the wrong key is, no
// byte of a login is sent, and no policy lets it pass.
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

// TestGreetingBehindALongText takes what RFC 4253 section 4.2 lets a server say
// first.
func TestGreetingBehindALongText(t *testing.T) {
	t.Parallel()
	key, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	target := fake(t, func(c net.Conn) {
		w := bufio.NewWriter(c)
		for range 40 {
			fmt.Fprintf(w, "%s\r\n", strings.Repeat("Authorized use only. ", 10))
		}
		if w.Flush() != nil {
			return
		}
		conf := &ssh.ServerConfig{NoClientAuth: true}
		conf.AddHostKey(key)
		conn, chans, reqs, err := ssh.NewServerConn(c, conf)
		if err == nil {
			polite(func(*ssh.ServerConn, ssh.Channel) {})(conn, chans, reqs)
		}
	})
	c, err := New(Options{Home: t.TempDir(), AgentSocket: "/nonexistent"}).Dial(within(t, time.Minute), pinnedTo(target, key.PublicKey()), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	echoed(t, c)
}

// TestQuestionsAreBounded is security row H11 by its figures: 8 rounds, 8
// prompts, 1 KiB each, and not one more.
func TestQuestionsAreBounded(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rounds, prompts, size int
		want                  string
	}{
		"all there may be": {8, 8, 1024, "<nil>"},
		"nine rounds":      {9, 1, 10, "AUTH-ABUSE"},
		"nine prompts":     {1, 9, 10, "AUTH-ABUSE"},
		"1,025 bytes":      {1, 1, 1025, "AUTH-ABUSE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := rudeServer(t, func(c *ssh.ServerConfig) {
				c.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
					for range tt.rounds {
						if _, err := ask("", "", slices.Repeat([]string{strings.Repeat("p", tt.size)}, tt.prompts), make([]bool, tt.prompts)); err != nil {
							return nil, err
						}
					}
					return nil, nil
				}
			}, polite(func(*ssh.ServerConn, ssh.Channel) {}))
			asked := 0
			who := &person{challenge: func(q link.ChallengeQuestion) ([]string, error) {
				asked++
				if q.Target.Name != "fake" || q.Target.Host == "" {
					t.Errorf("the question does not say who asks: %+v", q.Target)
				}
				return make([]string, len(q.Prompts)), nil
			}}
			c, err := New(Options{Home: t.TempDir()}).Dial(within(t, time.Minute), target, who, nil)
			if err == nil {
				c.Close()
			}
			most := min(tt.rounds, 8)
			if tt.prompts > 8 || tt.size > 1024 {
				most = 0
			}
			if code(err) != tt.want || asked != most {
				t.Errorf("%v after %d questions, want %s after %d", err, asked, tt.want, most)
			}
		})
	}
}

// TestRequestsAreCounted is the rate of security row H16: 10,000 in 10 s are
// borne, and the next one ends the link.
func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	l := lab(t)
	h := add(t, l, simnet.Server{})
	c, err := dialer(t, l).Dial(within(t, time.Minute), h.Target(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	echoed(t, c)
	tn := c.ReadWriteCloser.(*stream).tn
	var counter abuseCounter
	for range 10_000 {
		tn.count(&counter)
	}
	echoed(t, c)
	counter.since = time.Now().Add(-time.Minute) // the window is over
	tn.count(&counter)
	echoed(t, c)
	for range 10_000 {
		tn.count(&counter)
	}
	<-c.Done
	if !strings.HasPrefix(fmt.Sprint(c.Err()), "SSH-ABUSE "+h.Addr()+" sent more than 10000 requests in 10 s") {
		t.Errorf("%v", c.Err())
	}
}
