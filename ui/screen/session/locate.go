package session

import (
	"bytes"
	"context"
	"regexp"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/netconf"
	"dialtone/netconf/xmldoc"
	"dialtone/ui/msg"
)

// locatedRows bounds the rows of a request that are compared with the path of
// an error.
const locatedRows = 20000

// locatedMsg tells on which lines of a request its errors are, from 1; 0 where
// one could not be found.
type locatedMsg struct {
	id    conn.SessionID
	body  string
	lines []int
	jump  bool
}

// SessionID implements msg.For.
func (m locatedMsg) SessionID() conn.SessionID { return m.id }

// markErrors looks for the places of a reply's errors in the RPC, in a command.
func (s *Screen) markErrors(r *reply) tea.Cmd {
	if !r.ended || len(r.outcome.Errors) == 0 {
		return nil
	}
	return s.find(string(r.x.Request.Body), r.outcome.Errors, false)
}

// locate goes to the place in the RPC that one error is about.
func (s *Screen) locate(e *netconf.RPCError) tea.Cmd {
	r := s.reply()
	if r == nil {
		return nil
	}
	if string(r.x.Request.Body) != s.text() {
		return msg.Say(msg.Info, "The editor holds another RPC than the one that was answered. h brings it back.")
	}
	return s.find(s.text(), []*netconf.RPCError{e}, true)
}

func (s *Screen) find(body string, errs []*netconf.RPCError, jump bool) tea.Cmd {
	m := locatedMsg{id: s.id, body: body, jump: jump}
	return func() tea.Msg {
		m.lines = Locate([]byte(m.body), errs)
		return m
	}
}

// located marks the lines, when the editor still holds that RPC, and brings the
// first of them into sight.
func (s *Screen) located(m locatedMsg) {
	if m.body != s.text() {
		return
	}
	var found []int
	for _, l := range m.lines {
		if l > 0 {
			found = append(found, l)
		}
	}
	if !m.jump {
		s.rpc.MarkLines(found)
	}
	if len(found) > 0 && !s.rpc.Editing() {
		s.rpc.Goto(found[0], 1)
	}
	if len(found) > 0 && m.jump {
		s.setFocus(rpcPart)
	}
}

// Locate finds the line of a request that each error is about, from 1: by its
// path, else by the bad element when only one element has that name. 0 stands
// for an error whose place cannot be told.
func Locate(body []byte, errs []*netconf.RPCError) []int {
	lines := make([]int, len(errs))
	d := xmldoc.New(xmldoc.Options{Hint: int64(len(body))})
	defer d.Close()
	if _, err := d.Write(body); err != nil {
		return lines
	}
	d.Finish(nil)
	for i, e := range errs {
		if row := findRow(d, e); row >= 0 {
			lines[i] = bytes.Count(body[:d.Row(row).Off], []byte{'\n'}) + 1
		}
	}
	return lines
}

// findRow returns the row that an error is about, or -1.
func findRow(d *xmldoc.Doc, e *netconf.RPCError) int {
	if row, ok, err := d.Find(context.Background(), e.Path); e.Path != "" && err == nil && ok {
		return row
	}
	want := plainPath(e.Path)
	bare := stripKeys(want)
	suffix, named := -1, -1
	for i := range min(d.Rows(), locatedRows) {
		switch d.Row(i).Kind {
		case xmldoc.Open, xmldoc.Leaf, xmldoc.Empty:
		default:
			continue
		}
		p := plainPath(d.Path(i))
		if want != "" && strings.HasSuffix(p, want) {
			return i
		}
		if bare != "" && suffix < 0 && strings.HasSuffix(stripKeys(p), bare) {
			suffix = i
		}
		if e.BadElement != "" && lastName(p) == localName(e.BadElement) {
			if named >= 0 {
				named = -2
			} else if named == -1 {
				named = i
			}
		}
	}
	if suffix >= 0 {
		return suffix
	}
	return max(named, -1)
}

var (
	prefixes = regexp.MustCompile(`([/\[])[^/\[\]='":]+:`)
	quotes   = regexp.MustCompile(`=\s*['"]([^'"]*)['"]`)
	spaces   = regexp.MustCompile(`\s+`)
	keysOf   = regexp.MustCompile(`\[[^\]]*\]`)
)

// plainPath writes a path without prefixes, quotes and the envelope of a
// request, so that the forms of different devices compare equal.
func plainPath(p string) string {
	p = spaces.ReplaceAllString(p, "")
	p = prefixes.ReplaceAllString(p, "$1")
	p = quotes.ReplaceAllString(p, "=$1")
	for _, envelope := range []string{"/rpc", "/edit-config", "/config"} {
		if rest, ok := strings.CutPrefix(p, envelope); ok && strings.HasPrefix(rest, "/") {
			p = rest
		}
	}
	if p == "/" {
		return ""
	}
	return p
}

func stripKeys(p string) string { return keysOf.ReplaceAllString(p, "") }

func lastName(p string) string {
	p = stripKeys(p)
	return p[strings.LastIndexByte(p, '/')+1:]
}

func localName(name string) string { return name[strings.LastIndexByte(name, ':')+1:] }
