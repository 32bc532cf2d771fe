package session

import (
	"dialtone/conn"
	"dialtone/ui/msg"
	"dialtone/ui/style"
	"net/netip"
	"slices"
	"time"
)

// turned is the last call in the name of this device that was turned away.
type turned struct {
	at   time.Time
	from netip.AddrPort
	err  error
}

// heardDesk notes why a device that dials us does not come back: a call in its
// name was refused. Who placed it is not known.
func (s *Screen) heardDesk(now msg.Desk) {
	t := s.dev.Target
	if !t.Via.Calls() || s.dev.State != conn.Lost && s.dev.State != conn.Closed {
		return
	}
	for _, l := range slices.Backward(now.Log) {
		if l.Time.Before(s.dev.Since) {
			return
		}
		if l.Event == "refused" && l.Err != nil && (l.Profile == t.Name || t.DeviceID != "" && l.DeviceID == t.DeviceID) {
			s.turned = turned{l.Time, l.From, l.Err}
			return
		}
	}
}

// turnedLines is what the connection note says of such a call.
func (s *Screen) turnedLines(w int) []string {
	c := s.turned
	if c.err == nil || c.at.Before(s.dev.Since) {
		return nil
	}
	head := "At " + c.at.In(s.d.Now().Location()).Format(time.TimeOnly) + " a call in its name, from " + c.from.Addr().Unmap().String() + ", was refused:"
	var lines []string
	for _, part := range style.Wrap(head, w) {
		lines = append(lines, "  "+s.d.Theme.Paint(style.Warn, part))
	}
	return append(lines, faultLines(c.err, w)...)
}
