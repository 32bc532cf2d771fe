package ui

import (
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/ui/msg"
	"dialtone/ui/uitest"
)

// walked counts how often all sessions were asked for.
type walked struct {
	*uitest.Backend
	walks int
}

func (w *walked) Devices() []conn.Device {
	w.walks++
	return w.Backend.Devices()
}

// TestKeysWalkOverNoSessions: what a key and a frame cost does not grow with the
// number of sessions.
func TestKeysWalkOverNoSessions(t *testing.T) {
	t.Parallel()
	for place, show := range map[string]tea.Msg{"devices": nil, "session": msg.OpenSession{ID: 3}, "inbox": msg.ShowInbox{}} {
		d, r, be := manyDevices(t, 20)
		if show != nil {
			d.Send(show)
		}
		be.walks = 0
		for _, k := range []string{"j", "k", "pgdown", "]", "[", "?", "esc"} {
			d.Press(k)
			_ = r.View()
		}
		dev, _ := be.Device(2)
		d.Send(events(be.Set(dev)))
		_ = r.View()
		if be.walks != 0 {
			t.Errorf("%s: %d walks over all sessions", place, be.walks)
		}
	}
}

// TestBarFollowsTheRows: a session has its bar from the event that tells of
// something unsettled to the one that tells of its end.
func TestBarFollowsTheRows(t *testing.T) {
	t.Parallel()
	d, r, be := manyDevices(t, 20)
	d.Send(msg.OpenSession{ID: 7})
	shows := func() bool { return strings.Contains(r.View(), "CANDIDATE") }
	for i := range 2 {
		if shows() {
			t.Fatalf("round %d: a bar for nothing", i)
		}
		dev, _ := be.Device(7)
		dev.Dirty = 2
		d.Send(events(be.Set(dev)))
		if !shows() {
			t.Fatalf("round %d: no bar", i)
		}
		dev.Dirty, dev.Since = 0, time.Now()
		d.Send(events(be.Set(dev)))
	}
	if shows() {
		t.Error("the bar stays")
	}
}
