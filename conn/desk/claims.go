package desk

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/callhome"
	"dialtone/conn/link"
	"dialtone/keys"
)

// probeTime is how long an older session, or an older call of the same device,
// may take to show that it is alive.
const probeTime = 5 * time.Second

// claims are the devices of which a call is on its way to a session. Guarded by
// Front.mu.
type claims map[string]*claim

type claim struct {
	by   callhome.CallerID
	free chan struct{} // closed when the call is over, or has become a session
}

// release ends the claim of a caller.
func (cs claims) release(by callhome.CallerID) {
	for name, c := range cs {
		if c.by == by {
			delete(cs, name)
			close(c.free)
		}
	}
}

// claimed waits until no other call of the same device is under way and claims
// it for c. It returns true when another one still is after f.patient.
func (f *Front) claimed(ctx context.Context, c callhome.Caller, idle func()) bool {
	timer := time.NewTimer(f.patient)
	defer timer.Stop()
	for {
		f.mu.Lock()
		other := f.claims[c.Trust.Profile]
		if other == nil || other.by == c.ID {
			if other == nil {
				f.claims[c.Trust.Profile] = &claim{by: c.ID, free: make(chan struct{})}
			}
			f.mu.Unlock()
			return false
		}
		f.mu.Unlock()
		idle()
		select {
		case <-other.free:
		case <-timer.C:
			return true
		case <-ctx.Done():
			return true
		}
	}
}

// pairs remembers which device-id came with which key, among callers that have
// shown the key in SSH, for a while after they called last: somebody who used a
// name once and is gone must not keep the device of that name out for ever, nor
// may a device that was given another name stay out. Guarded by Front.mu.
type pairs struct {
	now  func() time.Time
	key  map[string]string    // of a device-id
	id   map[string]string    // of a key
	seen map[string]time.Time // a device-id
}

const (
	mostPairs = 4096
	pairTime  = 10 * time.Minute
)

func newPairs(now func() time.Time) *pairs {
	return &pairs{now: now, key: map[string]string{}, id: map[string]string{}, seen: map[string]time.Time{}}
}

// stale forgets a device-id that has not called for long.
func (p *pairs) stale(id string) {
	if at, ok := p.seen[id]; ok && p.now().Sub(at) >= pairTime {
		p.forget(id)
	}
}

// meet refuses a second id for a key, unless the key is pinned to that id, and a
// second key for an id, unless the profile of the device knows better. A good
// HMAC is no reason for a second id: it does not cover the id, and devices may
// share a secret.
func (p *pairs) meet(c callhome.Caller) error {
	if c.Via != link.Junos || c.Claim == "" {
		return nil
	}
	fp := ssh.FingerprintSHA256(c.Key)
	p.stale(c.Claim)
	p.stale(p.id[fp])
	if other, ok := p.id[fp]; ok && other != c.Claim && c.Trust.Key != callhome.KeyKnown {
		return &keys.Fault{Code: "KEY-OTHER", What: fmt.Sprintf("this key came as %q before, the caller claims to be %q", other, c.Claim),
			Kept: "Nothing was sent", Do: "Two devices need two keys; refuse the other caller, or wait ten minutes from its last call"}
	}
	if other, ok := p.key[c.Claim]; ok && other != fp && !c.Trust.Believed {
		return &keys.Fault{Code: "KEY-TWICE", What: fmt.Sprintf("%q came with %s before, and now shows %s", c.Claim, other, fp),
			Kept: "Nothing was sent", Do: "Refuse the other caller, or wait ten minutes from its last call; then this one may wait"}
	}
	if len(p.key) >= mostPairs {
		for id := range p.key { // any one
			p.forget(id)
			break
		}
	}
	p.forget(c.Claim)
	if other, ok := p.id[fp]; ok {
		p.forget(other)
	}
	p.key[c.Claim], p.id[fp], p.seen[c.Claim] = fp, c.Claim, p.now()
	return nil
}

func (p *pairs) forget(id string) {
	if fp, ok := p.key[id]; ok {
		delete(p.key, id)
		delete(p.seen, id)
		delete(p.id, fp)
	}
}
