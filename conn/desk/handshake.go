package desk

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/callhome"
	"dialtone/conn/dial"
	"dialtone/conn/link"
	"dialtone/keys"
)

// over returns the handshake that d performs with callers. A caller may wait for
// patience in the middle of it. done hears how each ended that was let in.
func over(d *dial.Dialer, patience time.Duration, done func(as link.Target, err error)) callhome.Handshake {
	return func(ctx context.Context, c net.Conn, t link.Target, g callhome.Greeting, verify callhome.Verify, ask link.Asker) (*link.Link, error) {
		k := &callerKey{announced: g.HostKey, verify: verify, patience: patience}
		if k.announced != nil && len(k.Algorithms(ordinary())) == 0 && !slices.Contains(t.Legacy, dial.LegacyRSA) {
			return nil, &keys.Fault{Code: "SSH-ALG", What: fmt.Sprintf("the preamble announces a key of type %.40q, which is not used here", k.announced.Type()),
				Kept: "Nothing was sent", Do: "Have a newer host key made on the device"}
		}
		lk, err := d.Client(ctx, c, t, k, ask, nil)
		if err != nil && k.err != nil {
			return nil, k.err
		}
		if k.as != nil {
			done(*k.as, err)
			k.as = nil
		}
		return lk, err
	}
}

// ordinary are host key algorithms of all kinds that need no legacy group.
func ordinary() []string {
	return []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
}

// callerKey is the dial.PatientCheck of one caller. It lives as long as the
// connection, which checks the key again whenever it changes its session keys,
// and so keeps little once the caller is in.
type callerKey struct {
	announced ssh.PublicKey   // by the preamble; nil when there was none
	verify    callhome.Verify // nil once the key has been judged
	patience  time.Duration

	target *link.Target // until it is asked for
	as     *link.Target // as which it was let in, until its handshake has ended
	shown  string       // fingerprint of the key that was accepted
	from   string
	err    error
}

var _ dial.PatientCheck = (*callerKey)(nil)

// Algorithms are those of the announced key's type: a device with several keys
// would show another one otherwise (protocol.md 2.5.3). SHA-1 signatures are
// taken only when the profile allows them.
func (k *callerKey) Algorithms(allowed []string) []string {
	if k.announced == nil {
		return allowed
	}
	kinds := []string{k.announced.Type()}
	if kinds[0] == ssh.KeyAlgoRSA {
		kinds = []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSA}
	}
	out := []string{}
	for _, a := range kinds {
		if slices.Contains(allowed, a) {
			out = append(out, a)
		}
	}
	return out
}

// Check asks the listener, which may ask a person, once. Later only the same key
// passes.
func (k *callerKey) Check(_ net.Addr, key ssh.PublicKey) (from string, err error) {
	if cert, ok := key.(*ssh.Certificate); ok {
		key = cert.Key // nobody vouches for the certificate
	}
	fp := ssh.FingerprintSHA256(key)
	if k.verify == nil {
		if fp != k.shown {
			return "", &keys.Fault{Code: "KEY-CHANGED", What: fmt.Sprintf("the device showed %s at first and shows %s now, in the same session", k.shown, fp)}
		}
		return k.from, nil
	}
	verify := k.verify
	k.verify, k.announced = nil, nil
	t, from, err := verify(key)
	if k.from, k.err = from, err; err == nil {
		k.target, k.shown = &t, fp
		k.as = &t
	}
	return k.from, k.err
}

// Patience is how long a caller may wait.
func (k *callerKey) Patience() time.Duration { return k.patience }

// Target is the device that the key belongs to.
func (k *callerKey) Target() link.Target {
	if k.target == nil {
		return link.Target{}
	}
	t := *k.target
	k.target = nil
	return t
}
