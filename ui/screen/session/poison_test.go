package session

import (
	"strings"
	"testing"
	"time"

	"dialtone/netconf"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

// TestEachPartOfAnErrorKeepsPoisonFromTheTerminal puts hostile text into each
// part of an rpc-error by itself, and sees that it is shown and stays text.
func TestEachPartOfAnErrorKeepsPoisonFromTheTerminal(t *testing.T) {
	t.Parallel()
	const mark = "Q7Z"
	texts := []string{"\x1b[2J", "\x1b]52;c;aGk=\a", "\u009b31m", "\x9b31m", "\u202egnp.exe", "\u200b", "\r\n\x1b[A", "\x00", "\U000e0041", "\xff", strings.Repeat("e\u0301\u0301", 99)}
	for name, set := range map[string]func(e *netconf.RPCError, s string){
		"message":     func(e *netconf.RPCError, s string) { e.Message = s },
		"path":        func(e *netconf.RPCError, s string) { e.Path = s },
		"tag":         func(e *netconf.RPCError, s string) { e.Tag = s },
		"app-tag":     func(e *netconf.RPCError, s string) { e.AppTag = s },
		"type":        func(e *netconf.RPCError, s string) { e.Type = s },
		"bad element": func(e *netconf.RPCError, s string) { e.BadElement = s },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, text := range texts {
				mono, _ := style.New("mono", false, true)
				d := newDesk(t, setup{theme: mono})
				d.scr.Resize(120, 30)
				d.write("<get/>")
				d.Press("ctrl+r")
				e := &netconf.RPCError{Type: "protocol", Tag: "operation-failed", Severity: "error", Message: "no"}
				set(e, mark+text)
				d.answer("<rpc-reply message-id=\"1\"><rpc-error/></rpc-reply>", time.Second, netconf.Outcome{
					Result: netconf.Answered, ErrorCount: 1, Errors: []*netconf.RPCError{e}}, nil)
				view := d.scr.View()
				uitest.ExactSize(t, view, 120, 30)
				uitest.OnlySGR(t, view)
				if strings.Contains(view, "\x1b") || !strings.Contains(view, mark) {
					t.Errorf("%q in %s:\n%s", text, name, view)
				}
			}
		})
	}
}
