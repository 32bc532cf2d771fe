package commit

import (
	"context"
	"encoding/xml"
	"io"
	"strconv"
	"strings"
	"time"

	"dialtone/conn"
	"dialtone/netconf"
)

const (
	maxHistory      = 8 << 20 // bytes read
	maxHistoryItems = 1000
)

// History reads the commits that a Junos device remembers, newest first.
func (c *Control) History(ctx context.Context, id conn.SessionID) ([]Entry, error) {
	s, d, err := c.device(id)
	if err != nil {
		return nil, err
	}
	if ModeOf(d.Caps) != Junos {
		return nil, refusal("only Junos devices tell the history of their commits", "")
	}
	x, err := c.ask(ctx, s, id, netconf.Request{Name: "get-commit-information", Body: []byte(`<get-commit-information/>`), Effect: netconf.Reads})
	if err != nil {
		return nil, err
	}
	return parseHistory(io.LimitReader(x.Doc.Reader(), maxHistory)), nil
}

// parseHistory reads commit-information. It is lenient: what is missing stays
// empty, and it ends where the XML breaks.
func parseHistory(r io.Reader) []Entry {
	dec := xml.NewDecoder(r)
	dec.Strict = false
	var out []Entry
	var cur Entry
	inside, numbered := false, false
	var text strings.Builder
	for {
		tok, err := dec.Token()
		if err != nil {
			return out
		}
		switch t := tok.(type) {
		case xml.StartElement:
			text.Reset()
			if t.Name.Local == "commit-history" {
				cur, inside, numbered = Entry{Revision: len(out)}, true, false
			}
			if t.Name.Local == "date-time" {
				for _, a := range t.Attr {
					if n, err := strconv.ParseInt(a.Value, 10, 64); err == nil && a.Name.Local == "seconds" && n > 0 && n < 1<<40 {
						cur.At = time.Unix(n, 0)
					}
				}
			}
		case xml.CharData:
			if inside && text.Len() < 4096 {
				text.Write(t[:min(len(t), 4096)])
			}
		case xml.EndElement:
			if !inside {
				continue
			}
			v := strings.TrimSpace(text.String())
			switch t.Name.Local {
			case "sequence-number":
				if n, err := strconv.Atoi(v); err == nil && n >= 0 && !numbered {
					cur.Revision, numbered = n, true
				}
			case "user":
				cur.User = v
			case "client":
				cur.Client = v
			case "date-time":
				cur.When = v
			case "log":
				cur.Log = v
			case "commit-history":
				if out, inside = append(out, cur), false; len(out) >= maxHistoryItems {
					return out
				}
			}
			text.Reset()
		}
	}
}
