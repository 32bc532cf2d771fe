package app

import (
	"testing"

	"dialtone/conn/link"
	"dialtone/ui"
)

func TestWaitingForTheAgentNeverWaitsForTheScreen(t *testing.T) {
	t.Parallel()
	tell := touch(ui.NewAsker()) // no screen takes the notices
	for range 1000 {
		tell(link.Target{Name: "r1"}, "key", true)
		tell(link.Target{Name: "r1"}, "key", false)
	}
}
