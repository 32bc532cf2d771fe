package inbox

import (
	"fmt"
	"strings"
	"testing"

	"dialtone/conn/desk"
	"dialtone/keys"
	"dialtone/ui/overlay"
)

// TestALineSaysNothingTwice: a line as it is copied, saved and shown has the
// sentence of its error once, then what can be done, and the code.
func TestALineSaysNothingTwice(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	fault := &keys.Fault{Code: "KEY-CHANGED", What: `"r1" shows another key`, Kept: "nothing was sent", Do: "compare the key"}
	x := desk.Line{Time: b.Now(), Event: "refused", Text: `"r1" shows another key; nothing was sent`, Err: fmt.Errorf("caller: %w", fault)}
	want := `REFUSED "r1" shows another key; nothing was sent. Compare the key (KEY-CHANGED)`
	if got := b.scr.whole(x); !strings.HasSuffix(got, "  "+want) {
		t.Errorf("%q", got)
	}
	b.set(nil, nil, []desk.Line{x})
	b.Press("tab", "enter")
	dialog := strings.Join(b.stack.Top().(*overlay.Confirm).Body, "\n")
	for _, s := range []string{"shows another key", "nothing was sent", "Compare the key", "KEY-CHANGED"} {
		if strings.Count(dialog, s) != 1 {
			t.Errorf("%q in\n%s", s, dialog)
		}
	}
}
