package editor

import (
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// Texts up to atOnce bytes are checked with each change, longer ones in a
// command, one at a time and restAfter the change that asked for it.
const (
	atOnce    = 8 << 10
	restAfter = 120 * time.Millisecond
)

// checkDue asks for a snapshot of the text, checkDone brings the answer about
// one.
type checkDue struct{ e *Editor }

type checkDone struct {
	e       *Editor
	serial  uint64
	problem problem
}

// settle follows every change and movement: it scrolls, finds the pair of tags
// and has the text checked.
func (e *Editor) settle() tea.Cmd {
	e.show()
	e.rows.window(e.top, e.textH())
	e.findPair()
	if e.opt.Check == nil || e.checked == e.serial || e.waiting {
		return nil
	}
	if e.buf.size <= atOnce {
		e.problem, e.checked = verify(e.opt.Check, e.buf.bytes()), e.serial
		return nil
	}
	e.waiting = true
	return tea.Tick(restAfter, func(time.Time) tea.Msg { return e.wrap(checkDue{e}) })
}

func (e *Editor) wrap(m tea.Msg) tea.Msg {
	if e.opt.Wrap != nil {
		return e.opt.Wrap(m)
	}
	return m
}

// runCheck takes the lines as they are now and returns the command that checks
// them.
func (e *Editor) runCheck() tea.Cmd {
	check, serial, lines := e.opt.Check, e.serial, e.buf.lines()
	return func() tea.Msg {
		size := len(lines)
		for _, l := range lines {
			size += len(l.text)
		}
		text := make([]byte, 0, size)
		for i, l := range lines {
			if i > 0 {
				text = append(text, '\n')
			}
			text = append(text, l.text...)
		}
		return e.wrap(checkDone{e, serial, verify(check, text)})
	}
}

// verify calls a check. A text of nothing but blanks is not wrong, only empty.
func verify(check Check, text []byte) problem {
	blank := true
	for _, c := range text {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			blank = false
			break
		}
	}
	if blank {
		return problem{}
	}
	line, col, what := check(text)
	return problem{line, col, what}
}

// answered takes the result of a check; when the text has changed meanwhile,
// the next one is already due.
func (e *Editor) answered(m checkDone) tea.Cmd {
	e.waiting = false
	e.problem, e.checked = m.problem, m.serial
	return e.settle()
}
