package simdev

import (
	"bytes"
	"fmt"
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
	return fmt.Sprintf("xe-%d/%d/%d", 10+i/384, i/48%8, i%48)
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

// entry makes entry i.
func (s *source) entry(i int) *node {
	addr := fmt.Sprintf("10.%d.%d.%d", i>>14&255, i>>6&255, i<<2&255|1)
	desc := fmt.Sprintf("customer %06d, site %c%02d, circuit EX-%08d", i, 'A'+i%26, i%97, i*7919%100000000)
	mtu := strconv.Itoa(1500 + i%4*512)
	if s.junos {
		return el("interface",
			leaf("name", s.name(i)), leaf("description", desc), leaf("mtu", mtu),
			el("unit", leaf("name", "0"),
				el("family", el("inet", el("address", leaf("name", addr+"/30"))))))
	}
	return inNS(s.space, el("interface",
		leaf("name", s.name(i)), leaf("description", desc),
		leaf("type", "ethernet"), leaf("enabled", "true"), leaf("mtu", mtu),
		el("ipv4", el("address", leaf("ip", addr), leaf("prefix-length", "30")))))
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
	b.each(func(n *node) bool {
		p.node(n, depth, outer)
		return p.err == nil
	})
}
