package callhome

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
)

// users remembers which user names the devices behind an address have. SSH
// wants the name before it shows the key that tells which device it is, so one
// of the names is tried by chance: two devices behind one NAT with names of
// their own must not keep each other out for ever.
type users struct {
	mu    sync.Mutex
	names map[netip.Addr][]string
}

const (
	mostUsers = 4096 // addresses
	mostNames = 8    // of one address
)

func newUsers() *users { return &users{names: map[netip.Addr][]string{}} }

// put notes that a device behind a has the name.
func (u *users) put(a netip.Addr, name string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	names := u.names[a]
	if slices.Contains(names, name) {
		return
	}
	if names == nil && len(u.names) >= mostUsers {
		clear(u.names)
	}
	if len(names) >= mostNames {
		names = slices.Delete(names, 0, 1)
	}
	u.names[a] = append(names, name)
}

// guess returns a name to try for the next call, "" when none is known.
func (u *users) guess(a netip.Addr) string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if names := u.names[a]; len(names) > 0 {
		return names[rand.IntN(len(names))]
	}
	return ""
}
