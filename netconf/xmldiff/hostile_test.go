package xmldiff

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestHostileTextsEndSoon(t *testing.T) {
	t.Parallel()
	deep := func(n int, in string) string { return strings.Repeat("<a>", n) + in + strings.Repeat("</a>", n) }
	many := strings.Repeat("<r><x><y/></x></r>", 4000)
	for name, p := range map[string][2]string{
		"deep":           {deep(500, "<b>1</b>"), deep(500, "<b>2</b>")},
		"deep and wide":  {strings.Repeat("<a><a/>", 500) + strings.Repeat("</a>", 500), strings.Repeat("<a><b/><a/>", 500) + strings.Repeat("</a>", 500)},
		"deep twins":     {strings.Repeat("<a><a><c/></a><a/>", 250) + strings.Repeat("</a>", 250), strings.Repeat("<a><a/><a><d/></a>", 250) + strings.Repeat("</a>", 250)},
		"prefixes":       {strings.Repeat(`<p:a xmlns:p="u">`, 500) + strings.Repeat("<p:b/>", 2000) + strings.Repeat("</p:a>", 500), strings.Repeat(`<q:a xmlns:q="u">`, 500) + strings.Repeat("<q:b/>", 2000) + strings.Repeat("</q:a>", 500)},
		"many alike":     {"<c>" + many + "</c>", "<c><r><x><z/></x></r>" + many + "</c>"},
		"text lines":     {"<c>" + strings.Repeat("x\n<b/>", 5000) + "</c>", "<c>" + strings.Repeat("y\n<b/>", 5000) + "</c>"},
		"lines of text":  {"<c><b/>" + strings.Repeat("x\n", 20000) + "</c>", "<c><b/>" + strings.Repeat("y\n", 20000) + "</c>"},
		"one key":        {"<c>" + strings.Repeat("<r><name>x</name><v>1</v></r>", 4000) + "</c>", "<c>" + strings.Repeat("<r><name>x</name><v>2</v></r>", 4000) + "</c>"},
		"reversed order": {reversed(4000, false), reversed(4000, true)},
		"comments":       {"<c>" + strings.Repeat("<!-- -->", 5000) + "<a/></c>", "<c>" + strings.Repeat("<!---->", 5000) + "<b/></c>"},
		"attributes":     {"<c>" + strings.Repeat(`<a p:x="1"/>`, 3000) + "</c>", "<c>" + strings.Repeat(`<a q:x="1"/>`, 3000) + "</c>"},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := document(t, p[0]), document(t, p[1])
			start := time.Now()
			r, err := Compare(context.Background(), a, b, Options{})
			if err != nil {
				t.Fatal(err)
			}
			covered(t, a, b, r)
			took := time.Since(start)
			t.Logf("%v, %d changes", took, len(r.Changes))
			if took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func reversed(n int, back bool) string {
	var b strings.Builder
	b.WriteString("<c>")
	for i := range n {
		if back {
			i = n - 1 - i
		}
		b.WriteString("<r><name>" + strings.Repeat("n", i%7) + string(rune('a'+i%26)) + strings.Repeat("m", i/26) + "</name></r>")
	}
	return b.String() + "</c>"
}
