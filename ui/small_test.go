package ui

import (
	"context"
	"testing"

	"dialtone/conn/link"
	"dialtone/ui/msg"
)

// TestSmallCardSaysWhatWaits opens things and then makes the terminal too small.
func TestSmallCardSaysWhatWaits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		open func(p *program)
		want string
	}{
		"nothing":  {func(*program) {}, ""},
		"help":     {func(p *program) { p.Press("?") }, "The list of keys is open."},
		"palette":  {func(p *program) { p.Press(":") }, "The palette is open."},
		"messages": {func(p *program) { p.Press("!") }, "The messages are open."},
		"templates": {func(p *program) {
			p.Send(msg.OpenSession{ID: 1})
			p.Press("t")
		}, "The list of templates is open."},
		"form":   {func(p *program) { p.Press("a") }, "A dialog is open and keeps what was typed."},
		"delete": {func(p *program) { p.Press("d") }, "Waits for an answer: Delete"},
		"secret": {func(p *program) {
			p.Send(asked{&question{ctx: context.Background(), what: link.SecretQuestion{Target: target("pe-12", "192.0.2.12", link.SSH), What: "password"}, reply: make(chan answer, 1)}})
		}, "Waits for an answer: sign in to pe-12"},
		"host key": {func(p *program) {
			p.Send(asked{&question{ctx: context.Background(), what: link.HostKeyQuestion{Target: target("pe-12", "192.0.2.12", link.SSH), Key: hostKey(1)}, reply: make(chan answer, 1)}})
		}, "Waits for an answer: Unknown host key: pe-12"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := lab(t, nil)
			c.open(p)
			p.Resize(50, 10)
			p.mustShow(t, "Terminal is 50 x 10", "3 open", c.want)
			if c.want == "" {
				p.mustNotShow(t, "is open", "Waits")
			}
			p.Press("q")
			p.mustShow(t, "Quitting asks: make the terminal larger.")
			if p.Quit() {
				t.Error("q left three sessions behind")
			}
			p.Press("j")
			p.mustNotShow(t, "Quitting asks")
		})
	}
}

func TestSmallCardQuitsWhenNothingIsAtStake(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"q", "ctrl+c"} {
		p := start(t, nil, nil)
		p.Press("?")
		p.Resize(50, 10)
		p.Press(key)
		if !p.Quit() {
			t.Errorf("%s does nothing above a list of keys", key)
		}
	}
}

func TestSmallCardStopsWaiting(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	all := probes(p)
	p.Send(msg.OpenSession{ID: 1})
	p.Resize(50, 10)
	p.Press("ctrl+c")
	if len(all[1].ran) != 1 || all[1].ran[0] != "probe.stop" {
		t.Errorf("ctrl+c ran %v", all[1].ran)
	}
}
