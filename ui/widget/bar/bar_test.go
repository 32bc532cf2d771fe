package bar

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/netconf"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

var start = time.Date(2031, 11, 21, 14, 2, 31, 0, time.UTC)

func device(name string) conn.Device {
	return conn.Device{ID: 1, Target: link.Target{Name: name}, State: conn.Open}
}

func confirmed(left time.Duration) State {
	d := device("core-r1")
	d.Pending = &conn.Pending{Sent: start.Add(left - 10*time.Minute), Deadline: start.Add(left), PersistID: "x"}
	s := Of(d, start)
	s.Waits = true
	return s
}

var hints = []Hint{{"C", "confirm"}, {"U", "roll back now"}}

func TestBarSaysWhatIsAtStake(t *testing.T) {
	t.Parallel()
	dirty := device("core-r1")
	dirty.Dirty, dirty.Locks = 3, []netconf.Datastore{netconf.Candidate}
	clean := dirty
	clean.Dirty = 0
	doubt := device("core-r1")
	doubt.Doubts = []conn.Doubt{{Name: "commit", Sent: start}}
	lost := device("core-r1")
	lost.State, lost.Pending = conn.Lost, &conn.Pending{Sent: start, Deadline: start.Add(time.Minute * 9)}
	var all strings.Builder
	for _, c := range []struct {
		name  string
		state State
		hints []Hint
	}{
		{"nothing", Of(device("core-r1"), start), nil},
		{"edits", Of(dirty, start), []Hint{{"V", "validate"}, {"D", "diff"}, {"C", "commit"}, {"X", "discard"}}},
		{"locked", Of(clean, start), nil},
		{"waits", confirmed(8*time.Minute + 41*time.Second), hints},
		{"last minute", confirmed(41 * time.Second), hints},
		{"last second", confirmed(300 * time.Millisecond), hints},
		{"due", confirmed(-time.Second), hints},
		{"expired", confirmed(-3 * time.Minute), hints},
		{"hours", confirmed(2 * time.Hour), hints},
		{"lost", Of(lost, start), nil},
		{"unknown", Of(doubt, start), []Hint{{"V", "verify"}, {"D", "compare"}}},
	} {
		for _, w := range []int{60, 80, 140} {
			for _, th := range []string{"default", "mono"} {
				theme, _ := style.New(th, th == "mono", false)
				row := c.state.View(theme, w, 0, c.hints)
				uitest.ExactSize(t, row, w, 1)
				uitest.OnlySGR(t, row)
				fmt.Fprintf(&all, "%-12s %3d %-7s|%s|\n", c.name, w, th, uitest.Plain(row))
			}
		}
	}
	uitest.Golden(t, "bars", all.String())
}

func TestColourFollowsTheWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state State
		tok   style.Token
		word  string
	}{
		{confirmed(61 * time.Second), style.Warn, "rolls back in 01:01"},
		{confirmed(60 * time.Second), style.Danger, "ROLLS BACK IN 01:00"},
		{confirmed(0), style.Danger, "ROLLBACK DUE"},
	} {
		theme, _ := style.New("default", false, false)
		row := c.state.View(theme, 80, 0, nil)
		if c.state.Token() != c.tok || !strings.Contains(uitest.Plain(row), c.word) || !strings.Contains(row, theme.SGR(c.tok)) {
			t.Errorf("token %d, want %d with %q: %q", c.state.Token(), c.tok, c.word, row)
		}
	}
}

func TestPickShowsWhatCannotWait(t *testing.T) {
	t.Parallel()
	mine, theirs, soon := confirmed(5*time.Minute), confirmed(2*time.Minute), confirmed(30*time.Second)
	mine.ID, theirs.ID, soon.ID = 1, 2, 3
	edits := State{ID: 4, Kind: Candidate, Edits: 1}
	doubt := State{ID: 5, Kind: Unknown}
	for _, c := range []struct {
		name  string
		all   []State
		shown conn.SessionID
		want  conn.SessionID
	}{
		{"nothing", nil, 1, 0},
		{"own before another", []State{theirs, mine}, 1, 1},
		{"the last minute before all", []State{theirs, mine, soon}, 1, 3},
		{"the next one where none is shown", []State{mine, theirs}, 0, 2},
		{"edits only where they are", []State{edits}, 0, 0},
		{"edits on their own screen", []State{edits, theirs}, 4, 4},
		{"a countdown before a doubt", []State{doubt, theirs}, 0, 2},
		{"a doubt", []State{doubt}, 0, 5},
	} {
		if got := Pick(c.all, c.shown); got.ID != c.want || got.Here != (c.shown == c.want && c.want != 0) {
			t.Errorf("%s: %d (here %v), want %d", c.name, got.ID, got.Here, c.want)
		}
	}
}

func TestHostileNamesStayInTheirRow(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"\x1b[2Jx", strings.Repeat("長", 200), "a\u202eb", "\n\n", ""} {
		for w := 1; w < 150; w += 7 {
			d := device(name)
			d.Pending = &conn.Pending{Sent: start, Deadline: start.Add(time.Minute)}
			theme, _ := style.New("default", false, false)
			row := Of(d, start).View(theme, w, 3, hints)
			uitest.ExactSize(t, row, w, 1)
			uitest.OnlySGR(t, row)
		}
	}
}
