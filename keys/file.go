package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

// maxKeyFile is the size up to which a key file is read.
const maxKeyFile = 64 << 10

// passphraseTries is how often a person is asked for one passphrase.
const passphraseTries = 3

// Files loads private keys from files.
type Files struct {
	Home   string     // for ~/; "": the person's
	Ask    Passphrase // nil: locked keys are refused
	Legacy bool       // RSA below 2048 bits and SHA-1 signatures allowed
}

// DefaultFiles are the names that are tried when none is configured, as far as
// they exist, in the order of preference.
func (o Files) DefaultFiles() []string {
	var out []string
	for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
		if p := o.Expand("~/.ssh/" + name); p != "" {
			if _, err := os.Stat(p); err == nil {
				out = append(out, p)
			}
		}
	}
	return out
}

// Expand replaces a leading ~/ by the home directory. Nothing else is special.
func (o Files) Expand(path string) string {
	rest, ok := strings.CutPrefix(path, "~/")
	if !ok {
		return path
	}
	home := o.Home
	if home == "" {
		var err error
		if home, err = os.UserHomeDir(); err != nil {
			return path
		}
	}
	return filepath.Join(home, rest)
}

// Load reads one key file, and the certificate beside it ("-cert.pub"), which
// then comes first. A passphrase is asked for only when a signature is needed
// (at once for old file forms that hide the public key); ctx bounds it. The
// fault is KEY-FILE, KEY-PERM, KEY-PASS, KEY-WEAK or KEY-TYPE.
//
// A path may also name the public file of a key, as it does for keys that only
// an agent holds; the private one beside it is read then.
func (o Files) Load(ctx context.Context, path string) ([]Credential, error) {
	path = o.Expand(path)
	if half, ok := strings.CutSuffix(path, ".pub"); ok && readPublic(path) != nil {
		if _, err := os.Stat(half); err != nil {
			return nil, &Fault{Code: "KEY-FILE", What: fmt.Sprintf("%s is a public key without its private one beside it", path),
				Do: "Load the private key into the ssh-agent, or name its file", Err: err}
		}
		path = half
	}
	data, err := ReadPrivate(path, maxKeyFile)
	if err != nil {
		return nil, err
	}
	key, err := o.parse(ctx, path, data)
	if err != nil {
		return nil, err
	}
	if bits := weakRSA(key.PublicKey()); bits > 0 && !o.Legacy {
		return nil, &Fault{Code: "KEY-WEAK", What: fmt.Sprintf("%s is an RSA key of %d bits; 2048 is the least", path, bits),
			Do: "Make a new key with ssh-keygen, or switch on \"ssh-rsa\" for this profile"}
	}
	out := []Credential{{Signer: key, From: path}}
	if cert := o.certificate(path, key); cert != nil {
		out = append([]Credential{{Signer: cert, From: path + "-cert.pub"}}, out...)
	}
	return out, nil
}

// Public returns the public key that lies beside a key file, or that path
// itself names, or nil. It is used to put a key of the agent first, never to
// decide.
func (o Files) Public(path string) ssh.PublicKey {
	path = o.Expand(path)
	if strings.HasSuffix(path, ".pub") {
		if key := readPublic(path); key != nil {
			return key
		}
	}
	return readPublic(path + ".pub")
}

// readPublic reads the file of a public key; nil when it is none.
func readPublic(path string) ssh.PublicKey {
	data, _, err := readRegular(path, maxKeyFile)
	if err != nil {
		return nil
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(data)
	if err != nil {
		return nil
	}
	return key
}

// parse makes a signer of the file's content.
func (o Files) parse(ctx context.Context, path string, data []byte) (ssh.Signer, error) {
	raw, err := ssh.ParseRawPrivateKey(data)
	var locked *ssh.PassphraseMissingError
	switch {
	case err == nil:
		return o.signer(path, raw)
	case !errors.As(err, &locked):
		return nil, &Fault{Code: "KEY-FILE", What: fmt.Sprintf("%s is no private key that can be read (%q)", path, err.Error()),
			Do: "Check the file with ssh-keygen -y -f", Err: err}
	}
	public := locked.PublicKey
	if public == nil {
		if p := o.Public(path); p != nil {
			public = bareKey(p)
		}
	}
	if public == nil {
		raw, err := o.unlock(ctx, path, data)
		if err != nil {
			return nil, err
		}
		return o.signer(path, raw)
	}
	unlock := sync.OnceValues(func() (ssh.Signer, error) { // asks once in a life
		raw, err := o.unlock(ctx, path, data)
		if err != nil {
			return nil, err
		}
		return o.signer(path, raw)
	})
	s := &signer{key: public, algos: signAlgorithms(public, o.Legacy)}
	s.sign = func(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
		inner, err := unlock()
		if err != nil {
			return nil, err
		}
		as, ok := inner.(ssh.AlgorithmSigner)
		if !ok || !sameKey(inner.PublicKey(), public) {
			return nil, &Fault{Code: "KEY-FILE", What: path + " does not hold the key that its public part names"}
		}
		return as.SignWithAlgorithm(rand, data, algorithm)
	}
	return s, nil
}

// signer wraps a decoded key so that RSA signs with SHA-2.
func (o Files) signer(path string, raw any) (ssh.Signer, error) {
	s, err := ssh.NewSignerFromKey(raw)
	if err != nil {
		return nil, &Fault{Code: "KEY-TYPE", What: fmt.Sprintf("%s holds a key that cannot be used (%q)", path, err.Error()), Err: err}
	}
	if s.PublicKey().Type() == "ssh-dss" {
		return nil, &Fault{Code: "KEY-TYPE", What: path + " is a DSA key, which is never used", Do: "Make a new key with ssh-keygen"}
	}
	as, ok := s.(ssh.AlgorithmSigner)
	if !ok {
		return s, nil
	}
	multi, err := ssh.NewSignerWithAlgorithms(as, signAlgorithms(s.PublicKey(), o.Legacy))
	if err != nil {
		return nil, &Fault{Code: "KEY-TYPE", What: fmt.Sprintf("%s holds a key that cannot be used (%q)", path, err.Error()), Err: err}
	}
	return multi, nil
}

// unlock asks for the passphrase until it fits, at most three times.
func (o Files) unlock(ctx context.Context, path string, data []byte) (any, error) {
	if o.Ask == nil {
		return nil, &Fault{Code: "KEY-PASS", What: path + " is locked by a passphrase and nobody is there to give it",
			Do: "Add the key to the ssh-agent with ssh-add"}
	}
	for try := 1; try <= passphraseTries; try++ {
		pass, err := o.Ask(ctx, path, try)
		if err != nil {
			return nil, &Fault{Code: "KEY-PASS", What: "no passphrase for " + path, Err: err}
		}
		raw, err := ssh.ParseRawPrivateKeyWithPassphrase(data, pass.Reveal())
		pass.Wipe()
		if err == nil {
			return raw, nil
		}
		// Older file forms show a wrong passphrase as a broken key.
	}
	return nil, &Fault{Code: "KEY-PASS", What: fmt.Sprintf("the passphrase of %s was wrong %d times", path, passphraseTries),
		Do: "Check it with ssh-keygen -y -f"}
}

// certificate returns a signer for the certificate beside path, if there is
// one that belongs to the key.
func (o Files) certificate(path string, key ssh.Signer) ssh.Signer {
	data, _, err := readRegular(path+"-cert.pub", maxKeyFile)
	if err != nil {
		return nil
	}
	pub, _, _, _, err := ssh.ParseAuthorizedKey(bytes.TrimSpace(data))
	if err != nil {
		return nil
	}
	cert, ok := pub.(*ssh.Certificate)
	if !ok || cert.CertType != ssh.UserCert {
		return nil
	}
	s, err := ssh.NewCertSigner(cert, key)
	if err != nil {
		return nil
	}
	return s
}

// Cause is an error of the file system without the operation and the path, for a
// sentence that names the file itself.
func Cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// ReadPrivate reads a regular file of at most max bytes that nobody but its
// owner may read. The fault KEY-PERM names the chmod to run.
func ReadPrivate(path string, max int64) ([]byte, error) {
	data, info, err := readRegular(path, max)
	if err != nil {
		return nil, &Fault{Code: "KEY-FILE", What: fmt.Sprintf("%s cannot be read (%v)", path, Cause(err)), Err: err}
	}
	if err := private(path, info); err != nil {
		clear(data)
		return nil, err
	}
	return data, nil
}
