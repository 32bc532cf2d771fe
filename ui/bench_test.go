package ui

import (
	"fmt"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/ui/msg"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

// manyDevices is the program on 200x60 with n devices that have called and are
// open.
func manyDevices(b testing.TB, n int) (*uitest.Driver, *root, *walked) {
	b.Helper()
	var ps []profile.Profile
	for i := range n {
		t := target(fmt.Sprintf("r%04d", i), "", link.CallHome)
		t.Pin = []string{"SHA256:x"}
		ps = append(ps, profile.Profile{Target: t, Group: fmt.Sprint("g", i%5)})
	}
	be := &walked{Backend: &uitest.Backend{Now: time.Now}}
	for i := range ps {
		be.Set(conn.Device{Target: ps[i].Target, State: conn.Open, Since: time.Now(), Opened: time.Now(), Caps: caps("candidate:1.0"),
			Peer: link.Peer{Addr: fmt.Sprintf("192.0.%d.%d:50000", i/250, i%250)}})
	}
	th, _ := style.New("default", false, false)
	d := uitest.NewDriver(b)
	r := newRoot(b.Context(), Deps{Deps: screen.Deps{Backend: be, Desk: &uitest.Desk{}, Profiles: profile.Memory(ps...), Now: d.Now, Tick: d.Tick, Theme: th}})
	r.park = d.Park
	d.Drive(r).Do(r.Init())
	d.Resize(200, 60)
	return d, r, be
}

// BenchmarkKey is one key and its frame, with few devices and with many, on the
// device list, a session and the inbox.
func BenchmarkKey(b *testing.B) {
	places := map[string]tea.Msg{"devices": nil, "session": msg.OpenSession{ID: 3}, "inbox": msg.ShowInbox{}}
	for _, n := range []int{20, 5000} {
		for place, show := range places {
			b.Run(fmt.Sprintf("%s/%d", place, n), func(b *testing.B) {
				d, r, _ := manyDevices(b, n)
				if show != nil {
					d.Send(show)
				}
				for b.Loop() {
					d.Press("j")
					_ = r.View()
				}
			})
		}
	}
}

// BenchmarkEvents is a batch of events and its frame: one device, and as many as
// a batch takes.
func BenchmarkEvents(b *testing.B) {
	for _, n := range []int{20, 5000} {
		for _, size := range []int{1, drainMost} {
			b.Run(fmt.Sprintf("%d of %d", size, n), func(b *testing.B) {
				d, r, be := manyDevices(b, n)
				var batch msg.Events
				for i := range size {
					dev, _ := be.Device(conn.SessionID(i%n + 1))
					batch = append(batch, be.Set(dev))
				}
				for b.Loop() {
					d.Send(batch)
					_ = r.View()
				}
			})
		}
	}
}
