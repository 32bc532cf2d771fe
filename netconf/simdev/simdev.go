// Package simdev is a NETCONF device in a box: a server for one byte stream
// after another, with a real datastore behind it. Tests, the demo and people's
// own trials use it. It can be wrong in the same way as the client, so
// the conformance table also runs against a server that others wrote.
//
// A Device keeps running, candidate and (when asked) startup as trees, and both
// dialects edit the same trees: what load-configuration stages, get-config
// shows. Time comes from Options; deadlines of confirmed commits are met by
// Options.AfterFunc, and whenever a request or Tick looks at the clock.
//
// XPath filters may be unions of absolute location paths of child steps
// (names with a declared prefix, or *), with "//" before a step, and
// predicates that compare a child or "." with a literal, joined by "and". A
// name without prefix matches in every namespace. Any other expression gets an
// rpc-error.
package simdev

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"dialtone/netconf"
	"dialtone/netconf/xmltext"
)

// Dialect is the family of devices that a Device imitates.
type Dialect string

// Junos: comments before the hello, doubled capabilities, end-of-message
// framing, native operations, minutes in confirm-timeout. RFC: base:1.1, xpath,
// persist, notifications, get-schema.
const (
	Junos Dialect = "junos"
	RFC   Dialect = "rfc"
)

// Options configure a device.
type Options struct {
	Name    string // host name; "" takes r1
	Dialect Dialect
	Config  []byte // the children of <data> (rfc) or the <configuration> element (junos); nil: a small default
	Bulk    int64  // adds invented interfaces until the configuration has about this many bytes
	Now     func() time.Time
	Faults  Faults

	// AfterFunc calls f once after d, as time.AfterFunc does; stop prevents it.
	// nil takes time.AfterFunc. A test with a fake clock hands in the clock's
	// own, or leaves it and calls Tick.
	AfterFunc func(d time.Duration, f func()) (stop func() bool)
	Startup   bool     // has a startup datastore of its own (rfc)
	Without   []string // capabilities to leave out, by short name: "candidate", "base:1.1", "confirmed-commit:1.1"
	Extra     []string // capability URIs to announce besides
	Version   string   // Junos release; "" takes 23.4R1.9
	Model     string   // "" takes vmx (junos) or labbox (rfc)
}

// Faults are the ways in which a device can misbehave; the zero value behaves.
type Faults struct {
	Delay        time.Duration     // before each reply
	BytesPerSec  int               // of replies; 0 unlimited
	CutAfter     int64             // close the stream after this many bytes of a reply
	Raw          map[string][]byte // operation name -> bytes sent as the whole framed answer
	WrongID      bool
	NoID         bool
	Frame10After bool // announce base:1.1 and answer in 1.0 framing
	ChunkSize    int  // 0: 4096

	Only          []string // the operations that all of these apply to; empty: every one
	Errors        int      // answer with this many rpc-errors and do nothing
	Warnings      int      // put this many warnings into the reply
	LoseReply     bool     // do what is asked and close the stream instead of answering
	Silent        bool     // do what is asked and never answer
	CommitError   bool     // answer a confirmed commit with an error although it is armed
	KeepOnLoss    bool     // do not roll back when the session of a confirmed commit is lost
	NoTimeout     bool     // do not roll back at the deadline
	PlainConfirms bool     // take a plain commit for the confirmation of a persistent one
	CheckConfirms bool     // junos: take a commit check for the confirmation
	Unclosed      bool     // junos: leave routing-engine open in commit replies
	Hello         []byte   // sent in place of the hello, framing included
	Before        []byte   // sent before each reply, outside of any frame
}

// Device is one simulated device. It may serve several sessions at once, and
// its methods may be called concurrently.
type Device struct {
	o     Options
	model *schema
	src   *source
	bad   error // Options.Config could not be read

	mu        sync.Mutex // guards all below
	faults    Faults
	running   *node
	candidate *node
	startup   *node
	dirty     bool // candidate holds edits that are not committed
	locks     map[netconf.Datastore]*session
	sessions  map[uint32]*session
	nextID    uint32
	pending   *pending
	timed     []*timed
	commits   []commitRecord // newest first
	changed   time.Time      // of the candidate
	events    []event        // for replay
	booted    time.Time
	counts    counters
	rescue    *node
}

type counters struct {
	sessions, badHellos, inRPCs, badRPCs, outErrors, notifications int
}

// New makes a device. A Config that cannot be read makes Serve fail.
func New(o Options) *Device {
	if o.Dialect == "" {
		o.Dialect = RFC
	}
	if o.Name == "" {
		o.Name = "r1"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.AfterFunc == nil {
		o.AfterFunc = func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }
	}
	if o.Version == "" {
		o.Version = "23.4R1.9"
	}
	if o.Model == "" {
		o.Model = map[Dialect]string{Junos: "vmx", RFC: "labbox"}[o.Dialect]
	}
	d := &Device{
		o: o, faults: o.Faults, booted: o.Now(),
		locks:    map[netconf.Datastore]*session{},
		sessions: map[uint32]*session{},
	}
	if o.Dialect == Junos {
		d.nextID = 35971
	}
	root, err := d.load(o.Config)
	if err != nil {
		d.bad = fmt.Errorf("read the configuration of %s: %w", o.Name, err)
		root = &node{local: "data"}
	}
	d.running, d.candidate = root, root
	if o.Startup {
		d.startup = root
	}
	d.commits = []commitRecord{{at: d.booted, user: "root", client: "other", config: root}}
	return d
}

// load builds the first configuration and the schema that fits it.
func (d *Device) load(config []byte) (*node, error) {
	table := rfcSchema
	if d.junos() {
		table = junosSchema
	}
	d.model = parseSchema(table)
	if config == nil {
		text := rfcDefault
		if d.junos() {
			text = junosDefault
		}
		config = []byte(strings.ReplaceAll(text, "HOSTNAME", xmltext.Escape(d.o.Name)))
	}
	forest, err := parseForest(bytes.NewReader(config))
	if err != nil {
		return nil, err
	}
	root := tidy(forest)
	if d.junos() {
		if len(root.kids) != 1 || root.kids[0].local != "configuration" {
			return nil, fmt.Errorf("expected one configuration element")
		}
		root = plain(root.kids[0])
		root.attrs = nil
	} else if len(root.kids) == 1 && (root.kids[0].local == "data" || root.kids[0].local == "config") {
		root = root.kids[0]
	}
	root = &node{local: "data", kids: root.kids}
	declutter(root)
	d.model.learn(root)
	if d.o.Bulk > 0 {
		d.addBulk(root)
	}
	return root, nil
}

// addBulk fills the interfaces up to Options.Bulk bytes.
func (d *Device) addBulk(root *node) {
	space := InterfacesNS
	if d.junos() {
		space = ""
	}
	ifs := root.child("interfaces")
	if ifs == nil {
		ifs = elNS(space, "interfaces")
		root.add(ifs)
	}
	have := int64(len(render(root.kids, d.indent(), "")))
	if d.o.Bulk <= have {
		return
	}
	d.src = newSource(d.o.Dialect, ifs.space, d.o.Bulk-have)
	ifs.bulk = &bulk{src: d.src}
}

// declutter drops namespace declarations, which the printer makes itself.
func declutter(n *node) {
	keep := n.attrs[:0]
	for _, a := range n.attrs {
		if a.space != "xmlns" && a.local != "xmlns" {
			keep = append(keep, a)
		}
	}
	n.attrs = keep
	for _, k := range n.kids {
		declutter(k)
	}
}

func (d *Device) junos() bool { return d.o.Dialect == Junos }

func (d *Device) indent() string {
	if d.junos() {
		return "    "
	}
	return "  "
}

// Serve runs one session on rwc as user until the peer closes, the session
// ends, or ctx is done. It closes rwc. The error is nil after close-session and
// when the peer simply went away between two messages.
func (d *Device) Serve(ctx context.Context, rwc io.ReadWriteCloser, user string) error {
	if d.bad != nil {
		_ = rwc.Close()
		return d.bad
	}
	return newSession(d, rwc, user).serve(ctx)
}

// SetFaults replaces the faults from the next request on.
func (d *Device) SetFaults(f Faults) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = f
}

// Faults returns the faults in force.
func (d *Device) Faults() Faults {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.faults
}

// Config returns a datastore's content for tests: what stands inside <data>,
// nil when the device has no such datastore.
func (d *Device) Config(ds netconf.Datastore) []byte {
	d.mu.Lock()
	root := d.store(ds)
	d.mu.Unlock()
	if root == nil {
		return nil
	}
	if d.junos() {
		return render([]*node{{space: XnmNS, local: "configuration", kids: root.kids}}, d.indent(), "")
	}
	return render(root.kids, d.indent(), "")
}

// Sessions returns the ids of the sessions that are open, lowest first.
func (d *Device) Sessions() []uint32 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.sessions))
}

// Kill ends a session as if its link broke. It reports whether there was one.
func (d *Device) Kill(id uint32) bool {
	d.mu.Lock()
	s := d.sessions[id]
	d.mu.Unlock()
	if s == nil {
		return false
	}
	s.close()
	return true
}

// Pending reports whether a confirmed commit waits for its confirmation, until
// when, and its persist token.
func (d *Device) Pending() (deadline time.Time, persist string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pending == nil {
		return time.Time{}, "", false
	}
	return d.pending.deadline, d.pending.persist, true
}

// store returns the tree of a datastore, nil when there is none.
func (d *Device) store(ds netconf.Datastore) *node {
	switch ds {
	case netconf.Running:
		return d.running
	case netconf.Candidate:
		if d.offers("candidate") {
			return d.candidate
		}
	case netconf.Startup:
		return d.startup
	}
	return nil
}
