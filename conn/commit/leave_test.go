package commit

import (
	"strings"
	"testing"
	"time"

	"dialtone/netconf/simdev"
)

func TestLeavingSaysWhatTheDeviceWillDo(t *testing.T) {
	t.Parallel()
	dialects(t, func(t *testing.T, dialect simdev.Dialect) {
		l := newLab(t, simdev.Options{Dialect: dialect})
		stake := func(want ...string) {
			t.Helper()
			got := strings.Join(l.c.AtStake(l.open()), " ")
			if len(want) == 0 && got != "" {
				t.Errorf("at stake: %s", got)
			}
			words(t, "at stake", got, want...)
		}
		stake()
		l.edit()
		stake("1 edit not committed: a shared candidate keeps it, for others to see and to commit.")
		l.must(Order{Do: DoCommit, Confirmed: true, Timeout: 5 * time.Minute})
		if dialect == simdev.Junos {
			stake("The confirmed commit is not confirmed: r1 rolls it back in 05:00. It is noted and can be confirmed from a new session until then.")
		} else {
			stake("The confirmed commit is not confirmed, with 05:00 left: leaving makes r1 roll back at once.")
		}
		l.must(Order{Do: DoConfirm})
		stake()
		l.must(Order{Do: DoLock})
		l.edit()
		l.edit()
		stake("r1 gives the lock on candidate back.", "2 edits not committed: r1 discards what was staged under the lock.")
		if strings.Contains(l.text(), "discard") {
			t.Error("something was discarded by us")
		}
	})
}
