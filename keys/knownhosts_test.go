package keys

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func newSigner(t testing.TB) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newECDSA(t testing.TB) ssh.Signer {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// authKey is a key as it stands in a line, without the newline.
func authKey(k ssh.PublicKey) string { return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k))) }

func hostsFileOf(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func faultCode(err error) string {
	var f *Fault
	if errors.As(err, &f) {
		return f.Code
	}
	return fmt.Sprint(err)
}

func TestCheckByTable(t *testing.T) {
	t.Parallel()
	a, b, c := newSigner(t).PublicKey(), newSigner(t).PublicKey(), newECDSA(t).PublicKey()
	A, B, C := authKey(a), authKey(b), authKey(c)
	for _, tt := range []struct {
		name, file, host string
		key              ssh.PublicKey
		want             Verdict
		line             int
	}{
		{"empty", "", "r1:830", a, Unknown, 0},
		{"own port", "[r1]:830 " + A, "r1:830", a, Trusted, 1},
		{"another key", "[r1]:830 " + B, "r1:830", a, Changed, 1},
		{"another type", "[r1]:830 " + C, "r1:830", a, Changed, 1},
		{"one of several", "[r1]:830 " + B + "\n[r1]:830 " + A, "r1:830", a, Trusted, 2},
		{"port 22 for 830", "r1 " + A, "r1:830", a, Trusted, 1},
		{"other key on port 22", "r1 " + B, "r1:830", a, Unknown, 1},
		{"own port before 22", "r1 " + A + "\n[r1]:830 " + B, "r1:830", a, Changed, 2},
		{"not the other way", "[r1]:830 " + A, "r1:22", a, Unknown, 0},
		{"upper case in file", "[R1.Example.COM]:830 " + A, "r1.example.com:830", a, Trusted, 1},
		{"upper case asked", "[r1.example.com]:830 " + A, "R1.example.COM:830", a, Trusted, 1},
		{"IPv6", "[2001:db8::1]:830 " + A, "[2001:DB8::1]:830", a, Trusted, 1},
		{"IPv6 zone", "[fe80::1%eth0]:830 " + A, "[fe80::1%eth0]:830", a, Trusted, 1},
		{"wildcard", "*.lab " + A, "r1.lab:22", a, Trusted, 1},
		{"wildcard with port", "[*.lab]:830 " + A, "r1.lab:830", a, Trusted, 1},
		{"negated", "*.lab,!r1.lab " + A, "r1.lab:22", a, Unknown, 0},
		{"negated first", "!r1.lab,*.lab " + A, "r1.lab:22", a, Unknown, 0},
		{"only negated", "!r2.lab " + A, "r1.lab:22", a, Unknown, 0},
		{"question mark", "r? " + A, "r1:22", a, Trusted, 1},
		{"revoked", "[r1]:830 " + A + "\n@revoked * " + A, "r1:830", a, Revoked, 2},
		{"revoked on port 22", "[r1]:830 " + A + "\n@revoked r1 " + A, "r1:830", a, Revoked, 2},
		{"revoked with a tab", "@revoked\tr1 " + A, "r1:22", a, Revoked, 1},
		{"revoked elsewhere", "[r1]:830 " + A + "\n@revoked r2 " + A, "r1:830", a, Trusted, 1},
		{"authority as host key", "@cert-authority * " + A, "r1:830", a, Revoked, 1},
		{"authority and host key", "@cert-authority * " + A + "\n[r1]:830 " + A, "r1:830", a, Trusted, 2},
		{"only an authority", "@cert-authority * " + B, "r1:830", a, Unknown, 0},
		{"CRLF", "r1 " + A + "\r\nr2 " + A + "\r\n", "r2:22", a, Trusted, 2},
		{"NUL ends a line", "r1 " + A + " x\x00\nr2 " + A, "r1:22", a, Trusted, 1},
		{"bad lines", "r1\nr1 \nr1 ssh-ed25519\nr1 ssh-ed25519 !!!\nr1 ssh-new AAAA\n|1|x|y " + A + "\n|2|a|b " + A + "\n@other r1 " + A + "\nr1 " + A, "r1:22", a, Trusted, 9},
		{"type of the line is wrong", "r1 ssh-rsa " + strings.Fields(A)[1], "r1:22", a, Unknown, 0},
		{"long line", "r1 " + A + " " + strings.Repeat("c", 70_000) + "\nr2 " + A, "r2:22", a, Trusted, 2},
		{"many stars", strings.Repeat("*a", 30) + "b " + B + "\nr1 " + A, "r1:22", a, Trusted, 2},
		{"comments and blanks", "# r1 " + B + "\n\n   \n\t r1 \t " + A + " c", "r1:22", a, Trusted, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, known, err := NewKnownHosts(hostsFileOf(t, tt.file)).Check(tt.host, nil, tt.key)
			if got != tt.want || (err != nil) != (tt.want == Revoked) {
				t.Fatalf("verdict %v, %v; want %v", got, err, tt.want)
			}
			line := 0
			if len(known) > 0 {
				line = known[0].Line
			}
			if line != tt.line {
				t.Errorf("decided by line %d, want %d", line, tt.line)
			}
		})
	}
}

func TestCertificatesNeedTheirAuthority(t *testing.T) {
	t.Parallel()
	ca, host := newSigner(t), newSigner(t)
	now := time.Now()
	cert := func(change func(*ssh.Certificate)) *ssh.Certificate {
		c := &ssh.Certificate{Key: host.PublicKey(), CertType: ssh.HostCert, ValidPrincipals: []string{"r1"},
			ValidAfter: uint64(now.Add(-time.Hour).Unix()), ValidBefore: uint64(now.Add(time.Hour).Unix())}
		if change != nil {
			change(c)
		}
		if err := c.SignCert(rand.Reader, ca); err != nil {
			t.Fatal(err)
		}
		return c
	}
	line := "@cert-authority r1,[r1]:830 " + authKey(ca.PublicKey()) + "\n"
	for _, tt := range []struct {
		name, file string
		cert       *ssh.Certificate
		want       Verdict
		code       string
	}{
		{"good", line, cert(nil), Trusted, ""},
		{"expired", line, cert(func(c *ssh.Certificate) { c.ValidBefore = uint64(now.Add(-time.Minute).Unix()) }), Revoked, "KEY-CA"},
		{"for another host", line, cert(func(c *ssh.Certificate) { c.ValidPrincipals = []string{"r2"} }), Revoked, "KEY-CA"},
		{"for users", line, cert(func(c *ssh.Certificate) { c.CertType = ssh.UserCert }), Revoked, "KEY-CA"},
		{"unknown authority", "", cert(nil), Unknown, ""},
		{"unknown authority, key on record", "[r1]:830 " + authKey(host.PublicKey()), cert(nil), Trusted, ""},
		{"revoked authority", line + "@revoked * " + authKey(ca.PublicKey()), cert(nil), Revoked, "KEY-REVOKED"},
		{"revoked key", line + "@revoked * " + authKey(host.PublicKey()), cert(nil), Revoked, "KEY-REVOKED"},
	} {
		got, _, err := NewKnownHosts(hostsFileOf(t, tt.file)).Check("r1:830", nil, tt.cert)
		if got != tt.want || err != nil && faultCode(err) != tt.code || err == nil && tt.code != "" {
			t.Errorf("%s: %v, %v; want %v %s", tt.name, got, err, tt.want, tt.code)
		}
	}
}

func TestBadLinesAreReportedByNumber(t *testing.T) {
	t.Parallel()
	A := authKey(newSigner(t).PublicKey())
	k := NewKnownHosts(hostsFileOf(t, "r1\n# fine\nr1 "+A+"\nr2 ssh-new AAAA\n@x r3 "+A+"\n|1|x|y "+A+"\nr4 ssh-ed25519 ****\n"))
	var lines []int
	for _, p := range k.Problems() {
		lines = append(lines, p.Line)
	}
	if want := []int{1, 4, 5, 6, 7}; !slices.Equal(lines, want) {
		t.Errorf("problems in lines %v, want %v: %v", lines, want, k.Problems())
	}
}

func TestAlgorithmsPutKnownTypesFirstAndKeepTheRest(t *testing.T) {
	t.Parallel()
	ec := newECDSA(t).PublicKey()
	allowed := []string{ssh.CertAlgoED25519v01, ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoRSASHA512}
	for _, tt := range []struct {
		file string
		want []string
	}{
		{"", allowed},
		{"r1 " + authKey(ec), []string{ssh.KeyAlgoECDSA256, ssh.CertAlgoED25519v01, ssh.KeyAlgoED25519, ssh.KeyAlgoRSASHA512}},
		{"@cert-authority * " + authKey(ec), allowed},
	} {
		if got := NewKnownHosts(hostsFileOf(t, tt.file)).Algorithms("r1:830", allowed); !slices.Equal(got, tt.want) {
			t.Errorf("%.30q: %v, want %v", tt.file, got, tt.want)
		}
	}
}

func TestTrustWritesAndForgetKeepsEverythingElse(t *testing.T) {
	t.Parallel()
	a, b := newSigner(t).PublicKey(), newSigner(t).PublicKey()
	A, B := authKey(a), authKey(b)
	path := filepath.Join(t.TempDir(), "d", "known_hosts")
	k := NewKnownHosts(path)
	for range 2 { // the second time changes nothing
		if err := k.Trust("R1:830", a); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := os.ReadFile(path); string(got) != "[r1]:830 "+A+"\n" {
		t.Fatalf("file is %q", got)
	}
	if err := k.Trust("r1:830", b); faultCode(err) != "KEY-CHANGED" {
		t.Errorf("another key: %v", err)
	}
	before := "# mine\r\n[r1]:830,[r2]:830 " + B + " c\n@revoked [r1]:830 " + B + "\nbad line\n*.x " + A + "\n[r*]:830 " + A + "\n[r1]:830 " + A
	if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := k.Forget("r1:830"); err != nil {
		t.Fatal(err)
	}
	want := "# mine\r\n[r2]:830 " + B + " c\n@revoked [r1]:830 " + B + "\nbad line\n*.x " + A + "\n[r*]:830,![r1]:830 " + A + "\n"
	if got, _ := os.ReadFile(path); string(got) != want {
		t.Errorf("after forgetting:\n%s\nwant:\n%s", got, want)
	}
	if old, _ := os.ReadFile(path + ".old"); string(old) != before {
		t.Errorf("the old file is %q", old)
	}
	if v, _, _ := k.Check("r2:830", nil, b); v != Trusted {
		t.Errorf("r2 is %v", v)
	}
	if v, _, _ := k.Check("r1:830", nil, a); v != Unknown {
		t.Errorf("r1 is %v", v)
	}
	theirs := hostsFileOf(t, "[r9]:830 "+A+"\n")
	k = NewKnownHosts(path, theirs)
	if err := k.Forget("r9:830"); faultCode(err) != "KEY-READONLY" || !strings.Contains(err.Error(), theirs+":1") {
		t.Errorf("a key of another file: %v", err)
	}
}

func TestFilesThatCannotBeReadAreNeverOverwritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	k := NewKnownHosts(path)
	if err := k.Trust("r1:830", newSigner(t).PublicKey()); faultCode(err) != "KEY-SAVE" {
		t.Errorf("%v", err)
	}
	if _, _, err := k.Check("r1:830", nil, newSigner(t).PublicKey()); faultCode(err) != "KEY-FILE" {
		t.Errorf("%v", err)
	}
}

func BenchmarkManyHashedLines(b *testing.B) {
	var text bytes.Buffer
	key := newSigner(b).PublicKey()
	for i := range 50_000 {
		fmt.Fprintf(&text, "|1|%027d=|%027d= %s\n", i, i, authKey(key))
	}
	path := hostsFileOf(b, text.String())
	for b.Loop() {
		if _, _, err := NewKnownHosts(path).Check("r1:830", nil, key); err != nil {
			b.Fatal(err)
		}
	}
}

// tool finds an OpenSSH program; without it the test is skipped, except where
// everything must run.
func tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if _, serr := os.Stat("/usr/sbin/" + name); serr == nil {
			return "/usr/sbin/" + name
		}
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is missing", name)
		}
		t.Skipf("%s is missing", name)
	}
	return path
}

var foundLine = regexp.MustCompile(`found: line (\d+)`)

// TestAgreesWithSSHKeygen compares which lines concern a host, for generated
// files, with what ssh-keygen -F says.
func TestAgreesWithSSHKeygen(t *testing.T) {
	t.Parallel()
	keygen := tool(t, "ssh-keygen")
	rng := mrand.New(mrand.NewPCG(1, 2))
	keys := []string{authKey(newSigner(t).PublicKey()), authKey(newECDSA(t).PublicKey())}
	names := []string{"r1", "r2", "r1.lab", "core.r1.lab", "192.0.2.1", "2001:db8::1"}
	hosts := func() string {
		atoms := []string{"r1", "R2", "r?", "*", "*.lab", "!r1.lab", "core.*", "[r1]:830", "[*]:830", "192.0.2.?", "2001:db8::1", "[2001:db8::1]:830", "!*", "r*1*", "", "x,", "[R1.LAB]:830"}
		var out []string
		for range 1 + rng.IntN(3) {
			out = append(out, atoms[rng.IntN(len(atoms))])
		}
		return strings.Join(out, ",")
	}
	const files = 60
	for range files {
		var b strings.Builder
		hash := rng.IntN(3) == 0 // ssh-keygen -H takes files without mistakes only
		for range 12 {
			h, k, form := hosts(), keys[rng.IntN(2)], rng.IntN(12)
			if hash && h == "" {
				h = "r1"
			}
			if hash && (form == 0 || form == 3 || form == 5) {
				form = 11
			}
			switch form {
			case 0:
				fmt.Fprintf(&b, "%s\n", h)
			case 1:
				fmt.Fprintf(&b, "@revoked %s %s\n", h, k)
			case 2:
				fmt.Fprintf(&b, "@cert-authority  %s\t%s comment\n", h, k)
			case 3:
				fmt.Fprintf(&b, "@unknown %s %s\n", h, k)
			case 4:
				fmt.Fprintf(&b, " \t%s \t %s\r\n", h, k)
			case 5:
				fmt.Fprintf(&b, "%s %s\n", h, k[:len(k)/2])
			case 6:
				fmt.Fprintf(&b, "# %s %s\n\n", h, k)
			default:
				fmt.Fprintf(&b, "%s %s\n", h, k)
			}
		}
		path := hostsFileOf(t, b.String())
		if hash { // names without patterns become hashed
			if out, err := exec.Command(keygen, "-H", "-f", path).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		k := NewKnownHosts(path)
		for _, name := range names {
			for _, port := range []string{"22", "830"} {
				record := recordName(name, port)
				out, _ := exec.Command(keygen, "-l", "-F", record, "-f", path).CombinedOutput()
				var want, got []int
				for _, m := range foundLine.FindAllStringSubmatch(string(out), -1) {
					n, _ := strconv.Atoi(m[1])
					want = append(want, n)
				}
				es, err := k.lookup(record)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range es {
					got = append(got, e.Line)
				}
				if !slices.Equal(got, want) {
					data, _ := os.ReadFile(path)
					t.Errorf("%s: lines %v, ssh-keygen says %v in\n%s\n%s", record, got, want, data, out)
					return
				}
			}
		}
	}
	t.Logf("%d look-ups agree", files*len(names)*2)
}

// slowGlob is glob written down as plainly as possible.
func slowGlob(s, p string) bool {
	if p == "" {
		return s == ""
	}
	if p[0] == '*' {
		for i := range len(s) + 1 {
			if slowGlob(s[i:], p[1:]) {
				return true
			}
		}
		return false
	}
	return s != "" && (p[0] == '?' || p[0] == s[0]) && slowGlob(s[1:], p[1:])
}

func FuzzKnownHostsMatch(f *testing.F) {
	f.Add("r1.lab", "*.l?b")
	f.Add("aaab", "*a*b")
	f.Add("", "**")
	f.Fuzz(func(t *testing.T, s, p string) {
		if len(s) > 12 || len(p) > 12 {
			t.Skip()
		}
		if got, want := glob(s, p), slowGlob(s, p); got != want {
			t.Errorf("glob(%q, %q) is %v", s, p, got)
		}
	})
}

func FuzzKnownHostsLine(f *testing.F) {
	f.Add([]byte("@revoked r1,*.x ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI c"))
	f.Add([]byte("|1|c2FsdHNhbHRzYWx0c2FsdHNhbHQ=|c2FsdHNhbHRzYWx0c2FsdHNhbHQ= ssh-rsa AAAA"))
	f.Add([]byte("r1 \x00 x\r"))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, ok, err := parseHostLine(string(b))
		if ok && (err != nil || l.hosts == "" || l.key == "") {
			t.Errorf("%q: %+v %v", b, l, err)
		}
		if ok {
			_, _ = l.publicKey()
			_ = l.concerns("[r1]:830")
		}
	})
}

func FuzzWriteHost(f *testing.F) {
	key := newSigner(f).PublicKey()
	other := newSigner(f).PublicKey()
	f.Add("r1:830")
	f.Add("r1\n@cert-authority * x:830")
	f.Add("[::1]:22")
	f.Add("a b:830")
	f.Fuzz(func(t *testing.T, host string) {
		k := NewKnownHosts("")
		err := k.Trust(host, key)
		if err != nil {
			if len(k.mem) > 0 {
				t.Errorf("%q was refused and written: %q", host, k.mem)
			}
			return
		}
		if bytes.Count(k.mem, []byte("\n")) != 1 || bytes.ContainsAny(k.mem, "\r\x00\x1b*?!,@|") {
			t.Errorf("%q made %q", host, k.mem)
		}
		if v, _, _ := k.Check(host, nil, key); v != Trusted {
			t.Errorf("%q is %v after Trust", host, v)
		}
		if v, _, _ := k.Check("elsewhere.example:830", nil, other); v != Unknown {
			t.Errorf("%q made another host %v", host, v)
		}
		if err := k.Forget(host); err != nil || len(k.mem) != 0 {
			t.Errorf("%q left %q, %v", host, k.mem, err)
		}
	})
}
