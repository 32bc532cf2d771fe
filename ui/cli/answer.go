package cli

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"dialtone/conn"
	"dialtone/keys"
	"dialtone/netconf"
	"dialtone/netconf/xmldoc"
	"dialtone/ui/safe"
)

// maxRow bounds one line of a reply on a terminal.
const maxRow = 1 << 20

// answer is what standard output gets.
type answer struct {
	target    string
	operation string
	format    string
	x         *conn.Exchange // nil when nothing was sent
	heard     *hearing
}

// finish prints the answer and decides the exit. What came of a reply is
// printed, whole or not.
func (a *app) finish(ctx context.Context, out *answer, err error) error {
	werr := a.print(out, err)
	if out.x != nil {
		o, _, _ := out.x.Snapshot()
		a.warn(o)
		if n := out.x.Doc.Size(); o.Result != netconf.Answered && n > 0 {
			a.note("The reply is not whole: %d bytes came.", n)
		}
	}
	if ctx.Err() != nil { // a signal decides the code, whatever else happened
		if err != nil {
			a.note("%s", errorLine(err))
		}
		return &exit{code: signalCode(context.Cause(ctx)), silent: err != nil, err: context.Cause(ctx)}
	}
	if werr == nil {
		return err
	}
	werr = out.unwritten(werr)
	if err == nil {
		return werr
	}
	a.note("%s", errorLine(werr)) // what the device did weighs more
	return err
}

// unwritten is the error of a reply that could not be written. A device that
// was only read can be asked again, and what was wrong is the output: that is
// wrong usage. One that may have changed must be looked at, for whoever reads
// the output does not know what it said.
func (out *answer) unwritten(err error) error {
	f := &keys.Fault{Code: "OUT-WRITE", What: "standard output cannot be written: " + err.Error(), Err: err}
	if out.x == nil {
		f.Kept = "Nothing was sent"
		return with(ExitUsage, f)
	}
	o, _, _ := out.x.Snapshot()
	switch {
	case !out.x.Request.Effect.Alters():
		f.Kept, f.Do = "The device was only read", "Give the reply somewhere to go and ask again"
		return with(ExitUsage, f)
	case o.Result == netconf.Answered && o.OK:
		f.Kept, f.Do = "The device did what it was asked and said so; nothing is sent again", "Look at the device before you send it again"
	default:
		f.Kept = "Nothing is sent again"
	}
	return with(ExitUnknown, f)
}

// closedBehind is a fault as it is when the program ends behind it: a session
// that stays open elsewhere is closed.
func closedBehind(err error) error {
	f, ok := err.(*netconf.Fault)
	if !ok || !strings.HasPrefix(capital(f.Kept), "The session stays open") {
		return err
	}
	own := *f
	own.Kept = "The session is closed; a late reply is lost"
	return &own
}

// warn tells of warnings and oddities, which do not change the exit code.
func (a *app) warn(o netconf.Outcome) {
	for _, e := range o.Errors {
		if e.Warning() {
			a.note("Warning: %s", safe.Text(strings.TrimSpace(e.Tag+" "+strings.Join(strings.Fields(e.Message), " "))))
		}
	}
	for _, f := range o.Flags {
		a.note("%s", errorLine(f))
	}
}

// print writes the reply in the wanted form.
func (a *app) print(out *answer, err error) error {
	term := isTerminal(a.env.Stdout)
	w := io.Writer(a.env.Stdout)
	var closers []io.Closer
	if term {
		s := safe.Writer(w)
		w = s
		closers = append(closers, s)
	}
	b := bufio.NewWriterSize(w, 64<<10)
	var werr error
	switch {
	case out.format == "json":
		werr = out.json(b, err)
	case out.x == nil:
	case out.format == "raw" && out.heard.refused != nil:
		_, werr = b.Write(out.heard.refused.Raw)
	case term && out.format == "xml":
		werr = indent(b, out.x.Doc)
	default:
		_, werr = io.Copy(b, out.x.Doc.Reader())
		if term && werr == nil {
			werr = b.WriteByte('\n')
		}
	}
	werr = errors.Join(werr, b.Flush())
	for _, c := range closers {
		werr = errors.Join(werr, c.Close())
	}
	return werr
}

// indent writes the rows of a document as a person reads them.
func indent(w *bufio.Writer, d *xmldoc.Doc) error {
	var buf []byte
	for i := range d.Rows() {
		row := d.Row(i)
		buf = d.AppendRow(buf[:0], i, min(row.Len, maxRow))
		fmt.Fprintf(w, "%s%s", strings.Repeat("  ", row.Depth), safe.Line(string(buf)))
		if row.Len > maxRow {
			fmt.Fprintf(w, " … %d bytes more", row.Len-maxRow)
		}
		if err := w.WriteByte('\n'); err != nil {
			return err
		}
	}
	return nil
}

// object is the head of the JSON form; the reply follows it.
type object struct {
	Target    string     `json:"target"`
	Operation string     `json:"operation,omitempty"`
	Result    string     `json:"result"` // answered, not-sent, stopped, unknown
	OK        bool       `json:"ok"`
	MessageID string     `json:"message_id,omitempty"`
	Bytes     int64      `json:"bytes"`
	FirstMS   float64    `json:"first_ms,omitempty"`
	TookMS    float64    `json:"took_ms,omitempty"`
	Errors    []rpcError `json:"errors,omitempty"`
	Count     int        `json:"error_count,omitempty"`
	Flags     []problem  `json:"flags,omitempty"`
	Faults    []problem  `json:"faults,omitempty"` // beside the reply
	Error     *problem   `json:"error,omitempty"`
}

type rpcError struct {
	Type     string `json:"type,omitempty"`
	Tag      string `json:"tag,omitempty"`
	Severity string `json:"severity,omitempty"`
	AppTag   string `json:"app_tag,omitempty"`
	Path     string `json:"path,omitempty"`
	Message  string `json:"message,omitempty"`
	Info     string `json:"info,omitempty"`
}

// problem is an error in its parts.
type problem struct {
	Code string `json:"code,omitempty"`
	What string `json:"what"`
	Kept string `json:"kept,omitempty"`
	Do   string `json:"do,omitempty"`
	Raw  []byte `json:"raw_base64,omitempty"` // what it is about, at most 64 KiB
}

func problemOf(err error) *problem {
	if err == nil {
		return nil
	}
	var p interface {
		Parts() (code, what, kept, do string)
	}
	if errors.As(err, &p) {
		code, what, kept, do := p.Parts()
		return &problem{Code: code, What: what, Kept: kept, Do: do}
	}
	return &problem{What: err.Error()}
}

// json writes one object. A reply that is not UTF-8 comes as reply_base64.
func (out *answer) json(w *bufio.Writer, err error) error {
	h := object{Target: out.target, Operation: out.operation, Result: "not-sent", Error: problemOf(err)}
	if out.x != nil {
		o, _, _ := out.x.Snapshot()
		h.Result = [...]string{"not-sent", "answered", "stopped", "unknown"}[o.Result]
		h.OK, h.MessageID, h.Bytes, h.Count = o.OK, o.MessageID, out.x.Doc.Size(), o.ErrorCount
		if !o.Sent.IsZero() && !o.Ended.IsZero() {
			h.TookMS = float64(o.Ended.Sub(o.Sent).Microseconds()) / 1000
		}
		if !o.Sent.IsZero() && !o.First.IsZero() {
			h.FirstMS = float64(o.First.Sub(o.Sent).Microseconds()) / 1000
		}
		for _, e := range o.Errors {
			h.Errors = append(h.Errors, rpcError{e.Type, e.Tag, e.Severity, e.AppTag, e.Path, e.Message, e.Info})
		}
		for _, f := range o.Flags {
			h.Flags = append(h.Flags, *problemOf(f))
		}
	}
	for _, ev := range out.heard.told {
		p := problemOf(ev.Err)
		p.Raw = ev.Raw
		h.Faults = append(h.Faults, *p)
	}
	head, jerr := json.Marshal(h)
	if jerr != nil {
		return jerr
	}
	if out.x == nil {
		w.Write(head)
		return w.WriteByte('\n')
	}
	w.Write(head[:len(head)-1])
	valid, verr := validUTF8(out.x.Doc.Reader())
	if verr != nil {
		return verr
	}
	if valid {
		w.WriteString(`,"reply":"`)
		verr = escape(w, out.x.Doc.Reader())
	} else {
		w.WriteString(`,"reply_base64":"`)
		enc := base64.NewEncoder(base64.StdEncoding, w)
		_, cerr := io.Copy(enc, out.x.Doc.Reader())
		verr = errors.Join(cerr, enc.Close())
	}
	w.WriteString("\"}\n")
	return verr
}

// validUTF8 reads all of r.
func validUTF8(r io.Reader) (bool, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	for {
		c, n, err := br.ReadRune()
		switch {
		case err == io.EOF:
			return true, nil
		case err != nil:
			return false, err
		case c == utf8.RuneError && n == 1:
			return false, nil
		}
	}
}

// escape writes the text of r as the inside of a JSON string.
func escape(w *bufio.Writer, r io.Reader) error {
	br := bufio.NewReaderSize(r, 64<<10)
	for {
		c, _, err := br.ReadRune()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch {
		case c == '"' || c == '\\':
			w.WriteByte('\\')
			w.WriteByte(byte(c))
		case c == '\n':
			w.WriteString(`\n`)
		case c == '\t':
			w.WriteString(`\t`)
		case c == '\r':
			w.WriteString(`\r`)
		case c < 0x20 || c == 0x7f || c == 0x2028 || c == 0x2029:
			fmt.Fprintf(w, `\u%04x`, c)
		default:
			if _, err := w.WriteRune(c); err != nil {
				return err
			}
		}
	}
}
