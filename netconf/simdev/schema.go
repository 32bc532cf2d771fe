package simdev

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// schema describes one statement of a configuration. A nil schema is unknown
// ground (a configuration that came with Options), where lists are told by a
// first child named like a key.
type schema struct {
	space, local string
	kind         kind
	keys         []string
	anon         bool   // Junos: the text form leaves the list's own name out
	open         bool   // takes anything below
	flat         bool   // Junos: the text form repeats its name before each child: family inet {
	line         bool   // Junos: the text form puts an entry with one leaf on one line
	typ, def     string // of leaves
	kids         []*schema
}

type kind uint8

const (
	container kind = iota
	list
	leafKind
	leafList
	empty // a leaf without value
)

// parseSchema reads the indented notation of the tables below:
//
//	name            container        name *        container of anything
//	name [key]      list             name [key] ~  list whose name text omits
//	name = type     leaf             name = type (default)
//	name += type    leaf-list        name !        leaf without value
//	name &          container whose name the text form repeats before each child
//	... ~ on a leaf: the text form leaves its name out      ... ^ entry on one line
//	@namespace      namespace of what follows at the margin
func parseSchema(text string) *schema {
	root := &schema{}
	stack := []*schema{root}
	space := ""
	for _, line := range strings.Split(text, "\n") {
		body := strings.TrimLeft(line, " ")
		if body == "" {
			continue
		}
		if s, ok := strings.CutPrefix(body, "@"); ok {
			space = s
			continue
		}
		depth := (len(line) - len(body)) / 2
		s := statement(body)
		s.space = space
		stack = stack[:depth+1]
		stack[depth].kids = append(stack[depth].kids, s)
		stack = append(stack, s)
	}
	return root
}

func statement(body string) *schema {
	name, rest, _ := strings.Cut(body, " ")
	s := &schema{local: name}
	rest, s.line = strings.CutSuffix(strings.TrimSpace(rest), " ^")
	rest, s.anon = strings.CutSuffix(rest, " ~")
	switch {
	case rest == "*":
		s.open = true
	case rest == "&":
		s.flat = true
	case rest == "!":
		s.kind = empty
	case strings.HasPrefix(rest, "["):
		s.kind, s.keys = list, strings.Fields(strings.Trim(rest, "[]"))
	case strings.HasPrefix(rest, "+="):
		s.kind, s.typ = leafList, strings.TrimSpace(rest[2:])
	case strings.HasPrefix(rest, "="):
		s.kind, s.typ = leafKind, strings.TrimSpace(rest[1:])
		if t, def, ok := strings.Cut(s.typ, " ("); ok {
			s.typ, s.def = t, strings.TrimSuffix(def, ")")
		}
	}
	return s
}

// child finds the statement that element n is. known is false when the schema
// forbids it.
func (s *schema) child(n *node) (c *schema, known bool) {
	if s == nil || s.open {
		return nil, true
	}
	for _, k := range s.kids {
		if k.local == n.local && (k.space == n.space || k.space == "" || n.space == "") {
			return k, true
		}
	}
	return nil, false
}

// named finds a child statement by name.
func (s *schema) named(local string) *schema {
	if s == nil {
		return nil
	}
	for _, k := range s.kids {
		if k.local == local {
			return k
		}
	}
	return nil
}

// learn makes the schema accept what the tree holds.
func (s *schema) learn(n *node) {
	if s == nil || s.open {
		return
	}
	for _, k := range n.kids {
		c, known := s.child(k)
		if !known {
			s.kids = append(s.kids, &schema{local: k.local, space: k.space, open: true})
			continue
		}
		if c != nil && (c.kind == container || c.kind == list) {
			c.learn(k)
		}
	}
}

// isList tells whether e is an entry of a list, and which leaves name it.
func isList(s *schema, e *node) (keys []string, ok bool) {
	if s != nil && !s.open {
		return s.keys, s.kind == list
	}
	if len(e.kids) > 0 && len(e.kids[0].kids) == 0 && isKeyName(e.kids[0].local) {
		return []string{e.kids[0].local}, true
	}
	return nil, false
}

// check says what is wrong with a leaf's value, "" when nothing is.
func (s *schema) check(v string) string {
	if s == nil || s.typ == "" {
		return ""
	}
	num := func(lo, hi int64) string {
		x, err := strconv.ParseInt(v, 10, 64)
		if err != nil || x < lo || x > hi {
			return fmt.Sprintf("%.40q is not a number from %d to %d", v, lo, hi)
		}
		return ""
	}
	switch s.typ {
	case "string":
		return ""
	case "boolean":
		if v != "true" && v != "false" {
			return fmt.Sprintf("%.40q is neither true nor false", v)
		}
	case "uint8":
		return num(0, 255)
	case "uint16":
		return num(0, 65535)
	case "uint32":
		return num(0, 1<<32-1)
	case "mtu":
		return num(68, 16000)
	case "ip":
		if _, err := netip.ParseAddr(v); err != nil {
			return fmt.Sprintf("%.40q is not an IP address", v)
		}
	case "prefix":
		if _, err := netip.ParsePrefix(v); err != nil {
			return fmt.Sprintf("%.40q is not an address with prefix length", v)
		}
	default:
		for _, x := range strings.Split(s.typ, "|") {
			if x == v {
				return ""
			}
		}
		return fmt.Sprintf("%.40q is none of %s", v, strings.ReplaceAll(s.typ, "|", ", "))
	}
	return ""
}
