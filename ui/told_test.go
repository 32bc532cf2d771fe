package ui

import (
	"testing"

	"dialtone/ui/msg"
)

// A notice from below comes as a toast, device text made safe, and the next one
// after it; a question still gets through.
func TestNoticesFromBelowBecomeToasts(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	p.asker.Tell(msg.Toast{Text: "core-r1: touch the key \x1b[2J"})
	p.Await("the notice", func() bool { return p.Shows("core-r1: touch the key ^[") })
	p.asker.Tell(msg.Toast{Text: "and once more"})
	p.Await("the second notice", func() bool { return p.Shows("and once more") })
	p.hostKeyQuestion()
	p.mustShow(t, "Unknown host key: pe-12")
}
