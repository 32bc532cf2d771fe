package outboundsim

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"

	"google.golang.org/grpc/credentials"
)

const (
	certBegin = "-----BEGIN CERTIFICATE-----"
	certEnd   = "-----END CERTIFICATE-----"
)

// anchors reads trusted-cert: certificates back to back between their markers,
// with or without line breaks.
func anchors(text []byte) (*x509.CertPool, error) {
	pool, n := x509.NewCertPool(), 0
	for {
		_, after, ok := bytes.Cut(text, []byte(certBegin))
		if !ok {
			break
		}
		body, rest, ok := bytes.Cut(after, []byte(certEnd))
		if !ok {
			return nil, errors.New("the last of the trusted certificates has no end")
		}
		der, err := base64.StdEncoding.DecodeString(string(bytes.Join(bytes.Fields(body), nil)))
		if err != nil {
			return nil, fmt.Errorf("trusted certificate %d: %w", n+1, err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("trusted certificate %d: %w", n+1, err)
		}
		pool.AddCert(c)
		text, n = rest, n+1
	}
	if n == 0 {
		return nil, errors.New("no certificate in the trusted ones")
	}
	return pool, nil
}

// credentials check the server's certificate as a device's gRPC does: against the
// trusted ones alone, and the name by the rule of protocol.md 4.3.
func (d *Device) credentials(server string) credentials.TransportCredentials {
	name := d.o.ServerName
	if name == "" {
		if host, _, err := net.SplitHostPort(server); err == nil {
			name = host
		}
	}
	return credentials.NewTLS(&tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         name,
		InsecureSkipVerify: true, // VerifyConnection does it: Go alone never looks at the CN
		VerifyConnection: func(cs tls.ConnectionState) error {
			leaf, sent := cs.PeerCertificates[0], x509.NewCertPool()
			for _, c := range cs.PeerCertificates[1:] {
				sent.AddCert(c)
			}
			if _, err := leaf.Verify(x509.VerifyOptions{Roots: d.trust, Intermediates: sent}); err != nil {
				return err
			}
			return matchName(leaf, name)
		},
	})
}

// matchName compares a certificate with the name that was dialled: any SAN at all
// rules the CN out, an address must be among the SANs, and the CN serves only for
// names.
func matchName(leaf *x509.Certificate, name string) error {
	sans := len(leaf.DNSNames) + len(leaf.IPAddresses) + len(leaf.EmailAddresses) + len(leaf.URIs)
	if sans > 0 || net.ParseIP(name) != nil {
		return leaf.VerifyHostname(name)
	}
	byCN := x509.Certificate{DNSNames: []string{leaf.Subject.CommonName}}
	if byCN.VerifyHostname(name) != nil {
		return fmt.Errorf("the certificate is for %q, not for %q", leaf.Subject.CommonName, name)
	}
	return nil
}
