package devices

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sahilm/fuzzy"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/ui/screen"
)

// row is one device: a saved profile, a session, or both.
// It points into the screen's profiles and sessions, which are replaced and
// never changed.
type row struct {
	target *link.Target
	prof   *profile.Profile // nil when it is not saved
	dev    *conn.Device     // never nil; zero when there is no session
	key    string           // the name without capitals, to sort by
}

// order is how the rows are sorted.
type order uint8

const (
	byName order = iota
	byState
	bySince
	orders
)

func (o order) String() string { return [orders]string{"by name", "by state", "by time"}[o] }

// rebuild merges profiles and sessions, filters and sorts, and keeps the
// selection on its device.
func (s *Screen) rebuild() {
	keep, had := s.selected()
	keepName, keepID := "", conn.SessionID(0)
	if had {
		keepName, keepID = keep.target.Name, keep.dev.ID
	}
	all := s.merge()
	s.total = len(all)
	s.rows = s.filtered(all)
	s.sort()
	s.list.SetLen(len(s.rows))
	if !had {
		return
	}
	for i, r := range s.rows {
		if r.target.Name == keepName && (keep.prof != nil || r.dev.ID == keepID) {
			s.list.Select(i)
			return
		}
	}
}

// merge gives each profile the session of its name, the liveliest and then the
// newest, and every other session that still says something a row of its own.
func (s *Screen) merge() []row {
	best := make(map[string]*conn.Device, len(s.live))
	for _, d := range s.live {
		if old := best[d.Target.Name]; old == nil || better(d, old) {
			best[d.Target.Name] = d
		}
	}
	out := make([]row, 0, len(s.profiles)+len(s.live))
	saved := make(map[string]bool, len(s.profiles))
	none := &conn.Device{}
	for i := range s.profiles {
		p := &s.profiles[i]
		saved[p.Name] = true
		dev := best[p.Name]
		if dev == nil {
			dev = none
		}
		out = append(out, row{target: &p.Target, prof: p, dev: dev})
	}
	for _, d := range s.live {
		chosen := best[d.Target.Name] == d
		if chosen && saved[d.Target.Name] || !chosen && over(d.State) {
			continue // shown already, or an earlier try of the same device
		}
		out = append(out, row{target: &d.Target, dev: d})
	}
	return out
}

func over(st conn.State) bool { return st == conn.Closed || st == conn.Lost || st == conn.Idle }

func better(a, b *conn.Device) bool {
	if over(a.State) != over(b.State) {
		return over(b.State)
	}
	return a.ID > b.ID
}

// group is the group of a row's profile.
func (r row) group() string {
	if r.prof == nil {
		return ""
	}
	return r.prof.Group
}

// saved is the row as a profile, for the filter.
func (r row) saved() profile.Profile {
	if r.prof != nil {
		return *r.prof
	}
	p := profile.Profile{Target: *r.target}
	if p.Host == "" {
		p.Host = r.dev.Peer.Addr
	}
	return p
}

// text is what a fuzzy filter looks at.
func (r row) text() string {
	p := r.saved()
	return strings.Join(append([]string{p.Name, p.Group, p.Host, p.DeviceID}, p.Tags...), " ")
}

// filtered applies group and filter: words as profile.Match has them, "!"
// before one that must not occur, "-f" in front for letters in that order.
func (s *Screen) filtered(all []row) []row {
	in := all
	if s.group != "" {
		in = slices.DeleteFunc(all, func(r row) bool { return r.group() != s.group })
	}
	q := s.query()
	if q == "" {
		return in
	}
	if rest, ok := strings.CutPrefix(q, "-f"); ok {
		return fuzzily(in, strings.TrimSpace(rest))
	}
	var out []row
	for _, r := range in {
		if profile.Match(r.saved(), inverse(q)) {
			out = append(out, r)
		}
	}
	return out
}

func fuzzily(in []row, q string) []row {
	if q == "" {
		return in
	}
	texts := make([]string, len(in))
	for i, r := range in {
		texts[i] = r.text()
	}
	var out []row
	for _, hit := range fuzzy.Find(q, texts) {
		out = append(out, in[hit.Index])
	}
	return out
}

// inverse writes "!word" as profile.Match takes it: "-word".
func inverse(q string) string {
	words := strings.Fields(q)
	for i, w := range words {
		if len(w) > 1 && w[0] == '!' {
			words[i] = "-" + w[1:]
		}
	}
	return strings.Join(words, " ")
}

// rank puts what is open first and what is not connected last.
func rank(st conn.State) int {
	switch st {
	case conn.Open:
		return 0
	case conn.Dialing, conn.Authenticating, conn.Greeting, conn.Closing:
		return 1
	case conn.Lost:
		return 2
	}
	return 3
}

// sort orders the rows; a fuzzy filter keeps its own order, the best first.
func (s *Screen) sort() {
	if strings.HasPrefix(s.query(), "-f") {
		return
	}
	for i := range s.rows {
		s.rows[i].key = strings.ToLower(s.rows[i].target.Name)
	}
	slices.SortStableFunc(s.rows, func(a, b row) int {
		first := 0
		switch s.order {
		case byState:
			first = cmp.Compare(rank(a.dev.State), rank(b.dev.State))
		case bySince:
			first = b.dev.Since.Compare(a.dev.Since)
		}
		return cmp.Or(first, cmp.Compare(a.key, b.key), cmp.Compare(a.dev.ID, b.dev.ID))
	})
}

// groupsOf is the groups of profiles, sorted.
func groupsOf(ps []profile.Profile) []string {
	var out []string
	for i := range ps {
		if g := ps[i].Group; g != "" {
			out = append(out, g)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// nextGroup goes to the next group, and after the last one to all.
func (s *Screen) nextGroup() {
	i := slices.Index(s.groups, s.group)
	s.group = ""
	if i+1 < len(s.groups) {
		s.group = s.groups[i+1]
	}
	s.rebuild()
}

// stateWord is the state in one word; a session that never opened has failed.
func stateWord(d *conn.Device) string {
	if d.State == conn.Lost && d.Opened.IsZero() {
		return "failed"
	}
	return screen.StateWord(d.State)
}
