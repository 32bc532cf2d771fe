package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"dialtone/conn"
	"dialtone/netconf"
	"dialtone/ui/safe"
)

const (
	maxTold     = 20  // protocol faults that are told one by one
	maxRawShown = 512 // bytes of each on standard error
)

// hearing follows the events of one run: it tells of what the device did against
// the protocol and waits for what is to come.
type hearing struct {
	a       *app
	m       *conn.Manager
	events  <-chan conn.Event
	trace   string       // file of --trace, "" without
	told    []conn.Event // faults in order, at most maxTold
	more    int          // faults beyond those
	refused *conn.Event  // why the reply to the request under way was not taken
}

// hear takes in one event and returns it.
func (h *hearing) hear(ev conn.Event) conn.Event {
	if ev.Kind != conn.Faulted || ev.Err == nil {
		return ev
	}
	h.more += ev.Dropped
	if len(h.told) == maxTold {
		h.more++
		return ev
	}
	h.told = append(h.told, ev)
	h.a.note("%s", errorLine(ev.Err))
	if len(ev.Raw) > 0 {
		h.a.note("%s", h.rawLine(ev.Raw))
	}
	return ev
}

// rawLine shows bytes of the device, escaped, and says where all of them are.
func (h *hearing) rawLine(raw []byte) string {
	line := "  It sent " + strconv.QuoteToASCII(string(raw[:min(len(raw), maxRawShown)]))
	if over := len(raw) - maxRawShown; over > 0 {
		line += fmt.Sprintf(" and %d bytes more", over)
	}
	if h.trace != "" {
		return line + "; all of it is in " + safe.Text(h.trace) + "."
	}
	return line + "; --trace FILE keeps all of it."
}

// drain takes in what waits already.
func (h *hearing) drain() {
	for {
		select {
		case ev, ok := <-h.events:
			if !ok {
				return
			}
			h.hear(ev)
		default:
			return
		}
	}
}

// end tells how many faults were not told.
func (h *hearing) end() {
	if h.more > 0 {
		h.a.note("%d more protocol faults are not shown.", h.more)
	}
}

// open returns when the session is open, or why it never will be.
func (h *hearing) open(ctx context.Context, id conn.SessionID) (conn.Device, error) {
	for {
		d, _ := h.m.Device(id)
		switch d.State {
		case conn.Open:
			h.drain()
			return d, nil
		case conn.Lost, conn.Closed:
			h.drain()
			return d, connectionError(d)
		}
		select {
		case ev := <-h.events:
			h.hear(ev)
		case <-ctx.Done():
			return d, ctx.Err()
		}
	}
}

// done returns when the exchange has ended and all that came before its end has
// been told; it stops it when ctx is done, or when the device has sent a message
// in its place that is refused unread. That is no guess: nothing else is under
// way in this session.
func (h *hearing) done(ctx context.Context, x *conn.Exchange) {
	stop := ctx.Done()
	for {
		select {
		case ev, ok := <-h.events:
			if !ok || ev.Kind == conn.ExchangeDone && ev.Exchange == x {
				return
			}
			if h.hear(ev); h.refused == nil && refuses(ev) && h.since(x, ev) {
				h.refused = &ev
				h.m.Stop(x.ID)
			}
		case <-stop:
			stop = nil
			h.m.Stop(x.ID)
		}
	}
}

// refuses recognises the faults of messages whose root was not looked at, so that
// nobody knows what they answer.
func refuses(ev conn.Event) bool {
	var f *netconf.Fault
	return ev.Kind == conn.Faulted && errors.As(ev.Err, &f) && (f.Code == "XML-DTD" || f.Code == "XML-ENC")
}

// since reports whether a fault came after x was asked for.
func (h *hearing) since(x *conn.Exchange, ev conn.Event) bool {
	list, _ := h.m.Oddities(x.Session)
	for _, o := range list {
		if o.Err == ev.Err {
			return !o.At.Before(x.Started)
		}
	}
	return false
}

// reason is why an exchange ended without a reply: err, or what was refused in
// its place.
func (h *hearing) reason(o netconf.Outcome, err error) error {
	var f *netconf.Fault
	if h.refused == nil || o.Result == netconf.Answered || !errors.As(h.refused.Err, &f) {
		return err
	}
	own := *f
	if own.Kept == "" {
		own.Kept = "The message is not taken for a reply, and the session is closed"
	}
	return &own
}
