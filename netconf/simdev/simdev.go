// Package simdev is a NETCONF device in a box: a server for one byte stream
// after another, with a real datastore behind it. Tests, the demo and people's
// own trials use it. It can be wrong in the same way as the client, so
// the conformance table also runs against a server that others wrote.
package simdev

import (
	"context"
	"io"
	"time"

	"dialtone/netconf"
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
	Name    string
	Dialect Dialect
	Config  []byte // the children of <data> (rfc) or the <configuration> element (junos); nil: a small default
	Bulk    int64  // adds invented interfaces until the configuration has about this many bytes
	Now     func() time.Time
	Faults  Faults
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
}

// Device is one simulated device. It may serve several sessions at once.
type Device struct{}

// New makes a device.
func New(o Options) *Device { panic("simdev: being written") }

// Serve runs one session on rwc as user until the peer closes, the session
// ends, or ctx is done. It closes rwc.
func (d *Device) Serve(ctx context.Context, rwc io.ReadWriteCloser, user string) error {
	panic("simdev: being written")
}

// SetFaults replaces the faults from the next request on.
func (d *Device) SetFaults(f Faults) { panic("simdev: being written") }

// Notify sends an event to every subscribed session.
func (d *Device) Notify(event []byte) { panic("simdev: being written") }

// Config returns a datastore's content for tests.
func (d *Device) Config(ds netconf.Datastore) []byte { panic("simdev: being written") }
