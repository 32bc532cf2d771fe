package overlay

import (
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
	maxKept  = 500
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
			text += " (" + itoa(s.times) + " times)"
		}
		w := min(style.Width(text)+6, maxW, 64)
		more := ""
		if style.Width(text)+6 > w || s.toast.Detail != "" && s.toast.Detail != s.toast.Text {
			more = " ! more"
			w = min(w+len(more), maxW, 64)
		}
		line := " " + th.Paint(tok, sign) + " " + th.Fit(text, max(w-5-len(more), 0)) + th.Paint(style.Dim, more)
		out = append(out, th.Box(w, 3, "", "", false, []string{line}))
	}
	return out
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
