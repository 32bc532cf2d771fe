package conn

import (
	"sync"

	"dialtone/netconf"
)

type exchangeState struct {
	mu      sync.Mutex
	outcome netconf.Outcome
	err     error
	done    bool
}

// Snapshot returns the outcome so far, whether the exchange has ended, and why
// when it did not end with a reply.
func (x *Exchange) Snapshot() (o netconf.Outcome, done bool, err error) {
	x.state.mu.Lock()
	defer x.state.mu.Unlock()
	return x.state.outcome, x.state.done, x.state.err
}
