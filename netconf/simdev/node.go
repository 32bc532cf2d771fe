package simdev

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds of one request: a client is foreign too.
const (
	maxDepth   = 200
	maxNodes   = 2_000_000
	maxMessage = 256 << 20
)

// attr is one attribute. space is a namespace URI, "" for none, "xmlns" for a
// declaration.
type attr struct {
	space, local, value string
}

// node is one element of a configuration, a request or a reply. A node that has
// element children has no text. Trees are copied before they are changed, so
// a tree that a reply is being written from never changes under it.
type node struct {
	space, local string
	attrs        []attr
	kids         []*node
	text         string
	bulk         *bulk             // invented entries that follow kids
	raw          []byte            // well-formed XML in place of kids and text
	ns           map[string]string // prefixes in scope, kept for filters only
}

func el(local string, kids ...*node) *node       { return &node{local: local, kids: kids} }
func leaf(local, text string) *node              { return &node{local: local, text: text} }
func elNS(space, local string, k ...*node) *node { return &node{space: space, local: local, kids: k} }

// inNS gives n and all below it the namespace space, where they have none.
func inNS(space string, n *node) *node {
	if n.space == "" {
		n.space = space
	}
	for _, k := range n.kids {
		inNS(space, k)
	}
	return n
}

func (n *node) add(k ...*node) *node { n.kids = append(n.kids, k...); return n }

// set adds an attribute written as it is: "junos:style".
func (n *node) set(name, value string) *node {
	n.attrs = append(n.attrs, attr{local: name, value: value})
	return n
}

// attr returns the value of an attribute by local name, in no namespace or in
// space.
func (n *node) attr(space, local string) (string, bool) {
	for _, a := range n.attrs {
		if a.local == local && (a.space == "" || a.space == space) {
			return a.value, true
		}
	}
	return "", false
}

// child returns the first child with that local name, nil when there is none.
func (n *node) child(local string) *node {
	if n == nil {
		return nil
	}
	for _, k := range n.kids {
		if k.local == local {
			return k
		}
	}
	return nil
}

// path follows local names down.
func (n *node) path(names ...string) *node {
	for _, s := range names {
		n = n.child(s)
	}
	return n
}

// value is the trimmed text of the child with that name.
func (n *node) value(local string) string {
	if c := n.child(local); c != nil {
		return strings.TrimSpace(c.text)
	}
	return ""
}

func (n *node) has(local string) bool { return n.child(local) != nil }

// clone copies the tree down to the leaves. Generated parts are shared, the
// record of which of them are gone is copied.
func (n *node) clone() *node {
	if n == nil {
		return nil
	}
	c := *n
	c.kids = make([]*node, len(n.kids))
	for i, k := range n.kids {
		c.kids[i] = k.clone()
	}
	c.attrs = append([]attr(nil), n.attrs...)
	c.bulk = n.bulk.clone()
	return &c
}

func (n *node) removeChild(c *node) {
	for i, k := range n.kids {
		if k == c {
			n.kids = append(n.kids[:i:i], n.kids[i+1:]...)
			return
		}
	}
}

func (n *node) replaceChild(old, with *node) {
	for i, k := range n.kids {
		if k == old {
			n.kids[i] = with
			return
		}
	}
	n.kids = append(n.kids, with)
}

// same reports whether two trees hold the same data in the same order. Of the
// attributes only the one of Junos that deactivates counts.
func same(a, b *node) bool {
	if a.local != b.local || a.space != b.space || a.text != b.text || len(a.kids) != len(b.kids) {
		return false
	}
	if !a.bulk.same(b.bulk) || inactive(a) != inactive(b) {
		return false
	}
	for i := range a.kids {
		if !same(a.kids[i], b.kids[i]) {
			return false
		}
	}
	return true
}

func inactive(n *node) bool {
	v, ok := n.attr("", "inactive")
	return ok && v == "inactive"
}

var (
	errDoctype = errors.New("a document type declaration is not allowed")
	errDeep    = fmt.Errorf("elements nest deeper than %d", maxDepth)
	errMany    = fmt.Errorf("more than %d elements", maxNodes)
)

// parse reads one element, with nothing but white space, comments and
// processing instructions around it.
func parse(r io.Reader) (*node, error) {
	root, err := parseForest(r)
	if err != nil {
		return nil, err
	}
	if len(root.kids) != 1 {
		return nil, fmt.Errorf("expected one element, found %d", len(root.kids))
	}
	return root.kids[0], nil
}

// parseForest reads any number of elements into the children of a nameless
// node.
func parseForest(r io.Reader) (*node, error) {
	d := xml.NewDecoder(r)
	root := &node{}
	stack := []*node{root}
	scopes := []map[string]string{{}}
	count := 0
	var text []byte
	for {
		t, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		top := stack[len(stack)-1]
		switch t := t.(type) {
		case xml.StartElement:
			if count++; count > maxNodes {
				return nil, errMany
			}
			if len(stack) > maxDepth {
				return nil, errDeep
			}
			n, scope, err := start(t, scopes[len(scopes)-1])
			if err != nil {
				return nil, err
			}
			top.kids = append(top.kids, n)
			top.text = ""
			stack, scopes = append(stack, n), append(scopes, scope)
			text = text[:0]
		case xml.EndElement:
			if len(top.kids) == 0 {
				top.text = string(text)
			}
			text = text[:0]
			stack, scopes = stack[:len(stack)-1], scopes[:len(scopes)-1]
		case xml.CharData:
			if len(stack) == 1 && len(bytes.TrimSpace(t)) > 0 {
				return nil, fmt.Errorf("text %.40q outside of an element", t)
			}
			text = append(text, t...)
		case xml.Directive:
			return nil, errDoctype
		}
	}
	return root, nil
}

// start makes a node of a start tag and the prefixes in scope inside it.
func start(t xml.StartElement, outer map[string]string) (*node, map[string]string, error) {
	n := &node{space: t.Name.Space, local: t.Name.Local}
	scope := outer
	for _, a := range t.Attr {
		if a.Name.Space == "xmlns" {
			if len(scope) == len(outer) {
				scope = make(map[string]string, len(outer)+1)
				for k, v := range outer {
					scope[k] = v
				}
			}
			scope[a.Name.Local] = a.Value
		}
		n.attrs = append(n.attrs, attr{a.Name.Space, a.Name.Local, a.Value})
	}
	if _, ok := n.attr("", "select"); ok || n.local == "select" {
		n.ns = scope
	}
	for i, a := range n.attrs {
		for _, b := range n.attrs[:i] {
			if a.space == b.space && a.local == b.local {
				return nil, nil, fmt.Errorf("attribute %q twice in one tag", a.local)
			}
		}
	}
	return n, scope, nil
}

// plain drops namespaces and attributes of declarations from a whole tree, the
// way Junos looks at its own configuration.
func plain(n *node) *node {
	n.space = ""
	keep := n.attrs[:0]
	for _, a := range n.attrs {
		if a.space == "xmlns" || a.local == "xmlns" {
			continue
		}
		keep = append(keep, a)
	}
	n.attrs = keep
	for _, k := range n.kids {
		plain(k)
	}
	return n
}

// tidy trims the values of leaves.
func tidy(n *node) *node {
	n.text = strings.TrimSpace(n.text)
	for _, k := range n.kids {
		tidy(k)
	}
	return n
}
