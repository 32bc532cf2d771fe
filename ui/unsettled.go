package ui

import (
	"slices"

	"dialtone/conn"
)

// unsettled remembers the sessions of which the commit bar may have something to
// say, so that a key costs no walk over all sessions: there may be thousands.
type unsettled struct {
	read     bool
	revision uint64           // of the control of commits when all were looked at
	ids      []conn.SessionID // ascending, and so in the order of their making
}

// unsettled returns these sessions. All are looked at anew only when the control
// of commits has learned something; what changes in a row comes as an event.
func (r *root) unsettled() []conn.SessionID {
	u := &r.changes.unsettled
	if now := r.d.Commits.Revision(); !u.read || now != u.revision {
		*u = unsettled{read: true, revision: now}
		for _, d := range r.d.Backend.Devices() {
			if r.maySay(d) {
				u.ids = append(u.ids, d.ID)
			}
		}
		slices.Sort(u.ids)
	}
	return u.ids
}

// noteUnsettled looks at a row that has changed.
func (r *root) noteUnsettled(d conn.Device) {
	u := &r.changes.unsettled
	i, found := slices.BinarySearch(u.ids, d.ID)
	switch says := r.maySay(d); {
	case says && !found:
		u.ids = slices.Insert(u.ids, i, d.ID)
	case !says && found:
		u.ids = slices.Delete(u.ids, i, i+1)
	}
}

// maySay reports whether a bar of d may be another than none.
func (r *root) maySay(d conn.Device) bool {
	return d.Dirty > 0 || len(d.Locks) > 0 || r.changes.own && (d.Pending != nil || len(d.Doubts) > 0) || r.d.Commits.Concerned(d)
}
