package commit

import (
	"slices"
	"time"

	"dialtone/conn"
	"dialtone/netconf"
	"dialtone/netconf/xmldiff"
	"dialtone/netconf/xmldoc"
)

// maxBefore bounds the text of running that is kept while a commit waits.
const maxBefore = 64 << 20

// fingerprint is running before a commit, and what the commit makes of it.
type fingerprint struct {
	before, after xmldiff.Sum
	doc           *xmldoc.Doc // of before, nil when it was too large to keep
}

func (f fingerprint) zero() bool { return f.before.Zero() || f.after.Zero() }

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
	return c.state(d)
}

// Concerned reports whether State may say of the session of d that something is
// not settled which its row does not tell: a confirmed commit, an unknown outcome,
// a candidate that was seen to differ. It costs far less than State, and its
// answers for one row change only together with Revision.
func (c *Control) Concerned(d conn.Device) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if sn := c.seen[d.ID]; sn != nil && sn.speaks() {
		return true
	}
	p, _ := c.of(d)
	return p != nil
}

// Revision is another number each time that answers of Concerned may have changed.
func (c *Control) Revision() uint64 { return c.revision.Load() }

// speaks reports whether something seen of a session is not settled.
func (sn *seen) speaks() bool { return sn.unknown != "" || sn.differs == Yes }

// state is what is known of the session of a row, as it is or was.
func (c *Control) state(d conn.Device) State {
	id := d.ID
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
	if p, stranger := c.of(d); p != nil {
		q := *p
		st.Pending, st.stranger = &q, stranger
		st.Left, _ = c.Left(q)
		st.Waits = st.Open && !stranger && (!q.Tied() || q.lives(d))
		session := uint32(0)
		if st.Open && q.lives(d) {
			session = q.Session
		}
		if st.Note = c.Note(q, session); stranger {
			st.Note += " " + strangeKey
		}
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

// strangeKey is said of a commit on a device that has another host key now.
const strangeKey = "The device shows another host key than when the commit was sent: it may be another one."

// of is the newest confirmed commit of a device that is not known to be over;
// stranger: it was sent to a device of that name with another host key. c.mu is
// held.
func (c *Control) of(d conn.Device) (out *Pending, stranger bool) {
	for _, p := range c.pending {
		ours, odd := p.belongs(d)
		if ours && (out == nil || stranger && !odd || stranger == odd && p.Sent.After(out.Sent)) {
			out, stranger = p, odd
		}
	}
	return out, stranger
}

// mine is the same without strangers.
func (c *Control) mine(d conn.Device) *Pending {
	p, stranger := c.of(d)
	if stranger {
		return nil
	}
	return p
}

// belongs reports whether p is of the device that d reaches: the same host key,
// or the same name when one of them has no host key. The same name with another
// host key is a device that was replaced, or set up anew, or somebody else's.
func (p *Pending) belongs(d conn.Device) (ours, stranger bool) {
	if p.HostKey != "" && d.Peer.HostKey != "" && p.HostKey == d.Peer.HostKey {
		return true, false
	}
	return p.Device == d.Target.Name, p.HostKey != "" && d.Peer.HostKey != ""
}

// lives reports whether the session that sent p is the one that d has. A number
// alone does not tell: devices begin to count anew when they start.
func (p *Pending) lives(d conn.Device) bool {
	return p.Session == d.NetconfID && !p.opened.IsZero() && p.opened.Equal(d.Opened)
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
	case s.stranger:
		no("the device shows another host key than when the commit was sent: verify", DoConfirm, DoCancel, DoExtend)
	case !s.Waits:
		no("the session that sent the confirmed commit has ended, and only that one could: verify", DoConfirm, DoCancel, DoExtend)
	}
	if s.Mode == Junos && s.Waits {
		no("a confirmed commit waits, and Junos may take a check for its confirmation", DoValidate)
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
	spoke := sn.speaks()
	if sn.netconfID != netconfID {
		sn.netconfID, sn.differs, sn.looked, sn.locks, sn.rtt = netconfID, Unknown, time.Time{}, nil, 0
	}
	f(sn)
	if sn.speaks() != spoke {
		c.revision.Add(1)
	}
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
