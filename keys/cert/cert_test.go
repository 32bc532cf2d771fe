package cert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dialtone/keys"
)

func write(t *testing.T, name string, text []byte, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(name, text, mode); err != nil {
		t.Fatal(err)
	}
	return name
}

// made makes a pair in a directory of its own.
func made(t *testing.T, kt KeyType, now time.Time, hosts ...string) (certFile, keyFile string) {
	t.Helper()
	dir := t.TempDir()
	c, k, err := Make(hosts, kt, now)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Join(dir, "server.crt"), c, 0o644), write(t, filepath.Join(dir, "server.key"), k, 0o600)
}

func openssl(t *testing.T, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("openssl is missing, and CI promises it")
		}
		t.Skip("openssl is not installed")
	}
	out, err := exec.Command("openssl", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("openssl %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func TestOpenSSLAgreesWithWhatWeMake(t *testing.T) {
	t.Parallel()
	for _, kt := range []KeyType{P256, RSA2048} {
		certFile, _ := made(t, kt, time.Now(), "nms.example.net", "192.0.2.10", "2001:db8::10")
		text := openssl(t, "x509", "-in", certFile, "-noout", "-text")
		for _, want := range []string{"CN = nms.example.net", "DNS:nms.example.net", "IP Address:192.0.2.10", "IP Address:2001:DB8:0:0:0:0:0:10",
			"TLS Web Server Authentication", "Version: 3", "Digital Signature"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", kt, want, text)
			}
		}
		for _, check := range [][]string{{"-verify_ip", "192.0.2.10"}, {"-verify_hostname", "nms.example.net"}, {"-verify_ip", "2001:db8::10"}} {
			args := append([]string{"verify", "-purpose", "sslserver", "-CAfile", certFile}, append(check, certFile)...)
			if out := openssl(t, args...); !strings.Contains(out, "OK") {
				t.Errorf("%s: verify %v: %s", kt, check, out)
			}
		}
		if cmd := exec.Command("openssl", "verify", "-CAfile", certFile, "-verify_ip", "192.0.2.11", certFile); cmd.Run() == nil {
			t.Errorf("%s: openssl takes the certificate for another address", kt)
		}
		end := strings.TrimSpace(strings.TrimPrefix(openssl(t, "x509", "-in", certFile, "-noout", "-enddate"), "notAfter="))
		at, err := time.Parse("Jan _2 15:04:05 2006 MST", end)
		if life := time.Until(at); err != nil || life > Life || life < Life-48*time.Hour {
			t.Errorf("%s: ends %q, %v", kt, end, err)
		}
	}
}

func TestTLSClientsVerifyByNameAndByAddress(t *testing.T) {
	t.Parallel()
	certFile, keyFile := made(t, P256, time.Now(), "127.0.0.1", "nms.example.net")
	r, err := NewReloader(certFile, keyFile, time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Pair().Warnings) > 0 {
		t.Errorf("warnings for a certificate of our own: %q", r.Pair().Warnings)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: r.GetCertificate, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.(*tls.Conn).Handshake()
			c.Close()
		}
	}()
	roots := x509.NewCertPool()
	// The one-line form with its markers is what a device keeps.
	one := OneLine(r.Pair().PEM)
	if strings.ContainsAny(one, "\r\n") || !strings.HasPrefix(one, "-----BEGIN CERTIFICATE-----") {
		t.Errorf("one line: %q", one)
	}
	roots.AppendCertsFromPEM(r.Pair().PEM)
	for name, ok := range map[string]bool{"127.0.0.1": true, "nms.example.net": true, "other.example.net": false} {
		c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: roots, ServerName: name})
		if (err == nil) != ok {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			c.Close()
		}
		if why := r.Pair().For(name); (why == "") != ok {
			t.Errorf("For(%s): %q", name, why)
		}
	}
}

func TestLoadNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, k, err := Make([]string{"a.example"}, P256, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	_, k2, _ := Make([]string{"a.example"}, P256, time.Now())
	block, _ := pem.Decode(c)
	good := write(t, filepath.Join(dir, "good.crt"), c, 0o644)
	key := write(t, filepath.Join(dir, "good.key"), k, 0o600)
	link := filepath.Join(dir, "link.key")
	if err := os.Symlink(key, link); err != nil {
		t.Fatal(err)
	}
	file := func(name string, b []byte, mode os.FileMode) string {
		return write(t, filepath.Join(dir, name), b, mode)
	}
	for _, x := range []struct{ name, cert, key, code, part string }{
		{"another key", good, file("k2", k2, 0o600), "TLS-PAIR", "does not belong"},
		{"two keys", good, file("kk", append(append([]byte{}, k...), k2...), 0o600), "TLS-KEY", "block 2"},
		{"DER", file("der", block.Bytes, 0o644), key, "TLS-PEM", "DER"},
		{"empty", file("empty", nil, 0o644), key, "TLS-PEM", "empty"},
		{"junk in the certificate", file("junk", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("junk")}), 0o644), key, "TLS-CERT", "block 1"},
		{"encrypted key", good, file("enc", pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")}), 0o600), "TLS-LOCKED", "encrypted"},
		{"old encrypted key", good, file("enc2", []byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"), 0o600), "TLS-LOCKED", "encrypted"},
		{"no key", good, file("nokey", c, 0o600), "TLS-PEM", "no private key"},
		{"key for all to read", good, file("open", k, 0o644), "TLS-PERM", "0644"},
		{"key behind a link", good, link, "TLS-FILE", "regular"},
		{"missing", filepath.Join(dir, "none"), key, "TLS-FILE", "no such file"},
		{"directory", dir, key, "TLS-FILE", "regular"},
		{"too big", file("big", make([]byte, maxPEM+1), 0o644), key, "TLS-FILE", "1 MiB"},
	} {
		_, err := Load(x.cert, x.key, time.Now())
		var f *keys.Fault
		if !errors.As(err, &f) || f.Code != x.code || !strings.Contains(f.What, x.part) {
			t.Errorf("%s: %v, want %s with %q", x.name, err, x.code, x.part)
		}
	}
	for name, text := range map[string][]byte{
		"CRLF":                 []byte(strings.ReplaceAll(string(k), "\n", "\r\n")),
		"certificate in front": append(append([]byte{}, c...), k...),
		"EC parameters":        append(pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 0}}), k...),
	} {
		if _, err := Load(good, file("ok-"+name, text, 0o600), time.Now()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// signed makes a certificate for a key under an issuer; nil signs itself.
func signed(t *testing.T, c, issuer *x509.Certificate, issuerKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if issuer == nil {
		issuer, issuerKey = c, key
	}
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	c.BasicConstraintsValid = true
	der, err := x509.CreateCertificate(rand.Reader, c, issuer, &key.PublicKey, issuerKey)
	if err != nil {
		t.Fatal(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return out, key
}

func TestLoadWarnsOfWhatDevicesObjectTo(t *testing.T) {
	t.Parallel()
	now := time.Now()
	year := 365 * 24 * time.Hour
	base := func(cn string) *x509.Certificate {
		return &x509.Certificate{Subject: pkix.Name{CommonName: cn}, NotBefore: now.Add(-year), NotAfter: now.Add(year), DNSNames: []string{"a.example"},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	}
	ca := base("root")
	ca.IsCA, ca.KeyUsage, ca.ExtKeyUsage = true, x509.KeyUsageCertSign, nil
	root, rootKey := signed(t, ca, nil, nil)
	old := base("old intermediate")
	old.IsCA, old.KeyUsage, old.ExtKeyUsage, old.NotAfter = true, x509.KeyUsageCertSign, nil, now.Add(-time.Hour)
	inter, interKey := signed(t, old, root, rootKey)
	type edit func(*x509.Certificate)
	for _, x := range []struct {
		name    string
		edit    edit
		chain   []*x509.Certificate
		want    string
		expired bool
	}{
		{"in order", func(*x509.Certificate) {}, []*x509.Certificate{root}, "", false},
		{"expired", func(c *x509.Certificate) { c.NotAfter = now.Add(-time.Hour) }, []*x509.Certificate{root}, "expired on", true},
		{"not yet", func(c *x509.Certificate) { c.NotBefore = now.Add(time.Hour) }, []*x509.Certificate{root}, "not valid before", true},
		{"soon", func(c *x509.Certificate) { c.NotAfter = now.Add(24 * time.Hour) }, []*x509.Certificate{root}, "expires on", false},
		{"no alternative name", func(c *x509.Certificate) { c.DNSNames = nil }, []*x509.Certificate{root}, "no subject alternative name", false},
		{"an authority", func(c *x509.Certificate) { c.IsCA = true }, []*x509.Certificate{root}, "of an authority", false},
		{"for clients", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, []*x509.Certificate{root}, "not meant for servers", false},
		{"no root", func(*x509.Certificate) {}, nil, "ends before the root", false},
		{"wrong order", func(*x509.Certificate) {}, []*x509.Certificate{inter, root}, "is not signed by certificate 2", false},
	} {
		c := base("a.example")
		x.edit(c)
		leaf, key := signed(t, c, root, rootKey)
		load(t, x.name, leaf, key, x.chain, x.want, x.expired)
	}
	leaf, key := signed(t, base("a.example"), inter, interKey)
	load(t, "expired intermediate", leaf, key, []*x509.Certificate{inter, root}, "certificate 2", false)
}

func load(t *testing.T, name string, leaf *x509.Certificate, key *ecdsa.PrivateKey, chain []*x509.Certificate, want string, expired bool) {
	t.Helper()
	dir := t.TempDir()
	var text []byte
	for _, c := range append([]*x509.Certificate{leaf}, chain...) {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Load(write(t, filepath.Join(dir, "c"), text, 0o644),
		write(t, filepath.Join(dir, "k"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600), time.Now())
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	all := strings.Join(p.Warnings, "\n")
	if (want == "" && all != "") || !strings.Contains(all, want) || p.Expired != expired {
		t.Errorf("%s: expired %t, warnings %q, want %q", name, p.Expired, all, want)
	}
}

func TestReloaderKeepsTheOldPairUntilTheNewOneLoads(t *testing.T) {
	t.Parallel()
	certFile, keyFile := made(t, P256, time.Now(), "a.example")
	now := time.Now()
	var errs []error
	r, err := NewReloader(certFile, keyFile, func() time.Time { return now }, func(_ *Pair, err error) { errs = append(errs, err) })
	if err != nil {
		t.Fatal(err)
	}
	first := r.Pair()
	c2, k2, _ := Make([]string{"b.example"}, P256, time.Now())
	write(t, certFile, append(c2, '\n'), 0o644)
	now = now.Add(time.Minute)
	if r.Pair() != first || len(errs) != 1 || errs[0] == nil {
		t.Errorf("half a pair was taken: %v", errs)
	}
	write(t, keyFile, append(k2, '\n'), 0o600)
	now = now.Add(time.Minute)
	if got := Names(r.Pair().Leaf); got[0] != "b.example" || len(errs) != 2 || errs[1] != nil {
		t.Errorf("still %v; %v", got, errs)
	}
}

func TestMakeRefusesWhatIsNoName(t *testing.T) {
	t.Parallel()
	for _, hosts := range [][]string{nil, {""}, {"-a"}, {"a..b"}, {"a b"}, {"a\nb"}, {"*.example"}, {strings.Repeat("a", 64)}, {"good", "b_d"}} {
		if _, _, err := Make(hosts, P256, time.Now()); err == nil {
			t.Errorf("%q: a certificate was made", hosts)
		}
	}
	if _, _, err := Make([]string{"a"}, "dsa", time.Now()); err == nil {
		t.Error("a DSA key was made")
	}
}

func FuzzLoad(f *testing.F) {
	c, k, err := Make([]string{"a"}, P256, time.Unix(1.7e9, 0))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c, k)
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n"), []byte{0x30, 0x82})
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, c, k []byte) {
		cf, kf := filepath.Join(dir, "c"), filepath.Join(dir, "k")
		os.WriteFile(cf, c, 0o600)
		os.WriteFile(kf, k, 0o600)
		Load(cf, kf, time.Unix(1.7e9, 0))
	})
}
