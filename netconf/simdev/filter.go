package simdev

import (
	"slices"
	"strings"
)

// deepMark is the attribute that makes a filter node match at any depth: what
// "//name" of an XPath filter becomes.
const deepMark = "\x00deep"

func (n *node) deep() bool { _, ok := n.attr("", deepMark); return ok }

// nameMatches tells whether data node n is one that filter node f means. A
// filter node without namespace matches every one (RFC 6241 section 6.2.1).
func nameMatches(n, f *node) bool {
	if f.local != "*" && f.local != n.local {
		return false
	}
	return f.space == "" || n.space == "" || f.space == n.space
}

// attrsMatch applies attribute match expressions (RFC 6241 section 6.2.2).
func attrsMatch(n, f *node) bool {
	for _, a := range f.attrs {
		if a.space == "xmlns" || a.local == "xmlns" || a.local == deepMark {
			continue
		}
		if v, ok := n.attr(a.space, a.local); !ok || v != a.value {
			return false
		}
	}
	return true
}

// selectNode applies subtree filters to one data node (RFC 6241 section 6.2).
// All of filters match n by name. It returns the selected part of n, sharing
// what is whole, or nil.
func selectNode(n *node, filters []*node) *node {
	var out *node
	for _, f := range filters {
		if !attrsMatch(n, f) {
			continue
		}
		got := selectOne(n, f)
		if got == n {
			return n
		}
		if got != nil {
			out = union(out, got)
		}
	}
	return out
}

// selectOne applies one filter node.
func selectOne(n, f *node) *node {
	if len(f.kids) == 0 {
		if t := strings.TrimSpace(f.text); t != "" && t != strings.TrimSpace(n.text) {
			return nil
		}
		return n
	}
	matches, selects, ok := contentMatch(n, f)
	if !ok {
		return nil
	}
	if len(selects) == 0 {
		return n // only content match nodes: the whole entry
	}
	out := &node{space: n.space, local: n.local, attrs: n.attrs}
	if len(n.kids) == 0 && n.bulk.empty() {
		return nil
	}
	got := selectKids(n, selects)
	if got == nil {
		if len(matches) == 0 {
			return nil
		}
		got = &node{}
	}
	for _, k := range n.kids {
		if isKey(n, k) || slices.Contains(matches, k) {
			if !slices.Contains(got.kids, k) {
				out.kids = append(out.kids, k)
			}
		}
	}
	out.kids = append(out.kids, got.kids...)
	out.bulk = got.bulk
	return out
}

// contentMatch splits the children of f: those with text must be met by a
// child of n, the rest select.
func contentMatch(n, f *node) (matches, selects []*node, ok bool) {
	for _, fk := range f.kids {
		t := strings.TrimSpace(fk.text)
		if len(fk.kids) > 0 || t == "" {
			selects = append(selects, fk)
			continue
		}
		found := false
		for _, k := range n.kids {
			if nameMatches(k, fk) && len(k.kids) == 0 && strings.TrimSpace(k.text) == t {
				matches, found = append(matches, k), true
			}
		}
		if !found {
			return nil, nil, false
		}
	}
	return matches, selects, true
}

// selectKids applies filters to the children of n and returns them under a
// nameless node, nil when nothing is selected.
func selectKids(n *node, filters []*node) *node {
	out := &node{}
	var deep []*node
	for _, f := range filters {
		if f.deep() {
			deep = append(deep, f)
		}
	}
	for _, k := range n.kids {
		var fit []*node
		for _, f := range filters {
			if nameMatches(k, f) {
				fit = append(fit, f)
			}
		}
		var got *node
		if len(fit) > 0 {
			got = selectNode(k, fit)
		}
		if got != k && len(deep) > 0 {
			if below := selectKids(k, deep); below != nil {
				shell := &node{space: k.space, local: k.local, attrs: k.attrs, kids: keysOf(k), bulk: below.bulk}
				for _, b := range below.kids {
					if !slices.Contains(shell.kids, b) {
						shell.kids = append(shell.kids, b)
					}
				}
				got = union(got, shell)
			}
		}
		if got != nil {
			out.kids = append(out.kids, got)
		}
	}
	selectBulk(n, out, filters, deep)
	if len(out.kids) == 0 && out.bulk.empty() {
		return nil
	}
	return out
}

// selectBulk passes the filters on to the invented entries of n.
func selectBulk(n, out *node, filters, deep []*node) {
	if n.bulk.empty() {
		return
	}
	probe := n.bulk.src.entry(0)
	var fit []*node
	for _, f := range filters {
		if !nameMatches(probe, f) {
			continue
		}
		if len(f.kids) == 0 && strings.TrimSpace(f.text) == "" && attrsMatch(probe, f) {
			out.bulk = n.bulk
			return
		}
		fit = append(fit, f)
	}
	for _, f := range deep {
		fit = append(fit, &node{local: "*", kids: []*node{f}, attrs: []attr{{local: deepMark}}})
	}
	if len(fit) > 0 {
		b := n.bulk.clone()
		b.filter = fit
		out.bulk = b
	}
}

// union joins two selections of the same node.
func union(a, b *node) *node {
	if a == nil || a == b {
		return b
	}
	if b == nil {
		return a
	}
	out := &node{space: a.space, local: a.local, attrs: a.attrs, text: a.text, bulk: a.bulk}
	out.kids = append(out.kids, a.kids...)
	for _, k := range b.kids {
		if slices.Contains(out.kids, k) {
			continue
		}
		if t := twin(out.kids, k); t >= 0 {
			out.kids[t] = union(out.kids[t], k)
			continue
		}
		out.kids = append(out.kids, k)
	}
	switch {
	case a.bulk.empty():
		out.bulk = b.bulk
	case b.bulk.empty() || a.bulk.filter == nil:
	case b.bulk.filter == nil:
		out.bulk = b.bulk
	default:
		c := a.bulk.clone()
		c.filter = append(append([]*node(nil), a.bulk.filter...), b.bulk.filter...)
		out.bulk = c
	}
	return out
}

// twin finds the other selection of the entry that k is a selection of.
func twin(kids []*node, k *node) int {
	for i, o := range kids {
		if o.local == k.local && o.space == k.space && len(o.kids) > 0 && len(k.kids) > 0 && keyText(o) == keyText(k) {
			return i
		}
	}
	return -1
}

// isKeyName tells the leaves that name a list entry where no schema says so.
func isKeyName(local string) bool {
	switch local {
	case "name", "id", "ip", "address", "prefix", "identifier", "session-id":
		return true
	}
	return false
}

// isKey tells whether k names its entry n: the first child, by a usual name.
func isKey(n, k *node) bool {
	return len(n.kids) > 1 && n.kids[0] == k && len(k.kids) == 0 && isKeyName(k.local)
}

func keysOf(n *node) []*node {
	if len(n.kids) > 1 && isKey(n, n.kids[0]) {
		return []*node{n.kids[0]}
	}
	return nil
}

func keyText(n *node) string {
	if len(n.kids) > 0 && len(n.kids[0].kids) == 0 && isKeyName(n.kids[0].local) {
		return strings.TrimSpace(n.kids[0].text)
	}
	return ""
}
