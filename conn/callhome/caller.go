package callhome

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/keys"
)

// CallerID names a caller for the life of the program.
type CallerID uint64

// Caller is one device that called and waits, as a value. Claim and everything
// in Greeting is the device's own word; Key and Trust are what SSH has shown.
type Caller struct {
	ID      CallerID
	On      string // the listener's address, as asked for
	Via     link.Via
	From    netip.AddrPort
	Since   time.Time
	Until   time.Time // when we hang up if nobody decides
	Claim   string    // device-id, unproven unless Trust.Believed
	Vendor  string
	Key     ssh.PublicKey
	Trust   Trust
	User    string // that the handshake has begun for
	Auto    bool   // its profile lets it open by itself
	Second  bool   // the same device has a session that is alive
	Unknown []string
}

// decision is a person's or a profile's word on a caller.
type decision struct {
	refuse error
	target link.Target
	ask    link.Asker
}

// ErrCallAgain means that the device was accepted and must call once more,
// because SSH had begun for another user name.
var ErrCallAgain = errors.New("accepted, and the device must call again")

// visit is one connection on its way through a listener.
type visit struct {
	l      *Listener
	on     *binding
	from   netip.AddrPort
	slot   func() // of the handshake limit, nil when not held
	decide chan decision

	mu     sync.Mutex
	caller Caller
	asker  link.Asker
	let    bool // in by somebody's word, not by its profile
}

// Errors of a visit carry how much its source is to blame.
type blamed struct {
	error
	blame Blame
}

func (b blamed) Unwrap() error { return b.error }

// run takes the connection from its first byte to an open subsystem. It owns c.
func (v *visit) run(ctx context.Context, c net.Conn) (*link.Link, link.Target, error) {
	raw := c
	g, c, err := greetWithin(ctx, c)
	if t, ok := raw.(*net.TCPConn); ok && err == nil {
		// A broken connection shows in the next read.
		t.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3})
	}
	if err != nil {
		return nil, link.Target{}, v.blame(err)
	}
	v.note(func(x *Caller) { x.Via, x.Claim, x.Vendor, x.Unknown = g.Via, g.DeviceID, g.Vendor, g.Unknown })
	if g.Via == link.CallHome && g.Vendor == "" && v.on.terms.NoPlain {
		return nil, link.Target{}, &keys.Fault{Code: "PRE-NONE", What: "SSH without a preamble, and plain call home is off on this listener"}
	}
	e, known, h, err := judgeGreeting(ctx, g, v.l.o.Book)
	if err != nil {
		return nil, link.Target{}, blamed{err, ForSecret}
	}
	if err := v.l.handshakes.take(ctx); err != nil {
		return nil, link.Target{}, err
	}
	v.slot = sync.OnceFunc(v.l.handshakes.give)
	defer v.slot()
	if g.Ack != nil {
		if c, err = v.acknowledge(ctx, c, g); err != nil {
			return nil, link.Target{}, err
		}
	}
	return v.handshake(ctx, c, g, e, known, h)
}

// acknowledge answers a greeting that wants an answer, after somebody has
// admitted the caller that far: a profile with its id that opens by itself, or
// a person. The answer holds nothing secret.
func (v *visit) acknowledge(ctx context.Context, c net.Conn, g Greeting) (net.Conn, error) {
	hold := &holdConn{Conn: c}
	if e, ok := v.l.o.Book.ByID(g.DeviceID); !ok || e.Target.Open != "auto" {
		v.note(func(x *Caller) { x.Until = v.l.o.Now().Add(v.l.o.Wait) })
		v.slot()
		d, err := v.wait(ctx, hold)
		if err == nil {
			err = d.refuse
		}
		if err != nil {
			return nil, err
		}
	}
	hold.SetWriteDeadline(v.l.o.Now().Add(greetTime))
	defer hold.SetWriteDeadline(time.Time{})
	_, err := hold.Write(g.Ack)
	return hold, err
}

// greetWithin ends the greeting when ctx does.
func greetWithin(ctx context.Context, c net.Conn) (Greeting, net.Conn, error) {
	stop := context.AfterFunc(ctx, func() { c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	return Greet(c)
}

func (v *visit) blame(err error) error {
	var b blamed
	var f *keys.Fault
	if errors.As(err, &b) || !errors.As(err, &f) {
		return err // the key has had its word, or there is nobody to blame
	}
	switch f.Code {
	case "PRE-TIMEOUT", "SSH-TIMEOUT":
		return blamed{err, ForTimeout}
	case "PRE-EOF", "PRE-LOST", "NET-CLOSED", "SSH-ALG":
		return err
	}
	return blamed{err, ForGarbage}
}

// handshake runs SSH as the client on the caller's connection. The host key is
// judged in the middle of the key exchange, and a caller on whom nobody has
// decided waits there: at that point the device has seen no user name and no
// credential of ours.
func (v *visit) handshake(ctx context.Context, c net.Conn, g Greeting, e Entry, known bool, h HMACVerdict) (*link.Link, link.Target, error) {
	t := e.Target
	if !known {
		t = link.Target{Name: v.from.String(), Via: g.Via, User: v.guess()}
	}
	if t.User == "" {
		t.User = v.guess()
	}
	v.note(func(x *Caller) { x.User = t.User })
	hold := &holdConn{Conn: c}
	chosen := t
	verify := func(key ssh.PublicKey) (link.Target, string, error) {
		trust, owner, err := judgeKey(g, e, known, h, key, v.l.o.Book)
		if err != nil {
			return t, "", blamed{err, ForKey}
		}
		d, err := v.decision(ctx, hold, key, trust, owner)
		if err != nil {
			return t, "", err
		}
		chosen = d.target
		chosen.Via, chosen.Host = g.Via, v.from.Addr().Unmap().String()
		v.mu.Lock()
		v.asker = d.ask
		v.mu.Unlock()
		if chosen.User == "" { // the profile leaves it open
			chosen.User = t.User
		}
		v.l.users.put(v.from.Addr(), chosen.User)
		if chosen.User != t.User {
			return t, "", &keys.Fault{Code: "CALL-AGAIN", What: fmt.Sprintf("%s is let in as %.64q, but SSH had begun for %.64q, which cannot be changed on this call",
				chosen.Name, chosen.User, t.User), Kept: "The decision stands for the next call", Do: "Wait until the device calls again", Err: ErrCallAgain}
		}
		return chosen, from(trust), nil
	}
	lk, err := v.l.o.Handshake(ctx, hold, t, g, verify, v)
	if err != nil && v.snapshot().Key == nil {
		err = v.blame(err)
	}
	return lk, chosen, err
}

// decision is that of the profile, or else a person's, for whom the caller
// waits. The key exchange stands still.
func (v *visit) decision(ctx context.Context, hold *holdConn, key ssh.PublicKey, trust Trust, owner Entry) (decision, error) {
	v.note(func(x *Caller) {
		x.Key, x.Trust = key, trust
		x.Auto = trust.Believed && owner.Target.Open == "auto"
	})
	if v.l.o.Meet != nil {
		second, err := v.l.o.Meet(ctx, v.snapshot(), v.slot)
		if err != nil {
			return decision{}, blamed{err, ForKey}
		}
		v.note(func(x *Caller) {
			x.Second = second
			x.Auto = x.Auto && !second
		})
	}
	if v.snapshot().Auto {
		return decision{target: owner.Target, ask: v.l.o.Ask}, nil
	}
	v.slot() // waiting costs no CPU
	v.note(func(x *Caller) { x.Until = v.l.o.Now().Add(v.l.o.Wait) })
	d, err := v.wait(ctx, hold)
	if err == nil {
		err = d.refuse
	}
	v.mu.Lock()
	v.let = err == nil
	v.mu.Unlock()
	return d, err
}

func from(t Trust) string {
	switch {
	case t.Key == KeyKnown:
		return "pinned to " + t.Profile
	case t.HMAC == HMACGood:
		return "vouched for by the HMAC"
	}
	return "accepted now"
}

// guess is the user name for a caller that we do not know yet: SSH wants it
// before the key exchange, and sends it only after. A wrong guess costs a call.
func (v *visit) guess() string {
	if u := v.l.users.guess(v.from.Addr()); u != "" {
		return u
	}
	if us := v.l.o.Book.Users(); len(us) > 0 {
		return us[0]
	}
	return ""
}

// wait shows the caller and waits for a decision, for its time to run out, for
// the device to hang up or for ctx.
func (v *visit) wait(ctx context.Context, c *holdConn) (decision, error) {
	gone, stop := c.watch()
	defer stop()
	if err := v.l.waiting(v); err != nil {
		return decision{}, err
	}
	defer v.l.decided(v)
	timer := time.NewTimer(v.l.o.Wait)
	defer timer.Stop()
	select {
	case d := <-v.decide:
		return d, nil
	case <-gone:
		return decision{}, &keys.Fault{Code: "CALL-GONE", What: "the device hung up while it waited"}
	case <-timer.C:
		return decision{}, &keys.Fault{Code: "CALL-WAITED", What: fmt.Sprintf("nobody decided within %v", v.l.o.Wait)}
	case <-ctx.Done():
		return decision{}, ctx.Err()
	}
}

func (v *visit) note(f func(*Caller)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f(&v.caller)
}

// wasLet reports whether somebody let the caller in.
func (v *visit) wasLet() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.let
}

func (v *visit) snapshot() Caller {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.caller
}

// The visit asks in the name of whoever admitted the caller.

func (v *visit) ask() link.Asker {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.asker
}

// HostKey refuses: the key was judged already.
func (v *visit) HostKey(context.Context, link.HostKeyQuestion) (link.TrustAnswer, error) {
	return link.Refuse, link.ErrDeclined
}

// Secret passes the question on.
func (v *visit) Secret(ctx context.Context, q link.SecretQuestion) (keys.Secret, error) {
	if a := v.ask(); a != nil {
		return a.Secret(ctx, q)
	}
	return keys.Secret{}, link.ErrDeclined
}

// Challenge passes the question on.
func (v *visit) Challenge(ctx context.Context, q link.ChallengeQuestion) ([]string, error) {
	if a := v.ask(); a != nil {
		return a.Challenge(ctx, q)
	}
	return nil, link.ErrDeclined
}
