package conn

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"dialtone/netconf"
	"dialtone/netconf/simdev"
)

// onlooker refuses commits and notes what it sees.
type onlooker struct {
	mu   sync.Mutex
	seen []string
}

func (w *onlooker) note(s string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, s)
}

func (w *onlooker) Before(x *Exchange, d Device) error {
	w.note("before " + x.Request.Name)
	if x.Request.Name == "commit" {
		return errors.New("not today")
	}
	return nil
}

func (w *onlooker) After(x *Exchange, o netconf.Outcome, _ error, d Device) {
	if o.Result == netconf.NotSent {
		w.note("unsent " + x.Request.Name)
	} else if len(d.Locks) > 0 {
		w.note("locked")
	}
	if x.Request.Name == "unlock" {
		panic("a fault of the watcher")
	}
}

func TestWatcherSeesRequestsAndCanRefuseThem(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]*simdev.Device{"r1": rfc(simdev.Faults{})})
	w := &onlooker{}
	m := NewManager(Options{Dialer: l, Watch: w})
	defer m.Close(t.Context())
	id := m.Connect(target("r1"))
	until(t, m, id, "open", func(d Device) bool { return d.State == Open })
	for _, body := range []string{lock, `<commit/>`, unlock} {
		x, err := m.Send(id, request(t, body))
		if err != nil {
			t.Fatal(err)
		}
		<-x.Done()
		o, done, err := x.Snapshot()
		if !done {
			t.Fatalf("%s: not done", body)
		}
		if body == `<commit/>` && (o.Result != netconf.NotSent || err == nil || err.Error() != "not today") {
			t.Errorf("refused: %v %v", o.Result, err)
		}
	}
	if strings.Contains(l.tap("r1").text(), "commit/") {
		t.Error("the refused request was sent")
	}
	if got := strings.Join(w.seen, "; "); got != "before lock; locked; before commit; unsent commit; before unlock" {
		t.Errorf("seen %s", got)
	}
}
