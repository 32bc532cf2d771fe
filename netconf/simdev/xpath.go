package simdev

import (
	"fmt"
	"strings"
)

// parseXPath turns an XPath filter into subtree filters. The package comment
// says which expressions it takes; the rest is an error.
func parseXPath(expr string, ns map[string]string) ([]*node, error) {
	x := &xpather{s: expr, ns: ns}
	var filters []*node
	for {
		f, err := x.path()
		if err != nil {
			return nil, err
		}
		filters = append(filters, f)
		x.space()
		if x.s == "" {
			return filters, nil
		}
		if !x.take("|") {
			return nil, x.refused()
		}
	}
}

type xpather struct {
	s  string
	ns map[string]string
}

func (x *xpather) space() { x.s = strings.TrimLeft(x.s, " \t\r\n") }

func (x *xpather) take(tok string) bool {
	x.space()
	rest, ok := strings.CutPrefix(x.s, tok)
	if ok {
		x.s = rest
	}
	return ok
}

func (x *xpather) refused() error {
	return fmt.Errorf("this XPath is more than the device takes, from %.60q on", x.s)
}

// path reads one absolute location path.
func (x *xpather) path() (*node, error) {
	var first, last *node
	for depth := 0; ; depth++ {
		deep := x.take("//")
		if !deep && !x.take("/") {
			if first == nil {
				return nil, x.refused()
			}
			return first, nil
		}
		if depth > maxDepth {
			return nil, x.refused()
		}
		if deep && first != nil {
			return nil, x.refused()
		}
		n, err := x.name()
		if err != nil {
			return nil, err
		}
		if deep {
			n.attrs = append(n.attrs, attr{local: deepMark})
		}
		if first == nil {
			first = n
		} else {
			last.kids = append(last.kids, n)
		}
		last = n
		for x.take("[") {
			if err := x.predicate(n); err != nil {
				return nil, err
			}
		}
	}
}

// name reads a name test.
func (x *xpather) name() (*node, error) {
	if x.take("*") {
		return &node{local: "*"}, nil
	}
	x.space()
	i := 0
	for i < len(x.s) && !strings.ContainsRune(" \t\r\n/[]|=()'\"@,+<>!$*", rune(x.s[i])) {
		i++
	}
	q := x.s[:i]
	if q == "" || q == "." || q == ".." || strings.Contains(q, "::") || strings.HasPrefix(x.s[i:], "(") {
		return nil, x.refused()
	}
	x.s = x.s[i:]
	prefix, local, ok := strings.Cut(q, ":")
	if !ok {
		return &node{local: q}, nil
	}
	uri, known := x.ns[prefix]
	if !known {
		return nil, fmt.Errorf("the prefix %.40q is not declared", prefix)
	}
	return &node{space: uri, local: local}, nil
}

// predicate reads "name='value' and ...]" behind its bracket.
func (x *xpather) predicate(n *node) error {
	for {
		var match *node
		if x.take(".") {
			match = n
		} else {
			m, err := x.name()
			if err != nil {
				return err
			}
			match = m
			n.kids = append(n.kids, m)
		}
		if !x.take("=") {
			return x.refused()
		}
		v, err := x.literal()
		if err != nil {
			return err
		}
		if v == "" {
			return x.refused()
		}
		match.text = v
		if x.take("]") {
			return nil
		}
		if !x.take("and") {
			return x.refused()
		}
	}
}

func (x *xpather) literal() (string, error) {
	x.space()
	if x.s == "" || (x.s[0] != '\'' && x.s[0] != '"') {
		return "", x.refused()
	}
	v, rest, ok := strings.Cut(x.s[1:], x.s[:1])
	if !ok {
		return "", x.refused()
	}
	x.s = rest
	return v, nil
}
