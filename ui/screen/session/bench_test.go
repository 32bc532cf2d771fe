package session

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dialtone/netconf"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

// BenchmarkSessionKey is one key in the reply pane of a whole screen of 200x60:
// Update and View together.
func BenchmarkSessionKey(b *testing.B) {
	for _, size := range []struct {
		name string
		rows int
	}{{"100KB", 1000}, {"100MB", 1_000_000}} {
		b.Run(size.name, func(b *testing.B) {
			th, _ := style.New("default", false, false)
			d := newDesk(b, setup{theme: th})
			d.scr.Resize(200, 57)
			d.write(getConfig)
			d.Press("ctrl+r")
			var text strings.Builder
			text.WriteString("<rpc-reply message-id=\"1\"><data>\n<interfaces>\n")
			for i := range size.rows {
				fmt.Fprintf(&text, "<interface><name>ge-0/0/%d</name><description>to core-r%d, circuit %d</description></interface>\n", i, i%9, i)
			}
			text.WriteString("</interfaces></data></rpc-reply>")
			d.answer(text.String(), time.Second, netconf.Outcome{MessageID: "1", Result: netconf.Answered, OK: true}, nil)
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				d.scr.update(uitest.Key("j"))
				d.scr.Run("doc.down")
				_ = d.scr.View()
			}
		})
	}
}
