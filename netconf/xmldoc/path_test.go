package xmldoc

import (
	"context"
	"testing"
)

const config = `<rpc-reply message-id="1">
<data>
  <interfaces xmlns="urn:x">
    <!-- the first -->
    <interface><name>ge-0/0/0</name><mtu>1500</mtu></interface>
    <interface><name>ge-0/0/1</name><unit><name>0</name></unit><unit><name>1</name><x/></unit></interface>
    <interface><name>it's "odd" [1]</name><mtu>9192</mtu></interface>
  </interfaces>
  <system>
    <host-name>r1</host-name>
    <server>10.0.0.1</server>
    <server>10.0.0.2</server>
    <rule><seq>10</seq><action>permit</action></rule>
    <rule><seq>20</seq><action>a &amp; b</action></rule>
    <j:note xmlns:j="urn:j">
      one
      two
    </j:note>
  </system>
</data>
</rpc-reply>`

func TestPaths(t *testing.T) {
	t.Parallel()
	d := load(t, config, 7)
	tests := []struct {
		text string // a row that holds it
		path string
	}{
		{"<rpc-reply", "/"},
		{"<data>", "/"},
		{"<interfaces", "/interfaces"},
		{"the first", "/interfaces"},
		{"ge-0/0/0", "/interfaces/interface[name=ge-0/0/0]/name"},
		{"1500", "/interfaces/interface[name=ge-0/0/0]/mtu"},
		{"<name>0<", "/interfaces/interface[name=ge-0/0/1]/unit[name=0]/name"},
		{"<x/>", "/interfaces/interface[name=ge-0/0/1]/unit[name=1]/x"},
		{"9192", `/interfaces/interface[name="it's ""odd"" [1]"]/mtu`},
		{"</interfaces>", "/interfaces"},
		{"<host-name>", "/system/host-name"},
		{"10.0.0.2", "/system/server[.=10.0.0.2]"},
		{"permit", "/system/rule[seq=10]/action"},
		{"&amp;", "/system/rule[seq=20]/action"},
		{"two", "/system/j:note"},
	}
	for _, tt := range tests {
		row, ok, err := d.Search(context.Background(), Query{Text: tt.text}, -1, false)
		if !ok || err != nil {
			t.Fatalf("no row with %q", tt.text)
		}
		if got := d.Path(row); got != tt.path {
			t.Errorf("Path of %q is %s, not %s", tt.text, got, tt.path)
			continue
		}
		back, ok, err := d.Find(context.Background(), tt.path)
		if !ok || err != nil || d.Path(back) != tt.path {
			t.Errorf("Find(%s) = %d %v %v", tt.path, back, ok, err)
		}
	}
}

func TestFindIsLenient(t *testing.T) {
	t.Parallel()
	d := load(t, config, 1000)
	for path, want := range map[string]string{
		"interfaces/interface/mtu":                     "/interfaces/interface[name=ge-0/0/0]/mtu",
		"/rpc-reply/data/system":                       "/system",
		"/interfaces/interface[mtu=9192]/name":         `/interfaces/interface[name="it's ""odd"" [1]"]/name`,
		"/interfaces/interface/unit[name='1']":         "/interfaces/interface[name=ge-0/0/1]/unit[name=1]",
		"/system/note":                                 "/system/j:note",
		`/system/rule[action="a & b"][seq=20]`:         "/system/rule[seq=20]",
		"/interfaces/interface[name=ge-0/0/0]/mtu/":    "/interfaces/interface[name=ge-0/0/0]/mtu",
		"/interfaces/interface[name=ge-0/0/0][mtu=1]":  "",
		"/interfaces/interface[name=ge-0/0/0":          "",
		"/interfaces/interface[]":                      "",
		"/interfaces//interface":                       "",
		"/interfaces/interface[name='ge-0/0/0']x/name": "",
		"/nothing": "",
		"[x=1]":    "",
	} {
		row, ok, err := d.Find(context.Background(), path)
		if err != nil || ok != (want != "") || ok && d.Path(row) != want {
			t.Errorf("Find(%s) = %v %v, path %s, want %s", path, ok, err, d.Path(row), want)
		}
	}
}

func TestLabelsAndValues(t *testing.T) {
	t.Parallel()
	d := load(t, `<a><b><name>&lt;x&#x41;&#8;&nope;&amp</name></b><c><mtu>1</mtu></c><d><e/></d><f><!-- c --><id>
  7
</id></f><g> y </g></a>`, 5)
	want := map[string]string{"<b>": "<xA&#8;&nope;&amp", "<c>": "", "<d>": "", "<f>": "7"}
	for i := range d.Rows() {
		text := string(d.AppendRow(nil, i, 3))
		if label, ok := want[text]; ok && d.Label(i) != label {
			t.Errorf("Label of %s is %q, not %q", text, d.Label(i), label)
		}
		if text == "<g>" && d.Value(i) != " y " {
			t.Errorf("Value of %s is %q", text, d.Value(i))
		}
	}
}
