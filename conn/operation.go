package conn

import (
	"bytes"
	"encoding/xml"
	"io"
	"strconv"
	"strings"
	"time"

	"dialtone/netconf"
)

// ConfirmTime is how long a confirmed commit waits that does not say so
// (RFC 6241 section 8.4.5.1; ten minutes on Junos too).
const ConfirmTime = 10 * time.Minute

// Commit is what a request means for the commits of a device; the zero value
// but for Wait means nothing to them.
type Commit struct {
	Commits   bool // makes a candidate running, now
	Cancels   bool // undoes a confirmed commit
	Confirmed bool // arms, or prolongs, the roll-back
	Native    bool // Junos's own operation
	Check     bool // Junos: looks, and is said to confirm what waits
	Wait      time.Duration
	Persist   string // token that it gives
	PersistID string // token of the commit that it concerns
}

// CommitOf finds out what r means. It is lenient with XML that a person typed:
// what cannot be read is not there.
func CommitOf(r netconf.Request) Commit {
	c := Commit{Wait: ConfirmTime}
	unit := time.Second
	switch r.Name {
	case "commit":
	case "commit-configuration":
		c.Native, unit = true, time.Minute
	case "cancel-commit":
		c.Cancels = true
	default:
		return c
	}
	op := read(r.Body)
	c.PersistID = op.children["persist-id"]
	if c.Cancels {
		return c
	}
	if c.Check = op.has("check", ""); c.Check || op.has("at-time", "") {
		return c
	}
	c.Commits, c.Confirmed, c.Persist = true, op.has("confirmed", ""), op.children["persist"]
	if n, err := strconv.ParseUint(op.children["confirm-timeout"], 10, 31); err == nil && n > 0 {
		c.Wait = time.Duration(n) * unit
	}
	return c
}

// operation is the head of an operation element: its attributes, and its
// children with their text, as far as they stand before the payload.
type operation struct {
	attr     map[string]string
	children map[string]string
}

// has reports a child; with a text it must hold just that.
func (op operation) has(name, text string) bool {
	got, ok := op.children[name]
	return ok && (text == "" || got == text)
}

// read scans a request down to its payload. It is lenient: what cannot be read
// is not there.
func read(body []byte) operation {
	op := operation{attr: map[string]string{}, children: map[string]string{}}
	dec := xml.NewDecoder(bytes.NewReader(body))
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	depth, child := 0, "" // depth 1 is the operation
	for {
		tok, err := dec.RawToken()
		if err != nil {
			return op
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if depth == 0 && t.Name.Local == "rpc" {
				continue
			}
			depth++
			switch depth {
			case 1:
				for _, a := range t.Attr {
					op.attr[a.Name.Local] = strings.TrimSpace(a.Value)
				}
			case 2:
				child = t.Name.Local
				switch child {
				case "config", "config-text", "configuration", "configuration-text", "configuration-set", "configuration-json", "configuration-patch":
					return op
				}
				op.children[child] = ""
			}
		case xml.EndElement:
			if depth--; depth <= 0 {
				return op
			}
		case xml.CharData:
			if depth == 2 {
				op.children[child] += strings.TrimSpace(string(t))
			}
		}
	}
}
