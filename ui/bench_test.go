package ui

import (
	"fmt"
	"testing"
	"time"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

// BenchmarkKey is one key and its frame on 200x60 with 1,000 devices.
func BenchmarkKey(b *testing.B) {
	var ps []profile.Profile
	for i := range 1000 {
		ps = append(ps, profile.Profile{Target: target(fmt.Sprintf("r%04d", i), fmt.Sprintf("192.0.%d.%d", i/250, i%250), link.SSH)})
	}
	be := &uitest.Backend{Now: time.Now}
	for i := range 50 {
		be.Set(conn.Device{Target: ps[i*20].Target, State: conn.Open, Since: time.Now(), Caps: caps("candidate:1.0")})
	}
	th, _ := style.New("default", false, false)
	d := uitest.NewDriver(b)
	r := newRoot(b.Context(), Deps{Deps: screen.Deps{Backend: be, Profiles: profile.Memory(ps...), Now: d.Now, Tick: d.Tick, Theme: th}})
	r.park = d.Park
	d.Drive(r).Do(r.Init())
	d.Resize(200, 60)
	b.Run("down", func(b *testing.B) {
		for range b.N {
			d.Press("j")
			_ = r.View()
		}
	})
	e := events(be.Set(conn.Device{ID: 1, Target: ps[0].Target, State: conn.Open, Since: time.Now()}))
	b.Run("event", func(b *testing.B) {
		for range b.N {
			d.Send(e)
			_ = r.View()
		}
	})
}
