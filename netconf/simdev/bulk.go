package simdev

import (
	"bytes"
	"maps"
	"strconv"
	"strings"
)

// source invents the entries of a long interface list: the same ones each
// time, made when they are asked for and never kept.
type source struct {
	n     int    // entries
	junos bool   // shape of the entries
	space string // namespace of the entries, "" for Junos
}

// newSource plans entries that add up to about size bytes of a reply.
func newSource(dialect Dialect, space string, size int64) *source {
	s := &source{junos: dialect == Junos, space: space}
	indent, depth := "  ", 3
	if s.junos {
		indent, depth = "    ", 4
	}
	const probe = 64
	var b bytes.Buffer
	p := newPrinter(&b, indent)
	for i := range probe {
		p.node(s.entry(i*997), depth, space)
	}
	_ = p.flush() // a bytes.Buffer takes everything
	per := int64(b.Len() / probe)
	s.n = int((size + per - 1) / per)
	return s
}

// name returns the name of entry i, index finds it again.
func (s *source) name(i int) string {
	return string(s.field(nil, fieldName, i))
}

func (s *source) index(name string) (int, bool) {
	rest, ok := strings.CutPrefix(name, "xe-")
	if !ok {
		return 0, false
	}
	p := strings.Split(rest, "/")
	if len(p) != 3 {
		return 0, false
	}
	var v [3]int
	for i, t := range p {
		x, err := strconv.Atoi(t)
		if err != nil || x < 0 || x > 1<<30 {
			return 0, false
		}
		v[i] = x
	}
	i := (v[0]-10)*384 + v[1]*48 + v[2]
	if i < 0 || i >= s.n || s.name(i) != name {
		return 0, false
	}
	return i, true
}

// The values of an entry, in the order of its fields.
const (
	fieldName = iota
	fieldDesc
	fieldMTU
	fieldAddr
	fields4
)

// field appends value f of entry i to b. Values hold nothing to be escaped.
func (s *source) field(b []byte, f, i int) []byte {
	switch f {
	case fieldName:
		b = append(b, "xe-"...)
		b = strconv.AppendInt(b, int64(10+i/384), 10)
		b = append(b, '/', byte('0'+i/48%8), '/')
		return strconv.AppendInt(b, int64(i%48), 10)
	case fieldDesc:
		b = append(b, "customer "...)
		b = padded(b, i, 6)
		b = append(b, ", site "...)
		b = append(b, byte('A'+i%26))
		b = padded(b, i%97, 2)
		b = append(b, ", circuit EX-"...)
		return padded(b, i*7919%100000000, 8)
	case fieldMTU:
		return strconv.AppendInt(b, int64(1500+i%4*512), 10)
	}
	b = append(b, "10."...)
	for n, v := range [3]int{i >> 14 & 255, i >> 6 & 255, i<<2&255 | 1} {
		if n > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendInt(b, int64(v), 10)
	}
	return b
}

// padded appends v with zeros in front, width digits at least.
func padded(b []byte, v, width int) []byte {
	for lim := 10; width > 1; width-- {
		if v < lim {
			b = append(b, '0')
		}
		lim *= 10
	}
	return strconv.AppendInt(b, int64(v), 10)
}

// entry makes entry i.
func (s *source) entry(i int) *node {
	var v [fields4]string
	for f := range v {
		v[f] = string(s.field(nil, f, i))
	}
	return s.shape(v)
}

// shape is an entry with given values.
func (s *source) shape(v [fields4]string) *node {
	if s.junos {
		return el("interface",
			leaf("name", v[fieldName]), leaf("description", v[fieldDesc]), leaf("mtu", v[fieldMTU]),
			el("unit", leaf("name", "0"),
				el("family", el("inet", el("address", leaf("name", v[fieldAddr]+"/30"))))))
	}
	return inNS(s.space, el("interface",
		leaf("name", v[fieldName]), leaf("description", v[fieldDesc]),
		leaf("type", "ethernet"), leaf("enabled", "true"), leaf("mtu", v[fieldMTU]),
		el("ipv4", el("address", leaf("ip", v[fieldAddr]), leaf("prefix-length", "30")))))
}

// mould is the printed text of an entry, cut at its values: no trees are made
// where whole entries are asked for.
type mould struct {
	text  [fields4 + 1]string
	field [fields4]int
}

func (s *source) mould(indent string, depth int, outer string) mould {
	var b bytes.Buffer
	p := newPrinter(&b, indent)
	p.node(s.shape([fields4]string{"\x00", "\x01", "\x02", "\x03"}), depth, outer)
	_ = p.flush() // a bytes.Buffer takes everything
	var m mould
	rest := b.String()
	for k := range m.field {
		at := strings.IndexAny(rest, "\x00\x01\x02\x03")
		m.text[k], m.field[k], rest = rest[:at], int(rest[at]), rest[at+1:]
	}
	m.text[fields4] = rest
	return m
}

// bulk is the invented part of one list: all entries of src but those that are
// gone (deleted, or edited and therefore real nodes now).
type bulk struct {
	src    *source
	gone   map[string]bool
	filter []*node           // subtree filters of the entry; nil selects all of it
	conv   func(*node) *node // what to show in place of the entry; may be nil
}

func (b *bulk) clone() *bulk {
	if b == nil {
		return nil
	}
	c := *b
	c.gone = maps.Clone(b.gone)
	return &c
}

func (b *bulk) empty() bool { return b == nil || b.src.n == 0 }

func (b *bulk) same(o *bulk) bool {
	if b.empty() || o.empty() {
		return b.empty() == o.empty()
	}
	return b.src == o.src && maps.Equal(b.gone, o.gone)
}

// find makes the entry with that name, nil when there is none.
func (b *bulk) find(name string) *node {
	if b.empty() || b.gone[name] {
		return nil
	}
	if i, ok := b.src.index(name); ok {
		return b.src.entry(i)
	}
	return nil
}

func (b *bulk) drop(name string) {
	if b.gone == nil {
		b.gone = map[string]bool{}
	}
	b.gone[name] = true
}

// each yields the entries until yield returns false.
func (b *bulk) each(yield func(*node) bool) {
	if b.empty() {
		return
	}
	emit := func(n *node) bool {
		if b.filter != nil {
			if n = selectNode(n, b.filter); n == nil {
				return true
			}
		}
		if b.conv != nil {
			n = b.conv(n)
		}
		return n == nil || yield(n)
	}
	if names, ok := namesOnly(b.filter); ok {
		for _, name := range names {
			if n := b.find(name); n != nil && !emit(n) {
				return
			}
		}
		return
	}
	for i := range b.src.n {
		if len(b.gone) > 0 && b.gone[b.src.name(i)] {
			continue
		}
		if !emit(b.src.entry(i)) {
			return
		}
	}
}

// namesOnly returns the names that the filters ask for, when each filter asks
// for one.
func namesOnly(filters []*node) ([]string, bool) {
	var names []string
	seen := map[string]bool{}
	for _, f := range filters {
		name := f.value("name")
		if name == "" || f.deep() {
			return nil, false
		}
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names, len(filters) > 0
}

// print writes the entries as children.
func (b *bulk) print(p *printer, depth int, outer string) {
	if b.empty() {
		return
	}
	if b.filter != nil || b.conv != nil {
		b.each(func(n *node) bool {
			p.node(n, depth, outer)
			return p.err == nil
		})
		return
	}
	m := b.src.mould(p.indent, depth, outer)
	for i := 0; i < b.src.n && p.err == nil; i++ {
		if len(b.gone) > 0 && b.gone[b.src.name(i)] {
			continue
		}
		for k, f := range m.field {
			p.buf = append(p.buf, m.text[k]...)
			p.buf = b.src.field(p.buf, f, i)
		}
		p.str(m.text[fields4])
	}
}
