package xmldoc

import (
	"bytes"
	"context"
	"strings"
)

// Limits of what is made into a key.
const (
	MaxKey      = 200 // bytes of a key's value
	KeyChildren = 4   // children looked at for a key
)

// IsKey reports whether a leaf of this local name usually names its entry.
func IsKey(name string) bool {
	switch name {
	case "name", "id", "key", "index", "identifier", "address", "ip", "ip-address", "prefix",
		"host", "hostname", "user", "username", "peer-address", "neighbor-address",
		"interface-name", "vlan-id", "sequence", "sequence-id", "number", "type-name",
		"route-distinguisher", "rt-destination", "ifa-local", "session-id", "uri", "url":
		return true
	}
	return false
}

// keyOf finds the leaf that names the entry of Open row i: the first of its
// first children that is a leaf with the name of a key, or, with any, the first
// child when that is a leaf.
func (d *Doc) keyOf(v *view, i int, any bool) (name []byte, value string, ok bool) {
	n := 0
	var first Row
	for _, r := range d.children(v, i) {
		if n == 0 {
			first = r
		}
		if r.Kind == Leaf && IsKey(localName(v.name(r))) {
			if value = v.value(r); value != "" && len(value) <= MaxKey {
				return v.name(r), value, true
			}
		}
		if n++; n == KeyChildren {
			break
		}
	}
	if any && n > 0 && first.Kind == Leaf {
		if value = v.value(first); value != "" && len(value) <= MaxKey {
			return v.name(first), value, true
		}
	}
	return nil, "", false
}

// Label is what a folded Open row shows beside its name: the value of its
// first leaf child when that names the entry (name, id, key, address, ...).
func (d *Doc) Label(i int) string {
	v := d.enter()
	defer d.leave()
	if !v.has(i) || d.row(&v, i).Kind != Open {
		return ""
	}
	_, value, _ := d.keyOf(&v, i, false)
	return value
}

// Path is the location of row i with list keys:
// /interfaces/interface[name=ge-0/0/2]/mtu. The envelope (rpc-reply, data) is
// left out. Rows of text and the like have the path of the element around them,
// broken rows have none.
//
// No schema is asked. The key of an element is the first of its first four
// children that is a leaf called name, id, address or the like; of an element
// with a neighbour of the same name it is its first child, when that is a leaf
// of any name. A leaf with such a neighbour is told apart by its own value:
// [.=10.0.0.1]. A value that does not read back plainly is quoted.
func (d *Doc) Path(i int) string {
	v := d.enter()
	defer d.leave()
	if !v.has(i) {
		return ""
	}
	switch d.row(&v, i).Kind {
	case Broken:
		return ""
	case Close:
		i = d.openOf(&v, i)
	case Text, Comment, PI, CDATA:
		i = d.parentOf(&v, i)
	}
	var steps []string
	for ; i >= 0; i = d.parentOf(&v, i) {
		if !d.envelope(&v, i) {
			steps = append(steps, d.step(&v, i))
		}
	}
	if len(steps) == 0 {
		return "/"
	}
	var b strings.Builder
	for k := len(steps) - 1; k >= 0; k-- {
		b.WriteByte('/')
		b.WriteString(steps[k])
	}
	return b.String()
}

// envelope reports whether row i is the rpc-reply, or the data in it.
func (d *Doc) envelope(v *view, i int) bool {
	r := d.row(v, i)
	switch r.Depth {
	case 0:
		return localName(v.name(r)) == "rpc-reply"
	case 1:
		return localName(v.name(r)) == "data" && d.envelope(v, d.parentOf(v, i))
	}
	return false
}

// step is the part of the path for the element at row i.
func (d *Doc) step(v *view, i int) string {
	r := d.row(v, i)
	name := string(v.decode(v.name(r)))
	switch r.Kind {
	case Open:
		if key, value, ok := d.keyOf(v, i, d.repeated(v, i)); ok {
			return name + "[" + string(v.decode(key)) + "=" + quote(value) + "]"
		}
	case Leaf:
		if value := v.value(r); value != "" && len(value) <= MaxKey && d.repeated(v, i) {
			return name + "[.=" + quote(value) + "]"
		}
	}
	return name
}

// repeated reports whether the element next to row i has the same name.
func (d *Doc) repeated(v *view, i int) bool {
	r := d.row(v, i)
	name := v.name(r)
	same := func(j int) (skip, same bool) {
		if j < 0 || j >= v.structured() {
			return false, false
		}
		o := d.row(v, j)
		switch o.Kind {
		case Comment, PI, Text, CDATA:
			return true, false
		}
		return false, o.Depth == r.Depth && bytes.Equal(v.name(o), name)
	}
	const far = 8 // comments in between
	if end := d.endOf(v, i); end >= 0 {
		for j := end + 1; j <= end+far; j++ {
			if skip, yes := same(j); yes {
				return true
			} else if !skip {
				break
			}
		}
	}
	for j := i - 1; j >= i-far; j-- {
		if skip, yes := same(j); yes {
			return true
		} else if !skip {
			break
		}
	}
	return false
}

// quote makes a value fit into brackets.
func quote(s string) string {
	plain := s != "" && strings.Trim(s, " \t\r\n") == s && strings.IndexFunc(s, func(r rune) bool {
		return r < ' ' || strings.ContainsRune("[]'\"", r)
	}) < 0
	switch {
	case plain:
		return s
	case !strings.Contains(s, "'"):
		return "'" + s + "'"
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// pathStep is one parsed step of a path.
type pathStep struct {
	name string
	keys []pathKey
}

type pathKey struct{ name, value string }

// parsePath reads what Path writes. A double quote within double quotes is
// written twice. It returns false for anything else.
func parsePath(path string) ([]pathStep, bool) {
	path = strings.TrimPrefix(path, "/")
	var steps []pathStep
	for path != "" {
		n := strings.IndexAny(path, "/[")
		if n < 0 {
			n = len(path)
		}
		step := pathStep{name: path[:n]}
		path = path[n:]
		for strings.HasPrefix(path, "[") {
			eq := strings.IndexByte(path, '=')
			if eq < 0 {
				return nil, false
			}
			key := pathKey{name: strings.TrimSpace(path[1:eq])}
			value, rest, ok := cutValue(path[eq+1:])
			if !ok || key.name == "" {
				return nil, false
			}
			key.value, path = value, rest
			step.keys = append(step.keys, key)
		}
		if step.name == "" || path != "" && path[0] != '/' {
			return nil, false
		}
		path = strings.TrimPrefix(path, "/")
		steps = append(steps, step)
	}
	return steps, true
}

// cutValue reads a value and its closing bracket.
func cutValue(s string) (value, rest string, ok bool) {
	if s == "" || s[0] != '\'' && s[0] != '"' {
		value, rest, ok = strings.Cut(s, "]")
		return value, rest, ok
	}
	q := s[:1]
	var b strings.Builder
	for s = s[1:]; ; s = s[1:] {
		part, after, found := strings.Cut(s, q)
		if !found {
			return "", "", false
		}
		b.WriteString(part)
		s = after
		if !strings.HasPrefix(s, `"`) || q != `"` {
			break
		}
		b.WriteByte('"')
	}
	rest, ok = strings.CutPrefix(strings.TrimLeft(s, " "), "]")
	return b.String(), rest, ok
}

// Find returns the first row that a path of the form of Path leads to, of
// elements that have arrived. The envelope may be given or left out, as may
// keys, prefixes and the first slash.
func (d *Doc) Find(ctx context.Context, path string) (row int, ok bool, err error) {
	v := d.enter()
	defer d.leave()
	if v.err == ErrClosed {
		return 0, false, ErrClosed
	}
	steps, ok := parsePath(path)
	if !ok || v.rows == 0 {
		return 0, false, ctx.Err()
	}
	f := finder{ctx: ctx, d: d, v: &v}
	for j, n := 0, v.structured(); j < n; j++ {
		r := d.row(&v, j)
		if r.Depth != 0 || r.Kind > Empty || r.Kind == Close {
			continue
		}
		if len(steps) == 0 {
			return j, true, nil
		}
		if d.envelope(&v, j) {
			if row, ok = f.below(j, steps); ok || f.err != nil {
				return row, ok, f.err
			}
		}
		if row, ok = f.try(j, r, steps); ok || f.err != nil {
			return row, ok, f.err
		}
		break
	}
	return 0, false, ctx.Err()
}

// finder walks along a path.
type finder struct {
	ctx   context.Context
	d     *Doc
	v     *view
	tried int
	err   error
}

// below looks for steps from the children of row i on.
func (f *finder) below(i int, steps []pathStep) (int, bool) {
	if f.d.row(f.v, i).Kind != Open {
		return 0, false
	}
	for j, r := range f.d.children(f.v, i) {
		if f.tried++; f.tried%256 == 0 {
			if f.err = f.ctx.Err(); f.err == nil && f.d.stopped.Load() {
				f.err = ErrClosed
			}
			if f.err != nil {
				return 0, false
			}
		}
		if r.Depth == 1 && f.d.envelope(f.v, j) {
			if row, ok := f.below(j, steps); ok || f.err != nil {
				return row, ok
			}
		}
		if row, ok := f.try(j, r, steps); ok || f.err != nil {
			return row, ok
		}
	}
	return 0, false
}

// try takes the first step at row i.
func (f *finder) try(i int, r Row, steps []pathStep) (int, bool) {
	if !f.v.named(r, steps[0].name) {
		return 0, false
	}
	for _, k := range steps[0].keys {
		if !f.holds(i, r, k) {
			return 0, false
		}
	}
	if len(steps) == 1 {
		return i, true
	}
	return f.below(i, steps[1:])
}

// named reports whether r's tag has this name; a name without a prefix fits any.
func (v *view) named(r Row, name string) bool {
	b := v.decode(v.name(r))
	return string(b) == name || localName(b) == name
}

// holds reports whether the element has a leaf child of this value.
func (f *finder) holds(i int, r Row, k pathKey) bool {
	if k.name == "." {
		return f.v.value(r) == k.value
	}
	if r.Kind != Open {
		return false
	}
	n := 0
	for _, c := range f.d.children(f.v, i) {
		if c.Kind == Leaf && f.v.named(c, k.name) && f.v.value(c) == k.value {
			return true
		}
		if n++; n == 64 {
			break
		}
	}
	return false
}
