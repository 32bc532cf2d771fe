package xmldoc

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// junosLike makes configuration text like that of a Junos router: about 33
// bytes a line, lists with names, containers, some attributes. Without indent it
// is one line.
func junosLike(size int, indent bool) []byte {
	var b bytes.Buffer
	b.Grow(size + 4096)
	line := func(depth int, format string, args ...any) {
		if indent {
			b.WriteByte('\n')
			for range depth {
				b.WriteString("    ")
			}
		}
		fmt.Fprintf(&b, format, args...)
	}
	b.WriteString(`<rpc-reply xmlns:junos="http://xml.juniper.net/junos/23.4R1/junos" message-id="101">`)
	line(1, `<configuration junos:commit-seconds="1700000000" junos:commit-user="admin">`)
	line(2, "<interfaces>")
	for i := 0; b.Len() < size; i++ {
		line(3, "<interface>")
		line(4, "<name>ge-%d/%d/%d</name>", i/480, i/48%10, i%48)
		line(4, "<description>link %d to core</description>", i)
		line(4, "<mtu>9192</mtu>")
		for u := range 2 {
			line(4, "<unit junos:changed-seconds=\"%d\">", 1700000000+i)
			line(5, "<name>%d</name>", u)
			line(5, "<vlan-id>%d</vlan-id>", 100+u)
			line(5, "<family>")
			line(6, "<inet>")
			line(7, "<address>")
			line(8, "<name>10.%d.%d.1/30</name>", i/250%250, i%250)
			line(7, "</address>")
			line(6, "</inet>")
			line(6, "<mpls/>")
			line(5, "</family>")
			line(4, "</unit>")
		}
		line(3, "</interface>")
	}
	line(2, "</interfaces>")
	line(1, "</configuration>")
	line(0, "</rpc-reply>")
	if indent {
		b.WriteByte('\n')
	}
	return b.Bytes()
}

const mb = 1 << 20

func forms(b *testing.B, run func(b *testing.B, text []byte)) {
	for _, size := range []int{10, 100} {
		for _, indent := range []bool{true, false} {
			form := map[bool]string{true: "indented", false: "line"}[indent]
			text := junosLike(size*mb, indent)
			b.Run(fmt.Sprintf("%dMB/%s", size, form), func(b *testing.B) { run(b, text) })
		}
	}
}

// pieces hands text out as an SSH channel does.
func pieces(text []byte, write func([]byte) (int, error)) error {
	for p := 0; p < len(text); p += 32 << 10 {
		if _, err := write(text[p:min(len(text), p+32<<10)]); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkWrite indexes a reply; BenchmarkCopy puts the same pieces into the
// same kind of memory and no more.
func BenchmarkWrite(b *testing.B) {
	forms(b, func(b *testing.B, text []byte) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			d := New(Options{})
			if err := pieces(text, d.Write); err != nil {
				b.Fatal(err)
			}
			d.Finish(nil)
			if _, bad := d.Problem(); bad || d.Rows() < len(text)/100 {
				b.Fatal(d.Problem())
			}
			d.Close()
		}
	})
}

func BenchmarkCopy(b *testing.B) {
	forms(b, func(b *testing.B, text []byte) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			var a arena
			if err := pieces(text, a.append); err != nil {
				b.Fatal(err)
			}
			a.release()
		}
	})
}

func loaded(b *testing.B, text []byte) *Doc {
	b.Helper()
	d := New(Options{Hint: int64(len(text))})
	b.Cleanup(func() { d.Close() })
	if err := pieces(text, d.Write); err != nil {
		b.Fatal(err)
	}
	d.Finish(nil)
	return d
}

// BenchmarkSearch looks through 100 MB for what is not there.
func BenchmarkSearch(b *testing.B) {
	src := junosLike(100*mb, true)
	d := loaded(b, src)
	const absent = "ge-9999/0/0"
	run := func(name string, f func() bool) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				if f() {
					b.Fatal("found")
				}
			}
		})
	}
	search := func(q Query, back bool) func() bool {
		from := -1
		if back {
			from = d.Rows()
		}
		return func() bool {
			_, ok, err := d.Search(context.Background(), q, from, back)
			return ok || err != nil
		}
	}
	run("bytes.Index", func() bool { return bytes.Contains(src, []byte(absent)) })
	run("literal", search(Query{Text: absent}, false))
	run("literal/back", search(Query{Text: absent}, true))
	for _, text := range []string{absent, "Unit-Name", "mtux", "link to", "zz", "descriptions", "<Name>x"} {
		run("fold/"+text, search(Query{Text: text, IgnoreCase: true}, false))
	}
	run("fold/back", search(Query{Text: absent, IgnoreCase: true}, true))
	run("outside rows", search(Query{Text: "\n "}, false))
}

func BenchmarkRowSeek(b *testing.B) {
	for _, size := range []int{1, 100} {
		d := loaded(b, junosLike(size*mb, true))
		rnd := rand.New(rand.NewPCG(1, 2))
		rows := make([]int, 1024)
		for i := range rows {
			rows[i] = rnd.IntN(d.Rows())
		}
		run := func(name string, f func(row int)) {
			b.Run(fmt.Sprintf("%dMB/%s", size, name), func(b *testing.B) {
				i := 0
				for b.Loop() {
					f(rows[i%len(rows)])
					i++
				}
			})
		}
		run("row", func(i int) { d.Row(i) })
		run("screen", func(i int) {
			for k := range 60 {
				d.Row(min(i+k, d.Rows()-1))
			}
		})
		run("path", func(i int) { d.Path(i) })
		run("end", func(i int) { d.End(i) })
		run("root", func(int) { d.End(0); d.Children(2, 1<<30) })
		run("line", func(i int) { d.Line(i * 9 / 10) })
		f := NewFolds(d)
		run("toggle", func(i int) { f.Toggle(i); f.LineOf(i); f.RowAt(f.Visible() / 2) })
		run("toggle/root", func(i int) { f.Toggle(2) })
		run("plan", func(int) {
			if _, err := f.Plan(context.Background(), 3); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkHostile writes texts made to cost much.
func BenchmarkHostile(b *testing.B) {
	const n = 16 * mb
	for name, unit := range map[string]string{
		"empty elements": "<a/>", "text lines": "x\n", "line feeds": "\n", "tags in text": "x<b/>",
		"comments": "<!---->", "quotes": "<a b='>'/>", "controls": "\x01", "references": "&#8;",
		"invalid": "\xff", "nested": strings.Repeat("<a>", 400) + strings.Repeat("</a>", 400),
		"entities": "&amp;", "spaces": " ", "attributes": "<a" + strings.Repeat(" b='1' ", 900) + "/>",
	} {
		src := []byte("<r>" + strings.Repeat(unit, n/len(unit)) + "</r>")
		for _, size := range []int{1, 32 << 10} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				b.SetBytes(int64(len(src)))
				for b.Loop() {
					d := New(Options{})
					for p := 0; p < len(src); p += size {
						if _, err := d.Write(src[p:min(len(src), p+size)]); err != nil {
							b.Fatal(err)
						}
					}
					d.Finish(nil)
					d.Close()
				}
			})
		}
	}
}
