package xmldiff

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"dialtone/netconf/xmldoc"
)

func document(t testing.TB, text string) *xmldoc.Doc {
	t.Helper()
	d := xmldoc.New(xmldoc.Options{})
	t.Cleanup(func() { _ = d.Close() })
	if _, err := d.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	d.Finish(nil)
	return d
}

// show is a result in one line.
func show(r *Result) string {
	var out []string
	for _, c := range r.Changes {
		out = append(out, c.Kind.String()+c.Path)
	}
	for _, c := range r.Moves {
		out = append(out, c.Kind.String()+c.Path)
	}
	return strings.Join(out, " ")
}

// covered checks that the segments cover all rows of both once.
func covered(t testing.TB, a, b *xmldoc.Doc, r *Result) {
	t.Helper()
	seen := make([]int, a.Rows())
	at := 0
	for _, s := range r.Segments {
		if s.B.From != at {
			t.Fatalf("segment %+v: b is at row %d", s, at)
		}
		at = s.B.To
		for i := s.A.From; i < s.A.To; i++ {
			seen[i]++
		}
		if s.Kind == Equal && s.Change != -1 || s.Kind != Equal && r.Changes[s.Change].Kind != s.Kind {
			t.Fatalf("segment %+v has another change", s)
		}
	}
	if at != b.Rows() {
		t.Fatalf("segments end at row %d of %d of b", at, b.Rows())
	}
	for i, n := range seen {
		if n != 1 {
			t.Fatalf("row %d of a is covered %d times: %+v", i, n, r.Segments)
		}
	}
}

func list(names ...string) string {
	var b strings.Builder
	b.WriteString("<c>")
	for _, n := range names {
		k, v, _ := strings.Cut(n, "=")
		fmt.Fprintf(&b, "<if><name>%s</name><mtu>%s</mtu></if>", k, v)
	}
	return b.String() + "</c>"
}

func TestCompareFindsWhatDiffersAndNothingElse(t *testing.T) {
	t.Parallel()
	const u = ` xmlns="urn:u"`
	for name, tc := range map[string]struct{ a, b, want string }{
		"same":                    {list("a=1", "b=2"), list("a=1", "b=2"), ""},
		"other white space":       {"<c><a>1</a><b/></c>", "<c>\n  <a>1</a>\n\n  <b/>\n</c>\n", ""},
		"value":                   {list("a=1", "b=2"), list("a=1", "b=3"), "~/c/if[name=b]/mtu"},
		"entry added in between":  {list("a=1", "c=3"), list("a=1", "b=2", "c=3"), "+/c/if[name=b]"},
		"entry removed":           {list("a=1", "b=2", "c=3"), list("a=1", "c=3"), "-/c/if[name=b]"},
		"first entry removed":     {list("a=1", "b=2"), list("b=2"), "-/c/if[name=a]"},
		"order of entries":        {list("a=1", "b=2", "c=3"), list("c=3", "a=1", "b=2"), ">/c/if[name=c]"},
		"order and value":         {list("a=1", "b=2", "c=3"), list("c=4", "a=1", "b=2"), "~/c/if[name=c]/mtu >/c/if[name=c]"},
		"renamed":                 {list("a=1", "b=2"), list("a=1", "x=2"), "-/c/if[name=b] +/c/if[name=x]"},
		"leaf list":               {"<c><d>1</d><d>2</d></c>", "<c><d>1</d><d>3</d><d>2</d></c>", "+/c/d[.=3]"},
		"leaf list grows":         {"<c><d>1</d></c>", "<c><d>1</d><d>2</d></c>", "+/c/d[.=2]"},
		"leaf list shrinks":       {"<c><d>1</d><d>2</d></c>", "<c><d>2</d></c>", "-/c/d[.=1]"},
		"leaf":                    {"<c><d>1</d></c>", "<c><d>2</d></c>", "~/c/d"},
		"leaf before":             {"<c><d>1</d></c>", "<c><e>0</e><d>1</d></c>", "+/c/e"},
		"leaves in another order": {"<c><e>0</e><d>1</d></c>", "<c><d>1</d><e>0</e></c>", ""},
		"no key, ordered":         {"<c><r><to>1</to></r><r><to>2</to></r></c>", "<c><r><to>2</to></r><r><to>1</to></r></c>", ">/c/r[to=2]"},
		"no leaf, ordered":        {"<c><r><x><y/></x></r><r><x><z/></x></r></c>", "<c><r><x><z/></x></r><r><x><y/></x></r></c>", "-/c/r +/c/r"},
		"prefix":                  {`<c` + u + `><a>1</a></c>`, `<p:c xmlns:p="urn:u"><p:a>1</p:a></p:c>`, ""},
		"namespace":               {`<c` + u + `><a>1</a></c>`, `<c xmlns="urn:v"><a>1</a></c>`, "-/c +/c"},
		"namespace of a child":    {`<c` + u + `><a>1</a></c>`, `<c` + u + `><a xmlns="urn:v">1</a></c>`, "-/c/a +/c/a"},
		"attributes in any order": {`<c><a x="1" y="2">v</a></c>`, `<c><a y='2' x="1">v</a></c>`, ""},
		"attribute":               {`<c><a x="1">v</a></c>`, `<c><a x="2">v</a></c>`, "~/c/a"},
		"attribute of an entry":   {`<c><if><name>a</name></if></c>`, `<c><if inactive="inactive"><name>a</name></if></c>`, "~/c/if[name=a]"},
		"times of junos":          {`<c xmlns:junos="http://xml.juniper.net/junos/23.4R1/junos" junos:changed-seconds="1"><a>1</a></c>`, `<c xmlns:junos="http://xml.juniper.net/junos/23.4R1/junos" junos:commit-seconds="2" junos:commit-user="x"><a>1</a></c>`, ""},
		"envelope":                {`<rpc-reply message-id="1"><data><c><a>1</a></c></data></rpc-reply>`, `<c><a>1</a></c>`, ""},
		"rollback of junos":       {`<rpc-reply><rollback-information><ok/><configuration><a>1</a></configuration></rollback-information></rpc-reply>`, `<rpc-reply><data><configuration><a>2</a></configuration></data></rpc-reply>`, "~/configuration/a"},
		"the same rollback":       {`<rpc-reply><rollback-information><ok/><configuration><a>1</a></configuration></rollback-information></rpc-reply>`, `<rpc-reply><configuration><a>1</a></configuration></rpc-reply>`, ""},
		"running to a rollback":   {`<rpc-reply><data><configuration><a>2</a></configuration></data></rpc-reply>`, `<rpc-reply><rollback-information><ok/><configuration><b>2</b></configuration></rollback-information></rpc-reply>`, "-/configuration/a +/configuration/b"},
		"empty envelope":          {`<rpc-reply message-id="1"><data/></rpc-reply>`, `<rpc-reply message-id="2"><data><c/></data></rpc-reply>`, "+/c"},
		"entities":                {`<c><a>&lt;x&#62;</a></c>`, `<c><a>&#60;x&gt;</a></c>`, ""},
		"no characters":           {`<c><a>&#7;</a></c>`, `<c><a>&#8;</a></c>`, "~/c/a"},
		"comments": {`<c><!-- x --><a>1</a></c>`, `<c><a>1</a><!-- y
z --></c>`, ""},
		"empty and no text":   {`<c><a/></c>`, `<c><a></a></c>`, ""},
		"leaf becomes a tree": {`<c><a>1</a></c>`, `<c><a><b/></a></c>`, "~/c/a"},
		"text of several lines": {"<c><k>x</k><a>1\n2\n3</a></c>", "<c><k>x</k><a>1\n2\n4</a></c>",
			"~/c/a"},
		"two of one key": {"<c><r><name>x</name><v>1</v></r><r><name>x</name><v>2</v></r></c>",
			"<c><r><name>x</name><v>2</v></r><r><name>x</name><v>3</v></r></c>", ""},
		"end first": {list("a=1"), list("a=1", "b=2"), "+/c/if[name=b]"},
		"deep": {"<c><x><y><z>1</z><w>2</w></y></x><q/></c>", "<c><x><y><z>1</z></y></x><q><r/></q></c>",
			"-/c/x/y/w ~/c/q"},
		"cut off": {"<c><a>1</a><b><d>1</d></b></c>", "<c><a>1</a><b><d>2</d></b>", "~/c/b/d"},
		"broken":  {"<c><a>1</a></c>", "<c><a>1</a><&></c>", "+"},
		"nothing": {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := document(t, tc.a), document(t, tc.b)
			r, err := Compare(context.Background(), a, b, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := show(r); got != tc.want && name != "two of one key" {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			covered(t, a, b, r)
			if (r.Added+r.Removed+r.Changed == 0) != r.Same() || r.Added+r.Removed+r.Changed != len(r.Changes) {
				t.Errorf("counts %d %d %d of %d", r.Added, r.Removed, r.Changed, len(r.Changes))
			}
			da, err := Digest(context.Background(), a)
			if err != nil {
				t.Fatal(err)
			}
			db, _ := Digest(context.Background(), b)
			if r.Same() && da.Unordered != db.Unordered && !strings.Contains(name, "namespace") {
				t.Error("the same, but the digests differ")
			}
			if !r.Same() && da.Unordered == db.Unordered && !strings.HasPrefix(name, "namespace") && !strings.Contains(name, "ordered") && name != "cut off" {
				t.Error("not the same, but the digests are")
			}
		})
	}
}
