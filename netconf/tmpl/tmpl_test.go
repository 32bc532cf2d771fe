package tmpl

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dialtone/netconf"
)

func sample(t Template) map[string]string {
	vars := map[string]string{}
	for _, v := range t.Vars {
		if v.Default == "" && !v.Optional {
			vars[v.Name] = "x"
			if v.Raw {
				vars[v.Name] = `<system xmlns="urn:x"/>`
			}
		}
	}
	return vars
}

func TestBuiltinsAreWhole(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	groups := []string{"Read", "Edit", "Commit", "Session", "Junos"}
	for _, x := range Builtin() {
		if seen[x.Name] {
			t.Errorf("%s twice", x.Name)
		}
		seen[x.Name] = true
		if x.Title == "" || x.Doc == "" || !slices.Contains(groups, x.Group) || !strings.HasSuffix(x.Doc, ".") {
			t.Errorf("%s: title %q, group %q, doc %q", x.Name, x.Title, x.Group, x.Doc)
		}
		if _, err := complete(x.Body, x.Vars); err != nil {
			t.Errorf("%s: %v", x.Name, err)
		}
		for _, v := range x.Vars {
			if v.Title == "" || v.Title == v.Name {
				t.Errorf("%s: variable %s has no title", x.Name, v.Name)
			}
		}
		for _, full := range []bool{false, true} {
			vars := sample(x)
			if full { // fill the optional parts too
				for _, v := range x.Vars {
					if v.Optional {
						vars[v.Name] = "<x/>"
					}
				}
			}
			if _, err := x.Render(vars, netconf.Caps{}); err != nil {
				t.Errorf("%s: %v", x.Name, err)
			}
		}
	}
	if len(seen) < 55 {
		t.Errorf("only %d templates", len(seen))
	}
}

// The graver effects must not get lost: these drive confirmation.
func TestEffects(t *testing.T) {
	t.Parallel()
	want := map[string]netconf.Effect{
		"get": netconf.Reads, "get-config-running": netconf.Reads, "get-schema": netconf.Reads, "validate": netconf.Reads,
		"edit-config": netconf.Stages, "lock": netconf.Stages, "discard-changes": netconf.Stages,
		"commit": netconf.Commits, "commit-confirmed-persist": netconf.Commits, "cancel-commit": netconf.Commits, "copy-config-startup": netconf.Commits, "copy-config": netconf.Stages,
		"kill-session": netconf.Destroys, "delete-config-startup": netconf.Destroys,
		"junos-get-configuration-set": netconf.Reads, "junos-compare": netconf.Reads, "junos-load-set": netconf.Stages,
		"junos-commit": netconf.Commits, "junos-commit-confirmed": netconf.Commits, "junos-interfaces": netconf.Reads,
	}
	for _, x := range Builtin() {
		w, ok := want[x.Name]
		if !ok {
			continue
		}
		delete(want, x.Name)
		r, err := x.Render(sample(x), netconf.Caps{})
		if err != nil || r.Effect != w {
			t.Errorf("%s: effect %d, want %d (%v)", x.Name, r.Effect, w, err)
		}
	}
	if len(want) > 0 {
		t.Errorf("no such templates: %v", want)
	}
}

func TestUsable(t *testing.T) {
	t.Parallel()
	c := netconf.NewCaps([]string{"urn:ietf:params:netconf:base:1.0", "urn:ietf:params:netconf:capability:candidate:1.0", "urn:ietf:params:netconf:capability:confirmed-commit:1.0"})
	for name, want := range map[string]string{
		"commit": "", "commit-confirmed": "", "commit-confirmed-persist": "device lacks :confirmed-commit:1.1",
		"get-config-startup": "device lacks :startup", "junos-commit": "not a Junos device", "get": "",
	} {
		for _, x := range Builtin() {
			if x.Name == name && x.Usable(c) != want {
				t.Errorf("%s: %q, want %q", name, x.Usable(c), want)
			}
		}
	}
	if got := (Template{Needs: []string{"urn:some:module"}}).Usable(c); got != "device lacks urn:some:module" {
		t.Error(got)
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	plain := Template{Name: "t", Body: `<get><a b="{{V}}">{{V}}</a></get>`, Vars: []Var{{Name: "V"}}}
	raw := Template{Name: "t", Body: `<get>{{{V}}}</get>`, Vars: []Var{{Name: "V", Raw: true}}}
	opt := Template{Name: "t", Body: `<get>{{#V}}<v>{{V}}</v>{{/V}}</get>`, Vars: []Var{{Name: "V", Optional: true}}}
	pick := Template{Name: "t", Body: `<get><{{V}}/></get>`, Vars: []Var{{Name: "V", Default: "a", Choices: []string{"a", "b"}}}}
	for _, c := range []struct {
		name       string
		t          Template
		v          string
		body, fail string
	}{
		{"escapes", plain, `<&>"'`, `<get><a b="&lt;&amp;&gt;&quot;&apos;">&lt;&amp;&gt;&quot;&apos;</a></get>`, ""},
		{"keeps carriage returns", plain, "a\rb", "<get><a b=\"a&#13;b\">a&#13;b</a></get>", ""},
		{"no holes in values", plain, "{{V}}", `<get><a b="{{V}}">{{V}}</a></get>`, ""},
		{"end mark as text", plain, "]]>]]>", `<get><a b="]]&gt;]]&gt;">]]&gt;]]&gt;</a></get>`, ""},
		{"empty", plain, "", "", "variable V of template t: needs a value"},
		{"control", plain, "a\x00b", "", "cannot stand in XML"},
		{"bad utf-8", plain, "\xff", "", "not valid UTF-8"},
		{"raw", raw, `<x y="1">&amp;</x><z/>`, `<get><x y="1">&amp;</x><z/></get>`, ""},
		{"raw unclosed", raw, `<x>`, "", "not well-formed"},
		{"raw breaks out", raw, `</get><commit/><get>`, "", "not well-formed"},
		{"raw text", raw, `x`, "", "outside of an element"},
		{"raw doctype", raw, `<!DOCTYPE x><x/>`, "", "document type"},
		{"raw declaration", raw, `<?xml version="1.0"?><x/>`, "", "declaration"},
		{"raw comment only", raw, `<!-- x -->`, "", "no element"},
		{"raw end mark", raw, `<x>]]>]]></x>`, "", "ends a message"},
		{"part left out", opt, "", `<get></get>`, ""},
		{"part filled in", opt, "1", `<get><v>1</v></get>`, ""},
		{"choice", pick, "b", `<get><b/></get>`, ""},
		{"no choice", pick, "c/><x", "", "is none of a, b"},
	} {
		r, err := c.t.Render(map[string]string{"V": c.v}, netconf.Caps{})
		switch {
		case c.fail != "":
			var f *netconf.Fault
			if err == nil || !strings.Contains(err.Error(), c.fail) || !errors.As(err, &f) {
				t.Errorf("%s: error %v, want %q", c.name, err, c.fail)
			}
		case err != nil || string(r.Body) != c.body:
			t.Errorf("%s: %s (%v), want %s", c.name, r.Body, err, c.body)
		}
	}
	if r, err := pick.Render(nil, netconf.Caps{}); err != nil || string(r.Body) != "<get><a/></get>" {
		t.Errorf("default: %s %v", r.Body, err)
	}
	if _, err := plain.Render(map[string]string{"V": "x", "W": "y"}, netconf.Caps{}); err == nil {
		t.Error("an unknown variable was dropped without a word")
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("good.xml", "<!--\ntitle: Good one\ngroup: Ours\ndoc: First.\ndoc: Second.\nneeds: :candidate, xpath\n\nvar A = 1: First\nvar M = merge (merge, none)\nvar Q = \"a:b\": Quoted\n-->\n<get><a>{{A}}</a><m>{{M}}</m><q>{{Q}}</q>{{{X}}}{{#O}}{{O}}{{/O}}</get>\n")
	put("bare.xml", "<!-- a remark -->\n<get/>")
	put("notes.txt", "not one")
	put(".hidden.xml", "<")
	bads := map[string]struct{ text, want string }{
		"get.xml":       {"<get/>", "built-in"},
		"short.xml":     {"<!-->", "line 1"},
		"unclosed.xml":  {"<!--\ntitle: x\n", "line 1"},
		"key.xml":       {"<!--\ntitle: x\ncolour: red\n-->\n<get/>", "line 3"},
		"var.xml":       {"<!--\nvar 1x: no\n-->\n<get/>", "line 2"},
		"twice.xml":     {"<!--\nvar A: a\nvar A: b\n-->\n<get>{{A}}</get>", "line 3"},
		"unused.xml":    {"<!--\nvar A: a\n-->\n<get/>", "not used"},
		"both.xml":      {"<get>{{A}}{{{A}}}</get>", "two and in three"},
		"choice.xml":    {"<!--\nvar A = c (a, b)\n-->\n<get>{{A}}</get>", "not among"},
		"hole.xml":      {"<get>\n{{A</get>", "line 2"},
		"part.xml":      {"<get>{{#A}}</get>", "not closed"},
		"broken.xml":    {"<!--\ntitle: x\n-->\n<get>", "line 4"},
		"empty.xml":     {"", "no operation"},
		"endmark.xml":   {"<get>]]>]]></get>", "ends a message"},
		"utf8.xml":      {"<get>\xff</get>", "UTF-8"},
		"big.xml":       {"<get>" + strings.Repeat(" ", MaxFile) + "</get>", "1 MiB"},
		"two words.xml": {"<get/>", "characters other"},
	}
	for n, b := range bads {
		put(n, b.text)
	}
	if err := os.Mkdir(filepath.Join(dir, "dir.xml"), 0o700); err != nil {
		t.Fatal(err)
	}
	got, errs := Load(dir)
	if len(got) != 2 || got[0].Name != "bare" || got[1].Name != "good" {
		t.Fatalf("loaded %+v", got)
	}
	g := got[1]
	if g.Title != "Good one" || g.Group != "Ours" || g.Doc != "First. Second." || strings.Join(g.Needs, " ") != "candidate xpath" || g.Own != filepath.Join(dir, "good.xml") {
		t.Errorf("%+v", g)
	}
	want := []Var{{Name: "A", Title: "First", Default: "1"}, {Name: "M", Title: "M", Default: "merge", Choices: []string{"merge", "none"}},
		{Name: "Q", Title: "Quoted", Default: "a:b"}, {Name: "X", Title: "X", Raw: true}, {Name: "O", Title: "O", Optional: true}}
	for i, w := range want {
		v := g.Vars[i]
		if v.Name != w.Name || v.Title != w.Title || v.Default != w.Default || v.Raw != w.Raw || v.Optional != w.Optional || len(v.Choices) != len(w.Choices) {
			t.Errorf("variable %d: %+v, want %+v", i, v, w)
		}
	}
	if len(errs) != len(bads) {
		t.Errorf("%d errors for %d bad files", len(errs), len(bads))
	}
	for n, b := range bads {
		found := false
		for _, e := range errs {
			if strings.Contains(e.Error(), filepath.Join(dir, n)) && strings.Contains(e.Error(), b.want) {
				found = true
			}
		}
		if !found {
			t.Errorf("%s: no error with %q among %v", n, b.want, errs)
		}
	}
	if got, errs := Load(filepath.Join(dir, "none")); got != nil || errs != nil {
		t.Error("a missing directory is no error")
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add("<!--\ntitle: x\nvar A = b (b, c): T\n-->\n<get>{{A}}{{{B}}}{{#C}}{{C}}{{/C}}</get>", "v", "<x/>")
	f.Add("<get>{{{{A}}}}</get>", "]]>", "<a>]]>]]></a>")
	f.Add("{{", "", "")
	f.Add("<!-->", "", "")
	f.Fuzz(func(t *testing.T, file, plain, raw string) {
		x, _, err := Parse("fuzz", []byte(file))
		if err != nil {
			return
		}
		vars := map[string]string{}
		for _, v := range x.Vars {
			vars[v.Name] = plain
			if v.Raw {
				vars[v.Name] = raw
			}
		}
		r, err := x.Render(vars, netconf.Caps{})
		if err != nil {
			return
		}
		if strings.Contains(string(r.Body), "]]>]]>") {
			t.Errorf("the body holds an end mark: %q", r.Body)
		}
		if _, err := netconf.Classify(r.Body, netconf.Caps{}); err != nil {
			t.Errorf("rendered what is no RPC: %q: %v", r.Body, err)
		}
	})
}
