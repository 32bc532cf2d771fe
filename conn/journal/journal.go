// Package journal keeps what was asked and answered: one JSON object a line,
// one file a day. Secrets are taken out of requests before they are kept, and
// of replies only the size is.
package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
	"weak"

	"dialtone/conn"
	"dialtone/keys"
	"dialtone/netconf"
)

const (
	maxRequest   = 64 << 10 // bytes kept of a request
	maxError     = 1 << 10  // bytes kept of an error
	maxEntries   = 5000     // in memory
	maxInMemory  = 16 << 20 // bytes of requests in memory
	fileLayout   = "2006-01-02"
	fileSuffix   = ".jsonl"
	errorsListed = 3
)

// Results of an entry.
const (
	OK      = "ok"
	Warning = "warning" // answered, with warnings only
	Error   = "error"   // answered with an rpc-error of severity error
	NotSent = "not-sent"
	Stopped = "stopped" // no answer to a request that only reads
	Unknown = "unknown" // no answer to a request that may have taken effect
)

// Entry is one exchange as it is kept. Request and Error hold the device's and
// the person's text as it came, but for what was taken out: make it safe before
// it is shown.
type Entry struct {
	Seq          uint64    `json:"seq"` // order of the entries, also when the clock goes back
	Time         time.Time `json:"time"`
	Device       string    `json:"device"`
	Operation    string    `json:"op"`
	Target       string    `json:"target,omitempty"`
	Alters       bool      `json:"alters,omitempty"`
	Request      string    `json:"request"`
	RequestBytes int       `json:"request_bytes"`
	Cut          bool      `json:"cut,omitempty"`      // Request is only its beginning
	Redacted     bool      `json:"redacted,omitempty"` // something was taken out of Request
	Result       string    `json:"result"`
	Bytes        int64     `json:"bytes"` // of the reply
	Errors       int       `json:"errors,omitempty"`
	Error        string    `json:"error,omitempty"` // summary
	FirstMS      float64   `json:"first_ms,omitempty"`
	TookMS       float64   `json:"took_ms,omitempty"`

	live weak.Pointer[conn.Exchange]
}

// Live returns the exchange itself while this run of the program still keeps
// it, else nil: its request is whole and its reply can be shown.
func (e Entry) Live() *conn.Exchange { return e.live.Value() }

// Took is the time from the request to the end of its reply.
func (e Entry) Took() time.Duration { return time.Duration(e.TookMS * float64(time.Millisecond)) }

// Journal is the record of one run and of the runs before. Its methods may be
// called concurrently. It implements conn.Journal.
type Journal struct {
	dir string // "": nothing is written
	now func() time.Time

	mu     sync.Mutex
	loaded bool
	seq    uint64
	recent []Entry // oldest first
	size   int     // bytes of requests in recent
	file   *os.File
	day    string
	torn   bool // the last line in file has no end
	fault  error
}

var _ conn.Journal = (*Journal)(nil)

// Open returns the journal in dir, which is made when the first entry comes.
// With an empty dir it is one in memory. now may be nil.
func Open(dir string, now func() time.Time) *Journal {
	if now == nil {
		now = time.Now
	}
	return &Journal{dir: dir, now: now}
}

// Memory returns a journal that writes nothing.
func Memory() *Journal { return Open("", nil) }

// Append keeps a finished exchange. When it cannot be written it is kept in
// memory all the same, and Fault says why.
func (j *Journal) Append(x *conn.Exchange, o netconf.Outcome, err error) {
	e := entryOf(x, o, err)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.load()
	j.seq++
	e.Seq = j.seq
	j.remember(e)
	if j.dir != "" {
		j.fault = j.write(e)
	}
}

// Fault is why the last entry could not be written, nil when it was.
func (j *Journal) Fault() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.fault
}

// Recent returns at most n entries that pass the filter (see Match), newest
// first, out of the last 5,000. The first call reads them from the disk.
func (j *Journal) Recent(filter string, n int) []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.load()
	var es []Entry
	for i := len(j.recent) - 1; i >= 0 && len(es) < n; i-- {
		if Match(j.recent[i], filter) {
			es = append(es, j.recent[i])
		}
	}
	return es
}

// Close makes the entries durable. Later entries open the file again.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return nil
	}
	err := errors.Join(j.file.Sync(), j.file.Close())
	j.file = nil
	return err
}

func (j *Journal) remember(e Entry) {
	j.recent = append(j.recent, e)
	j.size += len(e.Request)
	drop := 0
	for drop < len(j.recent)-1 && (len(j.recent)-drop > maxEntries || j.size > maxInMemory) {
		j.size -= len(j.recent[drop].Request)
		drop++
	}
	j.recent = slices.Delete(j.recent, 0, drop)
}

// write appends one line with one call, so that several programs may write to
// one file; j.mu is held.
func (j *Journal) write(e Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := j.openDay(j.now().Format(fileLayout)); err != nil {
		return writeFault(j.dir, err)
	}
	line = append(line, '\n')
	if j.torn { // end what a killed program, or a full disk, left
		line = append([]byte{'\n'}, line...)
	}
	n, err := j.file.Write(line)
	if n > 0 {
		j.torn = n < len(line)
	}
	if err != nil {
		return writeFault(j.file.Name(), err)
	}
	return nil
}

func writeFault(path string, err error) error {
	return &keys.Fault{
		Code: "JOURNAL", What: fmt.Sprintf("the history in %s cannot be written: %v", path, err),
		Kept: "It is kept in memory until the program ends", Do: "Make room or check who may write there", Err: err,
	}
}

// openDay has the file of a day open for appending; j.mu is held.
func (j *Journal) openDay(day string) error {
	if j.file != nil && j.day == day {
		return nil
	}
	if j.file != nil {
		_ = j.file.Sync()
		j.file.Close()
		j.file = nil
	}
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(j.dir, day+fileSuffix), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		f.Close()
		return err
	}
	j.torn = false
	if size := fi.Size(); size > 0 {
		var last [1]byte
		if _, err := f.ReadAt(last[:], size-1); err == nil {
			j.torn = last[0] != '\n'
		}
	}
	j.file, j.day = f, day
	return nil
}

// entryOf makes the entry of an exchange.
func entryOf(x *conn.Exchange, o netconf.Outcome, err error) Entry {
	e := Entry{
		Time: x.Started, Device: x.Device, Operation: x.Request.Name, Target: x.Request.Target,
		Alters: x.Request.Effect.Alters(), RequestBytes: len(x.Request.Body),
		Bytes: o.Bytes, Errors: o.ErrorCount, live: weak.Make(x),
	}
	body := x.Request.Body
	if len(body) > maxRequest {
		body, e.Cut = body[:maxRequest], true
		if i := bytes.LastIndexByte(body, '<'); i > bytes.LastIndexByte(body, '>') {
			body = body[:i] // half a tag says nothing
		}
		body = bytes.ToValidUTF8(body, nil)
	}
	e.Request, e.Redacted = Redact(string(body))
	e.Result = resultOf(o)
	e.Error = summary(o, err)
	if !o.Sent.IsZero() {
		e.FirstMS = millis(o.Sent, o.First)
		e.TookMS = millis(o.Sent, o.Ended)
	}
	return e
}

func millis(from, to time.Time) float64 {
	if to.Before(from) {
		return 0
	}
	return float64(to.Sub(from).Microseconds()) / 1000
}

func resultOf(o netconf.Outcome) string {
	switch o.Result {
	case netconf.NotSent:
		return NotSent
	case netconf.Stopped:
		return Stopped
	case netconf.Unknown:
		return Unknown
	}
	if !o.OK {
		return Error
	}
	if o.ErrorCount > 0 {
		return Warning
	}
	return OK
}

// summary puts an error, or the first rpc-errors, into one line.
func summary(o netconf.Outcome, err error) string {
	var b bytes.Buffer
	if err != nil {
		b.WriteString(err.Error())
	}
	for i, e := range o.Errors {
		if i == errorsListed {
			fmt.Fprintf(&b, "; and %d more", o.ErrorCount-i)
			break
		}
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(e.Tag)
		if e.Message != "" {
			fmt.Fprintf(&b, ": %s", e.Message)
		}
		if e.Path != "" {
			fmt.Fprintf(&b, " (%s)", e.Path)
		}
	}
	text := b.Bytes()
	if len(text) > maxError {
		text = bytes.ToValidUTF8(text[:maxError], nil)
	}
	s, _ := redactText(string(text))
	return s
}
