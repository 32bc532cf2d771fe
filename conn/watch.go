package conn

import (
	"context"
	"slices"
)

// follower hears of every change of state.
type follower struct{ f func(Device) }

// Watch calls f with every change of state of every session, in their order,
// until stop is called. f must neither block nor call the Manager.
func (m *Manager) Watch(f func(Device)) (stop func()) {
	w := &follower{f: f}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.followers = append(m.followers, w)
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.followers = slices.DeleteFunc(slices.Clone(m.followers), func(o *follower) bool { return o == w })
	}
}

// Living returns the newest session of a target name that is neither lost nor
// closed.
func (m *Manager) Living(name string) (SessionID, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range slices.Backward(m.byName[name]) {
		if s.life != nil {
			return s.dev.ID, true
		}
	}
	return 0, false
}

// Probe asks the device of a session for a sign of life and waits for it until
// ctx ends. Without one the session is given up: it is Lost when Probe returns
// the reason. A session whose link cannot be asked counts as alive.
func (m *Manager) Probe(ctx context.Context, id SessionID) error {
	m.mu.Lock()
	s := m.byID[id]
	if s == nil || s.life == nil {
		m.mu.Unlock()
		return ErrNotOpen
	}
	l, gone := s.link, s.life.end()
	m.mu.Unlock()
	if l == nil { // no link yet, or no longer
		select {
		case <-gone:
			return ErrNotOpen
		case <-ctx.Done():
			return nil
		}
	}
	if l.Probe == nil {
		return nil
	}
	err := l.Probe(ctx)
	if err == nil {
		return nil
	}
	<-gone // the link has ended, so this does not take long
	return err
}
