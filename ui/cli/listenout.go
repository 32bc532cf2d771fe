package cli

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"dialtone/conn"
	"dialtone/conn/desk"
	"dialtone/ui/safe"
)

const eventTime = "2006-01-02T15:04:05.000Z07:00"

// listenEvent is one line of the output of listen; a reply follows the head.
type listenEvent struct {
	Time      string `json:"time"`
	Event     string `json:"event"`
	Via       string `json:"via,omitempty"`
	From      string `json:"from,omitempty"`
	Addr      string `json:"addr,omitempty"` // of listening
	DeviceID  string `json:"device_id,omitempty"`
	Profile   string `json:"profile,omitempty"`
	Trust     string `json:"trust,omitempty"`
	Text      string `json:"text,omitempty"`
	Count     int    `json:"count,omitempty"` // alike since the last such line
	Error     string `json:"error,omitempty"`
	Operation string `json:"operation,omitempty"`
	OK        *bool  `json:"ok,omitempty"`
	Bytes     *int64 `json:"bytes,omitempty"`
	File      string `json:"file,omitempty"`
}

// eventWriter writes events, each whole and at once. After the first error
// nothing more is written.
type eventWriter struct {
	w    *bufio.Writer
	safe io.Closer // nil when the output is no terminal
	err  error
}

func newEventWriter(out io.Writer) *eventWriter {
	e := &eventWriter{}
	if isTerminal(out) {
		s := safe.Writer(out)
		out, e.safe = s, s
	}
	e.w = bufio.NewWriterSize(out, 64<<10)
	return e
}

// head is what all events share.
func head(at time.Time, l desk.Line) listenEvent {
	ev := listenEvent{Time: at.Format(eventTime), Event: l.Event, Via: string(l.Via), DeviceID: l.DeviceID, Profile: l.Profile, Trust: l.Trust}
	if l.From.IsValid() {
		ev.From = netip.AddrPortFrom(l.From.Addr().Unmap(), l.From.Port()).String()
	}
	return ev
}

// line writes a line of the desk's log.
func (e *eventWriter) line(l desk.Line, addr string) {
	ev := head(l.Time, l)
	ev.Addr, ev.Text = addr, l.Text
	if l.Count > 1 {
		ev.Count = l.Count
	}
	if l.Err != nil {
		ev.Error = errorLine(l.Err)
	}
	e.begin(ev)
	e.finish("\n")
}

// begin writes an object.
func (e *eventWriter) begin(ev listenEvent) {
	if e.err != nil {
		return
	}
	data, err := json.Marshal(ev)
	if err == nil {
		_, err = e.w.Write(data)
	}
	e.err = err
}

func (e *eventWriter) finish(text string) {
	if e.err != nil {
		return
	}
	_, err := e.w.WriteString(text)
	if e.err = errors.Join(err, e.w.Flush()); e.err != nil {
		return
	}
}

// reply writes what a device answered, or why there is no answer. The text goes
// into the line unless it was saved to a file.
func (e *eventWriter) reply(at time.Time, l desk.Line, x *conn.Exchange, file string, fail error) {
	l.Event = "reply"
	ev := head(at, l)
	ok, n := fail == nil, int64(0)
	if x != nil {
		n, ev.Operation = x.Doc.Size(), x.Request.Name
	}
	ev.OK, ev.Bytes, ev.File = &ok, &n, file
	if fail != nil {
		ev.Error = errorLine(fail)
	}
	if x == nil || file != "" || n == 0 {
		e.begin(ev)
		e.finish("\n")
		return
	}
	if e.err != nil {
		return
	}
	data, err := json.Marshal(ev)
	if err == nil {
		_, err = e.w.Write(data[:len(data)-1])
	}
	if err == nil {
		err = e.text(x)
	}
	e.err = err
	e.finish("}\n")
}

// text writes the reply as one more member of an open object.
func (e *eventWriter) text(x *conn.Exchange) error {
	valid, err := validUTF8(x.Doc.Reader())
	if err != nil {
		return err
	}
	if valid {
		e.w.WriteString(`,"reply":"`)
		err = escape(e.w, x.Doc.Reader())
	} else {
		e.w.WriteString(`,"reply_base64":"`)
		enc := base64.NewEncoder(base64.StdEncoding, e.w)
		_, cerr := io.Copy(enc, x.Doc.Reader())
		err = errors.Join(cerr, enc.Close())
	}
	_, werr := e.w.WriteString(`"`)
	return errors.Join(err, werr)
}

// save writes a reply into a new file, which nobody else may read, and returns
// its name.
func (w *waiter) save(g *guest) (string, error) {
	base := fileName(g.line.Profile) + "-" + w.now().Format("20060102-150405")
	for n := 0; n < 1000; n++ {
		name := base
		if n > 0 {
			name = fmt.Sprintf("%s-%d", base, n)
		}
		path := filepath.Join(w.f.save, name+".xml")
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			_, err = io.Copy(f, g.x.Doc.Reader())
			err = errors.Join(err, f.Sync(), f.Close())
		}
		if err != nil {
			return "", fault("OUT-WRITE", fmt.Sprintf("the reply of %s could not be saved: %v", g.line.Profile, err), "The reply is in the output", "")
		}
		return path, nil
	}
	return "", fault("OUT-WRITE", "too many replies of "+g.line.Profile+" at once", "The reply is in the output", "")
}

// fileName makes one word of a device's name.
func fileName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, s)
	return strings.TrimLeft(s[:min(len(s), 100)], ".-")
}

// containsWord reports whether one of the words of s is word.
func containsWord(s, word string) bool {
	for _, w := range strings.Fields(s) {
		if w == word {
			return true
		}
	}
	return false
}

func (w *waiter) now() time.Time { return w.a.env.Now() }

// exitOf is the exit code of an error.
func exitOf(err error) int {
	var e *exit
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &e):
		return e.code
	}
	return ExitUsage
}
