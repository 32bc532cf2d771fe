// Package conform is the table of what a NETCONF server and this client must
// agree on. The same table runs against the simulated device and against a
// server that others wrote, so that both cannot be wrong in the same way.
package conform

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"dialtone/netconf"
)

// Model says how to write configuration for the server: one leaf and one list,
// in whatever module it has. Each function returns the children of <config>;
// op is "" or an operation for the attribute nc:operation, whose prefix is
// declared around them.
type Model struct {
	Leaf    func(op, value string) string
	Entry   func(op, name string) string
	Value   string                   // element that holds the leaf: "<location>%s</location>"
	Subtree string                   // filter that selects the leaf and the list
	List    string                   // filter that selects the list alone
	Pick    func(name string) string // filter that selects one entry by its content
	XPath   func(name string) string // selects one entry; with the prefix lab, the module's own: netconfd knows no other
	NS      string                   // of prefix lab
	Unknown string                   // configuration with an element that no module has
	Broken  string                   // configuration that fails validation, "" when there is none
}

// Options describe the server to Run.
type Options struct {
	Model   Model
	Timeout time.Duration // of one case; 0: 30 s
	Only10  bool          // the client offers base:1.0 only
}

// Lab is the model of the module dialtone-lab with namespace ns.
func Lab(ns string) Model {
	in := func(s string) string { return `<system xmlns="` + ns + `">` + s + `</system>` }
	return Model{
		Leaf:    func(op, v string) string { return in("<location" + attr(op) + ">" + v + "</location>") },
		Entry:   func(op, name string) string { return in("<user" + attr(op) + "><name>" + name + "</name></user>") },
		Value:   "<location>%s</location>",
		Subtree: `<system xmlns="` + ns + `"><location/><user/></system>`,
		List:    in("<user/>"),
		Pick:    func(name string) string { return in("<user><name>" + name + "</name></user>") },
		XPath:   func(name string) string { return "/lab:system/lab:user[lab:name='" + name + "']" },
		NS:      ns,
		Unknown: in("<colour>red</colour>"),
	}
}

// Junos is the model of a Junos configuration.
func Junos() Model {
	in := func(s string) string { return "<configuration><system>" + s + "</system></configuration>" }
	return Model{
		Leaf: func(op, v string) string { return in("<domain-name" + attr(op) + ">" + v + "</domain-name>") },
		Entry: func(op, name string) string {
			return in("<login><user" + attr(op) + "><name>" + name + "</name></user></login>")
		},
		Value:   "<domain-name>%s</domain-name>",
		Subtree: "<configuration><system><domain-name/><login/></system></configuration>",
		List:    in("<login/>"),
		Pick:    func(name string) string { return in("<login><user><name>" + name + "</name></user></login>") },
		Unknown: in("<colour>red</colour>"),
		Broken:  "<configuration><interfaces><interface><name>ge-0/0/9</name><unit><name>20000</name></unit></interface></interfaces></configuration>",
	}
}

func attr(op string) string {
	if op == "" {
		return ""
	}
	return ` nc:operation="` + op + `"`
}

// Opener opens one more session with the server; on is told of notifications
// and may be nil. The session belongs to Run.
type Opener func(t *testing.T, on func(netconf.Notification)) *netconf.Session

// Run walks the table. The cases run one after another, each with sessions of
// its own, and leave the server's configuration as they found it.
func Run(t *testing.T, open Opener, o Options) {
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	for _, c := range table() {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), o.Timeout)
			defer cancel()
			k := &kit{T: t, ctx: ctx, open: open, m: o.Model, o: o}
			first := k.session()
			for _, need := range c.needs {
				if not, ok := strings.CutPrefix(need, "!"); ok && first.s.Caps().Has(not) || !ok && !first.s.Caps().Has(need) {
					t.Skipf("the server: %s", need)
				}
			}
			k.ds = "running"
			if first.s.Caps().Has("candidate") {
				k.ds = "candidate"
			}
			c.run(k, first)
		})
	}
}

// kit is what one case works with.
type kit struct {
	*testing.T
	ctx  context.Context
	open Opener
	m    Model
	o    Options
	ds   string // datastore to edit
}

// side is one session of a case.
type side struct {
	k *kit
	s *netconf.Session
}

func (k *kit) session() side {
	k.Helper()
	return k.listening(nil)
}

func (k *kit) listening(on func(netconf.Notification)) side {
	k.Helper()
	s := k.open(k.T, on)
	k.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = s.Close(ctx)
	})
	return side{k, s}
}

// reply is an answer with what the session made of it.
type reply struct {
	text string
	out  netconf.Outcome
}

// try sends an operation; it fails only when no answer comes.
func (x side) try(body string) reply {
	x.k.Helper()
	req, err := netconf.Classify([]byte(body), x.s.Caps())
	if err != nil {
		x.k.Fatalf("classify %s: %v", body, err)
	}
	var b bytes.Buffer
	out, err := x.s.Do(x.k.ctx, req, &b)
	if err != nil {
		x.k.Fatalf("%s: %v", body, err)
	}
	if err := wellFormed(b.Bytes()); err != nil {
		x.k.Errorf("%s: the reply is not well-formed: %v: %s", body, err, b.String())
	}
	if len(out.Flags) > 0 {
		x.k.Errorf("%s: oddities in the reply: %v", body, out.Flags)
	}
	if out.Bytes != int64(b.Len()) {
		x.k.Errorf("%s: %d bytes counted, %d given", body, out.Bytes, b.Len())
	}
	return reply{b.String(), out}
}

// ok sends an operation that must succeed.
func (x side) ok(body string) string {
	x.k.Helper()
	r := x.try(body)
	if !r.out.OK {
		x.k.Fatalf("%s: refused: %s", body, r.text)
	}
	return r.text
}

// fails sends an operation that must be refused with one of the tags, and
// returns the error.
func (x side) fails(body string, tags ...string) *netconf.RPCError {
	x.k.Helper()
	r := x.try(body)
	if r.out.OK || len(r.out.Errors) == 0 {
		x.k.Fatalf("%s: not refused: %s", body, r.text)
	}
	e := r.out.Errors[0]
	for _, tag := range tags {
		if e.Tag == tag {
			return e
		}
	}
	x.k.Fatalf("%s: error-tag %q, want one of %v: %s", body, e.Tag, tags, r.text)
	return nil
}

func (x side) edit(config string) string { return x.editWith("", config) }

func (x side) editWith(options, config string) string {
	return "<edit-config><target><" + x.k.ds + "/></target>" + options + `<config xmlns:nc="` + netconf.BaseNS + `">` + config + "</config></edit-config>"
}

// get reads what the model works on.
func (x side) get(ds string) string {
	x.k.Helper()
	return x.ok("<get-config><source><" + ds + `/></source><filter type="subtree">` + x.k.m.Subtree + "</filter></get-config>")
}

// holds checks that a datastore has, or lacks, a piece of text.
func (x side) holds(ds, what string, want bool) {
	x.k.Helper()
	if text := x.get(ds); strings.Contains(text, what) != want {
		x.k.Errorf("%s holds %q: %v, want %v: %s", ds, what, !want, want, text)
	}
}

// commit makes the edits take effect where there is a candidate.
func (x side) commit() {
	x.k.Helper()
	if x.k.ds == "candidate" {
		x.ok("<commit/>")
	}
}

// undo arranges for the configuration to be as before when the case ends.
func (x side) undo(config string) {
	x.k.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		k := *x.k
		k.ctx = ctx
		y := k.session()
		if k.ds == "candidate" {
			y.try("<discard-changes/>")
		}
		y.try(y.edit(config))
		if k.ds == "candidate" {
			y.try("<commit/>")
		}
	})
}

func (k *kit) value(v string) string { return fmt.Sprintf(k.m.Value, v) }

func wellFormed(b []byte) error {
	d := xml.NewDecoder(bytes.NewReader(b))
	roots, depth := 0, 0
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			if roots != 1 {
				return fmt.Errorf("%d root elements", roots)
			}
			return nil
		}
		if err != nil {
			return err
		}
		switch t.(type) {
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			depth++
		case xml.EndElement:
			depth--
		}
	}
}
