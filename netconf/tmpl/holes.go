package tmpl

import (
	"fmt"
	"strings"
)

// piece is a part of a body: text, a hole, or an optional part.
type piece struct {
	text  string
	name  string // of a hole or a part
	raw   bool
	part  []piece // what an optional part holds
	group bool    // it is an optional part
}

// split finds the holes of a body. The error names the line.
func split(body string) ([]piece, error) {
	var out, part []piece
	open, openLine := "", 0
	put := func(p piece) {
		if open != "" {
			part = append(part, p)
		} else {
			out = append(out, p)
		}
	}
	line := 1
	for rest := body; ; {
		text, after, found := strings.Cut(rest, "{{")
		line += strings.Count(text, "\n")
		if text != "" {
			put(piece{text: text})
		}
		if !found {
			break
		}
		raw := strings.HasPrefix(after, "{")
		end := "}}"
		if raw {
			after, end = after[1:], "}}}"
		}
		name, next, closed := strings.Cut(after, end)
		if !closed || strings.ContainsAny(name, "\n{}") {
			return nil, fmt.Errorf("line %d: a hole is not closed with %s", line, end)
		}
		rest = next
		mark := byte(0)
		if !raw && name != "" && (name[0] == '#' || name[0] == '/') {
			mark, name = name[0], name[1:]
		}
		if !validName(name) {
			return nil, fmt.Errorf("line %d: %.40q is no name of a variable", line, name)
		}
		switch {
		case mark == '#' && open != "":
			return nil, fmt.Errorf("line %d: part %s opens inside part %s", line, name, open)
		case mark == '#':
			open, openLine, part = name, line, nil
		case mark == '/' && name != open:
			return nil, fmt.Errorf("line %d: part %s is closed, but not open", line, name)
		case mark == '/':
			open = ""
			out = append(out, piece{name: name, group: true, part: part})
		default:
			put(piece{name: name, raw: raw})
		}
	}
	if open != "" {
		return nil, fmt.Errorf("line %d: part %s is not closed", openLine, open)
	}
	return out, nil
}

func validName(s string) bool {
	for i, c := range s {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c != '_' && c != '-' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

func fill(b *strings.Builder, pieces []piece, values map[string]string) {
	for _, p := range pieces {
		switch {
		case p.group:
			if values[p.name] != "" {
				fill(b, p.part, values)
			}
		case p.name != "":
			b.WriteString(values[p.name])
		default:
			b.WriteString(p.text)
		}
	}
}

// use is how a body uses a variable.
type use struct {
	raw, plain bool
	outside    bool // somewhere outside of its own part
}

// uses lists the variables of a body in the order in which they first appear.
func uses(pieces []piece) (names []string, how map[string]*use) {
	how = map[string]*use{}
	var walk func(ps []piece, inside string)
	walk = func(ps []piece, inside string) {
		for _, p := range ps {
			if p.name == "" {
				continue
			}
			u := how[p.name]
			if u == nil {
				u = &use{}
				how[p.name] = u
				names = append(names, p.name)
			}
			if p.group {
				walk(p.part, p.name)
				continue
			}
			u.raw = u.raw || p.raw
			u.plain = u.plain || !p.raw
			u.outside = u.outside || p.name != inside
		}
	}
	walk(pieces, "")
	return names, how
}

// complete sets Raw and Optional of vars from the body and adds the variables
// that have no line of their own.
func complete(body string, vars []Var) ([]Var, error) {
	pieces, err := split(body)
	if err != nil {
		return nil, err
	}
	names, how := uses(pieces)
	have := map[string]bool{}
	for i := range vars {
		v := &vars[i]
		have[v.Name] = true
		u := how[v.Name]
		if u == nil {
			return nil, fmt.Errorf("variable %s is described and not used", v.Name)
		}
		v.Raw, v.Optional = u.raw, !u.outside
		if u.raw && u.plain {
			return nil, fmt.Errorf("variable %s stands in two and in three braces", v.Name)
		}
	}
	for _, n := range names {
		if !have[n] {
			if how[n].raw && how[n].plain {
				return nil, fmt.Errorf("variable %s stands in two and in three braces", n)
			}
			vars = append(vars, Var{Name: n, Title: n, Raw: how[n].raw, Optional: !how[n].outside})
		}
	}
	return vars, nil
}
