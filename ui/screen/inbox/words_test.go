package inbox

import (
	"strings"
	"testing"

	"dialtone/conn/desk"
)

// TestNoVerdictIsCut at 80 and 60 columns: what the key is worth stands at its end.
func TestNoVerdictIsCut(t *testing.T) {
	t.Parallel()
	for _, trust := range []string{"HMAC ok, key known", "HMAC ok, key NEW", "HMAC ok, key REPLACED", "HMAC absent, key known", "HMAC absent, key NEW",
		"HMAC not checked, key known", "HMAC not checked, key NEW", "key not shown yet", "secret not checked", "unknown device"} {
		for _, w := range []int{80, 60} {
			b := newBench(t, nil)
			b.size(w, 21)
			b.set([]desk.Caller{{ID: 1, Claim: "r1", Trust: trust, Since: b.Now()}}, nil, nil)
			rows := strings.Split(b.scr.View(), "\n")[1:3]
			last := trust[strings.LastIndex(trust, " ")+1:]
			if strings.Contains(rows[0]+rows[1], "→") || !strings.Contains(rows[1], " "+last+" ") {
				t.Errorf("%s at %d: %q", trust, w, rows)
			}
		}
	}
}
