package session

import (
	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/ui/msg"
)

// events takes what happened to this session. All of it is cheap: the batch may
// be large.
func (s *Screen) events(batch msg.Events) tea.Cmd {
	var cmds []tea.Cmd
	for _, e := range batch {
		if e.Session != s.id {
			continue
		}
		switch e.Kind {
		case conn.DeviceChanged:
			s.changed(e.Device)
		case conn.ExchangeProgress:
			s.follow(s.replies.list[s.adopt(e.Exchange)])
		case conn.ExchangeDone:
			cmds = append(cmds, s.done(e.Exchange))
		}
	}
	return tea.Batch(cmds...)
}

// changed takes the new value of the device. Other capabilities may mean
// another verdict on the text.
func (s *Screen) changed(d conn.Device) {
	if d.State == conn.Open && s.dev.State != conn.Open {
		s.check.stale = true
	}
	if d.Dirty != s.dev.Dirty {
		s.commits.compare.done = false
	}
	s.dev = d
}

// done shows the end of an exchange.
func (s *Screen) done(x *conn.Exchange) tea.Cmd {
	r := s.replies.list[s.adopt(x)]
	s.follow(r)
	return tea.Batch(s.markErrors(r), s.warnUnshown(r), s.loadHistory())
}
