package outboundsim_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"dialtone/conn/callhome"
	"dialtone/conn/link"
	"dialtone/conn/outbound"
	"dialtone/conn/outbound/outboundsim"
	"dialtone/keys"
	"dialtone/keys/cert"
)

const patience = time.Minute

// names are what a certificate of a test says of itself.
type names struct {
	cn      string
	dns     []string
	ips     []string
	expired bool
	issuer  *tls.Certificate
}

func issue(t *testing.T, n names) (c tls.Certificate, text []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tm := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: n.cn}, DNSNames: n.dns, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, ip := range n.ips {
		tm.IPAddresses = append(tm.IPAddresses, net.ParseIP(ip))
	}
	if n.expired {
		tm.NotBefore, tm.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	}
	parent, signer := tm, any(key)
	if n.issuer != nil {
		if parent, err = x509.ParseCertificate(n.issuer.Certificate[0]); err != nil {
			t.Fatal(err)
		}
		signer = n.issuer.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, tm, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	c = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return c, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// office is a server that devices dial, with what happened at it.
type office struct {
	*outbound.Server
	addr   string
	events chan outbound.Event
}

func open(t *testing.T, c tls.Certificate, addr string) *office {
	t.Helper()
	o := &office{events: make(chan outbound.Event, 1000)}
	o.Server = outbound.New(outbound.Options{Hold: 50 * time.Millisecond, Book: o, OnEvent: func(ev outbound.Event) {
		select {
		case o.events <- ev:
		default:
		}
	}, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &c, nil }})
	t.Cleanup(o.Close)
	if err := o.Start(addr); err != nil {
		t.Fatal(err)
	}
	o.addr = o.expect(t, outbound.Listening).Addr
	return o
}

// ByID makes the office its own book.
func (o *office) ByID(id string) (callhome.Entry, bool) {
	return callhome.Entry{Target: link.Target{Name: id, Via: link.HTTPS, DeviceID: id},
		Secret: func(context.Context) (keys.Secret, error) { return keys.NewSecret([]byte("s3cret")), nil }}, true
}

func (o *office) expect(t *testing.T, k outbound.EventKind) outbound.Event {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		select {
		case ev := <-o.events:
			if ev.Kind == k {
				return ev
			}
		case <-limit.C:
			t.Fatalf("no event %q", k)
		}
	}
}

// start runs a device until the test ends; what it logs goes to the channel.
func start(t *testing.T, o outboundsim.Options) (*outboundsim.Device, chan string) {
	t.Helper()
	log := make(chan string, 1000)
	o.DeviceID, o.Secret = "r1", "s3cret"
	o.Log = func(text string) {
		select {
		case log <- text:
		default:
		}
	}
	d, err := outboundsim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { // ends with the test
		defer close(done)
		d.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return d, log
}

func TestTrustIsThatOfADevice(t *testing.T) {
	t.Parallel()
	const ip, name = "127.0.0.1", "localhost"
	root, rootPEM := issue(t, names{cn: "Root"})
	for _, x := range []struct {
		name string
		n    names
		dial string
		good bool
	}{
		{"address among the SANs", names{cn: "x", ips: []string{ip}}, ip, true},
		{"another address among the SANs", names{cn: ip, ips: []string{"192.0.2.1"}}, ip, false},
		{"an address never by CN", names{cn: ip}, ip, false},
		{"name by CN", names{cn: name}, name, true},
		{"name among the SANs", names{cn: "x", dns: []string{name}}, name, true},
		{"any SAN rules the CN out", names{cn: name, ips: []string{ip}}, name, false},
		{"another name", names{cn: "nms.example"}, name, false},
		{"expired", names{cn: name, expired: true}, name, false},
		{"signed by what is trusted", names{cn: name, dns: []string{name}, issuer: &root}, name, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			c, text := issue(t, x.n)
			if x.n.issuer != nil {
				text = rootPEM
			}
			o := open(t, c, "127.0.0.1:0")
			_, port, _ := net.SplitHostPort(o.addr)
			_, log := start(t, outboundsim.Options{Servers: []string{net.JoinHostPort(x.dial, port)}, Roots: []byte(cert.OneLine(append(rootPEM, text...))), WaitTime: time.Hour})
			if x.good {
				o.expect(t, outbound.Waiting)
				return
			}
			if said := <-log; !strings.Contains(said, "no server is up") {
				t.Errorf("the device says %q", said)
			}
			ev := o.expect(t, outbound.Refused)
			var f *keys.Fault
			if !errors.As(ev.Err, &f) || f.Code != "TLS-REFUSED" {
				t.Errorf("%v", ev.Err)
			}
		})
	}
}

func TestTrustedCertThatIsNone(t *testing.T) {
	t.Parallel()
	_, good := issue(t, names{cn: "x"})
	for _, bad := range []string{"", "none", string(good[:len(good)/2]), strings.Replace(string(good), "MII", "%%%", 1), strings.Replace(string(good), "MII", "AAA", 1)} {
		if _, err := outboundsim.New(outboundsim.Options{Servers: []string{"x:1"}, Roots: []byte(bad)}); err == nil {
			t.Errorf("%.60q was taken", bad)
		}
	}
}

// A command that never ends is interrupted while others wait behind it.
func TestShellIsInterrupted(t *testing.T) {
	t.Parallel()
	c, text := issue(t, names{cn: "localhost"})
	for _, endless := range []string{"yes", "cat", "sleep 100000"} {
		t.Run(endless, func(t *testing.T) {
			t.Parallel()
			o := open(t, c, "127.0.0.1:0")
			start(t, outboundsim.Options{Servers: []string{o.addr}, Roots: text, ServerName: "localhost"})
			id := o.expect(t, outbound.Waiting).Caller.ID
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			sh, err := o.Shell(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			defer sh.Close()
			for _, cmd := range []string{"echo here", endless, "echo never", "pwd"} {
				if err := sh.Run(cmd); err != nil {
					t.Fatal(err)
				}
			}
			first := make([]byte, len("here\n"))
			if _, err := io.ReadFull(sh, first); err != nil || string(first) != "here\n" {
				t.Fatalf("%q, %v", first, err)
			}
			if err := sh.Interrupt(); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(sh)
			if err != nil || bytes.Contains(rest, []byte("never")) {
				t.Errorf("%.100q, %v", rest, err)
			}
			if err := sh.Err(); err == nil || !strings.Contains(err.Error(), "killed") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestProgramThatStartsAgain(t *testing.T) {
	t.Parallel()
	c, text := issue(t, names{cn: "localhost"})
	o := open(t, c, "127.0.0.1:0")
	d, _ := start(t, outboundsim.Options{Servers: []string{o.addr}, Roots: text, ServerName: "localhost", WaitTime: time.Hour})
	first := o.expect(t, outbound.Waiting).Caller
	lk, err := o.Open(t.Context(), first.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer lk.Close()
	o.expect(t, outbound.Waiting)
	d.Restart()
	ev := o.expect(t, outbound.Warned)
	var f *keys.Fault
	if !errors.As(ev.Err, &f) || f.Code != "GRPC-INSTANCE" {
		t.Errorf("%v", ev.Err)
	}
	again := o.expect(t, outbound.Waiting).Caller
	if again.ID != first.ID || again.Instance != first.Instance+1 || again.Waiting != 1 || again.Sessions != 1 {
		t.Errorf("%+v became %+v", first, again)
	}
	hello := make([]byte, 4)
	if _, err := io.ReadFull(lk, hello); err != nil || string(hello) != "<!--" {
		t.Errorf("the session from before: %q, %v", hello, err)
	}
	second, err := o.Open(t.Context(), again.ID)
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
}

func TestServerThatGoesAwayAndComesBack(t *testing.T) {
	t.Parallel()
	c, text := issue(t, names{cn: "localhost"})
	first := open(t, c, "127.0.0.1:0")
	start(t, outboundsim.Options{Servers: []string{first.addr}, Roots: text, ServerName: "localhost", WaitTime: 10 * time.Millisecond})
	first.expect(t, outbound.Waiting)
	first.Close()
	open(t, c, first.addr).expect(t, outbound.Waiting)
}
