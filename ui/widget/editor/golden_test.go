package editor

import (
	"testing"

	"dialtone/ui/highlight"
	"dialtone/ui/uitest"
)

const request = `<edit-config>
  <target><candidate/></target>
  <config>
    <!-- the port to core-r2 -->
    <interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces">
      <interface>
        <name>ge-0/0/2</name>
        <description>to core-r2 &amp; back, 漢字, ` + "\x1b" + `[31m, a text that does not fit</description>
      </interface>
    </interfaces>
  </config>
</edit-config>`

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		w, h int
		do   func(e *Editor)
	}{
		{"editing", 78, 14, func(e *Editor) { e.Goto(7, 23) }},
		{"scrolled", 78, 5, func(e *Editor) { e.Goto(8, 300) }},
		{"marks", 40, 14, func(e *Editor) { e.MarkLines([]int{7}); e.Goto(1, 1) }},
		{"prompt", 60, 8, func(e *Editor) { e.Run("rpc.goto"); e.prompt.text = "12" }},
		{"narrow", 11, 6, func(*Editor) {}},
	} {
		e := New(theme(true), Options{})
		e.Focus(true)
		e.Resize(c.w, c.h)
		e.SetText([]byte(request))
		e.SetEditing(true)
		c.do(e)
		uitest.Golden(t, c.name, e.View())
	}
	e := New(theme(false), Options{Highlighter: highlight.New(theme(false))})
	e.Focus(true)
	e.Resize(78, 14)
	e.SetText([]byte(request))
	e.query = "interface"
	e.MarkLines([]int{7})
	e.Goto(6, 9)
	uitest.Golden(t, "ansi", e.View())
}
