package ui

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn/link"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

// TestTenThousandResizes draws all scenes at sizes from 1x1 to 500x200, 10,000 in
// all, and then looks whether everything is as it was.
func TestTenThousandResizes(t *testing.T) {
	t.Parallel()
	all := scenes(nil)
	each := 10000/len(all) + 1
	if testing.Short() {
		each /= 20
	}
	for name, scene := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := scene(t)
			p.Resize(80, 24)
			before := p.View()
			rnd := rand.New(rand.NewPCG(1, uint64(len(name))))
			for range each {
				w, h := 1+rnd.IntN(500), 1+rnd.IntN(200)
				if rnd.IntN(2) == 0 { // half of them near the smallest ones
					w, h = 1+rnd.IntN(90), 1+rnd.IntN(26)
				}
				p.Resize(w, h)
				v := p.View()
				if n := strings.Count(v, "\n") + 1; n != h {
					t.Fatalf("%dx%d: %d rows", w, h, n)
				}
				if w < 60 || h < 15 {
					uitest.ExactSize(t, v, w, h)
				}
			}
			p.Resize(80, 24)
			if after := p.View(); after != before {
				t.Errorf("before:\n%s\nafter:\n%s", uitest.Plain(before), uitest.Plain(after))
			}
		})
	}
}

// TestNothingIsToldByColourAlone draws all scenes with colours and without: the
// text is the same.
func TestNothingIsToldByColourAlone(t *testing.T) {
	t.Parallel()
	themes := map[string]map[string]func(*testing.T) *program{}
	for _, name := range style.Names() {
		themes[name] = scenes(func(d *Deps) { d.Theme, _ = style.New(name, false, false) })
	}
	for scene, draw := range themes["mono"] {
		for _, at := range [][2]int{{80, 24}, {140, 40}} {
			p := draw(t)
			p.Resize(at[0], at[1])
			want := uitest.Plain(p.View())
			for theme, all := range themes {
				q := all[scene](t)
				q.Resize(at[0], at[1])
				if got := uitest.Plain(q.View()); got != want {
					t.Errorf("%s in %s:\n%s\nin mono:\n%s", scene, theme, got, want)
				}
			}
		}
	}
}

// harm is what a paste may hold: the end of a line, escapes, control characters.
const harm = "yes\r\n\x1b[201~\x1b\x03\x04t\no\ny\n"

// TestPastesAnswerNoQuestion pastes line ends and letters into what asks.
func TestPastesAnswerNoQuestion(t *testing.T) {
	t.Parallel()
	for name, what := range map[string]any{
		"host key":  link.HostKeyQuestion{Target: target("pe-12", "192.0.2.12", link.SSH), Host: "[192.0.2.12]:830", Key: hostKey(1)},
		"password":  link.SecretQuestion{Target: target("pe-12", "192.0.2.12", link.SSH), What: "password"},
		"challenge": link.ChallengeQuestion{Target: target("pe-12", "192.0.2.12", link.SSH), Prompts: []string{"a", "b"}, Echo: []bool{false, true}},
	} {
		p := lab(t, nil)
		reply := make(chan answer, 1)
		p.Send(asked{&question{ctx: t.Context(), what: what, reply: reply}})
		p.Advance(2 * time.Second)
		p.Paste(harm)
		select {
		case a := <-reply:
			t.Errorf("%s: a paste answered %v", name, a)
		default:
		}
		if p.root.stack.Top() == nil {
			t.Errorf("%s: a paste closed the question", name)
		}
		uitest.OnlySGR(t, p.View())
	}
}

// TestPasteWithALineEndConfirmsNothing pastes the word that a grave choice wants,
// with a line end behind it: the person still has to press enter.
func TestPasteWithALineEndConfirmsNothing(t *testing.T) {
	t.Parallel()
	taken := false
	p := lab(t, nil)
	p.Send(overlay.Push{Dialog: &overlay.Confirm{Theme: p.root.d.Theme, Title: "Kill session 4711?", Word: "core-r1",
		Choices: []overlay.Choice{{Key: "k", Label: "kill the session", Grave: true, Do: func() tea.Msg { taken = true; return nil }}}}})
	p.Paste("core-r1\r\n\n\x1b")
	if taken || p.root.stack.Top() == nil {
		t.Fatal("the paste confirmed")
	}
	p.mustShow(t, "[ core-r1")
	p.Press("enter")
	if !taken || p.root.stack.Top() != nil {
		t.Error("enter did not confirm what was pasted")
	}
}

// TestPasteThatIsTooLargeIsToldAndLeftOut is what the input gives for 10 MiB.
func TestPasteThatIsTooLargeIsToldAndLeftOut(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	all := probes(p)
	p.Send(msg.OpenSession{ID: 1})
	all[1].typing = true
	p.root.pasted = func(key []rune) (string, int64, bool) {
		switch string(key) {
		case "1":
			return "<get/>\n漢", 0, true
		case "2":
			return strings.Repeat("y", 1<<20), 9 << 20, true
		}
		return "", 0, false
	}
	all[1].got = nil
	for _, key := range []string{"1", "2", "3"} {
		p.Paste(key)
	}
	if len(all[1].got) != 1 || string(all[1].got[0].(tea.KeyMsg).Runes) != "<get/>\n漢" {
		t.Errorf("the screen got %v", all[1].got)
	}
	p.mustShow(t, "Paste left out: 10.0 MiB, and 1 MiB is the most.", "A paste was left out: too many came at once.")
}
