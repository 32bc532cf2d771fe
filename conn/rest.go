package conn

import (
	"dialtone/conn/link"
)

// rest is what is left of the life of an open session: nothing runs for it but
// the reader of NETCONF, since there may be thousands. Whatever ends the session
// rouses it. Guarded by Manager.mu.
type rest struct {
	laid   bool // it may be roused
	roused bool
	quit   chan struct{} // ends watchLink; nil when that does not run
}

// lay has the life of an open session rest; m.mu is held.
func (m *Manager) lay(s *session, lf *life, r *rest, l *link.Link) {
	lf.cancel() // nothing is dialled or greeted
	lf.ctx, lf.cancel = m.past, func() {}
	lf.rest, r.laid = r, true
	if r.roused || lf.killed {
		m.rise(s, lf, r)
		return
	}
	if l.Done != nil && !l.Tells {
		r.quit = make(chan struct{})
		m.spawn("link", func() { m.watchLink(s, lf, r, l) }, func(error) {})
	}
}

// watchLink rouses the session of a link that knows better than a read that
// waits. It ends with the link, or when the session is roused.
func (m *Manager) watchLink(s *session, lf *life, r *rest, l *link.Link) {
	select {
	case <-l.Done:
		m.rouse(s, lf, r)
	case <-r.quit:
	}
}

// rouse has the life of an open session go on.
func (m *Manager) rouse(s *session, lf *life, r *rest) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rise(s, lf, r)
}

// rise is rouse; m.mu is held.
func (m *Manager) rise(s *session, lf *life, r *rest) {
	if !r.laid {
		r.roused = true
		return
	}
	if lf.rest != r {
		return // roused already
	}
	lf.rest = nil
	if r.quit != nil {
		close(r.quit)
	}
	m.spawn("session", func() { m.wake(s, lf) }, func(err error) { m.liveDied(s, lf, err) })
}

// kill ends a life at once, open or not.
func (m *Manager) kill(s *session, lf *life) {
	m.mu.Lock()
	defer m.mu.Unlock()
	lf.killed = true
	lf.cancel()
	if lf.rest != nil {
		m.rise(s, lf, lf.rest)
	}
}

// wake is the goroutine of a session that was open. It ends the session and its
// requests, and goes on like live when it is to be dialled again.
func (m *Manager) wake(s *session, lf *life) {
	orderly, err := m.shut(s, lf)
	if orderly {
		err = nil
	}
	m.mu.Lock()
	if !lf.killed {
		lf.renew(m.ctx)
	}
	m.mu.Unlock()
	if !m.over(s, lf, err, true) {
		m.ended(lf)
		return
	}
	m.pause(s, lf, redialFirst)
	m.live(s, lf, nil, 2*redialFirst)
}

// shut closes the session of s and its link and returns when its requests have
// ended.
func (m *Manager) shut(s *session, lf *life) (orderly bool, err error) {
	m.mu.Lock()
	nc, l := s.nc, s.link
	leaves := lf.left && !lf.killed
	m.mu.Unlock()
	defer m.unlink(s, l)
	select {
	case <-nc.Done():
	default:
		if leaves {
			_ = nc.Close(m.ctx) // the session is over, whatever it answered
			orderly = true
			break
		}
		l.Close() // it is dead, or is to be
		<-nc.Done()
	}
	m.mu.Lock()
	s.nc = nil // no more requests
	idle := s.idle
	m.mu.Unlock()
	if idle != nil {
		<-idle // its requests end now that their session has
	}
	return orderly, cause(l, nc.Err())
}
