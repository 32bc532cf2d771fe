package xmldiff

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"dialtone/netconf/xmldoc"
)

// router makes a configuration of about size bytes; every changed-th interface
// has another description, every gone-th is left out (0: none).
func router(size, changed, gone int) []byte {
	var b bytes.Buffer
	b.Grow(size + 4096)
	line := func(depth int, format string, args ...any) {
		b.WriteByte('\n')
		for range depth {
			b.WriteString("    ")
		}
		fmt.Fprintf(&b, format, args...)
	}
	b.WriteString(`<rpc-reply xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" xmlns:junos="http://xml.juniper.net/junos/23.4R1/junos" message-id="101"><data>`)
	line(1, `<configuration xmlns="http://xml.juniper.net/xnm/1.1/xnm" junos:commit-seconds="1700000000">`)
	line(2, "<interfaces>")
	for i := 0; b.Len() < size; i++ {
		if gone > 0 && i%gone == gone/2 {
			continue
		}
		line(3, "<interface>")
		line(4, "<name>ge-%d/%d/%d</name>", i/480, i/48%10, i%48)
		if changed > 0 && i%changed == 0 {
			line(4, "<description>moved %d to core</description>", i)
		} else {
			line(4, "<description>link %d to core</description>", i)
		}
		line(4, "<mtu>9192</mtu>")
		for u := range 2 {
			line(4, "<unit>")
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
	b.WriteString("</data></rpc-reply>\n")
	return b.Bytes()
}

func load(b testing.TB, text []byte) *xmldoc.Doc {
	d := xmldoc.New(xmldoc.Options{})
	for p := 0; p < len(text); p += 32 << 10 {
		if _, err := d.Write(text[p:min(len(text), p+32<<10)]); err != nil {
			b.Fatal(err)
		}
	}
	d.Finish(nil)
	return d
}

// BenchmarkCompare compares two configurations of 10 MB; "index both" is the
// yardstick: what it takes to have them as documents at all.
func BenchmarkCompare(b *testing.B) {
	const size = 10 << 20
	per := size / 1010 // bytes of an interface
	one := router(size, 0, 0)
	b.Run("index both", func(b *testing.B) {
		for b.Loop() {
			x, y := load(b, one), load(b, one)
			x.Close()
			y.Close()
		}
	})
	for _, tc := range []struct {
		name string
		two  []byte
		want int
	}{
		{"identical", one, 0},
		{"1000 changed", router(size, per/1000, 0), 1000},
		{"1000 changed, 10 gone", router(size, per/1000, per/10), 1000},
	} {
		x, y := load(b, one), load(b, tc.two)
		b.Run(tc.name, func(b *testing.B) {
			for b.Loop() {
				r, err := Compare(context.Background(), x, y, Options{})
				if err != nil || len(r.Changes) < tc.want || len(r.Changes) > tc.want*2 {
					b.Fatal(len(r.Changes), err)
				}
			}
		})
		x.Close()
		y.Close()
	}
	x := load(b, one)
	defer x.Close()
	b.Run("digest", func(b *testing.B) {
		for b.Loop() {
			if _, err := Digest(context.Background(), x); err != nil {
				b.Fatal(err)
			}
		}
	})
	y := load(b, bytes.ReplaceAll(one, []byte("    "), []byte(" ")))
	defer y.Close()
	b.Run("other white space", func(b *testing.B) {
		for b.Loop() {
			if r, err := Compare(context.Background(), x, y, Options{}); err != nil || !r.Same() {
				b.Fatal(err)
			}
		}
	})
}
