package commit

import (
	"slices"
	"time"

	"dialtone/conn"
	"dialtone/netconf"
	"dialtone/netconf/xmldiff"
)

// fingerprint is running before a commit, and what the commit makes of it.
type fingerprint struct {
	before, after xmldiff.Sum
}

// State returns what is known of a session now. It waits for nothing.
func (c *Control) State(id conn.SessionID) State {
	c.mu.Lock()
	s := c.sessions
	c.mu.Unlock()
	if s == nil {
		return State{Session: id}.closed("there are no sessions")
	}
	d, ok := s.Device(id)
	if !ok {
		return State{Session: id}.closed("there is no such session")
	}
	st := State{Session: id, Device: d.Target.Name, Open: d.State == conn.Open, Mode: ModeOf(d.Caps), Edits: d.Dirty}
	c.mu.Lock()
	defer c.mu.Unlock()
	if sn := c.seen[id]; sn != nil {
		st.Unknown = sn.unknown
		if sn.netconfID == d.NetconfID && st.Open {
			st.Differs, st.Looked = sn.differs, sn.looked
			st.Locks = slices.Clone(sn.locks)
		}
	}
	if st.Edits > 0 && st.Differs == No {
		st.Differs = Unknown
	}
	st.Locks = slices.DeleteFunc(st.Locks, func(l Lock) bool { return l.Ours || slices.Contains(d.Locks, l.Store) })
	for _, ds := range d.Locks {
		st.Locks = append(st.Locks, Lock{Store: ds, Session: d.NetconfID, Ours: true})
	}
	session := uint32(0)
	if st.Open {
		session = d.NetconfID
	}
	if p := c.of(d); p != nil {
		q := *p
		st.Pending = &q
		st.Left, _ = c.Left(q)
		st.Waits = st.Open && (!q.Tied() || session == q.Session)
		st.Note = c.Note(q, session)
	}
	st.judge(d)
	return st
}

func (s State) closed(why string) State {
	for k := range s.why {
		s.why[k] = why
	}
	return s
}

// of is the newest confirmed commit of a device that is not known to be over.
// c.mu is held.
func (c *Control) of(d conn.Device) *Pending {
	var out *Pending
	for _, p := range c.pending {
		if p.belongs(d) && (out == nil || p.Sent.After(out.Sent)) {
			out = p
		}
	}
	return out
}

// belongs reports whether p is of the device that d reaches: the same host key,
// or the same name when one of them has no host key.
func (p *Pending) belongs(d conn.Device) bool {
	if p.HostKey != "" && d.Peer.HostKey != "" {
		return p.HostKey == d.Peer.HostKey
	}
	return p.Device == d.Target.Name
}

// confirmable says why the device takes no confirmed commit.
func (s State) confirmable(caps netconf.Caps) string {
	if s.Mode != Junos && !caps.Has("confirmed-commit") {
		return "the device has no confirmed commit (:confirmed-commit)"
	}
	return ""
}

// judge fills in why orders cannot be given.
func (s *State) judge(d conn.Device) {
	if !s.Open {
		*s = s.closed("the session is not open")
		return
	}
	no := func(why string, ks ...Kind) {
		for _, k := range ks {
			s.why[k] = why
		}
	}
	staged := s.Mode == Candidate || s.Mode == Junos
	switch s.Mode {
	case Writable:
		no("the device has no candidate: edits to running take effect at once", DoCommit, DoDiscard)
	case ReadsOnly:
		no("the device offers no datastore that can be changed", DoCommit, DoDiscard, DoLock)
	}
	if s.Mode != Junos {
		no("only Junos devices keep numbered configurations", DoRollback)
		no("only Junos devices keep a rescue configuration", DoRescueSave, DoRescueLoad)
		if !d.Caps.Has("validate") {
			no("the device cannot validate (:validate)", DoValidate)
		}
	}
	if !d.Caps.Has("startup") {
		no("the device has no startup configuration of its own (:startup)", DoCopyStartup)
	}
	if len(d.Locks) == 0 {
		no("this session holds no lock", DoUnlock)
		if staged && s.Edits == 0 {
			no("this session has not changed the candidate: what is in it is somebody else's", DoDiscard)
		}
	}
	if !slices.ContainsFunc(s.Locks, func(l Lock) bool { return !l.Ours && l.Session != 0 }) {
		no("no lock of another session was seen", DoKill)
	}
	s.judgePending(d, no)
}

func (s *State) judgePending(d conn.Device, no func(string, ...Kind)) {
	switch {
	case s.Pending == nil:
		no("none pending", DoConfirm, DoCancel, DoExtend)
	case !s.Waits:
		no("the session that sent the confirmed commit has ended, and only that one could: verify", DoConfirm, DoCancel, DoExtend)
	}
	if s.Mode == Junos && s.Waits {
		no("it is not known how Junos counts a second confirmed commit", DoExtend)
	}
}

// note changes what was learned of a session; it forgets what was true of the
// one before.
func (c *Control) note(id conn.SessionID, netconfID uint32, f func(*seen)) {
	c.mu.Lock()
	sn := c.seen[id]
	if sn == nil {
		sn = &seen{}
		c.seen[id] = sn
	}
	if sn.netconfID != netconfID {
		sn.netconfID, sn.differs, sn.looked, sn.locks, sn.rtt = netconfID, Unknown, time.Time{}, nil, 0
	}
	f(sn)
	c.mu.Unlock()
	c.tell(id)
}

func (c *Control) rtt(id conn.SessionID) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if sn := c.seen[id]; sn != nil {
		return sn.rtt
	}
	return 0
}
