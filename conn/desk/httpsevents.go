package desk

import (
	"dialtone/conn/outbound"
)

func (x *secure) line(event string, d outbound.Caller, text string) Line {
	return Line{Event: event, From: d.From, Via: d.Via, DeviceID: d.Claim, Profile: d.Profile, Trust: d.Trust, Text: text}
}

// event takes what happens at the server, in the goroutine to which it happened.
func (x *secure) event(ev outbound.Event) {
	f, d := x.f, ev.Caller
	line := x.line(string(ev.Kind), d, "")
	line.Err, line.Count = ev.Err, ev.Count
	switch ev.Kind {
	case outbound.Listening:
		f.stands(HTTPS, ev.On, ev.Addr, nil)
		line.Text, line.Count = listeningText(HTTPS, ev.Addr, ev.Count), 0
	case outbound.Down:
		f.stands(HTTPS, ev.On, "", ev.Err)
		line.Text = what(ev.Err)
	case outbound.Stopped:
		f.drop(HTTPS, ev.On)
		line.Text = "stopped listening on " + ev.On + " (https)"
	case outbound.Waiting:
		x.mu.Lock()
		again := x.seen[d.ID]
		x.seen[d.ID] = true
		x.mu.Unlock()
		f.touch()
		if again {
			return
		}
		line.Text = waitsText(d)
		f.write(line)
		if d.Auto {
			x.open(d, d.Target)
		}
		return
	case outbound.Gone:
		x.mu.Lock()
		delete(x.seen, d.ID)
		x.mu.Unlock()
		f.touch()
		return
	case outbound.Changed:
		f.touch()
		return
	case outbound.Refused, outbound.Warned:
		line.Text = what(ev.Err)
		if ev.Kind == outbound.Refused {
			x.count(ev.On, 0, max(1, ev.Count))
		}
	}
	f.write(line)
}

// waitsText is the log line of a device that waits.
func waitsText(d outbound.Caller) string {
	who := d.Claim
	if who == "" {
		who = "a device without a name"
	}
	if d.Profile != "" {
		return who + ": " + d.Trust + " as " + d.Profile
	}
	return who + ": " + d.Trust
}
