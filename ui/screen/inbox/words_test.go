package inbox

import (
	"strings"
	"testing"

	"dialtone/conn/desk"
)

// TestNoVerdictIsCut at 80 columns: what the key is worth stands at its end.
func TestNoVerdictIsCut(t *testing.T) {
	t.Parallel()
	for _, trust := range []string{"HMAC ok, key known", "HMAC ok, key NEW", "HMAC ok, key REPLACED", "HMAC absent, key known", "HMAC absent, key NEW",
		"HMAC not checked, key known", "HMAC not checked, key NEW", "key not shown yet", "secret not checked", "unknown device"} {
		b := newBench(t, nil)
		b.set([]desk.Caller{{ID: 1, Claim: "r1", Trust: trust, Since: b.Now()}}, nil, nil)
		row := strings.Split(b.scr.View(), "\n")[2]
		last := trust[strings.LastIndex(trust, " ")+1:]
		if strings.Contains(row, "→") || !strings.Contains(row, " "+last+" ") {
			t.Errorf("%s: %q", trust, row)
		}
	}
}
