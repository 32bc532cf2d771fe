package desk

import (
	"errors"
	"io/fs"

	"dialtone/keys"
	"dialtone/keys/cert"
)

// Certificate is what devices are shown that dial in by outbound HTTPS.
type Certificate struct {
	CertFile, KeyFile string     // "" when it is in no file, and cannot be made anew
	Pair              *cert.Pair // nil when there is none that can be used
	Err               error      // why there is none
}

// Missing reports that there is no certificate yet, and nothing that would be
// replaced.
func (c Certificate) Missing() bool {
	var f *keys.Fault
	return c.Pair == nil && errors.As(c.Err, &f) && f.Code == "TLS-FILE" && errors.Is(f.Err, fs.ErrNotExist)
}

// Certificate reads and checks the certificate as it is now. It reads files, so
// it belongs into a command.
func (f *Front) Certificate() Certificate {
	if r := f.o.Certificates; r != nil {
		return Certificate{Pair: r.Pair()}
	}
	c := Certificate{CertFile: f.o.CertFile, KeyFile: f.o.KeyFile}
	if c.CertFile == "" {
		c.Err = &keys.Fault{Code: "TLS-NONE", What: "there is no directory for a certificate"}
		return c
	}
	c.Pair, c.Err = cert.Load(c.CertFile, c.KeyFile, f.o.Now())
	return c
}

// MakeCertificate makes a pair for the names and addresses that devices dial,
// and has listeners use it from the next connection on. Files that are there are
// replaced only with replace. It may take seconds, for a long key.
func (f *Front) MakeCertificate(hosts []string, kt cert.KeyType, replace bool) (*cert.Pair, error) {
	if f.o.Certificates != nil || f.o.CertFile == "" {
		return nil, &keys.Fault{Code: "TLS-NONE", What: "this run keeps no certificate in files"}
	}
	p, err := cert.Save(f.o.CertFile, f.o.KeyFile, hosts, kt, replace, f.o.Now())
	if err != nil {
		return nil, err
	}
	f.https.mu.Lock()
	r := f.https.certs
	f.https.mu.Unlock()
	if r != nil {
		r.Look()
	}
	return p, nil
}

// ListenStale is ListenAs for outbound HTTPS with a certificate that devices will
// refuse, because a person who knows it wants that: one that has expired, or is
// not valid yet. It holds until the program ends.
func (f *Front) ListenStale(s Setting) error {
	f.https.mu.Lock()
	f.https.stale = true
	f.https.mu.Unlock()
	return f.ListenAs(s)
}
