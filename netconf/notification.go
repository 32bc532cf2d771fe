package netconf

import "time"

// Notification is one event message (RFC 5277). Body is the whole message and
// belongs to the receiver.
type Notification struct {
	EventTime time.Time // zero when missing or unreadable
	Received  time.Time
	Name      string // local name of the event element
	Body      []byte
}

// parseNotification finds time and name of the event; what is not there stays
// zero.
func parseNotification(body []byte) Notification {
	n := Notification{Received: time.Now(), Body: body}
	t := tokens{b: body}
	if root, _ := t.root(); root.kind != tokStart || root.empty {
		return n
	}
	for {
		tok, ok := t.next()
		if !ok || tok.kind == tokMore || tok.kind == tokEnd {
			return n
		}
		if tok.kind != tokStart {
			continue
		}
		name := string(local(tok.name))
		switch {
		case name == "eventTime" && !tok.empty:
			n.EventTime, _ = time.Parse(time.RFC3339Nano, t.textOf(64))
			continue
		case n.Name == "":
			n.Name = name
		}
		if !tok.empty {
			t.skip()
		}
	}
}
