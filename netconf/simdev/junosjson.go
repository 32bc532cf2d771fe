package simdev

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// parseJSON reads a Junos JSON configuration as an edit, in document order.
func parseJSON(text string) (*node, *rpcError) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	root := &node{}
	bad := func(err error) *rpcError {
		return &rpcError{typ: "protocol", tag: "operation-failed", msg: fmt.Sprintf("the JSON cannot be read: %.200q", err.Error())}
	}
	t, err := d.Token()
	if err != nil {
		return nil, bad(err)
	}
	if t != json.Delim('{') {
		return nil, bad(fmt.Errorf("expected an object"))
	}
	if err := jsonObject(d, root, 0); err != nil {
		return nil, bad(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, bad(fmt.Errorf("there is more after the object"))
	}
	if len(root.kids) != 1 || root.kids[0].local != "configuration" {
		return nil, bad(fmt.Errorf("expected one configuration object"))
	}
	return root.kids[0], nil
}

// jsonObject reads the members of an object into n.
func jsonObject(d *json.Decoder, n *node, depth int) error {
	if depth > maxDepth {
		return errDeep
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name, ok := t.(string)
		if !ok || !xmlName(name) {
			return fmt.Errorf("%.40q is no statement", fmt.Sprint(t))
		}
		if err := jsonValue(d, n, name, depth); err != nil {
			return err
		}
	}
	_, err := d.Token()
	if i := keyIndex(n); i > 0 {
		k := n.kids[i]
		copy(n.kids[1:i+1], n.kids[:i])
		n.kids[0] = k
	}
	return err
}

func keyIndex(n *node) int {
	for i, k := range n.kids {
		if k.local == "name" {
			return i
		}
	}
	return -1
}

// jsonValue reads one value as the element name, or several of it.
func jsonValue(d *json.Decoder, n *node, name string, depth int) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	switch t := t.(type) {
	case json.Delim:
		switch t {
		case '{':
			if strings.HasPrefix(name, "@") {
				return jsonAttrs(d, n, name)
			}
			k := el(name)
			n.add(k)
			return jsonObject(d, k, depth+1)
		case '[':
			if depth > maxDepth {
				return errDeep
			}
			for d.More() {
				if err := jsonValue(d, n, name, depth+1); err != nil {
					return err
				}
			}
			_, err := d.Token()
			return err
		}
	case nil:
		n.add(el(name))
	case string:
		n.add(leaf(name, t))
	case json.Number:
		n.add(leaf(name, t.String()))
	case bool:
		n.add(leaf(name, strconv.FormatBool(t)))
	}
	return nil
}

// jsonAttrs reads "@": {"operation": "delete"}.
func jsonAttrs(d *json.Decoder, n *node, name string) error {
	for d.More() {
		k, err := d.Token()
		if err != nil {
			return err
		}
		v, err := d.Token()
		if err != nil {
			return err
		}
		if _, nested := v.(json.Delim); nested {
			return fmt.Errorf("attribute %.40q is no plain value", fmt.Sprint(k))
		}
		if name == "@" {
			value := fmt.Sprint(v)
			if value == "true" {
				value = fmt.Sprint(k)
			}
			n.attrs = append(n.attrs, attr{local: fmt.Sprint(k), value: value})
		}
	}
	_, err := d.Token()
	return err
}

func xmlName(s string) bool {
	for i, c := range s {
		ok := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || i == 0 && c == '@' || i > 0 && (c == '-' || c == '.' || c >= '0' && c <= '9')
		if !ok {
			return false
		}
	}
	return s != ""
}

// jsonWriter writes a tree in the JSON form of Junos.
type jsonWriter struct{ b []byte }

func (w *jsonWriter) str(s string) {
	q, _ := json.Marshal(s) // a string always marshals
	w.b = append(w.b, q...)
}

func (w *jsonWriter) line(depth int) {
	w.b = append(w.b, '\n')
	for range depth {
		w.b = append(w.b, "    "...)
	}
}

// object writes the children of n as members; those of one name are an array.
func (w *jsonWriter) object(n *node, s *schema, depth int) {
	w.b = append(w.b, '{')
	first := true
	member := func(name string) {
		if !first {
			w.b = append(w.b, ',')
		}
		first = false
		w.line(depth + 1)
		w.str(name)
		w.b = append(w.b, " : "...)
	}
	if inactive(n) {
		member("@")
		w.b = append(w.b, `{"inactive" : true}`...)
	}
	done := map[string]bool{}
	for i, k := range n.kids {
		if done[k.local] {
			continue
		}
		done[k.local] = true
		member(k.local)
		w.values(n, n.kids[i:], k.local, s, depth+1)
	}
	if !n.bulk.empty() && !done["interface"] {
		member("interface")
		w.values(n, nil, "interface", s, depth+1)
	}
	w.line(depth)
	w.b = append(w.b, '}')
}

// values writes all children named name.
func (w *jsonWriter) values(n *node, kids []*node, name string, s *schema, depth int) {
	cs, _ := s.child(&node{local: name})
	array := cs != nil && (cs.kind == list || cs.kind == leafList)
	count := 0
	for _, k := range kids {
		if k.local == name {
			count++
		}
	}
	array = array || count > 1
	if array {
		w.b = append(w.b, '[')
	}
	first := true
	one := func(k *node) bool {
		if k.local != name {
			return true
		}
		if !first {
			w.b = append(w.b, ',')
		}
		first = false
		if array {
			w.line(depth + 1)
		}
		w.value(k, cs, depth+1)
		return true
	}
	for _, k := range kids {
		one(k)
	}
	if name == "interface" {
		n.bulk.each(one)
	}
	if array {
		w.line(depth)
		w.b = append(w.b, ']')
	}
}

func (w *jsonWriter) value(k *node, cs *schema, depth int) {
	switch {
	case len(k.kids) > 0 || !k.bulk.empty():
		w.object(k, cs, depth)
	case k.text == "" && (cs == nil || cs.kind == empty):
		w.b = append(w.b, "[null]"...)
	case k.text == "":
		w.b = append(w.b, "{}"...)
	case cs != nil && strings.HasPrefix(cs.typ, "uint") && cs.check(k.text) == "":
		w.b = append(w.b, k.text...)
	default:
		w.str(k.text)
	}
}

// jsonConfig is a configuration as JSON.
func jsonConfig(root *node, s *schema) []byte {
	w := &jsonWriter{}
	w.b = append(w.b, "{\n    \"configuration\" : "...)
	w.object(root, s, 1)
	w.b = append(w.b, "\n}\n"...)
	return w.b
}

// jsonResult is an operational result as JSON: every value is an array of
// objects with "data".
func jsonResult(n *node) []byte {
	w := &jsonWriter{}
	w.b = append(w.b, "{"...)
	w.line(1)
	w.str(n.local)
	w.b = append(w.b, " : ["...)
	w.result(n, 1)
	w.b = append(w.b, "]\n}\n"...)
	return w.b
}

func (w *jsonWriter) result(n *node, depth int) {
	if len(n.kids) == 0 && n.bulk.empty() {
		w.b = append(w.b, `{"data" : `...)
		w.str(strings.TrimSpace(n.text))
		w.b = append(w.b, '}')
		return
	}
	groups := map[string][]*node{}
	var order []string
	each := func(k *node) bool {
		if groups[k.local] == nil {
			order = append(order, k.local)
		}
		groups[k.local] = append(groups[k.local], k)
		return true
	}
	for _, k := range n.kids {
		each(k)
	}
	n.bulk.each(each)
	w.b = append(w.b, '{')
	for i, name := range order {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.line(depth + 1)
		w.str(name)
		w.b = append(w.b, " : ["...)
		for j, k := range groups[name] {
			if j > 0 {
				w.b = append(w.b, ", "...)
			}
			w.result(k, depth+1)
		}
		w.b = append(w.b, ']')
	}
	w.line(depth)
	w.b = append(w.b, '}')
}
