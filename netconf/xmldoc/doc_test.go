package xmldoc

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

var kindNames = [...]string{"open", "close", "leaf", "empty", "text", "comment", "pi", "cdata", "broken"}

// load writes text in pieces of n bytes and finishes the document.
func load(t testing.TB, text string, n int) *Doc {
	t.Helper()
	d := New(Options{})
	t.Cleanup(func() { d.Close() })
	feed(t, d, text, n)
	d.Finish(nil)
	return d
}

func feed(t testing.TB, d *Doc, text string, n int) {
	t.Helper()
	for text != "" {
		k := min(n, len(text))
		if m, err := d.Write([]byte(text[:k])); m != k || err != nil {
			t.Fatalf("Write = %d, %v", m, err)
		}
		text = text[k:]
	}
}

// dump shows every row as "depth kind text".
func dump(d *Doc) string {
	var b strings.Builder
	for i := range d.Rows() {
		r := d.Row(i)
		fmt.Fprintf(&b, "%d %s %q\n", r.Depth, kindNames[r.Kind], d.AppendRow(nil, i, r.Len))
	}
	return b.String()
}

func TestRows(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want, problem string }{
		{"reply", "<?xml version=\"1.0\"?>\n<rpc-reply message-id=\"1\">\n  <data>\n    <a>1</a>\n    <b/>\n    <c></c>\n  </data>\n</rpc-reply>\n",
			`0 pi "<?xml version=\"1.0\"?>"
0 open "<rpc-reply message-id=\"1\">"
1 open "<data>"
2 leaf "<a>1</a>"
2 empty "<b/>"
2 leaf "<c></c>"
1 close "</data>"
0 close "</rpc-reply>"
`, ""},
		{"terse", "<a><name>\nge-0/0/0\n</name></a>", `0 open "<a>"
1 leaf "<name>\nge-0/0/0\n</name>"
0 close "</a>"
`, ""},
		{"lines", "<output>\nName  State\n  ge    up  \n\n\n  xe    down\n\n</output>", `0 open "<output>"
1 text "Name  State"
1 text "  ge    up"
1 text ""
1 text "  xe    down"
0 close "</output>"
`, ""},
		{"mixed", "<a>one<b/>two\n three<c>x</c> four </a>", `0 open "<a>"
1 text "one"
1 empty "<b/>"
1 text "two"
1 text " three"
1 leaf "<c>x</c>"
1 text "four"
0 close "</a>"
`, ""},
		{"comment", "<a><!-- one\n  two -->\n<!----><b/><?x y?></a><!-- end -->", `0 open "<a>"
1 comment "<!-- one"
1 comment "  two -->"
1 comment "<!---->"
1 empty "<b/>"
1 pi "<?x y?>"
0 close "</a>"
0 comment "<!-- end -->"
`, ""},
		{"comment ends late", "<a><!--> </a> --></a>", `0 open "<a>"
1 comment "<!--> </a> -->"
0 close "</a>"
`, ""},
		{"cdata", "<a><![CDATA[<x>\n]] >]]></a>", `0 open "<a>"
1 cdata "<![CDATA[<x>"
1 cdata "]] >]]>"
0 close "</a>"
`, ""},
		{"attributes", "<a b='>' c = \"/>\"><d e='1'/><f\n g=''>h</f ></a>", `0 open "<a b='>' c = \"/>\">"
1 empty "<d e='1'/>"
1 leaf "<f\n g=''>h</f >"
0 close "</a>"
`, ""},
		{"byte order mark", "\xef\xbb\xbf<a/>", "0 empty \"<a/>\"\n", ""},
		{"blank leaf", "<a>\n  \n</a>", "0 leaf \"<a>\\n  \\n</a>\"\n", ""},
		{"cut in a name", "<a>\n<b>x</b>\n<nam", `0 open "<a>"
1 leaf "<b>x</b>"
0 broken "<nam"
`, "XML-TRUNC 13 2 the reply ended inside a tag"},
		{"cut in an element", "<a>\n<b>x", `0 open "<a>"
1 open "<b>"
2 text "x"
`, `XML-TRUNC 8 2 the reply ended inside the element "b"`},
		{"cut in CDATA", "<a><![CDATA[x", `0 open "<a>"
1 cdata "<![CDATA[x"
`, "XML-TRUNC 13 1 the reply ended inside a CDATA section; the device may have used end-of-message text in data"},
		{"mismatch", "<a>\n  <b>x</c>\n  <d/>\n</a>", `0 open "<a>"
1 open "<b>"
2 text "x"
0 broken "</c>"
0 broken "  <d/>"
0 broken "</a>"
`, `XML-FORM 10 3 "b" is closed by "</c>"`},
		{"doctype", "<!DOCTYPE a [\n<!ENTITY b 'c'>]><a/>", `0 broken "<!DOCTYPE a ["
0 broken "<!ENTITY b 'c'>]><a/>"
`, "XML-DTD 0 0 a document type declaration is refused"},
		{"two roots", "<a/>\n<b/>", "0 empty \"<a/>\"\n0 broken \"<b/>\"\n", `RPC-SHAPE 5 1 a second root element follows the first: "<b/>"`},
		{"text behind", "<a/>\nmore", "0 empty \"<a/>\"\n0 broken \"more\"\n", `RPC-SHAPE 5 1 text outside the root element: "more"`},
		{"empty", " \n", "", "RPC-SHAPE 2 0 the reply holds no element"},
		{"no markup", "<a>1 < 2</a>", "0 open \"<a>\"\n1 text \"1\"\n0 broken \"< 2</a>\"\n", `XML-FORM 5 2 '<' begins no markup: "< 2</a>"`},
		{"missing >", "<a><b<c/></a>", "0 open \"<a>\"\n0 broken \"<b<c/></a>\"\n", `XML-FORM 3 1 a tag is not well-formed: "<b<c/>"`},
		{"extra end", "<a/></a>", "0 empty \"<a/>\"\n0 broken \"</a>\"\n", `XML-FORM 4 1 an end tag without a start tag: "</a>"`},
		{"encoding", "<?xml version='1.0' encoding='Shift_JIS'?><a/>", "0 pi \"<?xml version='1.0' encoding='Shift_JIS'?>\"\n0 broken \"<a/>\"\n",
			`XML-ENC 42 1 the text is not in UTF-8 or ISO-8859-1: it declares "Shift_JIS"`},
		{"utf-16", "\xff\xfe<\x00a\x00/\x00>\x00", "0 broken \"\\xff\\xfe<\\x00a\\x00/\\x00>\\x00\"\n",
			"XML-ENC 0 0 the text is not in UTF-8 or ISO-8859-1: it begins with a byte order mark of UTF-16"},
		{"attributes limit", "<a><b" + strings.Repeat(" c='1'", 1025) + "/></a>", "",
			"XML-LIMIT 3 1 an element has more than 1024 attributes"},
		{"name limit", "<a><" + strings.Repeat("b", 4097) + "/></a>", "", "XML-LIMIT 3 1 a name is longer than 4096 B"},
		{"depth", strings.Repeat("<a>", 513), "", "XML-DEPTH 1536 512 elements are nested deeper than 512"},
		{"tag limit", "<a b='" + strings.Repeat("x", maxTag) + "'/>", "", "XML-LIMIT 0 0 a start tag is longer than 1048576 B"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, n := range []int{1, 2, 3, 7, 64, 1 << 20} {
				if len(tt.text) > 1<<16 && n < 64 {
					continue
				}
				d := load(t, tt.text, n)
				if got := dump(d); tt.want != "" && got != tt.want || tt.name == "empty" && got != "" {
					t.Errorf("pieces of %d: rows:\n%swant:\n%s", n, got, tt.want)
				}
				problem := ""
				if p, ok := d.Problem(); ok {
					problem = fmt.Sprint(p.Code, " ", p.Off, " ", p.Row, " ", p.What)
				}
				if problem != tt.problem {
					t.Errorf("pieces of %d: problem\n%s\nwant\n%s", n, problem, tt.problem)
				}
			}
		})
	}
}

func TestWriteAfterTheEnd(t *testing.T) {
	t.Parallel()
	d := load(t, "<a/>", 10)
	if n, err := d.Write([]byte("x")); n != 0 || err == nil {
		t.Errorf("Write after Finish = %d, %v", n, err)
	}
	cause := errors.New("lost")
	e := New(Options{})
	e.Finish(cause)
	if done, err := e.Finished(); !done || err != cause {
		t.Errorf("Finished = %v, %v", done, err)
	}
	r := d.Reader()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); err != ErrClosed {
		t.Errorf("reading after Close: %v", err)
	}
	if n := d.Rows(); n != 0 {
		t.Errorf("%d rows after Close", n)
	}
	if _, err := d.Write([]byte("x")); err != ErrClosed {
		t.Errorf("Write after Close: %v", err)
	}
	if d.Path(0) != "" || d.Parent(0) != -1 || d.Value(0) != "" || d.Close() != nil {
		t.Error("a closed document is not empty")
	}
}
