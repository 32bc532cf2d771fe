package conn

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"dialtone/conn/link"
	"dialtone/netconf"
)

const greeting = `<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities><session-id>7</session-id></hello>]]>]]>`

// talker adopts a session with a device that says hello and then what say
// writes, and takes in all that is sent to it.
func talker(t testing.TB, m *Manager, name string, say func(w io.Writer)) SessionID {
	t.Helper()
	ours, theirs := net.Pipe()
	var wg sync.WaitGroup
	wg.Add(2)
	go func() { defer wg.Done(); _, _ = io.Copy(io.Discard, theirs) }() // ends with the pipe
	go func() {                                                         // ends with say, or the pipe
		defer wg.Done()
		say(theirs)
	}()
	t.Cleanup(func() { theirs.Close(); wg.Wait() })
	return m.Adopt(target(name), &link.Link{ReadWriteCloser: ours})
}

// flood writes n notifications, many to a write.
func flood(w io.Writer, n int) {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `<notification xmlns="%s"><eventTime>2026-01-01T00:00:00Z</eventTime><link-down><name>ge-%d</name></link-down></notification>]]>]]>`, netconf.NotificationNS, i)
		if b.Len() > 32<<10 || i == n-1 {
			if _, err := w.Write(b.Bytes()); err != nil {
				return
			}
			b.Reset()
		}
	}
}

// All of a flood is taken in while nobody looks at the events, the last
// 100,000 are kept, the rest is counted.
func TestFloodFillsTheRingAndIsCounted(t *testing.T) {
	t.Parallel()
	m := NewManager(Options{})
	closing(t, m)
	const came = maxNotes + 20_000
	done := make(chan struct{})
	id := talker(t, m, "r1", func(w io.Writer) {
		_, _ = io.WriteString(w, greeting)
		flood(w, came)
		close(done)
	})
	quiet := talker(t, m, "r2", func(w io.Writer) {
		_, _ = io.WriteString(w, greeting)
		flood(w, 3)
	})
	<-done
	last := fmt.Sprintf("<name>ge-%d</name>", came-1)
	notes, events := m.Notes(id), m.Events()
	told := 0
	for limit := time.After(patience); ; {
		all, _ := notes.Count()
		if other, _ := m.Notes(quiet).Count(); all == came && other == 3 {
			break
		}
		select {
		case ev := <-events:
			if ev.Kind == Notified {
				told++
			}
		case <-limit:
			t.Fatalf("%d came", all)
		}
	}
	_, dropped := notes.Count()
	if dropped != came-maxNotes {
		t.Errorf("%d dropped", dropped)
	}
	if n := notes.At(came - 1); n == nil || n.Name != "link-down" || !strings.Contains(string(n.Body), last) {
		t.Errorf("the newest is %+v", n)
	}
	if n := notes.At(dropped); n == nil || !strings.Contains(string(n.Body), fmt.Sprintf(">ge-%d<", dropped)) {
		t.Errorf("the oldest kept is %+v", n)
	}
	if notes.At(dropped-1) != nil || notes.At(came) != nil || notes.At(-1) != nil {
		t.Error("there is more than is kept")
	}
	if told > came/10 {
		t.Errorf("%d events", told)
	}
	m.Disconnect(id)
	until(t, m, id, "closed", func(d Device) bool { return d.State == Closed || d.State == Lost })
	if all, _ := m.Notes(id).Count(); all != came {
		t.Error("they went with the session")
	}
	if !m.Forget(id) || m.Notes(id) != nil || len(m.notes.all) != 1 {
		t.Error("they did not go with the row")
	}
}

// Large ones are bounded by bytes, and who holds most gives way.
func TestNotesAreBoundedByBytes(t *testing.T) {
	t.Parallel()
	var book notebook
	small := &Notes{book: &book}
	for range 10 {
		small.Add(&netconf.Notification{Body: make([]byte, 1<<20)})
	}
	var big []*Notes
	body := make([]byte, 1<<20)
	for range 4 {
		n := &Notes{book: &book}
		big = append(big, n)
		for range 200 {
			n.Add(&netconf.Notification{Body: body})
		}
		if n.bytes > maxNoteBytes {
			t.Errorf("%d bytes of one session", n.bytes)
		}
	}
	if book.bytes > maxAllNoteBytes {
		t.Errorf("%d bytes of all sessions", book.bytes)
	}
	if came, dropped := small.Count(); came != 10 || dropped != 0 {
		t.Errorf("the small one lost %d of %d", dropped, came)
	}
	sum := small.bytes
	for _, n := range big {
		sum += n.bytes
		if came, dropped := n.Count(); came != 200 || dropped < 100 || dropped > 180 {
			t.Errorf("%d of %d dropped", dropped, came)
		}
	}
	huge := &Notes{book: &book}
	huge.Add(&netconf.Notification{Body: make([]byte, maxAllNoteBytes+1)})
	if huge.At(0) == nil {
		t.Error("the newest is not kept")
	}
	for _, n := range append(big, small) {
		sum -= n.bytes
		n.clear()
	}
	if huge.clear(); book.bytes != 0 || len(book.all) != 0 || sum <= 0 {
		t.Errorf("left over: %d bytes, %d rings", book.bytes, len(book.all))
	}
}

// A new row of a device goes on where the old one ended.
func TestNotesAreInherited(t *testing.T) {
	t.Parallel()
	var book notebook
	old, now := &Notes{book: &book}, &Notes{book: &book}
	for i := range maxNotes + 5 {
		old.Add(note(i))
	}
	now.Add(note(-1))
	now.Inherit(old)
	now.Inherit(now)
	now.Inherit(nil)
	came, dropped := now.Count()
	if came != maxNotes+6 || dropped != 6 || now.At(6).Name != "6" || now.At(came-1).Name != "-1" {
		t.Errorf("%d came, %d dropped", came, dropped)
	}
	if n, _ := old.Count(); n != 0 || len(book.all) != 1 || book.bytes != now.bytes {
		t.Errorf("%d are still there, %d rings, %d of %d bytes", n, len(book.all), now.bytes, book.bytes)
	}
	if now.clear(); book.bytes != 0 || len(book.all) != 0 {
		t.Errorf("left over: %d bytes", book.bytes)
	}
}

// What nobody asked for is told with its bytes, and the
// last of it is kept with the row.
func TestOdditiesKeepTheirBytes(t *testing.T) {
	t.Parallel()
	m := NewManager(Options{})
	closing(t, m)
	messages := []string{
		"<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><rpc-reply message-id=\"1\">&x;</rpc-reply>",
		"<rpc-reply message-id=\"105\"><ok/></rpc-reply>",
		"two]]></data></rpc-reply>\x00\x1b",
	}
	id := talker(t, m, "r1", func(w io.Writer) {
		_, _ = io.WriteString(w, "% motd\x1b[2J\r\n"+greeting+strings.Join(messages, "]]>]]>")+"]]>]]>")
	})
	want := append([]string{"% motd\x1b[2J"}, messages...)
	codes := []string{"HEL-NOISE", "XML-DTD", "RPC-ID", "RPC-SHAPE"}
	limit := time.After(patience)
	for i := 0; i < len(want); {
		select {
		case ev := <-m.Events():
			if ev.Kind != Faulted {
				continue
			}
			if code := ev.Err.(*netconf.Fault).Code; code != codes[i] || string(ev.Raw) != want[i] || ev.Device.Target.Name != "r1" {
				t.Errorf("event %d: %s %q of %q", i, code, ev.Raw, ev.Device.Target.Name)
			}
			i++
		case <-limit:
			t.Fatalf("%d events", i)
		}
	}
	list, dropped := m.Oddities(id)
	if len(list) != len(want) || dropped != 0 {
		t.Fatalf("%d kept, %d dropped", len(list), dropped)
	}
	for i, o := range list {
		if string(o.Raw) != want[i] || o.At.IsZero() || !strings.HasPrefix(o.Err.Error(), codes[i]) {
			t.Errorf("kept %d: %+v", i, o)
		}
	}
	if list, _ := m.Oddities(id + 1); list != nil {
		t.Error("another row has them")
	}
	var o oddities
	for i := range 1000 {
		o.add(Oddity{Raw: make([]byte, i*100)})
	}
	if n := len(o.list); o.bytes > maxOddityText || n+o.dropped != 1000 || n < 2 {
		t.Errorf("%d kept, %d dropped, %d bytes", n, o.dropped, o.bytes)
	}
}

// BenchmarkFlood is how fast notifications get from the wire into the ring.
func BenchmarkFlood(b *testing.B) {
	m := NewManager(Options{})
	done := make(chan struct{})
	id := talker(b, m, "r1", func(w io.Writer) {
		_, _ = io.WriteString(w, greeting)
		flood(w, b.N)
		close(done)
	})
	for ev := range m.Events() {
		if ev.Kind != Notified {
			continue
		}
		if came, _ := m.Notes(id).Count(); came == int64(b.N) {
			break
		}
	}
	<-done
	b.StopTimer()
	m.Close(b.Context())
}
