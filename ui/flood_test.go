package ui

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/netconf"
	"dialtone/ui/msg"
	"dialtone/ui/screen"
	"dialtone/ui/style"
)

// flood is a device that says hello and then n notifications, 1,000 every
// pause. It ends with the last one, or with the link.
func flood(w io.Writer, n int, pause time.Duration) {
	_, _ = io.WriteString(w, `<hello xmlns="`+netconf.BaseNS+`"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities><session-id>7</session-id></hello>]]>]]>`)
	var b bytes.Buffer
	tick := time.NewTicker(max(pause, 1))
	defer tick.Stop()
	for i := range n {
		fmt.Fprintf(&b, `<notification xmlns="%s"><eventTime>2026-01-01T00:00:00Z</eventTime><link-down><name>ge-%d</name></link-down></notification>]]>]]>`, netconf.NotificationNS, i)
		if i%1000 == 999 || i == n-1 {
			if _, err := w.Write(b.Bytes()); err != nil {
				return
			}
			b.Reset()
			if pause > 0 {
				<-tick.C
			}
		}
	}
}

// flooded runs the interface on a manager whose one device floods it, with the
// list of notifications open, until all n are on the screen. It returns how
// many frames were drawn and how many events of notifications came.
func flooded(t testing.TB, n int, pause time.Duration) (frames, told int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	m := conn.NewManager(conn.Options{})
	t.Cleanup(func() { m.Close(context.Background()) })
	theme, _ := style.New("mono", false, false)
	r := newRoot(ctx, Deps{Deps: screen.Deps{Backend: m, Profiles: profile.Memory(), Theme: theme, Now: time.Now}, Asker: NewAsker()})
	r.Update(tea.WindowSizeMsg{Width: 120, Height: 40})
	ours, theirs := net.Pipe()
	t.Cleanup(func() { theirs.Close() })
	go func() { _, _ = io.Copy(io.Discard, theirs) }() // ends with the pipe
	go flood(theirs, n, pause)                         // the same
	id := m.Adopt(target("r1", "192.0.2.1", link.CallHome), &link.Link{ReadWriteCloser: ours})
	r.Update(msg.OpenSession{ID: id})
	want := strings.ReplaceAll(fmt.Sprintf("%d notifications", n), "0000 ", "0 000 ") // 10 000
	limit := time.Now().Add(2 * time.Minute)
	for open := false; ; {
		batch, ok := r.bridge.next().(arrived)
		if !ok || time.Now().After(limit) {
			came, _ := m.Notes(id).Count()
			t.Fatalf("%d of %d came; the screen:\n%s", came, n, r.View())
		}
		for _, e := range batch.events {
			if e.Kind == conn.Notified {
				told++
			}
		}
		r.Update(batch)
		if !open && told > 0 {
			r.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("e")})
			open = true
		}
		view := r.View()
		frames++
		if strings.Contains(view, want) {
			return frames, told
		}
	}
}

// A flood of notifications costs the interface few events, and all of it is
// counted while the list is open.
func TestFloodOfNotifications(t *testing.T) {
	t.Parallel()
	const n = 60_000
	frames, told := flooded(t, n, 0)
	if told > n/10 {
		t.Errorf("%d events in %d frames for %d notifications", told, frames, n)
	}
}

// BenchmarkFloodFrames is frames a second while 50,000 notifications a second
// come and are on the screen; at least 10 are wanted.
func BenchmarkFloodFrames(b *testing.B) {
	frames := 0
	for b.Loop() {
		f, _ := flooded(b, 100_000, 20*time.Millisecond)
		frames += f
	}
	b.ReportMetric(float64(frames)/b.Elapsed().Seconds(), "frames/s")
	b.ReportMetric(float64(b.N)*100_000/b.Elapsed().Seconds(), "notifications/s")
}
