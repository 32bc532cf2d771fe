package commit

import (
	"bytes"
	"encoding/xml"
	"io"
	"strconv"
	"strings"
	"time"

	"dialtone/netconf"
)

// defaultWait is how long a confirmed commit waits that does not say so
// (RFC 6241 section 8.4.5.1; ten minutes on Junos too).
const defaultWait = 10 * time.Minute

// operation is what a request means for confirmed commits.
type operation struct {
	commit    bool // makes a candidate running, now
	cancel    bool
	confirmed bool // arms, or prolongs, the roll-back
	native    bool
	check     bool // Junos: looks, and is said to confirm what waits
	wait      time.Duration
	persist   string
	persistID string
}

// read finds out what r means. It is lenient with XML that a person typed: what
// cannot be read is not there.
func readOperation(r netconf.Request) operation {
	op := operation{wait: defaultWait}
	unit := time.Second
	switch r.Name {
	case "commit":
	case "commit-configuration":
		op.native, unit = true, time.Minute
	case "cancel-commit":
		op.cancel = true
	default:
		return op
	}
	kids := children(r.Body)
	op.persistID = kids["persist-id"]
	if op.cancel {
		return op
	}
	_, op.check = kids["check"]
	_, later := kids["at-time"]
	if op.check || later {
		return op
	}
	op.commit = true
	_, op.confirmed = kids["confirmed"]
	op.persist = kids["persist"]
	if n, err := strconv.ParseUint(kids["confirm-timeout"], 10, 31); err == nil && n > 0 {
		op.wait = time.Duration(n) * unit
	}
	return op
}

// children are the child elements of the operation with their text.
func children(body []byte) map[string]string {
	out := make(map[string]string)
	dec := xml.NewDecoder(bytes.NewReader(body))
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	depth, child := 0, ""
	for {
		tok, err := dec.RawToken()
		if err != nil {
			return out
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if depth == 0 && t.Name.Local == "rpc" {
				continue
			}
			if depth++; depth == 2 {
				child = t.Name.Local
				out[child] = ""
			}
		case xml.EndElement:
			if depth--; depth <= 0 {
				return out
			}
		case xml.CharData:
			if depth == 2 {
				out[child] += strings.TrimSpace(string(t))
			}
		}
	}
}

// textOf is the text of the first element of a name, nested elements left out.
func textOf(b []byte, name string) string {
	dec := xml.NewDecoder(bytes.NewReader(b))
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	var out strings.Builder
	depth := 0
	for {
		tok, err := dec.RawToken()
		if err != nil {
			return out.String()
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if depth > 0 || t.Name.Local == name {
				depth++
			}
		case xml.EndElement:
			if depth == 1 {
				return out.String()
			}
			depth = max(0, depth-1)
		case xml.CharData:
			if depth == 1 {
				out.Write(t)
			}
		}
	}
}
