package dial

import (
	"crypto/rsa"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/keys"
)

// HostKeyCheck decides about the key of a peer before any credential is sent.
// It must not wait for a person, unless it is a PatientCheck: it is called in
// the middle of the handshake.
type HostKeyCheck interface {
	// Algorithms orders the host key algorithms for the handshake.
	Algorithms(allowed []string) []string
	// Check returns why key is trusted ("~/.ssh/known_hosts:31"), or a
	// *HostKeyError.
	Check(remote net.Addr, key ssh.PublicKey) (from string, err error)
}

// PatientCheck is the HostKeyCheck for a device that called: only its key tells
// which device it is, and nobody can dial it again after a person was asked. The
// peer has seen no user name and no credential while Check waits.
type PatientCheck interface {
	HostKeyCheck
	// Patience is the longest that Check may wait. The clock of the handshake
	// stands still meanwhile.
	Patience() time.Duration
	// Target is the device that the key belongs to, to sign in with. It is asked
	// for after Check has accepted the key. The user is the one with which the
	// handshake began, whatever it holds.
	Target() link.Target
}

// KnownHostCheck is the HostKeyCheck of devices that we dial: the target's
// pins, then the known hosts, then the target's policy for unknown keys.
type KnownHostCheck struct {
	Hosts  keys.HostKeys
	Host   string // "name:port" to look up
	Target link.Target
	// Accept is a key that a person has just accepted; only it passes as an
	// unknown one.
	Accept ssh.PublicKey
	Saved  bool   // Accept was recorded
	Home   string // shortens file names for people
}

// Algorithms puts those of recorded keys first.
func (c KnownHostCheck) Algorithms(allowed []string) []string {
	if c.Hosts == nil {
		return allowed
	}
	return c.Hosts.Algorithms(c.Host, allowed)
}

// Check applies pins, records and policy.
func (c KnownHostCheck) Check(remote net.Addr, key ssh.PublicKey) (string, error) {
	verdict, known, err := keys.Unknown, []keys.Known(nil), error(nil)
	if c.Hosts != nil {
		verdict, known, err = c.Hosts.Check(c.Host, remote, key)
	}
	fail := &HostKeyError{Verdict: verdict, Host: c.Host, Offered: key, Known: known, SavedTo: c.savedTo()}
	if verdict == keys.Revoked {
		fail.Fault = faultOf(err, "KEY-REVOKED", "the key of "+c.Host+" is revoked")
		return "", fail
	}
	if err != nil {
		return "", err
	}
	if cert, ok := key.(*ssh.Certificate); ok && verdict != keys.Trusted {
		key = cert.Key // nobody vouches for the certificate
		fail.Offered = key
	}
	if len(c.Target.Pin) > 0 {
		return c.pinned(key, fail)
	}
	switch verdict {
	case keys.Trusted:
		if c.Saved && c.Accept != nil && sameKey(c.Accept, key) {
			return "accepted and saved now", nil
		}
		return c.place(known), nil
	case keys.Changed:
		fail.Fault = changedFault(c, key, known)
		return "", fail
	}
	switch {
	case c.Accept != nil && sameKey(c.Accept, key):
		return "accepted for this time", nil
	case c.Target.HostKey == link.AcceptNew && c.Accept == nil && c.Hosts != nil:
		if err := c.Hosts.Trust(c.Host, key); err != nil {
			return "", err
		}
		return "accepted as new, saved now", nil
	}
	fail.Fault = &keys.Fault{Code: "KEY-UNKNOWN",
		What: fmt.Sprintf("the key of %s is not known: %s %s", c.Host, keyWord(key), ssh.FingerprintSHA256(key)),
		Kept: "Nothing was sent", Do: "Compare the fingerprint with the device's own, then accept it"}
	if len(known) > 0 && known[0].Port22 {
		fail.What += fmt.Sprintf(" (another one is recorded for port 22 in %s)", c.file(known[0]))
	}
	return "", fail
}

// pinned accepts only what the profile pins.
func (c KnownHostCheck) pinned(key ssh.PublicKey, fail *HostKeyError) (string, error) {
	fp := ssh.FingerprintSHA256(bareKey(key))
	if slices.Contains(c.Target.Pin, fp) {
		return "pinned in the profile", nil
	}
	fail.Verdict = keys.Changed
	fail.Fault = &keys.Fault{Code: "KEY-PIN",
		What: fmt.Sprintf("%s shows %s %s, which the profile does not pin (it has %s)", c.Host, keyWord(key), fp, strings.Join(c.Target.Pin, ", ")),
		Kept: "Nothing was sent", Do: "If the device really has a new key, change pin in the profile"}
	return "", fail
}

// changedFault names both keys and the place of the old one.
func changedFault(c KnownHostCheck, key ssh.PublicKey, known []keys.Known) *keys.Fault {
	old := known[0]
	same := slices.IndexFunc(known, func(k keys.Known) bool { return k.Key.Type() == key.Type() })
	if same >= 0 {
		old = known[same]
	}
	f := &keys.Fault{Code: "KEY-CHANGED",
		What: fmt.Sprintf("the key of %s has changed: it shows %s %s, recorded in %s is %s %s", c.Host,
			keyWord(key), ssh.FingerprintSHA256(key), c.file(old), keyWord(old.Key), ssh.FingerprintSHA256(old.Key)),
		Kept: "Nothing was sent",
		Do:   "If the device really has a new key, forget the old one first"}
	if same < 0 {
		f.What += fmt.Sprintf("; the device no longer offers the recorded %s key", old.Key.Type())
	}
	return f
}

// place says where a trusted key is recorded.
func (c KnownHostCheck) place(known []keys.Known) string {
	if len(known) == 0 {
		return "known hosts"
	}
	s := c.file(known[0])
	if known[0].CA {
		s += " (certificate)"
	}
	if known[0].Port22 {
		s += " (recorded for port 22)"
	}
	return s
}

func (c KnownHostCheck) file(k keys.Known) string {
	if k.File == "" {
		return fmt.Sprintf("memory:%d", k.Line)
	}
	return fmt.Sprintf("%s:%d", short(c.Home, k.File), k.Line)
}

func (c KnownHostCheck) savedTo() string {
	if f, ok := c.Hosts.(interface{ File() string }); ok {
		return f.File()
	}
	return ""
}

// faultOf returns the fault inside err, or a new one.
func faultOf(err error, code, what string) *keys.Fault {
	if f, ok := err.(*keys.Fault); ok {
		return f
	}
	return &keys.Fault{Code: code, What: what, Err: err}
}

// leastRSA is the size below which an RSA host key proves nothing.
const leastRSA = 1024

// rsaBits is the size of an RSA key, 0 for others.
func rsaBits(k ssh.PublicKey) int {
	if c, ok := bareKey(k).(ssh.CryptoPublicKey); ok {
		if r, ok := c.CryptoPublicKey().(*rsa.PublicKey); ok {
			return r.N.BitLen()
		}
	}
	return 0
}

// keyWord is the kind of a key as people call it: "ED25519".
func keyWord(k ssh.PublicKey) string {
	kind := strings.TrimPrefix(bareKey(k).Type(), "ssh-")
	switch {
	case strings.HasPrefix(kind, "ecdsa"):
		kind = "ECDSA"
	case strings.HasPrefix(kind, "sk-"):
		kind = "security key"
	}
	return strings.ToUpper(kind)
}

func bareKey(k ssh.PublicKey) ssh.PublicKey {
	if c, ok := k.(*ssh.Certificate); ok {
		return c.Key
	}
	return k
}

func sameKey(a, b ssh.PublicKey) bool {
	return string(bareKey(a).Marshal()) == string(bareKey(b).Marshal())
}
