package overlay

import (
	"strconv"
	"strings"
	"time"

	"dialtone/ui/msg"
	"dialtone/ui/safe"
	"dialtone/ui/style"
)

// How long a toast stays, and how many messages are kept for the list.
const (
	infoFor  = 3 * time.Second
	errorFor = 10 * time.Second
	maxShown = 3
	// A longer message is cut, and is whole in the list of messages.
	toastRows = 3
	maxKept   = 500
)

// Note is one message that was shown.
type Note struct {
	At    time.Time
	Toast msg.Toast
	Times int // how often it came in a row
}

// Toasts are the short messages bottom right. All of them are kept for the
// list of messages, the oldest fall out after 500.
type Toasts struct {
	shown []shown
	kept  []Note
}

type shown struct {
	toast msg.Toast
	until time.Time
	times int
}

// Add shows m and keeps it. The same text again only counts up.
func (t *Toasts) Add(m msg.Toast, now time.Time) {
	stay := infoFor
	if m.Level >= msg.Warn {
		stay = errorFor
	}
	t.Keep(m, now)
	if n := len(t.shown); n > 0 && t.shown[n-1].toast == m {
		t.shown[n-1].times++
		t.shown[n-1].until = now.Add(stay)
		return
	}
	t.shown = append(t.shown, shown{toast: m, until: now.Add(stay), times: 1})
	if extra := len(t.shown) - maxShown; extra > 0 {
		t.shown = append(t.shown[:0:0], t.shown[extra:]...)
	}
}

// Keep puts m into the list of messages without showing it.
func (t *Toasts) Keep(m msg.Toast, now time.Time) {
	if n := len(t.kept); n > 0 && t.kept[n-1].Toast == m {
		t.kept[n-1].Times++
		t.kept[n-1].At = now
	} else {
		t.kept = append(t.kept, Note{At: now, Toast: m, Times: 1})
	}
	if extra := len(t.kept) - maxKept; extra > 0 {
		t.kept = append(t.kept[:0:0], t.kept[extra:]...)
	}
}

// Key tells that a key was pressed: errors that were seen go.
func (t *Toasts) Key() {
	left := t.shown[:0]
	for _, s := range t.shown {
		if s.toast.Level < msg.Warn {
			left = append(left, s)
		}
	}
	t.shown = left
}

// Expire drops what was shown long enough and returns the time of the next
// one, zero when none is left.
func (t *Toasts) Expire(now time.Time) (next time.Time) {
	left := t.shown[:0]
	for _, s := range t.shown {
		if !now.Before(s.until) {
			continue
		}
		if next.IsZero() || s.until.Before(next) {
			next = s.until
		}
		left = append(left, s)
	}
	t.shown = left
	return next
}

// Silent returns the same messages with none on the screen.
func (t Toasts) Silent() Toasts { return Toasts{kept: t.kept} }

// Kept returns all messages, oldest first. Do not modify it.
func (t *Toasts) Kept() []Note { return t.kept }

// View returns the boxes from top to bottom, each a slice of rows, at most
// maxW cells wide.
func (t *Toasts) View(th *style.Theme, maxW int) [][]string {
	var out [][]string
	for _, s := range t.shown {
		sign, tok := levelSign(s.toast.Level)
		text := safe.Text(s.toast.Text)
		if s.times > 1 {
			text += " (" + strconv.Itoa(s.times) + " times)"
		}
		more := ""
		if s.toast.Detail != "" && s.toast.Detail != s.toast.Text {
			more = " ! more"
		}
		w := min(style.Width(text)+6+len(more), maxW, 64)
		lines := style.Wrap(text, max(w-6, 1))
		if len(lines) > toastRows {
			more = " ! more"
			rest := strings.Join(lines[toastRows-1:], " ")
			lines = append(lines[:toastRows-1:toastRows-1], rest)
		}
		last := len(lines) - 1
		for i, l := range lines {
			lead, tail := "   ", ""
			if i == 0 {
				lead = " " + th.Paint(tok, sign) + " "
			}
			if i == last {
				tail = more
			}
			lines[i] = lead + th.Fit(l, max(w-5-len(tail), 0)) + th.Paint(style.Dim, tail)
		}
		out = append(out, th.Box(w, len(lines)+2, "", "", false, lines))
	}
	return out
}

// Newest is the last message that is shown, on one line with its sign; "" when
// none is.
func (t *Toasts) Newest(th *style.Theme) string {
	if len(t.shown) == 0 {
		return ""
	}
	s := t.shown[len(t.shown)-1].toast
	sign, tok := levelSign(s.Level)
	return th.Paint(tok, sign) + " " + safe.Line(s.Text)
}

// levelSign is how grave a message is, without colour and with it.
func levelSign(l msg.Level) (string, style.Token) {
	switch l {
	case msg.Good:
		return "+", style.OK
	case msg.Warn:
		return "!", style.Warn
	case msg.Error:
		return "x", style.Error
	}
	return "-", style.Dim
}
