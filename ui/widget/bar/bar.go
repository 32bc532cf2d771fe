// Package bar draws the commit bar: one row that says, whatever screen is shown,
// what a device still holds that is not settled, and which keys settle it.
//
// Every state is a word and a number before it is a colour: CANDIDATE, CONFIRMED
// COMMIT, ROLLBACK DUE and OUTCOME UNKNOWN read the same without one.
package bar

import (
	"fmt"
	"strings"
	"time"

	"dialtone/conn"
	"dialtone/netconf"
	"dialtone/ui/safe"
	"dialtone/ui/style"
)

// Kind is what the bar is about; the later ones are the graver ones.
type Kind uint8

// The kinds of bars.
const (
	None      Kind = iota
	Candidate      // edits or a lock on the candidate
	Unknown        // a request that may or may not have taken effect
	Confirmed      // a confirmed commit that waits
)

// lastMinute is when a countdown becomes urgent.
const lastMinute = time.Minute

// State is what one bar says. It is a value that Of makes.
type State struct {
	ID      conn.SessionID // 0: no session of this run
	Key     string         // tells confirmed commits apart
	Kind    Kind
	Name    string // safe text
	Edits   int
	Locked  bool
	Differs bool // the candidate differs, though no edit of ours is known

	Left    time.Duration // until the device rolls back; not positive: due
	Total   time.Duration // from the commit to its end
	Unsure  bool          // the answer to the commit is not known
	Dropped bool          // the session has ended: the device decides
	Persist bool          // another session can confirm
	Waits   bool          // it can be confirmed from here

	What string // of Unknown: the operation, safe text
	Sent time.Time
	Here bool // the keys of the device work on the screen that is shown
}

// Of is the bar of a device at a moment of the wall clock.
func Of(d conn.Device, now time.Time) State {
	s := State{ID: d.ID, Name: safe.Text(d.Target.Name), Edits: d.Dirty}
	for _, l := range d.Locks {
		s.Locked = s.Locked || l == netconf.Candidate
	}
	open := d.State == conn.Open
	switch {
	case d.Pending != nil:
		s.Kind = Confirmed
		s.Left = d.Pending.Deadline.Round(0).Sub(now.Round(0))
		s.Total = d.Pending.Deadline.Sub(d.Pending.Sent)
		s.Unsure, s.Persist, s.Dropped = d.Pending.Unsure, !d.Pending.Tied(), !open
	case len(d.Doubts) > 0:
		last := d.Doubts[len(d.Doubts)-1]
		s.Kind, s.What, s.Sent, s.Dropped = Unknown, safe.Line(last.Name), last.Sent, !open
	case open && (s.Edits > 0 || s.Locked):
		s.Kind = Candidate
	}
	return s
}

// Urgent reports a countdown in its last minute, or past its end.
func (s State) Urgent() bool { return s.Kind == Confirmed && s.Left <= lastMinute }

// Token is the colour of the bar: amber, and red when there is little time or
// something is not known.
func (s State) Token() style.Token {
	switch {
	case s.Kind == None:
		return style.Dim
	case s.Kind == Unknown, s.Urgent(), s.Unsure:
		return style.Danger
	}
	return style.Warn
}

// Clock is a time left as 08:41, or 1:08:41 from an hour on. It never says 00:00
// while there is time.
func Clock(d time.Duration) string {
	d = max(d, 0)
	n := int((d + time.Second - 1) / time.Second)
	if n >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", n/3600, n/60%60, n%60)
	}
	return fmt.Sprintf("%02d:%02d", n/60, n%60)
}

// Pick is the bar that is worth the one row: a countdown in its last minute
// first, then that of the session that is shown, then the one that ends next.
func Pick(all []State, shown conn.SessionID) State {
	var best State
	for _, s := range all {
		s.Here = s.ID == shown && shown != 0
		if s.Kind == Candidate && !s.Here {
			continue // it waits as long as it has to
		}
		if better(s, best) {
			best = s
		}
	}
	return best
}

func better(a, b State) bool {
	switch {
	case a.Kind == None || b.Kind == None:
		return a.Kind != None
	case a.Urgent() != b.Urgent():
		return a.Urgent()
	case a.Here != b.Here:
		return a.Here
	case a.Kind != b.Kind:
		return a.Kind > b.Kind
	}
	return a.Kind == Confirmed && a.Left < b.Left
}

// Hint is a key with its word.
type Hint struct{ Key, Word string }

// View draws the bar in exactly w cells. more is how many other devices have a
// countdown of their own. What happened stays whatever the room: beside a
// gauge keys go from the last one on, then the gauge, then the first key.
func (s State) View(t *style.Theme, w, more int, hints []Hint) string {
	if s.Kind == None {
		return t.Fit("", w)
	}
	tok := s.Token()
	sep := " " + t.Rule(1, true) + " "
	parts := s.words(t)
	if more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	gauge := s.gauge(t)
	fits := func() bool {
		all := append([]string(nil), parts...)
		if gauge != "" {
			all = append(all, gauge)
		}
		if len(hints) > 0 {
			all = append(all, hintText(t, hints))
		}
		return style.Width(strings.Join(all, sep))+2 <= w
	}
	for !fits() {
		switch {
		case len(hints) > 1 && gauge != "":
			hints = hints[:len(hints)-1]
		case gauge != "":
			gauge = ""
		case len(hints) > 0:
			hints = hints[:len(hints)-1]
		default:
			return t.Fit(t.Paint(tok, t.Rule(1, true)+" "+strings.Join(parts, sep)), w)
		}
	}
	row := t.Paint(tok, t.Rule(1, true)+" "+strings.Join(parts, sep))
	if gauge != "" {
		row += t.Paint(tok, sep+gauge)
	}
	if len(hints) > 0 {
		row += t.Paint(tok, sep) + hintText(t, hints)
	}
	if rest := w - style.Width(row) - 1; rest > 0 && s.Kind == Candidate {
		row += " " + t.Paint(tok, t.Rule(1, true))
	}
	return t.Fit(row, w)
}

func hintText(t *style.Theme, hints []Hint) string {
	parts := make([]string, len(hints))
	for i, h := range hints {
		parts[i] = t.Paint(style.Title, h.Key) + " " + h.Word
	}
	return strings.Join(parts, "  ")
}

// words is what happened, the gravest word first.
func (s State) words(t *style.Theme) []string {
	name := t.Fit(s.Name, min(style.Width(s.Name), 24))
	switch s.Kind {
	case Candidate:
		out := []string{"CANDIDATE " + name}
		switch {
		case s.Edits == 1:
			out = append(out, "1 edit")
		case s.Edits > 1:
			out = append(out, fmt.Sprintf("%d edits", s.Edits))
		case s.Differs:
			out = append(out, "differs from running")
		default:
			out = append(out, "locked, clean")
		}
		return out
	case Unknown:
		what := s.What
		if !s.Sent.IsZero() {
			what += " sent " + s.Sent.Format(time.TimeOnly)
		}
		return []string{"OUTCOME UNKNOWN " + name, what}
	case Confirmed:
		return s.countdown(name)
	}
	return nil
}

func (s State) countdown(name string) []string {
	title := "CONFIRMED COMMIT " + name
	if s.Unsure {
		title = "COMMIT UNSURE " + name
	}
	switch {
	case s.Left <= -lastMinute:
		return []string{title, "expired " + Ago(-s.Left) + " ago: verify"}
	case s.Left <= 0:
		return []string{title, "ROLLBACK DUE"}
	case s.Dropped && !s.Persist:
		return []string{title, "session ended, rolls back"}
	case s.Urgent():
		return []string{title, "ROLLS BACK IN " + Clock(s.Left)}
	}
	return []string{title, "rolls back in " + Clock(s.Left)}
}

// Short is the countdown in a few words, for tabs and titles: "ROLLBACK 08:12".
func (s State) Short() string {
	switch {
	case s.Kind != Confirmed:
		return ""
	case s.Left <= 0:
		return "ROLLBACK due"
	}
	return "ROLLBACK " + Clock(s.Left)
}

// Ago is how long something is over, in one unit: "40 s", "3 min", "2 h".
func Ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(max(d, 0).Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h", int(d.Hours()))
}

// gauge is how much of the time is left.
func (s State) gauge(t *style.Theme) string {
	const cells = 14
	if s.Kind != Confirmed || s.Total <= 0 || s.Left <= 0 || s.Dropped && !s.Persist {
		return ""
	}
	full := int((int64(s.Left)*cells + int64(s.Total) - 1) / int64(s.Total))
	full = min(max(full, 1), cells)
	on, off := "█", "░"
	if t.ASCII {
		on, off = "#", "-"
	}
	return "[" + strings.Repeat(on, full) + strings.Repeat(off, cells-full) + "]"
}
