package editor

import (
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"dialtone/ui/msg"
)

func TestFormat(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"leaf", "<a>x</a>", "<a>x</a>"},
		{"children", "<a><b/><c>x</c></a>", "<a>\n  <b/>\n  <c>x</c>\n</a>"},
		{"newline at the end stays", "<a><b/></a>\n", "<a>\n  <b/>\n</a>\n"},
		{"indented already", "<a>\n  <b/>\n</a>\n", "<a>\n  <b/>\n</a>\n"},
		{"wrong indent", "<a>\n\t\t<b><c>1</c>\n</b></a>", "<a>\n  <b>\n    <c>1</c>\n  </b>\n</a>"},
		{"leaf of blanks", "<a><b>  </b></a>", "<a>\n  <b>  </b>\n</a>"},
		{"empty leaf over lines", "<a><b>\n</b></a>", "<a>\n  <b>\n</b>\n</a>"},
		{"text keeps its lines", "<a><b> x\n  y </b></a>", "<a>\n  <b> x\n  y </b>\n</a>"},
		{"mixed content", "<a><p>one <i><j/></i> two</p><b/></a>", "<a>\n  <p>one <i><j/></i> two</p>\n  <b/>\n</a>"},
		{"blank CDATA is text", "<a><![CDATA[ ]]><b/></a>", "<a><![CDATA[ ]]><b/></a>"},
		{"reference is text", "<a>&#32;<b/></a>", "<a>&#32;<b/></a>"},
		{"comment", "<a><!-- x\n y --><b/></a>", "<a>\n  <!-- x\n y -->\n  <b/>\n</a>"},
		{"comment in a leaf", "<a><b>x<!-- y --></b><c/></a>", "<a>\n  <b>x<!-- y --></b>\n  <c/>\n</a>"},
		{"comment alone", "<a><!-- x --></a>", "<a><!-- x --></a>"},
		{"kept space", `<a><b xml:space="preserve"><c/></b></a>`, "<a>\n  <b xml:space=\"preserve\"><c/></b>\n</a>"},
		{"attributes as written", "<a  b='1'\n  c=\"&gt;>\"><d/></a >", "<a  b='1'\n  c=\"&gt;>\">\n  <d/>\n</a >"},
		{"prolog", "<?xml version=\"1.0\"?><!-- c --><a><b/></a>", "<?xml version=\"1.0\"?>\n<!-- c -->\n<a>\n  <b/>\n</a>"},
		{"two roots", "<a/><b/>", "<a/>\n<b/>"},
		{"CR LF", "<a>\r\n<b/></a>\r\n", "<a>\r\n  <b/>\r\n</a>\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, why := Format(c.in)
			if why != "" || got != c.want {
				t.Fatalf("%s\n got %q\nwant %q", why, got, c.want)
			}
			if again, why := Format(got); why != "" || again != got {
				t.Fatalf("formatted again %q, %s", again, why)
			}
		})
	}
}

func TestFormatRefusesWhatIsNotBalanced(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"<a>":              "a is not closed",
		"<a>\n</b>":        "line 2",
		"</a>":             "no start tag",
		"<a><b</a>":        "not closed",
		"<a b=\"<c/>\"/>":  "not closed",
		"<a><!-- ":         "not closed",
		"<a/> x":           "outside",
		"<!DOCTYPE a><a/>": "document type",
		strings.Repeat("<a>", maxDepth+1) + strings.Repeat("</a>", maxDepth+1): "too deeply",
	} {
		if out, why := Format(in); !strings.Contains(why, want) || out != "" {
			t.Errorf("Format(%.40q) = %.40q, %q; want %q", in, out, why, want)
		}
	}
}

func TestFormatIsOneStepAndKeepsThePlace(t *testing.T) {
	t.Parallel()
	r := newRig(t, "<a><b>x</b><c>y</c></a>", Options{})
	r.press("esc")
	r.Goto(1, 13)
	r.press("F")
	r.wantAt("<a>\n  <b>x</b>\n  <|c>y</c>\n</a>")
	r.press("u")
	r.want("<a><b>x</b><c>y</c></a>")
	r.run(r.SetText([]byte("<a>")))
	r.press("F")
	if !strings.Contains(r.toasts(), "Not formatted: the element a is not closed. The text is as it was") {
		t.Errorf("toast %q", r.toasts())
	}
}

func TestFormatOfLongTextsDoesNotBlock(t *testing.T) {
	t.Parallel()
	flat := strings.ReplaceAll(document(9000), "\n", "")
	e := New(theme(true), Options{})
	e.Resize(80, 24)
	e.SetText([]byte(flat))
	cmd := e.format()
	if string(e.Text()) != flat {
		t.Fatal("formatted in Update")
	}
	done := cmd()
	e.replace(Pos{}, Pos{}, " ", other)
	if got := e.Update(done)().(msg.Toast); !strings.Contains(got.Text, "changed meanwhile") || string(e.Text()) != " "+flat {
		t.Fatalf("%q", got.Text)
	}
	e.undo(true)
	e.Update(e.format()())
	if !strings.HasPrefix(string(e.Text()), "<configuration>\n  <interface>\n    <name>") {
		t.Fatalf("%.80q", e.Text())
	}
}

// tokens reads XML; blanks between tags are left out where they mean nothing.
func tokens(s string) (out []xml.Token, err error) {
	d := xml.NewDecoder(strings.NewReader(s))
	for {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		out = append(out, xml.CopyToken(t))
	}
}

// FuzzFormat formats what the standard library can read and compares what it
// says: no tag, attribute, comment or text may differ but for blanks between
// tags, and none of those within elements that hold text.
func FuzzFormat(f *testing.F) {
	for _, s := range []string{"<a><b>x</b>y<c/></a>", "<a> <b> <c/> </b> </a>", "<?p?><a><!-- x --><b>\n</b></a>", `<a b="&lt;"><![CDATA[<]]></a>`, "<a/>\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out, why := Format(s)
		if why != "" {
			return
		}
		if inkOf(out) != inkOf(s) {
			t.Fatalf("Format(%q) = %q changed more than blanks", s, out)
		}
		if again, why := Format(out); why != "" || again != out {
			t.Fatalf("Format(%q) = %q, again %q, %s", s, out, again, why)
		}
		a, err := tokens(s)
		if err != nil {
			return
		}
		b, err := tokens(out)
		if err != nil {
			t.Fatalf("Format(%q) = %q: %v", s, out, err)
		}
		a, b = meaning(a), meaning(b)
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("Format(%q) = %q means something else\n%v\n%v", s, out, a, b)
		}
	})
}

func inkOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 && !inked(byte(r)) {
			return -1
		}
		return r
	}, s)
}

// meaning drops blank text that stands beside an element's tag on either side
// and not between a start tag and its own end tag.
func meaning(in []xml.Token) (out []xml.Token) {
	for i, t := range in {
		if c, ok := t.(xml.CharData); ok && strings.Trim(string(c), " \t\r\n") == "" {
			leaf := false
			if i > 0 && i+1 < len(in) {
				_, start := in[i-1].(xml.StartElement)
				_, end := in[i+1].(xml.EndElement)
				leaf = start && end
			}
			if !leaf {
				continue
			}
		}
		out = append(out, t)
	}
	return out
}
