package simdev

// enter registers a session.
func (d *Device) enter(s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.nextID++
	s.id, s.since = d.nextID, d.o.Now()
	d.sessions[s.id] = s
	d.counts.sessions++
}

// leave takes a session out.
func (d *Device) leave(s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.release(s, "closed")
}

// release drops what a session held: locks, edits under its lock, its private
// copy, a confirmed commit that is tied to it. The lock is held; a second call
// does nothing.
func (d *Device) release(s *session, why string) {
	if s.dead {
		return
	}
	s.dead = true
	delete(d.sessions, s.id)
	for ds, h := range d.locks {
		if h == s {
			_ = d.unlock(s, ds) // s holds it
		}
	}
	s.private = nil
	if p := d.pending; p != nil && p.owner == s {
		p.owner = nil
		if p.tied && !d.faults.KeepOnLoss {
			d.rollBack("cancel", s)
		}
	}
	d.tellSession(s, "netconf-session-end", why)
}

func (d *Device) badHello() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counts.badHellos++
}
