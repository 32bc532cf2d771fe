package dial

import (
	"slices"
	"sync"

	"golang.org/x/crypto/ssh"

	"dialtone/keys"
)

// maxAccepted bounds what accepted remembers.
const maxAccepted = 4096

// accepted remembers, as long as the program runs, which key let us in where. It
// is offered first the next time: each key before it costs a round trip, and one
// of the few tries that a device allows. What may be offered at all it does not
// decide.
type accepted struct {
	mu   sync.Mutex
	keys map[place]ssh.PublicKey
}

// place is a user on a device, which is known by its host key.
type place struct{ user, hostKey string }

func (a *accepted) at(p place) ssh.PublicKey {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.keys[p]
}

func (a *accepted) put(p place, k ssh.PublicKey) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.keys == nil {
		a.keys = make(map[place]ssh.PublicKey)
	}
	if _, known := a.keys[p]; !known && len(a.keys) >= maxAccepted {
		for old := range a.keys { // any of them
			delete(a.keys, old)
			break
		}
	}
	a.keys[p] = k
}

// first puts the credential for k, if there is one, in front of the others.
func first(list []keys.Credential, k ssh.PublicKey) {
	if k == nil {
		return
	}
	i := slices.IndexFunc(list, func(c keys.Credential) bool { return sameKey(c.PublicKey(), k) })
	if i > 0 {
		c := list[i]
		copy(list[1:], list[:i])
		list[0] = c
	}
}
