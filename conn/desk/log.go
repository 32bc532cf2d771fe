package desk

import (
	"fmt"
	"strings"
	"sync"

	"dialtone/conn"
)

// write adds a line to the log.
func (f *Front) write(l Line) {
	f.mu.Lock()
	f.put(l)
	f.mu.Unlock()
	f.touch()
}

// put adds a line to the log; f.mu is held, and touch is called after it.
func (f *Front) put(l Line) {
	l.Time = f.o.Now()
	if len(f.log) < f.o.LogLines {
		f.log = append(f.log, l)
	} else {
		f.log[f.logged%f.o.LogLines] = l
	}
	f.logged++
}

// Log returns the last n lines, oldest first.
func (f *Front) Log(n int) []Line {
	f.mu.Lock()
	defer f.mu.Unlock()
	n = max(0, min(n, len(f.log)))
	out := make([]Line, n)
	for i := range n {
		out[i] = f.log[(f.logged-n+i)%f.o.LogLines]
	}
	return out
}

// After returns the lines of the log behind the first n of all that were ever
// written, oldest first, and how many those are together with n: the n of the
// next call. Lines that have fallen out of the log meanwhile are counted as
// missed.
func (f *Front) After(n int) (lines []Line, next, missed int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	first := max(n, f.logged-len(f.log))
	for i := first; i < f.logged; i++ {
		lines = append(lines, f.log[i%f.o.LogLines])
	}
	return lines, f.logged, first - n
}

// inflow holds changes of sessions until the scribe takes them: the manager
// must not wait for the desk.
type inflow struct {
	more chan struct{} // one token when something came, closed at the end

	mu   sync.Mutex
	list []conn.Device
	over bool
}

func (q *inflow) put(d conn.Device) {
	if d.State != conn.Open && d.State != conn.Lost && d.State != conn.Closed {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.over {
		return
	}
	q.list = append(q.list, d)
	select {
	case q.more <- struct{}{}:
	default:
	}
}

func (q *inflow) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.over = true
	close(q.more)
}

func (q *inflow) take() []conn.Device {
	q.mu.Lock()
	defer q.mu.Unlock()
	list := q.list
	q.list = nil
	return list
}

// scribe writes what becomes of the sessions that came by the desk. It ends
// with Close.
func (f *Front) scribe() {
	for range f.states.more {
		for _, d := range f.states.take() {
			f.session(d)
		}
	}
}

// session writes the line of one change, if it is worth one.
func (f *Front) session(d conn.Device) {
	f.mu.Lock()
	o := f.origins[d.ID]
	if d.State != conn.Open {
		delete(f.origins, d.ID)
	}
	f.mu.Unlock()
	if d.State != conn.Open {
		defer f.succeed(d.Target.Name)
	}
	if o == nil {
		return
	}
	line := Line{From: o.from, Via: o.via, DeviceID: o.deviceID, Profile: o.profile, Session: d.ID, Err: d.Err}
	switch d.State {
	case conn.Open:
		line.Event = "open"
		line.Text = fmt.Sprintf("%s is open, in %.1f s", line.Profile, d.Opened.Sub(o.admitted).Seconds())
	case conn.Lost:
		line.Event = "lost"
		line.Text = line.Profile + ": " + what(d.Err)
		if len(d.Lost) > 0 {
			line.Text += "; lost with it: " + strings.Join(d.Lost, "; ")
		}
	default:
		line.Event = "closed"
		line.Text = line.Profile + " is closed"
	}
	f.write(line)
}
