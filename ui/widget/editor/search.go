package editor

import (
	"strconv"
	"strings"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/highlight"
	"dialtone/ui/msg"
	"dialtone/ui/safe"
	"dialtone/ui/style"
)

// prompt is the line at the bottom that asks for a text to find or a line to go
// to.
type prompt struct {
	sign  byte // '/' or '#'
	text  string
	start Pos // where the cursor was
	old   string
}

func (e *Editor) ask(sign byte) {
	e.prompt = &prompt{sign: sign, start: e.cur, old: e.query}
	e.show()
}

func (e *Editor) promptLine() string {
	what := "find: "
	if e.prompt.sign == '#' {
		what = "go to line: "
	}
	return what + safe.Text(e.prompt.text) + e.blankCursor()
}

// answer takes a key for the prompt.
func (e *Editor) answer(k tea.KeyMsg) tea.Cmd {
	p := e.prompt
	switch {
	case k.Type == tea.KeyRunes || k.Type == tea.KeySpace:
		text := string(k.Runes)
		if i := strings.IndexAny(text, "\r\n"); i >= 0 {
			text = text[:i] // one line is looked for
		}
		p.text += text
	case k.Type == tea.KeyBackspace || k.Type == tea.KeyCtrlH:
		if p.text == "" {
			return e.cancel()
		}
		_, n := utf8.DecodeLastRuneInString(p.text)
		p.text = p.text[:len(p.text)-n]
	case k.Type == tea.KeyCtrlU:
		p.text = ""
	case k.Type == tea.KeyEsc || k.Type == tea.KeyCtrlG:
		return e.cancel()
	case k.Type == tea.KeyEnter || k.Type == tea.KeyCtrlJ:
		return e.accept()
	default:
		return nil
	}
	if p.sign == '/' { // show the first match while it is typed
		e.query = p.text
		e.cur = p.start
		if at, ok := e.find(p.start, true, true); ok {
			e.moveTo(at)
		}
	}
	return nil
}

func (e *Editor) cancel() tea.Cmd {
	e.query = e.prompt.old
	e.moveTo(e.prompt.start)
	e.prompt = nil
	return nil
}

func (e *Editor) accept() tea.Cmd {
	p := e.prompt
	e.prompt = nil
	if p.sign == '#' {
		n, err := strconv.Atoi(strings.TrimSpace(p.text))
		if err != nil {
			return msg.Say(msg.Warn, "Not a line number: "+safe.Text(p.text))
		}
		e.Goto(n, 1)
		return nil
	}
	e.query = p.text
	if e.query == "" {
		return nil
	}
	e.cur = p.start
	at, ok := e.find(p.start, true, true)
	if !ok {
		return msg.Say(msg.Info, "Not found: "+safe.Text(e.query))
	}
	e.moveTo(at)
	return nil
}

// again goes to the next match, or back to the one before.
func (e *Editor) again(forward bool) tea.Cmd {
	if e.query == "" {
		return msg.Say(msg.Info, "Nothing was searched for yet")
	}
	at, ok := e.find(e.cur, forward, false)
	if !ok {
		return msg.Say(msg.Info, "Not found: "+safe.Text(e.query))
	}
	e.moveTo(at)
	return nil
}

// find returns the nearest match from p on, over the end of the text to its
// beginning. here allows one at p itself.
func (e *Editor) find(p Pos, forward, here bool) (Pos, bool) {
	if e.query == "" {
		return p, false
	}
	n := e.buf.len()
	for k := 0; k <= n; k++ {
		l := (p.Line + k) % n
		if !forward {
			l = (p.Line - k + n) % n
		}
		s := e.buf.shown(l)
		lo, hi := 0, len(s)
		switch {
		case k == 0 && forward && here:
			lo = p.Off
		case k == 0 && forward:
			lo = min(p.Off+1, len(s))
		case k == 0:
			hi = max(p.Off-1, 0)
		}
		if off, ok := findIn(s, e.query, lo, hi, forward); ok {
			return e.whole(Pos{l, off}), true
		}
		if k == 0 && n == 1 { // the rest of the only line
			if off, ok := findIn(s, e.query, 0, len(s), forward); ok {
				return e.whole(Pos{l, off}), true
			}
		}
	}
	return p, false
}

// findIn returns the first, or last, match that begins in s[lo:hi] (and, for
// hi == len(s), at hi).
func findIn(s, query string, lo, hi int, forward bool) (int, bool) {
	end := min(hi+len(query), len(s))
	if forward {
		i := index(s[lo:end], query)
		return lo + i, i >= 0
	}
	found, ok := 0, false
	for at := lo; at <= hi; {
		i := index(s[at:end], query)
		if i < 0 {
			break
		}
		found, ok = at+i, true
		at += i + 1
	}
	return found, ok
}

// index finds query in s. Without a capital letter in it, case does not matter
// (ASCII).
func index(s, query string) int {
	if strings.ContainsFunc(query, func(r rune) bool { return r >= 'A' && r <= 'Z' }) {
		return strings.Index(s, query)
	}
	first := query[0]
	if first < 'a' || first > 'z' {
		for i := 0; i+len(query) <= len(s); i++ {
			j := strings.IndexByte(s[i:], first)
			if j < 0 || i+j+len(query) > len(s) {
				return -1
			}
			if i += j; same(s[i:], query) {
				return i
			}
		}
		return -1
	}
	for i := 0; i+len(query) <= len(s); i++ {
		if s[i]|0x20 == first && same(s[i:], query) {
			return i
		}
	}
	return -1
}

// same reports whether s begins with query, which has no capitals.
func same(s, query string) bool {
	for i := range len(query) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != query[i] {
			return false
		}
	}
	return true
}

// matches adds the matches that are seen between two bytes of a line.
func matches(over []highlight.Span, s, query string, from, to int) []highlight.Span {
	end := min(to+len(query), len(s))
	for at := max(from-len(query), 0); at < end; {
		i := index(s[at:end], query)
		if i < 0 {
			break
		}
		over = append(over, highlight.Span{Start: at + i, End: at + i + len(query), Tok: style.Match})
		at += i + len(query)
	}
	return over
}
