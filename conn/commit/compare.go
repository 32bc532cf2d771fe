package commit

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"dialtone/conn"
	"dialtone/netconf"
	"dialtone/netconf/xmldiff"
	"dialtone/netconf/xmldoc"
)

// Comparison is two configurations side by side. The documents belong to the
// exchanges that brought them.
type Comparison struct {
	From, To Source
	A, B     *xmldoc.Doc // whole replies
	Result   *xmldiff.Result
	Text     string // Junos's own comparison, "" when there is none
}

// Words says what the comparison found: "running and candidate are the same".
func (c *Comparison) Words() string {
	r := c.Result
	switch {
	case r.Same() && len(r.Moves) == 0:
		return fmt.Sprintf("%s and %s are the same", c.From, c.To)
	case r.Same() && len(r.Moves) == 1:
		return fmt.Sprintf("%s and %s say the same, but 1 list entry stands in another place", c.From, c.To)
	case r.Same():
		return fmt.Sprintf("%s and %s say the same, but %d list entries stand in another place", c.From, c.To, len(r.Moves))
	}
	return fmt.Sprintf("%s to %s: +%d -%d ~%d", c.From, c.To, r.Added, r.Removed, r.Changed)
}

// String is the name of the source.
func (s Source) String() string {
	switch {
	case s.Before:
		return "before the commit"
	case s.Store != "":
		return string(s.Store)
	}
	return fmt.Sprintf("rollback %d", s.Rollback)
}

// request reads a source.
func (s Source) request(m Mode) (netconf.Request, error) {
	switch {
	case s.Store != "":
		body := "<get-config>\n  <source><" + string(s.Store) + "/></source>\n</get-config>"
		return netconf.Request{Name: "get-config", Target: string(s.Store), Body: []byte(body), Effect: netconf.Reads}, nil
	case m != Junos:
		return netconf.Request{}, refusal("only Junos devices keep numbered configurations", "")
	case s.Rollback < 0 || s.Rollback > maxRevision:
		return netconf.Request{}, refusal(fmt.Sprintf("rollback %d does not exist: they are numbered 0 to %d", s.Rollback, maxRevision), "")
	}
	body := fmt.Sprintf("<get-rollback-information>\n  <rollback>%d</rollback>\n  <format>xml</format>\n</get-rollback-information>", s.Rollback)
	return netconf.Request{Name: "get-rollback-information", Body: []byte(body), Effect: netconf.Reads}, nil
}

// Compare reads two configurations of a device and compares them. Both are read
// by the same session, one after the other: what others commit in between shows.
func (c *Control) Compare(ctx context.Context, id conn.SessionID, from, to Source, o xmldiff.Options) (*Comparison, error) {
	s, d, err := c.device(id)
	if err != nil {
		return nil, err
	}
	out := &Comparison{From: from, To: to}
	for _, part := range []struct {
		src Source
		doc **xmldoc.Doc
	}{{from, &out.A}, {to, &out.B}} {
		if part.src.Before {
			if *part.doc, err = c.before(d); err != nil {
				return nil, err
			}
			continue
		}
		r, err := part.src.request(ModeOf(d.Caps))
		if err != nil {
			return nil, err
		}
		x, err := c.ask(ctx, s, id, r)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", part.src, err)
		}
		*part.doc = x.Doc
	}
	if out.Result, err = xmldiff.Compare(ctx, out.A, out.B, o); err != nil {
		return nil, err
	}
	if from.Store == netconf.Running && to.Store == netconf.Candidate {
		now := c.Now()
		c.note(id, d.NetconfID, func(sn *seen) {
			sn.differs, sn.looked = Yes, now
			if out.Result.Same() && len(out.Result.Moves) == 0 {
				sn.differs = No
			}
			if strings.HasSuffix(sn.unknown, compareIt) {
				sn.unknown = ""
			}
		})
	}
	return out, nil
}

// Native asks a Junos device for its own comparison with an earlier
// configuration: of the candidate with rollback n, in Junos's text form.
func (c *Control) Native(ctx context.Context, id conn.SessionID, n int) (string, error) {
	s, d, err := c.device(id)
	switch {
	case err != nil:
		return "", err
	case ModeOf(d.Caps) != Junos:
		return "", refusal("only Junos devices compare by themselves", "")
	case n < 0 || n > maxRevision:
		return "", refusal(fmt.Sprintf("rollback %d does not exist: they are numbered 0 to %d", n, maxRevision), "")
	}
	body := fmt.Sprintf(`<get-configuration compare="rollback" rollback="%d" format="text"/>`, n)
	x, err := c.ask(ctx, s, id, netconf.Request{Name: "get-configuration", Body: []byte(body), Effect: netconf.Reads})
	if err != nil {
		return "", err
	}
	return outputText(x.Doc), nil
}

const maxText = 16 << 20 // bytes of a comparison in text form

// outputText is the text in configuration-output.
func outputText(d *xmldoc.Doc) string {
	b, err := io.ReadAll(io.LimitReader(d.Reader(), maxText))
	if err != nil {
		return ""
	}
	return strings.Trim(textOf(b, "configuration-output"), "\n")
}

// digest reads a datastore and returns its sum.
func (c *Control) digest(ctx context.Context, s Sessions, id conn.SessionID, ds netconf.Datastore) (xmldiff.Sum, *xmldoc.Doc, error) {
	r, err := Source{Store: ds}.request(Candidate)
	if err != nil {
		return xmldiff.Sum{}, nil, err
	}
	x, err := c.ask(ctx, s, id, r)
	if err != nil {
		return xmldiff.Sum{}, nil, err
	}
	sum, err := xmldiff.Digest(ctx, x.Doc)
	return sum, x.Doc, err
}

// Undo is where a roll-back of the confirmed commit of a session leads: to
// running as it was read before it, or to rollback 1 of Junos. The reason says
// why that is not known, "" when it is.
func (c *Control) Undo(id conn.SessionID) (to Source, reason string) {
	st := c.State(id)
	switch {
	case st.Pending == nil:
		return Source{}, "none pending"
	case st.Pending.doc != nil:
		return Source{Before: true}, ""
	case st.Mode == Junos:
		return Source{Rollback: 1}, ""
	case !st.Pending.Before.Zero():
		return Source{}, "what running was before the commit is not kept: it was sent by a former run, or it is too large"
	}
	return Source{}, "running was not read before the commit"
}

// before is the text of running before the commit that waits.
func (c *Control) before(d conn.Device) (*xmldoc.Doc, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, _ := c.of(d); p != nil && p.doc != nil {
		return p.doc, nil
	}
	return nil, refusal("running before the commit is not kept", "")
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
