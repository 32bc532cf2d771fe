package overlay

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/action"
	"dialtone/ui/msg"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

var begin = time.Date(2031, 11, 21, 14, 2, 31, 0, time.UTC)

func theme() *style.Theme {
	t, _ := style.New("mono", false, false)
	return t
}

// box is a dialog that records its keys and closes on "x" and on a matching message.
type box struct {
	name   string
	keys   []string
	at, of int
}

func (b *box) Update(m tea.Msg) (tea.Cmd, bool) {
	if k, ok := m.(tea.KeyMsg); ok {
		b.keys = append(b.keys, k.String())
		return nil, k.String() == "x"
	}
	return nil, m == any(b.name)
}
func (b *box) View(int, int) string { return b.name }
func (b *box) Help() string         { return "" }
func (b *box) Place(i, of int)      { b.at, b.of = i, of }

func TestLateDialogsQueueAboveTheOthers(t *testing.T) {
	t.Parallel()
	var s Stack
	own, one, two := &box{name: "own"}, &box{name: "one"}, &box{name: "two"}
	s.Push(own)
	s.PushLate(one, begin)
	s.PushLate(two, begin)
	if s.Top() != Dialog(one) || len(s.Layers()) != 2 || one.at != 1 || one.of != 2 {
		t.Fatalf("top %v, %d layers, place %d of %d", s.Top(), len(s.Layers()), one.at, one.of)
	}
	s.Key(uitest.Key("x"), begin.Add(time.Second))
	if s.Top() != Dialog(two) || two.of != 1 {
		t.Fatalf("after one: %v", s.Top())
	}
	s.Key(uitest.Key("x"), begin.Add(time.Second+100*time.Millisecond)) // within the grace of two
	if s.Top() != Dialog(two) || len(two.keys) != 0 {
		t.Fatal("a key in flight reached the second question")
	}
	s.Tell("two", begin.Add(2*time.Second))
	if s.Top() != Dialog(own) {
		t.Fatalf("after two: %v", s.Top())
	}
	s.Key(uitest.Key("x"), begin.Add(2*time.Second))
	if s.Top() != nil {
		t.Errorf("left: %v", s.Top())
	}
	if _, ok := s.Key(uitest.Key("x"), begin); ok {
		t.Error("an empty stack took a key")
	}
}

func TestToldDialogsCloseWhereverTheyAre(t *testing.T) {
	t.Parallel()
	var s Stack
	for i := range 4 {
		s.Push(&box{name: fmt.Sprint("o", i)})
		s.PushLate(&box{name: fmt.Sprint("q", i)}, begin)
	}
	for _, n := range []string{"o1", "q2", "q0", "o3"} {
		s.Tell(n, begin)
	}
	var left []string
	for len(s.Layers()) > 0 {
		b := s.Top().(*box)
		left = append(left, b.name)
		s.Tell(b.name, begin)
	}
	if got := strings.Join(left, " "); got != "q1 q3 o2 o0" {
		t.Errorf("left %q", got)
	}
}

func TestConfirmDefaultsToCancel(t *testing.T) {
	t.Parallel()
	did := func() tea.Msg { return "did" }
	for key, want := range map[string]bool{"C": true, "enter": false, "esc": false, "n": false, "q": false, "ctrl+c": false} {
		c := &Confirm{Theme: theme(), Title: "Commit", Choices: []Choice{{Key: "C", Label: "Commit", Do: did}}}
		cmd, done := c.Update(uitest.Key(key))
		if !done || (cmd != nil) != want {
			t.Errorf("%s: done %v, does something %v", key, done, cmd != nil)
		}
	}
	c := &Confirm{Theme: theme(), Title: "Commit", Choices: []Choice{{Key: "C", Label: "Commit", Do: did}}}
	for _, key := range []string{"c", "z", " ", "tab"} {
		if _, done := c.Update(uitest.Key(key)); done {
			t.Errorf("%s closed it", key)
		}
	}
	if _, done := c.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("C"), Paste: true}); done {
		t.Error("a paste answered")
	}
}

func TestConfirmWithAWord(t *testing.T) {
	t.Parallel()
	did := func() tea.Msg { return "did" }
	c := &Confirm{Theme: theme(), Title: "Kill", Word: "core-r1", Choices: []Choice{{Key: "k", Label: "kill", Do: did, Grave: true}}}
	for _, r := range "core-r" {
		c.Update(uitest.Key(string(r)))
	}
	if cmd, done := c.Update(uitest.Key("enter")); cmd != nil || done {
		t.Fatal("half of the word was enough")
	}
	if cmd, done := c.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("1\n"), Paste: true}); cmd != nil || done {
		t.Fatal("a newline in a paste answered")
	}
	if cmd, done := c.Update(uitest.Key("enter")); cmd == nil || !done {
		t.Error("the whole word is not enough")
	}
}

func TestDialogsFit(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("word ", 200)
	dialogs := map[string]Dialog{
		"confirm":  &Confirm{Theme: theme(), Title: long, Body: []string{long, "", long}, Word: "word", Choices: []Choice{{Key: "a", Label: "all of it"}, {Key: "b", Label: "both"}}},
		"messages": &Messages{Theme: theme(), Notes: []Note{{Toast: msg.Toast{Text: long, Detail: long + long}, Times: 3}}},
		"palette":  &Palette{Theme: theme(), Items: []Item{{Title: long, Note: long, Key: "x"}, {Title: "b", Off: long}}},
		"help":     &Help{Theme: theme(), Where: long, Actions: []action.Action{{ID: "a", Title: long, Keys: []string{"a", "b", "c"}, Section: "S"}, {ID: "b", Title: "b", Keys: []string{"d"}, Off: long}}, Here: 1},
	}
	for name, d := range dialogs {
		for w := 20; w < 160; w += 3 {
			for h := 5; h < 50; h += 2 {
				rows := strings.Split(d.View(w, h), "\n")
				uitest.ExactSize(t, d.View(w, h), style.Width(rows[0]), len(rows))
				if len(rows) > h || style.Width(rows[0]) > w {
					t.Fatalf("%s takes %dx%d of %dx%d", name, style.Width(rows[0]), len(rows), w, h)
				}
			}
		}
	}
	small := dialogs["confirm"].View(60, 9)
	for _, s := range []string{"all of it", "both", "Cancel"} {
		if !strings.Contains(small, s) {
			t.Errorf("a small dialog hides %q:\n%s", s, small)
		}
	}
}

func TestToasts(t *testing.T) {
	t.Parallel()
	var s Toasts
	shown := func() string {
		var all []string
		for _, b := range s.View(theme(), 60) {
			all = append(all, strings.Trim(uitest.Plain(b[1]), "│ "))
		}
		return strings.Join(all, "|")
	}
	for i := range 4 {
		s.Add(msg.Toast{Text: fmt.Sprint("info ", i)}, begin)
	}
	if got := shown(); got != "- info 1|- info 2|- info 3" {
		t.Errorf("shown %q", got)
	}
	s.Add(msg.Toast{Level: msg.Error, Text: "bad"}, begin)
	s.Add(msg.Toast{Level: msg.Error, Text: "bad"}, begin)
	if got := shown(); !strings.HasSuffix(got, "x bad (2 times)") {
		t.Errorf("shown %q", got)
	}
	if next := s.Expire(begin.Add(4 * time.Second)); !next.Equal(begin.Add(10*time.Second)) || shown() != "x bad (2 times)" {
		t.Errorf("after 4 s: %q, next %v", shown(), next)
	}
	s.Key()
	if shown() != "" || len(s.Kept()) != 5 {
		t.Errorf("after a key: %q, %d kept", shown(), len(s.Kept()))
	}
	for i := range 2 * maxKept {
		s.Add(msg.Toast{Text: fmt.Sprint(i)}, begin)
	}
	if n := len(s.Kept()); n != maxKept || s.Kept()[n-1].Toast.Text != fmt.Sprint(2*maxKept-1) {
		t.Errorf("%d kept", n)
	}
}

func TestHelpRunsWhatWasFound(t *testing.T) {
	t.Parallel()
	var ran action.ID
	h := &Help{Theme: theme(), Where: "here", Here: 2, RunID: func(id action.ID) tea.Cmd { ran = id; return nil }, Actions: []action.Action{
		{ID: "a", Title: "Alpha", Keys: []string{"a"}, Section: "S"}, {ID: "b", Title: "Beta", Keys: []string{"b"}, Section: "S", Off: "not now"}, {ID: "c", Title: "Gamma", Keys: []string{"g"}, Section: "E"}}}
	if _, done := h.Update(uitest.Key("enter")); done {
		t.Error("enter ran something that was not chosen")
	}
	if !strings.Contains(h.View(80, 20), "off: Beta: not now") {
		t.Error("it does not say what is off, and why")
	}
	for _, r := range "gam" {
		h.Update(uitest.Key(string(r)))
	}
	if _, done := h.Update(uitest.Key("enter")); !done || ran != "c" {
		t.Errorf("ran %q", ran)
	}
}

// No reason is cut where a person reads the keys, and the selected one is seen
// with all its rows.
func TestHelpShowsReasonsWhole(t *testing.T) {
	t.Parallel()
	var as []action.Action
	for i := range 40 {
		a := action.Action{ID: action.ID(fmt.Sprint(i)), Title: fmt.Sprintf("Action number %d", i), Keys: []string{"a"}, Section: "S"}
		if i%3 == 1 {
			a.Off = strings.Repeat("reason ", i%14) + "ends"
		}
		as = append(as, a)
	}
	for _, size := range [][2]int{{80, 21}, {140, 37}, {60, 12}} {
		h := &Help{Theme: theme(), Where: "here", Actions: as, Here: len(as)}
		for i, a := range as {
			h.Update(uitest.Key("down"))
			rows := strings.Split(uitest.Plain(h.View(size[0], size[1])), "\n")
			seen := strings.Join(strings.Fields(strings.NewReplacer("┃", "", "┏", "").Replace(strings.Join(rows[:len(rows)-2], " "))), " ")
			if strings.Contains(seen, theme().Glyph(style.Cut)) || !strings.Contains(seen, strings.TrimSpace(plainTitle(a))) {
				t.Fatalf("%d at %v:\n%s", i, size, strings.Join(rows, "\n"))
			}
		}
	}
}

func TestPaletteFindsByLetters(t *testing.T) {
	t.Parallel()
	item := func(s string) Item { return Item{Title: s, Run: func() tea.Msg { return s }} }
	p := &Palette{Theme: theme(), Items: []Item{item("Compare running"), item("Commit candidate"), item("Copy the reply")}}
	for _, r := range "cmt" {
		p.Update(uitest.Key(string(r)))
	}
	cmd, done := p.Update(uitest.Key("enter"))
	if !done || cmd == nil || cmd() != "Commit candidate" {
		t.Errorf("found something else")
	}
	p = &Palette{Theme: theme()}
	for _, k := range []string{"down", "up", "tab", "enter", "pgdown", "z"} {
		if _, done := p.Update(uitest.Key(k)); done {
			t.Errorf("%s closed an empty palette", k)
		}
		p.View(80, 20)
	}
}

func TestALongToastIsWrappedBeforeItIsCut(t *testing.T) {
	t.Parallel()
	var ts Toasts
	ts.Add(msg.Toast{Text: "Marked the reply to get-config of 13:52:34; D on another entry compares the two"}, time.Unix(0, 0))
	box := strings.Join(ts.View(theme(), 76)[0], "\n")
	if !strings.Contains(box, "compares the two") || strings.Contains(box, "! more") {
		t.Errorf("a message of two lines is cut:\n%s", box)
	}
	ts = Toasts{}
	ts.Add(msg.Toast{Text: strings.Repeat("long ", 80)}, time.Unix(0, 0))
	rows := ts.View(theme(), 76)[0]
	if len(rows) != toastRows+2 || !strings.Contains(rows[toastRows], "! more") {
		t.Errorf("a message without end:\n%s", strings.Join(rows, "\n"))
	}
}

func TestMessagesSayAnErrorOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, detail, want string }{
		{"r1 lost: NET-DEAD no answer", "NET-DEAD no answer. Nothing was sent", "r1 lost: NET-DEAD no answer. Nothing was sent"},
		{"r1: 10.0.0.1: refused", "refused by the peer", "r1: 10.0.0.1: refused by the peer"},
		{"r1 lost: NET-DEAD no answer", "read tcp: i/o timeout", ""},
		{"r1 lost", "why", ""},
		{"ends: ", "anything", ""},
		{"a: b", "", ""},
	} {
		if got, ok := mend(c.text, c.detail); got != c.want || ok != (c.want != "") {
			t.Errorf("mend(%q, %q) = %q, %v", c.text, c.detail, got, ok)
		}
	}
}
