package cert

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dialtone/keys"
)

// told is an error or a warning without the directory of the test.
func told(dir, text string) string {
	return strings.ReplaceAll(text, dir+string(filepath.Separator), "")
}

// TestFilesThatPeopleBring: every way in which a pair can be wrong has one
// answer that names the file, and the block in it.
func TestFilesThatPeopleBring(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	crt, key := path("server.crt"), path("server.key")
	if _, err := Save(crt, key, []string{"192.0.2.10"}, RSA2048, false, time.Now()); err != nil {
		t.Fatal(err)
	}
	other, otherKey := path("other.crt"), path("other.key")
	if _, err := Save(other, otherKey, []string{"192.0.2.11"}, P256, false, time.Now()); err != nil {
		t.Fatal(err)
	}
	read := func(name string) []byte {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	openssl(t, "x509", "-in", crt, "-outform", "der", "-out", path("cert.der"))
	openssl(t, "pkey", "-in", key, "-outform", "der", "-out", path("key.der"))
	openssl(t, "pkcs12", "-export", "-in", crt, "-inkey", key, "-passout", "pass:x", "-out", path("pair.p12"))
	openssl(t, "pkey", "-in", key, "-aes256", "-passout", "pass:x", "-out", path("locked.key"))
	openssl(t, "rsa", "-in", key, "-aes256", "-traditional", "-passout", "pass:x", "-out", path("locked-old.key"))
	write(t, path("two.key"), append(read(key), read(otherKey)...), 0o600)
	write(t, path("key-first.pem"), append(read(key), read(crt)...), 0o600)
	write(t, path("swapped.pem"), append(read(other), read(crt)...), 0o644)
	write(t, path("second-bad.pem"), append(read(crt), []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")...), 0o644)
	write(t, path("crlf.pem"), bytes.ReplaceAll(append(read(crt), read(key)...), []byte("\n"), []byte("\r\n")), 0o600)
	write(t, path("open.key"), read(key), 0o644)
	write(t, path("group.key"), read(key), 0o640)
	if err := os.Symlink(key, path("link.key")); err != nil {
		t.Fatal(err)
	}
	junk, err := os.Create(path("junk"))
	if err != nil {
		t.Fatal(err)
	}
	if err := junk.Truncate(64 << 20); err != nil {
		t.Fatal(err)
	}
	junk.Close()
	for _, f := range []string{"key.der", "pair.p12", "locked.key", "locked-old.key", "junk"} {
		if err := os.Chmod(path(f), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range []struct{ cert, key, want string }{
		{"server.crt", "other.key", "TLS-PAIR other.key does not belong to server.crt. The first certificate in the file must be the one of the key"},
		{"swapped.pem", "server.key", "TLS-PAIR server.key does not belong to swapped.pem. The first certificate in the file must be the one of the key"},
		{"server.crt", "two.key", "TLS-KEY two.key, block 2: a second key; which one is meant cannot be known"},
		{"key-first.pem", "key-first.pem", ""},
		{"crlf.pem", "crlf.pem", ""},
		{"cert.der", "server.key", "TLS-PEM cert.der holds no certificate in PEM: it seems to be DER; convert it with openssl x509 -inform der. A PEM certificate begins with -----BEGIN CERTIFICATE-----"},
		{"server.crt", "key.der", "TLS-PEM key.der holds no private key in PEM: it seems to be DER; convert it with openssl pkey -inform der"},
		{"pair.p12", "server.key", "TLS-PEM pair.p12 holds no certificate in PEM: it seems to be PKCS#12; convert it with openssl pkcs12. A PEM certificate begins with -----BEGIN CERTIFICATE-----"},
		{"server.crt", "pair.p12", "TLS-PEM pair.p12 holds no private key in PEM: it seems to be PKCS#12; convert it with openssl pkcs12"},
		{"server.crt", "locked.key", "TLS-LOCKED locked.key, block 1: the key is encrypted, and a listener cannot ask for its passphrase. Decrypt it with openssl pkey into a file of mode 0600"},
		{"server.crt", "locked-old.key", "TLS-LOCKED locked-old.key, block 1: the key is encrypted, and a listener cannot ask for its passphrase. Decrypt it with openssl pkey into a file of mode 0600"},
		{"second-bad.pem", "server.key", "TLS-CERT second-bad.pem, block 2: x509: malformed certificate"},
		{"junk", "server.key", "TLS-FILE junk has 67108864 bytes; a PEM file of more than 1 MiB is not read"},
		{"server.crt", "junk", "TLS-FILE junk has 67108864 bytes; a PEM file of more than 1 MiB is not read"},
		{"server.crt", "open.key", "TLS-PERM open.key can be read by others (mode 0644). Run chmod 600 open.key"},
		{"server.crt", "group.key", "TLS-PERM group.key can be read by others (mode 0640). Run chmod 600 group.key"},
		{"server.crt", "link.key", "TLS-FILE link.key is not a regular file (a link). Name the file itself, of mode 0600"},
		{"/dev/zero", "server.key", "TLS-FILE /dev/zero is not a regular file (a device)"},
		{"none.crt", "server.key", "TLS-FILE none.crt: no such file or directory. Make a pair with: dialtone cert HOST"},
	} {
		c := x.cert
		if !filepath.IsAbs(c) {
			c = path(c)
		}
		got := ""
		if _, err := Load(c, path(x.key), time.Now()); err != nil {
			got = told(dir, err.Error())
		}
		if strings.TrimSuffix(got, ".") != strings.TrimSuffix(x.want, ".") {
			t.Errorf("%s and %s:\n got %s\nwant %s", x.cert, x.key, got, x.want)
		}
	}
	if os.Getuid() != 0 {
		return // only root can give a file away
	}
	foreign := write(t, path("foreign.key"), read(key), 0o600)
	if err := os.Chown(foreign, 1, 1); err != nil {
		t.Fatal(err)
	}
	_, err = Load(crt, foreign, time.Now())
	if want := "TLS-PERM foreign.key belongs to user 1. Copy it to a file of your own with mode 0600"; err == nil || strings.TrimSuffix(told(dir, err.Error()), ".") != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestWhatDevicesObjectTo: dates, names, uses and sizes, with the exact warning.
// The certificates are made by openssl.
func TestWhatDevicesObjectTo(t *testing.T) {
	t.Parallel()
	day := func(d int) func() time.Time {
		return func() time.Time { return time.Now().Add(time.Duration(d)*24*time.Hour + time.Second) }
	}
	local := func(at time.Time) string { return at.Local().Format("2006-01-02") }
	for i, x := range []struct {
		name    string
		args    string           // of openssl req
		now     func() time.Time // asked when the certificate has been made
		want    func(*x509.Certificate) string
		expired bool
	}{
		{"good", "-newkey rsa:2048 -days 400 -addext subjectAltName=IP:192.0.2.10", day(0), nil, false},
		{"soon", "-newkey rsa:2048 -days 29 -addext subjectAltName=IP:192.0.2.10", day(0), func(c *x509.Certificate) string { return "server.crt expires on " + local(c.NotAfter) }, false},
		{"expired", "-newkey rsa:2048 -days 3 -addext subjectAltName=IP:192.0.2.10", day(4), func(c *x509.Certificate) string {
			return "server.crt expired on " + local(c.NotAfter) + "; devices will refuse it"
		}, true},
		{"not yet", "-newkey rsa:2048 -days 400 -addext subjectAltName=IP:192.0.2.10", day(-2), func(c *x509.Certificate) string {
			return "server.crt is not valid before " + local(c.NotBefore) + "; devices will refuse it"
		}, true},
		{"clock of 1970", "-newkey rsa:2048 -days 400 -addext subjectAltName=IP:192.0.2.10", func() time.Time { return time.Unix(1000, 0) }, func(c *x509.Certificate) string {
			return "this machine's clock says 1970-01-01, which no certificate will fit\nserver.crt is not valid before " + local(c.NotBefore) + "; devices will refuse it"
		}, true},
		{"common name alone", "-newkey rsa:2048 -days 400", day(0), func(*x509.Certificate) string {
			return `server.crt has no subject alternative name, only the common name "nms.example.net"; a device that dials an address will refuse it`
		}, false},
		{"for clients", "-newkey rsa:2048 -days 400 -addext subjectAltName=IP:192.0.2.10 -addext extendedKeyUsage=clientAuth", day(0), func(*x509.Certificate) string {
			return "server.crt is not meant for servers (no serverAuth in its extended key usage)"
		}, false},
		{"RSA 1024", "-newkey rsa:1024 -days 400 -addext subjectAltName=IP:192.0.2.10", day(0), func(*x509.Certificate) string {
			return "server.crt has an RSA key of 1024 bits; most TLS libraries want 2048"
		}, false},
		{"SHA-1", "-newkey rsa:2048 -sha1 -days 400 -addext subjectAltName=IP:192.0.2.10", day(0), func(*x509.Certificate) string {
			return "server.crt is signed with SHA1-RSA, which devices refuse"
		}, false},
		{"RSA 4608", "-newkey rsa:4608 -days 400 -addext subjectAltName=IP:192.0.2.10", day(0), func(*x509.Certificate) string {
			return "server.crt has an RSA key of 4608 bits; above 4096 a device wants the certificate as a file"
		}, false},
	} {
		if x.name == "RSA 4608" && testing.Short() {
			continue
		}
		dir := filepath.Join(t.TempDir(), fmt.Sprint(i))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		crt, key := filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key")
		openssl(t, append([]string{"req", "-x509", "-noenc", "-subj", "/CN=nms.example.net", "-out", crt, "-keyout", key}, strings.Fields(x.args)...)...)
		p, err := Load(crt, key, x.now())
		if err != nil {
			t.Errorf("%s: %v", x.name, err)
			continue
		}
		want := ""
		if x.want != nil {
			want = x.want(p.Leaf)
		}
		if got := told(dir, strings.Join(p.Warnings, "\n")); got != want || p.Expired != x.expired {
			t.Errorf("%s: expired %t\n got %s\nwant %s", x.name, p.Expired, got, want)
		}
	}
}

// authority is a root, an intermediate and a server below it, made by openssl.
type authority struct{ root, inter, leaf, key string }

func newAuthority(t *testing.T) authority {
	t.Helper()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	openssl(t, "req", "-x509", "-noenc", "-newkey", "rsa:2048", "-days", "3650", "-subj", "/CN=Lab Root", "-out", path("root.crt"), "-keyout", path("root.key"))
	sign := func(name, subject, issuer string, ext ...string) {
		openssl(t, append([]string{"req", "-x509", "-noenc", "-newkey", "rsa:2048", "-days", "400", "-subj", subject, "-CA", path(issuer + ".crt"), "-CAkey", path(issuer + ".key"),
			"-out", path(name + ".crt"), "-keyout", path(name + ".key")}, ext...)...)
	}
	sign("inter", "/CN=Lab Intermediate", "root", "-addext", "basicConstraints=critical,CA:TRUE,pathlen:0", "-addext", "keyUsage=critical,keyCertSign")
	sign("leaf", "/CN=nms.example.net", "inter", "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth",
		"-addext", "subjectAltName=DNS:nms.example.net,IP:127.0.0.1")
	return authority{path("root.crt"), path("inter.crt"), path("leaf.crt"), path("leaf.key")}
}

// TestChainsOfAnAuthority: a signed certificate with its chain is taken by TLS
// clients that trust the root, by address and by name. One without its
// intermediate is not, and that is what is warned of.
func TestChainsOfAnAuthority(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	dir := t.TempDir()
	read := func(name string) string {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	file := func(name string, parts ...string) string {
		text := ""
		for _, p := range parts {
			text += read(p)
		}
		return write(t, filepath.Join(dir, name), []byte(text), 0o644)
	}
	for _, x := range []struct {
		file, want string
		taken      bool
	}{
		{file("whole.crt", a.leaf, a.inter, a.root), "", true},
		{file("usual.crt", a.leaf, a.inter), `usual.crt ends before the root: the device's trusted-cert must hold the certificate of "CN=Lab Root"`, true},
		{file("alone.crt", a.leaf), `alone.crt ends before the root: the device's trusted-cert must hold the certificate of "CN=Lab Intermediate"`, false},
		{file("gap.crt", a.leaf, a.root), "gap.crt: certificate 1 is not signed by certificate 2; the order must be leaf, intermediates, root", false},
		{file("turned.crt", a.leaf, a.root, a.inter), "turned.crt: certificate 1 is not signed by certificate 2; the order must be leaf, intermediates, root\n" +
			"turned.crt: certificate 2 is not signed by certificate 3; the order must be leaf, intermediates, root\n" +
			`turned.crt ends before the root: the device's trusted-cert must hold the certificate of "CN=Lab Root"`, true}, // TLS clients put it in order
	} {
		p, err := Load(x.file, a.key, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if got := told(dir, strings.Join(p.Warnings, "\n")); got != x.want {
			t.Errorf("%s:\n got %s\nwant %s", x.file, got, x.want)
		}
		r, err := NewReloader(x.file, a.key, time.Now, nil)
		if err != nil {
			t.Fatal(err)
		}
		addr := serve(t, r)
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM([]byte(read(a.root)))
		for _, as := range []struct {
			name, flag string
			right      bool
		}{{"127.0.0.1", "-verify_ip", true}, {"nms.example.net", "-verify_hostname", true}, {"127.0.0.2", "-verify_ip", false}, {"other.example.net", "-verify_hostname", false}} {
			ok := x.taken && as.right
			c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: roots, ServerName: as.name})
			if (err == nil) != ok {
				t.Errorf("%s as %s: %v", x.file, as.name, err)
			}
			if err == nil {
				c.Close()
			}
			cmd := exec.Command("openssl", "s_client", "-connect", addr, "-CAfile", a.root, as.flag, as.name, "-verify_return_error", "-brief")
			if out, err := cmd.CombinedOutput(); (err == nil) != ok {
				t.Errorf("openssl, %s as %s: %v\n%s", x.file, as.name, err, out)
			}
			if why := p.For(as.name); (why == "") != as.right {
				t.Errorf("For(%s): %q", as.name, why)
			}
		}
	}
}

// serve shows the pair to whoever connects until the test ends.
func serve(t *testing.T, r *Reloader) (addr string) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: r.GetCertificate, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() { // ends with the listener
		defer close(over)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.(*tls.Conn).Handshake() // what the client says counts
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-over
	})
	return l.Addr().String()
}

// TestReplacedFilesNeverTakeAListenerDown: whatever is put in the place of the
// files, connections get the last pair that was good.
func TestReplacedFilesNeverTakeAListenerDown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	crt, key := filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key")
	now := time.Now()
	if _, err := Save(crt, key, []string{"a.example"}, P256, false, now); err != nil {
		t.Fatal(err)
	}
	var said []string
	r, err := NewReloader(crt, key, func() time.Time { return now }, func(_ *Pair, err error) {
		text := "taken"
		if err != nil {
			text = err.(*keys.Fault).Code
		}
		said = append(said, text)
	})
	if err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		name string
		do   func() error
		want string
	}{
		{"an empty file", func() error { return os.WriteFile(crt, nil, 0o644) }, "TLS-PEM"},
		{"the same again", func() error { return nil }, ""},
		{"no file", func() error { return os.Remove(crt) }, "TLS-FILE"},
		{"a directory", func() error { return os.Mkdir(crt, 0o700) }, "TLS-FILE"},
		{"a key for all to read", func() error { return os.Chmod(key, 0o644) }, ""}, // size and time are the same: it is not read
		{"a new pair", func() error {
			if err := os.Remove(crt); err != nil {
				return err
			}
			_, err := Save(crt, key, []string{"b.example"}, P256, true, now)
			return err
		}, "taken"},
	}
	for _, x := range steps {
		if err := x.do(); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Minute)
		said = nil
		c, err := r.GetCertificate(&tls.ClientHelloInfo{})
		if err != nil || c == nil || strings.Join(said, " ") != x.want {
			t.Errorf("%s: %v, said %q, want %q", x.name, err, said, x.want)
		}
		if name := Names(r.Pair().Leaf)[0]; (name == "b.example") != (x.want == "taken") {
			t.Errorf("%s: %s is shown", x.name, name)
		}
	}
}
