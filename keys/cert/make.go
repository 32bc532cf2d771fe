// Package cert makes and checks the certificate that devices see when they dial
// us over outbound HTTPS. Junos takes a certificate as its trust anchor and
// wants the address that it dials in it.
package cert

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"time"

	"dialtone/keys"
)

// KeyType is the kind of key of a certificate that we make.
type KeyType string

// The kinds. Above 4096 bits a device could no longer take the certificate as an
// argument.
const (
	P256    KeyType = "ecdsa-p256"
	RSA2048 KeyType = "rsa-2048"
	RSA4096 KeyType = "rsa-4096"
)

// Life is how long a certificate of ours is good for.
const Life = 825 * 24 * time.Hour

// Make makes a self-signed certificate for hosts, each a DNS name or an IP
// address, in PEM. The first host is the common name; all are alternative
// names, because clients ignore the common name once there is one of those. The
// certificate may sign itself (CA:TRUE), or TLS libraries that take it as a
// trust anchor would not accept it.
func Make(hosts []string, kt KeyType, now time.Time) (certPEM, keyPEM []byte, err error) {
	tmpl := &x509.Certificate{
		NotBefore:             now.Add(-time.Hour).UTC().Truncate(time.Second),
		NotAfter:              now.Add(Life).UTC().Truncate(time.Second),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	if err := names(tmpl, hosts); err != nil {
		return nil, nil, err
	}
	var key crypto.Signer
	switch kt {
	case P256, "":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case RSA2048, RSA4096:
		bits := 2048
		if kt == RSA4096 {
			bits = 4096
		}
		tmpl.KeyUsage |= x509.KeyUsageKeyEncipherment
		key, err = rsa.GenerateKey(rand.Reader, bits)
	default:
		return nil, nil, &keys.Fault{Code: "TLS-KEYTYPE", What: fmt.Sprintf("%q is not a kind of key", kt), Do: "Use ecdsa-p256, rsa-2048 or rsa-4096"}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	if tmpl.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return nil, nil, err
	}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, nil, err
	}
	id := sha256.Sum256(spki)
	tmpl.SubjectKeyId, tmpl.AuthorityKeyId = id[:20], id[:20]
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return nil, nil, fmt.Errorf("sign the certificate: %w", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), nil
}

// CheckHosts reports why no certificate can be made for hosts; nil when one can.
func CheckHosts(hosts []string) error { return names(&x509.Certificate{}, hosts) }

// names fills common name and alternative names.
func names(c *x509.Certificate, hosts []string) error {
	if len(hosts) == 0 {
		return &keys.Fault{Code: "TLS-NAME", What: "a certificate needs at least one name or address", Do: "Give the address that devices dial"}
	}
	c.Subject = pkix.Name{CommonName: hosts[0]}
	for _, h := range hosts {
		if ip, err := netip.ParseAddr(strings.Trim(h, "[]")); err == nil {
			c.IPAddresses = append(c.IPAddresses, ip.Unmap().WithZone("").AsSlice())
			if h == hosts[0] {
				c.Subject.CommonName = ip.String()
			}
			continue
		}
		if !goodName(h) {
			return &keys.Fault{Code: "TLS-NAME", What: fmt.Sprintf("%q is neither a host name nor an IP address", h)}
		}
		c.DNSNames = append(c.DNSNames, strings.TrimSuffix(h, "."))
	}
	if len(c.Subject.CommonName) > 64 {
		c.Subject.CommonName = ""
	}
	return nil
}

// goodName reports a host name of letters, digits and inner hyphens.
func goodName(h string) bool {
	h = strings.TrimSuffix(h, ".")
	if h == "" || len(h) > 253 {
		return false
	}
	for _, label := range strings.Split(h, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
				return false
			}
		}
	}
	return true
}

// OneLine joins PEM text to one line with its BEGIN and END markers, as
// trusted-cert of a device's configuration takes it.
func OneLine(certPEM []byte) string {
	return strings.NewReplacer("\r", "", "\n", "").Replace(string(certPEM))
}
