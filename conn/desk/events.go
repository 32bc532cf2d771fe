package desk

import (
	"context"
	"errors"

	"dialtone/conn/callhome"
	"dialtone/conn/dial"
	"dialtone/conn/link"
)

// event takes what happens at the listener. It runs in the goroutine to which
// it happened.
func (f *Front) event(ev callhome.Event) {
	c := ev.Caller
	line := Line{Event: string(ev.Kind), From: c.From, Via: c.Via, DeviceID: c.Claim, Profile: c.Trust.Profile, Trust: trustText(c), Err: ev.Err, Count: ev.Count}
	switch ev.Kind {
	case callhome.Listening:
		f.stands(SSH, ev.On, ev.Addr, nil)
		line.Text, line.Count = listeningText(SSH, ev.Addr, ev.Count), 0
	case callhome.Down:
		f.stands(SSH, ev.On, "", ev.Err)
		line.Text = what(ev.Err)
		line.Count = 0
	case callhome.Stopped:
		f.drop(SSH, ev.On)
		line.Text = "stopped listening on " + ev.On + " (ssh)"
	case callhome.Waiting:
		line.Text = waitText(c)
		if c.Second {
			defer f.succeed(c.Trust.Profile) // the first may have ended just now
		}
	case callhome.Decided:
		f.touch()
		return
	case callhome.Admitted:
		f.admitted(ev)
		return
	case callhome.Refused:
		line.Text = what(ev.Err)
		if fault := new(dial.AuthError); errors.As(ev.Err, &fault) && f.book.waits(c.Trust.Profile) {
			line.Text += "; it waits in the inbox when it calls again"
		}
		if errors.Is(ev.Err, callhome.ErrCallAgain) {
			line.Event = string(callhome.Waiting)
		}
	}
	f.write(line)
}

// admitted hands a link to the manager.
func (f *Front) admitted(ev callhome.Event) {
	c, t := ev.Caller, ev.Target
	line := Line{Event: "admitted", From: c.From, Via: c.Via, DeviceID: c.Claim, Profile: t.Name, Trust: trustText(c), Text: "accepted as " + t.Name}
	note, err := f.book.learn(c, t.Name)
	line.Err = err
	if note != "" {
		line.Text += ", " + note
	}
	f.mu.Lock()
	f.adopt(line, t, ev.Link, &origin{c.From, c.Via, c.Claim, t.Name, f.o.Now()})
	f.claims.release(c.ID)
	f.mu.Unlock()
	f.touch()
}

// adopt hands a link to the manager, which owns it from here, and reports
// whether it took it; f.mu is held.
func (f *Front) adopt(line Line, t link.Target, lk *link.Link, from *origin) bool {
	id := f.o.Manager.Adopt(t, lk)
	if id != 0 {
		f.origins[id] = from
	} else {
		line.Event, line.Text = "refused", "the program is being left"
	}
	line.Session = id
	f.put(line) // before anything that the session itself tells
	return id != 0
}

// meet is the desk's word on a caller whose key has been judged.
func (f *Front) meet(ctx context.Context, c callhome.Caller, idle func()) (second bool, err error) {
	f.mu.Lock()
	err = f.pairs.meet(c)
	f.mu.Unlock()
	if err != nil || c.Trust.Profile == "" {
		return false, err
	}
	if f.claimed(ctx, c, idle) {
		return true, nil
	}
	defer func() {
		if second {
			f.left(c) // on its way to the inbox, not to a session
		}
	}()
	id, ok := f.o.Manager.Living(c.Trust.Profile)
	if !ok {
		return false, nil
	}
	if !c.Trust.Believed {
		return true, nil // nobody unproven may put a session to the test
	}
	idle()
	ctx, cancel := context.WithTimeout(ctx, f.patient)
	defer cancel()
	return f.o.Manager.Probe(ctx, id) == nil, nil
}

// succeed lets a second call in whose profile opens by itself, once the session
// that it was second to has ended.
func (f *Front) succeed(name string) {
	if _, alive := f.o.Manager.Living(name); alive {
		return
	}
	for _, c := range f.ssh.Callers() {
		if c.Second && c.Trust.Believed && c.Trust.Profile == name {
			if t, ok := f.book.auto(name); ok {
				f.ssh.Admit(c.ID, t, f.o.Ask)
			}
			return
		}
	}
}

// left frees what a caller held that was not admitted.
func (f *Front) left(c callhome.Caller) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.claims.release(c.ID)
}
