package simdev

import (
	"fmt"
	"slices"
	"strings"
)

// textToken is a word, or one of { } ; [ ].
type textToken struct {
	s    string
	word bool
	line int
}

// lexText splits a text configuration; comments are dropped.
func lexText(text string) ([]textToken, *rpcError) {
	var out []textToken
	line := 1
	bad := func(msg string) *rpcError {
		return &rpcError{typ: "protocol", tag: "operation-failed", msg: fmt.Sprintf("line %d: %s", line, msg)}
	}
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == '\n':
			line++
			i++
		case c == ' ' || c == '\t' || c == '\r':
			i++
		case c == '#':
			for i < len(text) && text[i] != '\n' {
				i++
			}
		case strings.HasPrefix(text[i:], "/*"):
			end := strings.Index(text[i:], "*/")
			if end < 0 {
				return nil, bad("a comment is not closed")
			}
			line += strings.Count(text[i:i+end], "\n")
			i += end + 2
		case strings.IndexByte("{};[]", c) >= 0:
			out = append(out, textToken{string(c), false, line})
			i++
		case c == '"':
			var b strings.Builder
			i++
			for i < len(text) && text[i] != '"' {
				if text[i] == '\\' && i+1 < len(text) {
					i++
				}
				if text[i] == '\n' {
					line++
				}
				b.WriteByte(text[i])
				i++
			}
			if i >= len(text) {
				return nil, bad("a quote is not closed")
			}
			i++
			out = append(out, textToken{b.String(), true, line})
		default:
			from := i
			for i < len(text) && strings.IndexByte(" \t\r\n{};[]\"", text[i]) < 0 {
				i++
			}
			out = append(out, textToken{text[from:i], true, line})
		}
	}
	return out, nil
}

// parseText reads a text configuration as an edit.
func parseText(text string, s *schema) (*node, *rpcError) {
	toks, e := lexText(text)
	if e != nil {
		return nil, e
	}
	root := &node{local: "configuration"}
	p := &textParser{toks: toks}
	if e := p.block(root, s, 0); e != nil {
		return nil, e
	}
	return root, nil
}

type textParser struct {
	toks []textToken
	i    int
}

func (p *textParser) fail(msg, bad string) *rpcError {
	line := 0
	if len(p.toks) > 0 {
		line = p.toks[min(p.i, len(p.toks)-1)].line
	}
	return &rpcError{typ: "protocol", tag: "operation-failed", msg: fmt.Sprintf("line %d: %s", line, msg), info: []*node{leaf("bad-element", bad)}}
}

// block reads statements up to the closing brace, or to the end at depth 0.
func (p *textParser) block(cur *node, s *schema, depth int) *rpcError {
	if depth > maxDepth {
		return p.fail("braces nest too deeply", "{")
	}
	for p.i < len(p.toks) {
		t := p.toks[p.i]
		if t.s == "}" && !t.word {
			if depth == 0 {
				return p.fail("syntax error", "}")
			}
			p.i++
			return nil
		}
		if e := p.statement(cur, s, depth); e != nil {
			return e
		}
	}
	if depth > 0 {
		return p.fail("a brace is not closed", "{")
	}
	return nil
}

// statement reads "words ;" or "words { ... }", with the tags replace:,
// delete: and inactive: before it.
func (p *textParser) statement(cur *node, s *schema, depth int) *rpcError {
	var tags, words []string
	for p.i < len(p.toks) {
		t := p.toks[p.i]
		if t.word && len(words) == 0 && (t.s == "replace:" || t.s == "delete:" || t.s == "inactive:" || t.s == "active:") {
			tags = append(tags, strings.TrimSuffix(t.s, ":"))
			p.i++
			continue
		}
		if !t.word && t.s != "[" && t.s != "]" {
			break
		}
		words = append(words, t.s)
		p.i++
	}
	if p.i == len(p.toks) {
		return p.fail("the last statement is not closed", strings.Join(words, " "))
	}
	if len(words) == 0 {
		return p.fail("syntax error", p.toks[p.i].s)
	}
	open := p.toks[p.i].s == "{"
	if p.toks[p.i].s == "}" {
		return p.fail("a statement is not closed", words[len(words)-1])
	}
	p.i++
	into := cur
	if len(tags) > 0 { // a statement with a tag stands for itself
		into = &node{local: cur.local}
	}
	n, ns, e := walk(into, s, words, "")
	if e != nil {
		e.msg = fmt.Sprintf("line %d: %s", p.toks[p.i-1].line, e.msg)
		return e
	}
	for _, tag := range tags {
		switch tag {
		case "delete", "replace":
			n.set("operation", tag)
		default:
			n.set(tag, tag)
		}
	}
	if open {
		if e := p.block(n, ns, depth+1); e != nil {
			return e
		}
	}
	if into != cur {
		cur.kids = append(cur.kids, into.kids...)
	}
	return nil
}

// quoted writes a value the way the text form needs it.
func quoted(v string) string {
	if v != "" && !strings.ContainsAny(v, " \t\r\n{};[]\"#") && !strings.HasPrefix(v, "/*") {
		return v
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
}

// head is the text of a statement up to its value or brace, rest what goes
// inside.
func head(n *node, s *schema) (text string, rest []*node) {
	keys, isL := isList(s, n)
	text = n.local
	rest = n.kids
	if isL && len(keys) > 0 {
		key := quoted(n.value(keys[0]))
		if s != nil && s.anon {
			text = key
		} else {
			text += " " + key
		}
		rest = nil
		for _, k := range n.kids {
			if !slices.Contains(keys, k.local) {
				rest = append(rest, k)
			}
		}
	}
	if s != nil && !s.open {
		if a := s.anonymous(); a != nil && a.kind == leafKind && n.has(a.local) {
			text += " " + quoted(n.value(a.local))
			var left []*node
			for _, k := range rest {
				if k.local != a.local {
					left = append(left, k)
				}
			}
			rest = left
		}
	}
	return text, rest
}

// textLines writes the statements below n, one line at a time.
func textLines(n *node, kids []*node, s *schema, depth int, line func(depth int, text string)) {
	for i, k := range kids {
		cs, _ := s.child(k)
		if cs != nil && cs.kind == leafList {
			if i > 0 && kids[i-1].local == k.local {
				continue
			}
			textLeafList(kids[i:], k.local, depth, line)
			continue
		}
		textStatement(k, cs, depth, line)
	}
	n.bulk.each(func(k *node) bool {
		cs, _ := s.child(k)
		textStatement(k, cs, depth, line)
		return true
	})
}

func textLeafList(kids []*node, name string, depth int, line func(int, string)) {
	var vs []string
	for _, k := range kids {
		if k.local == name {
			vs = append(vs, quoted(k.text))
		}
	}
	if len(vs) == 1 {
		line(depth, name+" "+vs[0]+";")
		return
	}
	line(depth, name+" [ "+strings.Join(vs, " ")+" ];")
}

func textStatement(k *node, cs *schema, depth int, line func(int, string)) {
	if cs != nil && cs.flat && len(k.kids) > 0 && !inactive(k) {
		textLines(k, k.kids, cs, depth, func(at int, t string) {
			if at == depth && t != "}" {
				t = k.local + " " + t
			}
			line(at, t)
		})
		return
	}
	prefix := ""
	if inactive(k) {
		prefix = "inactive: "
	}
	if leafLike(k, cs) {
		if k.text == "" {
			line(depth, prefix+k.local+";")
			return
		}
		line(depth, prefix+k.local+" "+quoted(k.text)+";")
		return
	}
	h, rest := head(k, cs)
	if len(rest) == 0 && k.bulk.empty() {
		line(depth, prefix+h+";")
		return
	}
	if cs != nil && cs.line && len(rest) == 1 && len(rest[0].kids) == 0 {
		one := ""
		textLines(k, rest, cs, 0, func(_ int, t string) { one = t })
		line(depth, prefix+h+" "+one)
		return
	}
	line(depth, prefix+h+" {")
	textLines(k, rest, cs, depth+1, line)
	line(depth, "}")
}

// textConfig is the whole configuration as text.
func textConfig(root *node, s *schema) []byte {
	var b []byte
	textLines(root, root.kids, s, 0, func(depth int, t string) {
		for range depth {
			b = append(b, "    "...)
		}
		b = append(append(b, t...), '\n')
	})
	return b
}

// setConfig is the whole configuration as set commands.
func setConfig(root *node, s *schema) []byte {
	var b []byte
	setLines(root, root.kids, s, "", func(t string) { b = append(append(b, t...), '\n') })
	return b
}

func setLines(n *node, kids []*node, s *schema, prefix string, line func(string)) {
	one := func(k *node) bool {
		cs, _ := s.child(k)
		if inactive(k) {
			h, _ := head(k, cs)
			defer line("deactivate" + prefix + " " + h)
		}
		if leafLike(k, cs) {
			t := k.local
			if k.text != "" {
				t += " " + quoted(k.text)
			}
			line("set" + prefix + " " + t)
			return true
		}
		h, rest := head(k, cs)
		if len(rest) == 0 && k.bulk.empty() {
			line("set" + prefix + " " + h)
			return true
		}
		setLines(k, rest, cs, prefix+" "+h, line)
		return true
	}
	for _, k := range kids {
		one(k)
	}
	n.bulk.each(one)
}

// compareText shows what leads from a to b, as "show | compare" does.
func compareText(a, b *node, s *schema) string {
	var out strings.Builder
	out.WriteByte('\n')
	compareAt(&out, a, b, s, "")
	return out.String()
}

// compareAt writes the differences of one level under its heading, then those
// below.
func compareAt(out *strings.Builder, a, b *node, s *schema, path string) {
	var lines []string
	block := func(sign string, k *node, cs *schema) {
		if leafLike(k, cs) {
			textStatement(k, cs, 0, func(_ int, t string) { lines = append(lines, sign+"  "+t) })
			return
		}
		textStatement(k, cs, 0, func(depth int, t string) {
			lines = append(lines, sign+"   "+strings.Repeat("    ", depth)+t)
		})
	}
	type pair struct {
		a, b *node
		s    *schema
		at   string
	}
	var below []pair
	e := &editor{}
	for _, k := range a.kids {
		cs, _ := s.child(k)
		switch other := peek(b, k, cs); {
		case other == nil:
			block("-", k, cs)
		case other == k:
		case leafLike(k, cs):
			if other.text != k.text {
				block("-", k, cs)
				block("+", other, cs)
			}
		default:
			if inactive(other) != inactive(k) {
				h, _ := head(k, cs)
				lines = append(lines, "!   "+map[bool]string{true: "inactive: ", false: "active: "}[inactive(other)]+h+" { ... }")
			}
			below = append(below, pair{k, other, cs, path + "/" + e.label(k, cs)})
		}
	}
	for _, name := range vanished(a, b) {
		k := a.bulk.find(name)
		cs, _ := s.child(k)
		if other := peek(b, k, cs); other == nil {
			block("-", k, cs)
		} else if !same(k, other) {
			below = append(below, pair{k, other, cs, path + "/" + e.label(k, cs)})
		}
	}
	for _, k := range b.kids {
		cs, _ := s.child(k)
		if peek(a, k, cs) == nil {
			block("+", k, cs)
		}
	}
	if len(lines) > 0 {
		out.WriteString(junosPath(path) + "\n" + strings.Join(lines, "\n") + "\n")
	}
	for _, p := range below {
		compareAt(out, p.a, p.b, p.s, p.at)
	}
}
