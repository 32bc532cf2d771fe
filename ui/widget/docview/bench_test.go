package docview

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"dialtone/netconf/xmldoc"
	"dialtone/ui/action"
)

// large returns a document of about size bytes.
func large(tb testing.TB, size int) *xmldoc.Doc {
	tb.Helper()
	d := xmldoc.New(xmldoc.Options{Hint: int64(size)})
	tb.Cleanup(func() { d.Close() })
	var b bytes.Buffer
	write := func() {
		if _, err := d.Write(b.Bytes()); err != nil {
			tb.Fatal(err)
		}
		b.Reset()
	}
	b.WriteString("<rpc-reply message-id=\"1\">\n<data>\n<interfaces xmlns=\"urn:ietf:params:xml:ns:yang:ietf-interfaces\">\n")
	for i, n := 0, 0; n < size; i++ {
		at := b.Len()
		fmt.Fprintf(&b, "  <interface>\n    <name>ge-%d/%d/%d</name>\n    <description>to core-r%d, circuit A-%07d</description>\n    <enabled>true</enabled>\n"+
			"    <ipv4>\n      <mtu>9192</mtu>\n      <address>\n        <ip>198.51.100.%d</ip>\n        <prefix-length>31</prefix-length>\n      </address>\n    </ipv4>\n  </interface>\n",
			i/480, i/48%10, i%48, i%9, i, i%250)
		n += b.Len() - at
		if b.Len() > 1<<20 {
			write()
		}
	}
	b.WriteString("</interfaces>\n</data>\n</rpc-reply>")
	write()
	d.Finish(nil)
	return d
}

// BenchmarkDocviewKey is one key at 200x60: what Update and View cost together.
func BenchmarkDocviewKey(b *testing.B) {
	for _, size := range []struct {
		name  string
		bytes int
	}{{"100KB", 100_000}, {"100MB", 100 << 20}} {
		for _, key := range []string{"doc.down", "doc.pagedown", "doc.bottom", "doc.fold", "doc.raw"} {
			b.Run(size.name+"/"+key, func(b *testing.B) {
				key := key
				v := New(large(b, size.bytes), Options{Theme: theme(b, "default", false, false), Now: time.Now})
				v.Resize(200, 60)
				v.Focus(true)
				v.Run("doc.down")
				v.Run("doc.down")
				if key == "doc.raw" {
					v.setMode(Raw)
					key = "doc.pagedown"
				}
				b.ReportAllocs()
				b.ResetTimer()
				for i := range b.N {
					if key != "doc.fold" && i%40 == 39 {
						v.Run("doc.top")
					}
					v.Run(action.ID(key))
					_ = v.View()
				}
			})
		}
	}
}
