package cert

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"dialtone/keys"
	"dialtone/keys/atomicfile"
)

// Save makes a pair for hosts, writes it to two files (0644 and 0600) and
// returns it as Load reads it. Files that are there are replaced only with
// replace; without it the fault is TLS-EXISTS and nothing is touched.
func Save(certFile, keyFile string, hosts []string, kt KeyType, replace bool, now time.Time) (*Pair, error) {
	if !replace {
		for _, f := range []string{certFile, keyFile} {
			if _, err := os.Lstat(f); !errors.Is(err, fs.ErrNotExist) {
				return nil, &keys.Fault{Code: "TLS-EXISTS", What: f + " is there already", Kept: "It is untouched"}
			}
		}
	}
	certPEM, keyPEM, err := Make(hosts, kt, now)
	if err != nil {
		return nil, err
	}
	defer clear(keyPEM)
	// The key first: a listener that looks in between finds a pair that does not
	// fit, and keeps the one it has.
	if err := atomicfile.Write(keyFile, keyPEM, 0o600); err != nil {
		return nil, &keys.Fault{Code: "FS-IO", What: fmt.Sprintf("cannot save %s: %v", keyFile, err), Kept: "What was there is untouched", Err: err}
	}
	if err := atomicfile.Write(certFile, certPEM, 0o644); err != nil {
		return nil, &keys.Fault{Code: "FS-IO", What: fmt.Sprintf("cannot save %s: %v", certFile, err), Kept: "The new key is in " + keyFile, Do: "Make the pair again, replacing what is there", Err: err}
	}
	return Load(certFile, keyFile, now)
}

// Fingerprint is the SHA-256 of a certificate in the form of openssl.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}
