package simdev

import "slices"

// change is one difference of two configurations.
type change struct {
	path, op string
}

// changes lists where two trees differ, the highest elements that were made or
// deleted and the leaves that have other values.
func changes(a, b *node, s *schema, path string) []change {
	var out []change
	e := &editor{}
	for _, k := range a.kids {
		cs, _ := s.child(k)
		if peek(b, k, cs) == nil {
			out = append(out, change{path + "/" + e.label(k, cs), "delete"})
		}
	}
	for _, k := range b.kids {
		cs, _ := s.child(k)
		at := path + "/" + e.label(k, cs)
		old := peek(a, k, cs)
		switch {
		case old == nil:
			out = append(out, change{at, "create"})
		case old == k:
		case leafLike(k, cs):
			if old.text != k.text {
				out = append(out, change{at, "replace"})
			}
		default:
			out = append(out, changes(old, k, cs, at)...)
		}
	}
	return append(out, bulkChanges(a, b, path)...)
}

// bulkChanges lists invented entries that are in one tree only.
func bulkChanges(a, b *node, path string) []change {
	var out []change
	for _, name := range vanished(a, b) {
		if entry(b, "interface", name) == nil {
			out = append(out, change{path + "/interface[name='" + name + "']", "delete"})
		}
	}
	for _, name := range vanished(b, a) {
		if entry(a, "interface", name) == nil {
			out = append(out, change{path + "/interface[name='" + name + "']", "create"})
		}
	}
	return out
}

// vanished lists the invented entries of a that b does not invent.
func vanished(a, b *node) []string {
	if a.bulk.empty() {
		return nil
	}
	var out []string
	if b.bulk.empty() {
		for i := 0; i < a.bulk.src.n && len(out) < 1000; i++ {
			if name := a.bulk.src.name(i); !a.bulk.gone[name] {
				out = append(out, name)
			}
		}
		return out
	}
	for name := range b.bulk.gone {
		if !a.bulk.gone[name] {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// peek is find without making invented entries real.
func peek(target, n *node, cs *schema) *node {
	keys, isL := isList(cs, n)
	values := entryKeys(n, keys)
	for _, k := range target.kids {
		if k.local != n.local || k.space != n.space {
			continue
		}
		if isL && !sameKeys(k, keys, values) || cs != nil && cs.kind == leafList && k.text != n.text {
			continue
		}
		return k
	}
	if isL && len(keys) == 1 && n.local == "interface" {
		return target.bulk.find(n.value(keys[0]))
	}
	return nil
}

// merge3 brings what changed from base to mine into theirs and returns the
// result; the arguments stay as they are.
func merge3(base, mine, theirs *node, s *schema) *node {
	out := theirs.clone()
	weave(base, mine, out, s)
	return out
}

func weave(base, mine, out *node, s *schema) {
	for _, k := range base.kids {
		cs, _ := s.child(k)
		if peek(mine, k, cs) == nil {
			if t := find(out, k, cs); t != nil {
				out.removeChild(t)
			}
		}
	}
	for _, k := range mine.kids {
		cs, _ := s.child(k)
		old := peek(base, k, cs)
		if old == k || old != nil && same(old, k) {
			continue
		}
		there := find(out, k, cs)
		switch {
		case there == nil:
			insert(out, k.clone())
		case old == nil || leafLike(k, cs):
			out.replaceChild(there, k.clone())
		default:
			weave(old, k, there, cs)
		}
	}
	if !out.bulk.empty() {
		for _, name := range vanished(base, mine) {
			if entry(mine, "interface", name) == nil {
				out.bulk.drop(name)
			}
		}
		if mine.bulk.empty() && !base.bulk.empty() {
			out.bulk = nil
		}
	}
}
