package simdev

import (
	"bytes"
	"io"
	"strconv"
	"time"

	"dialtone/netconf"
)

const (
	netmodNS = "urn:ietf:params:xml:ns:netmod:notification"
	eventsNS = "urn:ietf:params:xml:ns:yang:ietf-netconf-notifications"
)

// event is one entry of the replay log.
type event struct {
	at   time.Time
	body *node // the event element
}

const maxReplay = 500

// Notify sends an event to every subscribed session and keeps it for replay.
// event is the event element; when it cannot be read as XML it is sent as it
// stands.
func (d *Device) Notify(event []byte) {
	n, err := parse(bytes.NewReader(event))
	if err != nil {
		n = &node{local: "event", raw: event}
	} else {
		declutter(n)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.emit(n)
}

// Dropped is the number of notifications that sessions lost because their peer
// read too slowly.
func (d *Device) Dropped() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, s := range d.sessions {
		s.qmu.Lock()
		n += s.dropped
		s.qmu.Unlock()
	}
	return n
}

// emit logs and sends an event. The device's lock is held.
func (d *Device) emit(body *node) {
	e := event{d.o.Now(), body}
	d.events = append(d.events, e)
	if len(d.events) > maxReplay {
		d.events = d.events[1:]
	}
	for _, s := range d.sessions {
		s.push(e, false)
	}
}

// push queues an event for a subscribed session. always passes the filter by.
func (s *session) push(e event, always bool) {
	s.qmu.Lock()
	defer s.qmu.Unlock()
	if !s.subscribed || s.over {
		return
	}
	if !s.until.IsZero() && e.at.After(s.until) && !always {
		return
	}
	body := e.body
	if s.filter != nil && !always && body.raw == nil {
		wrapped := selectKids(&node{kids: []*node{body}}, s.filter)
		if wrapped == nil {
			return
		}
		body = wrapped.kids[0]
	}
	if len(s.queue) >= maxQueue {
		s.dropped++
		return
	}
	s.queue = append(s.queue, notification(e.at, body, s.d.indent()))
	s.qcond.Signal()
}

func notification(at time.Time, body *node, indent string) []byte {
	n := elNS(netconf.NotificationNS, "notification", leaf("eventTime", at.UTC().Format("2006-01-02T15:04:05.000Z")))
	if body.raw == nil {
		return render([]*node{n.add(body)}, indent, "")
	}
	text := render([]*node{n}, indent, "")
	head, _ := bytes.CutSuffix(text, []byte("</notification>"))
	return append(append(append([]byte(nil), head...), body.raw...), "\n</notification>"...)
}

// pump sends queued notifications until endQueue.
func (s *session) pump() {
	for {
		s.qmu.Lock()
		for len(s.queue) == 0 && !s.over {
			s.qcond.Wait()
		}
		if s.over {
			s.qmu.Unlock()
			return
		}
		next := s.queue[0]
		s.queue = s.queue[1:]
		s.qmu.Unlock()
		f := s.d.Faults()
		err := s.out.message(Faults{ChunkSize: f.ChunkSize, Frame10After: f.Frame10After}, func(w io.Writer) error {
			_, err := w.Write(next)
			return err
		})
		if err != nil {
			s.close()
			return
		}
		s.d.mu.Lock()
		s.d.counts.notifications++
		s.d.mu.Unlock()
	}
}

// endQueue ends pump.
func (s *session) endQueue() {
	s.qmu.Lock()
	defer s.qmu.Unlock()
	s.over = true
	s.qcond.Broadcast()
}

// subscribe is create-subscription (RFC 5277 section 2.1.1).
func (d *Device) subscribe(s *session, op *node) *answer {
	if !d.offers("notification") {
		return refuse(errUnsupported("the device sends no notifications"))
	}
	if s.listens() {
		return refuse(errFailed("the session is subscribed already"))
	}
	if st := op.value("stream"); st != "" && st != "NETCONF" {
		return refuse(errInvalid("there is no such stream", "stream"))
	}
	var filter []*node
	if f := op.child("filter"); f != nil {
		var e *rpcError
		if filter, e = d.filterOf(f); e != nil {
			return refuse(e)
		}
		if filter == nil {
			filter = []*node{}
		}
	}
	from, stop, e := replayTimes(op, d.o.Now())
	if e != nil {
		return refuse(e)
	}
	return &answer{ok: true, then: func() error {
		d.mu.Lock()
		defer d.mu.Unlock()
		s.qmu.Lock()
		s.subscribed, s.filter, s.until = true, filter, stop
		s.qmu.Unlock()
		if !from.IsZero() {
			for _, x := range d.events {
				if !x.at.Before(from) {
					s.push(x, false)
				}
			}
			s.push(event{d.o.Now(), elNS(netmodNS, "replayComplete")}, true)
		}
		if !stop.IsZero() {
			d.at(stop, func() { s.complete() })
			d.due()
		}
		return nil
	}}
}

// complete ends a subscription at its stop time.
func (s *session) complete() {
	s.push(event{s.until, elNS(netmodNS, "notificationComplete")}, true)
	s.qmu.Lock()
	s.subscribed = false
	s.qmu.Unlock()
}

func replayTimes(op *node, now time.Time) (from, stop time.Time, e *rpcError) {
	read := func(name string) (time.Time, *rpcError) {
		v := op.value(name)
		if v == "" {
			return time.Time{}, nil
		}
		t, err := time.Parse(time.RFC3339, v)
		if err != nil {
			return t, &rpcError{typ: "protocol", tag: "bad-element", msg: name + " is no date and time", info: []*node{leaf("bad-element", name)}}
		}
		return t, nil
	}
	if from, e = read("startTime"); e != nil {
		return
	}
	if stop, e = read("stopTime"); e != nil {
		return
	}
	bad := func(name, msg string) *rpcError {
		return &rpcError{typ: "protocol", tag: "bad-element", msg: msg, info: []*node{leaf("bad-element", name)}}
	}
	switch {
	case from.After(now):
		e = bad("startTime", "startTime is in the future")
	case !stop.IsZero() && from.IsZero():
		e = errMissingElement("startTime")
	case !stop.IsZero() && !stop.After(from):
		e = bad("stopTime", "stopTime is not after startTime")
	}
	return
}

// listens reports whether a subscription is under way.
func (s *session) listens() bool {
	s.qmu.Lock()
	defer s.qmu.Unlock()
	return s.subscribed
}

func (s *session) common() []*node {
	return []*node{leaf("username", s.user), leaf("session-id", utoa(s.id)), leaf("source-host", "127.0.0.1")}
}

// started tells of a new session.
func (d *Device) started(s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tellSession(s, "netconf-session-start", "")
}

func (d *Device) tellSession(s *session, name, why string) {
	n := el(name, s.common()...)
	if why != "" {
		n.add(leaf("termination-reason", why))
	}
	d.emit(inNS(eventsNS, n))
}

// tellChange sends netconf-config-change (RFC 6470 section 2.1). s is nil when
// the device itself made the change.
func (d *Device) tellChange(s *session, ds netconf.Datastore, before, after *node) {
	by := el("changed-by")
	if s == nil {
		by.add(el("server"))
	} else {
		by.add(s.common()...)
	}
	n := el("netconf-config-change", by, leaf("datastore", string(ds)))
	for i, c := range changes(before, after, d.model, "") {
		if i == 50 {
			break
		}
		n.add(el("edit", leaf("target", c.path), leaf("operation", c.op)))
	}
	d.emit(inNS(eventsNS, n))
}

func (d *Device) tellConfirm(s *session, what string, timeout time.Duration) {
	n := el("netconf-confirmed-commit")
	if s != nil && what != "timeout" {
		n.add(s.common()...)
	}
	n.add(leaf("confirm-event", what))
	if timeout > 0 && (what == "start" || what == "extend") {
		n.add(leaf("timeout", strconv.Itoa(int(timeout/time.Second))))
	}
	d.emit(inNS(eventsNS, n))
}
