package cert

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"dialtone/keys"
)

const maxPEM = 1 << 20

// Pair is a certificate chain with its key, checked.
type Pair struct {
	TLS   tls.Certificate
	Leaf  *x509.Certificate
	Chain []*x509.Certificate // leaf first
	PEM   []byte              // the certificates as one PEM text
	// Warnings say what a device may object to, one sentence each.
	Warnings []string
	// Expired is set when devices will refuse the certificate now; a listener
	// asks before it starts with such a pair.
	Expired bool
}

// Load reads and checks a certificate file and a key file.
// Errors are *keys.Fault with code TLS-…, file and number of the PEM block.
func Load(certFile, keyFile string, now time.Time) (*Pair, error) {
	certText, err := readPEM(certFile, false)
	if err != nil {
		return nil, err
	}
	keyText, err := readPEM(keyFile, true)
	if err != nil {
		return nil, err
	}
	return parse(certFile, certText, keyFile, keyText, now)
}

// parse checks a pair; the names are those of its files.
func parse(certFile string, certText []byte, keyFile string, keyText []byte, now time.Time) (*Pair, error) {
	p := &Pair{}
	if err := p.certificates(certFile, certText); err != nil {
		return nil, err
	}
	key, err := privateKey(keyFile, keyText)
	if err != nil {
		return nil, err
	}
	type comparable interface{ Equal(crypto.PublicKey) bool }
	if pub, ok := p.Leaf.PublicKey.(comparable); !ok || !pub.Equal(key.Public()) {
		return nil, &keys.Fault{Code: "TLS-PAIR", What: fmt.Sprintf("%s does not belong to %s", keyFile, certFile),
			Do: "The first certificate in the file must be the one of the key"}
	}
	p.TLS.PrivateKey, p.TLS.Leaf = key, p.Leaf
	p.check(certFile, now)
	return p, nil
}

// Read reads a certificate file alone: its first certificate, and all of them as
// one PEM text.
func Read(certFile string) (leaf *x509.Certificate, certPEM []byte, err error) {
	text, err := readPEM(certFile, false)
	if err != nil {
		return nil, nil, err
	}
	p := &Pair{}
	if err := p.certificates(certFile, text); err != nil {
		return nil, nil, err
	}
	return p.Leaf, p.PEM, nil
}

// readPEM reads at most 1 MiB of a regular file. A key must be a file of ours
// that nobody else may read, and no link to somewhere else.
func readPEM(name string, secret bool) ([]byte, error) {
	stat := os.Stat
	if secret {
		stat = os.Lstat
	}
	fi, err := stat(name)
	if err != nil {
		return nil, &keys.Fault{Code: "TLS-FILE", What: fmt.Sprintf("%s: %v", name, keys.Cause(err)), Do: "Make a pair with: dialtone cert HOST", Err: err}
	}
	if !fi.Mode().IsRegular() {
		return nil, irregular(name, fi.Mode())
	}
	if fi.Size() > maxPEM {
		return nil, &keys.Fault{Code: "TLS-FILE", What: fmt.Sprintf("%s has %d bytes; a PEM file of more than 1 MiB is not read", name, fi.Size())}
	}
	if secret {
		if err := keyMode(name, fi); err != nil {
			return nil, err
		}
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, &keys.Fault{Code: "TLS-FILE", What: fmt.Sprintf("%s: %v", name, keys.Cause(err)), Err: err}
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxPEM))
	if err != nil {
		return nil, &keys.Fault{Code: "TLS-FILE", What: fmt.Sprintf("%s: %v", name, keys.Cause(err)), Err: err}
	}
	return b, nil
}

// irregular is the fault of something that is no plain file.
func irregular(name string, mode fs.FileMode) error {
	f := &keys.Fault{Code: "TLS-FILE"}
	kind := "not a file of bytes"
	switch {
	case mode&fs.ModeSymlink != 0:
		kind, f.Do = "a link", "Name the file itself, of mode 0600"
	case mode.IsDir():
		kind = "a directory"
	case mode&fs.ModeDevice != 0:
		kind = "a device"
	}
	f.What = fmt.Sprintf("%s is not a regular file (%s)", name, kind)
	return f
}

// certificates reads every certificate of a file in its order.
func (p *Pair) certificates(file string, text []byte) error {
	block, rest := pem.Decode(text)
	for n := 1; block != nil; n++ {
		if block.Type == "CERTIFICATE" {
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return &keys.Fault{Code: "TLS-CERT", What: fmt.Sprintf("%s, block %d: %v", file, n, err), Err: err}
			}
			p.Chain = append(p.Chain, c)
			p.TLS.Certificate = append(p.TLS.Certificate, block.Bytes)
			p.PEM = append(p.PEM, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: block.Bytes})...)
		}
		block, rest = pem.Decode(rest)
	}
	if len(p.Chain) == 0 {
		return &keys.Fault{Code: "TLS-PEM", What: fmt.Sprintf("%s holds no certificate in PEM%s", file, guess(text, "x509")),
			Do: "A PEM certificate begins with -----BEGIN CERTIFICATE-----"}
	}
	p.Leaf = p.Chain[0]
	return nil
}

// guess says what a file seems to be instead of PEM; tool is the part of openssl
// that converts it.
func guess(text []byte, tool string) string {
	switch {
	case len(text) == 0:
		return ": it is empty"
	case bytes.HasPrefix(text, []byte{0x30, 0x82}) && bytes.Contains(text[:min(len(text), 64)], []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07}):
		return ": it seems to be PKCS#12; convert it with openssl pkcs12"
	case bytes.HasPrefix(text, []byte{0x30}):
		return ": it seems to be DER; convert it with openssl " + tool + " -inform der"
	}
	return ""
}

// privateKey reads the only key of a file.
func privateKey(file string, text []byte) (crypto.Signer, error) {
	var found crypto.Signer
	block, rest := pem.Decode(text)
	for n := 1; block != nil; n++ {
		where := fmt.Sprintf("%s, block %d", file, n)
		switch {
		case block.Type == "EC PARAMETERS", block.Type == "CERTIFICATE":
		case block.Type == "ENCRYPTED PRIVATE KEY", strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
			return nil, &keys.Fault{Code: "TLS-LOCKED", What: where + ": the key is encrypted, and a listener cannot ask for its passphrase",
				Do: "Decrypt it with openssl pkey into a file of mode 0600"}
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			key, err := parseKey(block)
			if err != nil {
				return nil, &keys.Fault{Code: "TLS-KEY", What: where + ": " + err.Error(), Err: err}
			}
			if found != nil {
				return nil, &keys.Fault{Code: "TLS-KEY", What: where + ": a second key; which one is meant cannot be known"}
			}
			found = key
		}
		block, rest = pem.Decode(rest)
	}
	if found == nil {
		return nil, &keys.Fault{Code: "TLS-PEM", What: fmt.Sprintf("%s holds no private key in PEM%s", file, guess(text, "pkey"))}
	}
	return found, nil
}

func parseKey(b *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch b.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(b.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(b.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(b.Bytes)
	}
	if err != nil {
		return nil, err
	}
	s, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%T cannot sign", key)
	}
	return s, nil
}

// check collects what devices may object to.
func (p *Pair) check(file string, now time.Time) {
	warn := func(format string, args ...any) { p.Warnings = append(p.Warnings, fmt.Sprintf(format, args...)) }
	if now.Year() < 2024 {
		warn("this machine's clock says %s, which no certificate will fit", now.Format("2006-01-02"))
	}
	c := p.Leaf
	day := func(t time.Time) string { return t.Local().Format("2006-01-02") }
	switch {
	case now.After(c.NotAfter):
		p.Expired = true
		warn("%s expired on %s; devices will refuse it", file, day(c.NotAfter))
	case now.Before(c.NotBefore):
		p.Expired = true
		warn("%s is not valid before %s; devices will refuse it", file, day(c.NotBefore))
	case c.NotAfter.Sub(now) < 30*24*time.Hour:
		warn("%s expires on %s", file, day(c.NotAfter))
	}
	if len(c.DNSNames)+len(c.IPAddresses) == 0 {
		warn("%s has no subject alternative name, only the common name %q; a device that dials an address will refuse it", file, c.Subject.CommonName)
	}
	selfSigned := bytes.Equal(c.RawIssuer, c.RawSubject)
	if c.IsCA && !selfSigned {
		warn("%s is the certificate of an authority, not of a server", file)
	}
	if len(c.ExtKeyUsage) > 0 && !serverAuth(c) {
		warn("%s is not meant for servers (no serverAuth in its extended key usage)", file)
	}
	if k, ok := c.PublicKey.(*rsa.PublicKey); ok {
		switch n := k.N.BitLen(); {
		case n < 2048:
			warn("%s has an RSA key of %d bits; most TLS libraries want 2048", file, n)
		case n > 4096:
			warn("%s has an RSA key of %d bits; above 4096 a device wants the certificate as a file", file, n)
		}
	}
	switch c.SignatureAlgorithm {
	case x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.MD5WithRSA, x509.DSAWithSHA1:
		warn("%s is signed with %s, which devices refuse", file, c.SignatureAlgorithm)
	}
	p.checkChain(file, now, warn)
}

func serverAuth(c *x509.Certificate) bool {
	for _, u := range c.ExtKeyUsage {
		if u == x509.ExtKeyUsageServerAuth || u == x509.ExtKeyUsageAny {
			return true
		}
	}
	return false
}

// checkChain says what a device will see of an incomplete or disordered chain.
func (p *Pair) checkChain(file string, now time.Time, warn func(string, ...any)) {
	for i, c := range p.Chain[:len(p.Chain)-1] {
		issuer := p.Chain[i+1]
		if c.CheckSignatureFrom(issuer) != nil {
			warn("%s: certificate %d is not signed by certificate %d; the order must be leaf, intermediates, root", file, i+1, i+2)
		}
		if now.After(issuer.NotAfter) {
			warn("%s: certificate %d (%.80q) has expired", file, i+2, issuer.Subject.String())
		}
	}
	last := p.Chain[len(p.Chain)-1]
	if !bytes.Equal(last.RawIssuer, last.RawSubject) {
		warn("%s ends before the root: the device's trusted-cert must hold the certificate of %.80q", file, last.Issuer.String())
	}
}

// For reports why a device that dials host would refuse the certificate; "" when
// it would not. An alternative name switches the common name off, and an
// address must be there as an address.
func (p *Pair) For(host string) string {
	host = strings.Trim(host, "[]")
	if err := p.Leaf.VerifyHostname(host); err == nil {
		return ""
	}
	if len(p.Leaf.DNSNames)+len(p.Leaf.IPAddresses) == 0 && strings.EqualFold(p.Leaf.Subject.CommonName, host) {
		return ""
	}
	return fmt.Sprintf("the certificate is for %s, not for %s", strings.Join(Names(p.Leaf), ", "), host)
}

// Names lists what a certificate is for: alternative names, or else the common
// name.
func Names(c *x509.Certificate) []string {
	var out []string
	out = append(out, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		out = append(out, ip.String())
	}
	if len(out) == 0 {
		out = append(out, c.Subject.CommonName)
	}
	return out
}
