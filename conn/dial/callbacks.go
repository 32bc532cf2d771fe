package dial

import (
	"net"
	"sync/atomic"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/keys"
)

// callbacks is what the library calls while it signs in. It keeps its
// configuration, and with it this, as long as the connection lives, and checks the
// host key again whenever session keys change; the rest goes once we are in.
type callbacks struct {
	hk   HostKeyCheck
	addr string
	a    atomic.Pointer[auth] // nil once we are in, or have failed
}

func (cb *callbacks) banner(text string) error {
	if a := cb.a.Load(); a != nil {
		return a.onBanner(text)
	}
	return nil
}

func (cb *callbacks) auth(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	if a := cb.a.Load(); a != nil {
		return a.next(c)
	}
	return nil, net.ErrClosed
}

func (cb *callbacks) hostKey(_ string, remote net.Addr, key ssh.PublicKey) error {
	if bits := rsaBits(key); bits > 0 && bits < leastRSA {
		return &keys.Fault{Code: "KEY-WEAK", What: quoted("%s shows an RSA key of %d bits; %d is the least", cb.addr, bits, leastRSA),
			Kept: "Nothing was sent", Do: "Have a new host key made on the device"}
	}
	if a := cb.a.Load(); a != nil {
		return a.trust(cb.hk, remote, key)
	}
	_, err := cb.hk.Check(remote, key)
	return err
}

// trust has hk decide about the key, and notes what came of it. The library calls
// it from its own goroutine.
func (a *auth) trust(hk HostKeyCheck, remote net.Addr, key ssh.PublicKey) error {
	from, err := a.judge(hk, remote, key)
	if err != nil {
		return err
	}
	fp := ssh.FingerprintSHA256(bareKey(key))
	a.mu.Lock()
	first := a.hostKey == ""
	a.hostKey, a.from = keyWord(key)+" "+fp, from
	a.mu.Unlock()
	if first { // later it is a change of session keys
		a.place = place{a.t.User, fp}
		if a.progress != nil {
			a.progress(link.Authenticating)
		}
	}
	return nil
}

// judge has hk decide about the key. A patient check takes its time, and says
// whom to sign in to.
func (a *auth) judge(hk HostKeyCheck, remote net.Addr, key ssh.PublicKey) (from string, err error) {
	p, ok := hk.(PatientCheck)
	if !ok || a.judged { // later it is only the change of session keys
		return hk.Check(remote, key)
	}
	a.judged = true
	defer a.w.human(p.Patience())()
	if from, err = hk.Check(remote, key); err != nil {
		return "", err
	}
	user := a.t.User
	*a.t = p.Target()
	a.t.User = user
	return from, nil
}

// trusted is the host key in words and why it is trusted; "" before it is.
func (a *auth) trusted() (hostKey, from string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.hostKey, a.from
}

// stage is how far signing in has come.
func (a *auth) stage() link.Stage {
	if key, _ := a.trusted(); key != "" {
		return link.Authenticating
	}
	return link.Handshake
}
