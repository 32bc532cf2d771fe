// Package table is a list of rows with a selection: it keeps cursor, scroll
// position and counts, and draws nothing itself.
package table

import (
	"slices"
	"strings"

	"dialtone/ui/action"
)

// maxCount bounds what a count may become.
const maxCount = 99999

// List is the state of a list. The zero value is an empty one.
type List struct {
	n     int // rows
	at    int
	top   int
	page  int
	count int
}

// SetLen tells how many rows there are; the selection stays in range.
func (l *List) SetLen(n int) {
	l.n = max(n, 0)
	l.clamp()
}

// SetPage tells how many rows are visible.
func (l *List) SetPage(rows int) {
	l.page = max(rows, 1)
	l.clamp()
}

// At is the selected row, -1 when there is none.
func (l *List) At() int {
	if l.n == 0 {
		return -1
	}
	return l.at
}

// Select moves the selection to row i.
func (l *List) Select(i int) {
	l.at = i
	l.clamp()
}

// Window is the rows to draw: from and to as in a slice.
func (l *List) Window() (from, to int) { return l.top, min(l.top+max(l.page, 1), l.n) }

// Count takes a digit of a count; Counting tells whether one is being typed.
func (l *List) Count(digit int) { l.count = min(l.count*10+digit, maxCount) }

// Counting reports whether a count is being typed.
func (l *List) Counting() bool { return l.count > 0 }

// Pending is the count being typed, 0 when there is none.
func (l *List) Pending() int { return l.count }

// Forget drops a count that was typed.
func (l *List) Forget() { l.count = 0 }

func (l *List) clamp() {
	l.at = min(max(l.at, 0), max(l.n-1, 0))
	page := max(l.page, 1)
	l.top = min(max(l.top, l.at-page+1), l.at)
	l.top = max(min(l.top, l.n-page), 0)
}

// Motions is the actions of a list, with ids that begin with prefix.
func Motions(prefix, section string) []action.Action {
	id := func(s string) action.ID { return action.ID(prefix + "." + s) }
	return []action.Action{
		{ID: id("down"), Title: "Down", Keys: []string{"j", "down"}, Section: section},
		{ID: id("up"), Title: "Up", Keys: []string{"k", "up"}, Section: section},
		{ID: id("top"), Title: "First", Keys: []string{"g", "home"}, Section: section},
		{ID: id("bottom"), Title: "Last, or that of the count", Keys: []string{"G", "end"}, Section: section},
		{ID: id("half-down"), Title: "Half a page down", Keys: []string{"ctrl+d"}, Section: section},
		{ID: id("half-up"), Title: "Half a page up", Keys: []string{"ctrl+u"}, Section: section},
		{ID: id("page-down"), Title: "Page down", Keys: []string{"pgdown"}, Section: section},
		{ID: id("page-up"), Title: "Page up", Keys: []string{"pgup"}, Section: section},
	}
}

// Key does the motion that a key of Motions stands for, and reports whether
// there is one: for dialogs, which have no actions.
func (l *List) Key(key string) bool {
	for _, a := range Motions("list", "") {
		if slices.Contains(a.Keys, key) {
			return l.Run(strings.TrimPrefix(string(a.ID), "list."))
		}
	}
	return false
}

// Run does a motion of Motions, as often as the count says, and reports
// whether name was one. name is the id without its prefix.
func (l *List) Run(name string) bool {
	times := max(l.count, 1)
	page := max(l.page, 1)
	to := l.at
	switch name {
	case "down":
		to += times
	case "up":
		to -= times
	case "top":
		to = l.count - 1
	case "bottom":
		to = l.n - 1
		if l.count > 0 {
			to = l.count - 1
		}
	case "half-down":
		to += times * max(page/2, 1)
	case "half-up":
		to -= times * max(page/2, 1)
	case "page-down":
		to += times * page
	case "page-up":
		to -= times * page
	default:
		return false
	}
	l.count = 0
	l.Select(to)
	return true
}
