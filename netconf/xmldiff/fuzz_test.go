package xmldiff

import (
	"context"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"testing"

	"dialtone/netconf/xmldoc"
)

// model writes what a text says in a plain form, with a decoder of its own:
// names without prefix, attributes sorted, text trimmed. Rows of a changed
// document may come from both sides, so namespaces are left out.
func model(text string) (string, bool) {
	dec := xml.NewDecoder(strings.NewReader(text))
	var out strings.Builder
	var said strings.Builder
	flush := func() {
		for _, line := range strings.Split(said.String(), "\n") {
			if line = strings.Trim(line, " \t\r"); line != "" {
				out.WriteString("'" + line + "'")
			}
		}
		said.Reset()
	}
	for {
		tok, err := dec.RawToken()
		if err != nil {
			flush()
			return out.String(), err.Error() == "EOF"
		}
		switch t := tok.(type) {
		case xml.StartElement:
			flush()
			var as []string
			for _, a := range t.Attr {
				if a.Name.Local == "xmlns" || a.Name.Space == "xmlns" || strings.HasPrefix(a.Name.Space, "junos") {
					continue
				}
				as = append(as, a.Name.Local+"="+a.Value)
			}
			slices.Sort(as)
			out.WriteString("<" + t.Name.Local + " " + strings.Join(as, " ") + ">")
		case xml.EndElement:
			flush()
			out.WriteString("</>")
		case xml.CharData:
			said.Write(t)
			said.WriteByte(10) // a section or a comment begins a row of its own
		}
	}
}

// applied is b made of a and the difference.
func applied(a, b *xmldoc.Doc, r *Result) string {
	var out []byte
	rows := func(d *xmldoc.Doc, s Range) {
		for i := s.From; i < s.To; i++ {
			out = append(d.AppendRow(out, i, 1<<30), '\n')
		}
	}
	for _, s := range r.Segments {
		switch s.Kind {
		case Equal:
			rows(a, s.A)
		case Added, Changed:
			rows(b, s.B)
		}
	}
	return string(out)
}

func FuzzDiff(f *testing.F) {
	for _, s := range [][2]string{
		{list("a=1", "b=2"), list("b=3", "a=1", "c=4")},
		{"<c><d>1</d><d>2</d></c>", "<c><d>2</d><d>3</d><e/></c>"},
		{`<c xmlns="u"><a x="1" y="2">&lt;</a></c>`, `<p:c xmlns:p="u"><p:a y='2' x="1">&#60;</p:a></p:c>`},
		{"<c>x<b/>y<!-- z -->\nw</c>", "<c>x<b>1</b>\ny<![CDATA[q]]></c>"},
		{"<rpc-reply><data><a/></data></rpc-reply>", "<rpc-reply><data/></rpc-reply>"},
		{"<c><r><name>1</name><x/></r><r><name>1</name></r></c>", "<c><r><name>1</name></r><r><name>1</name><x/></r></c>"},
		{"<c><r><x><y/></x></r><r><x><z/></x></r></c>", "<c><r><x><z/></x></r><r><x><y/></x></r></c>"},
		{"<c><a>", "<c><a></b>"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		if len(one)+len(two) > 1<<14 {
			return
		}
		a, b := document(t, one), document(t, two)
		r, err := Compare(context.Background(), a, b, Options{})
		if err != nil {
			t.Fatal(err)
		}
		covered(t, a, b, r)
		self, err := Compare(context.Background(), a, a, Options{})
		if err != nil || !self.Same() || len(self.Moves) > 0 {
			t.Fatalf("a document differs from itself: %s %v", show(self), err)
		}
		da, _ := Digest(context.Background(), a)
		db, _ := Digest(context.Background(), b)
		if r.Same() && da.Unordered != db.Unordered {
			t.Errorf("no change, but the digests differ")
		}
		_, badA := a.Problem()
		_, badB := b.Problem()
		want, okB := model(two)
		_, okA := model(one)
		if badA || badB || !okA || !okB {
			return
		}
		if ka, kb := rootOf(a), rootOf(b); ka != kb {
			return // an envelope around one of them stays as it is
		}
		if got, _ := model(applied(a, b, r)); got != want {
			t.Errorf("a with the difference is\n%s\nb is\n%s\n%s", got, want, show(r))
		}
	})
}

// rootOf is the name of the root when it is an envelope.
func rootOf(d *xmldoc.Doc) string {
	s := &side{doc: d}
	out := ""
	for i := s.body(); i < d.Rows() && s.envelope(i); i++ {
		out += fmt.Sprint(string(s.bytes(i)), d.Row(i).Kind)
	}
	return out
}
