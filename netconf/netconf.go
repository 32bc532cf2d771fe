// Package netconf speaks NETCONF (RFC 6241) over any byte stream.
//
// Three layers, each of which can be used and tested alone:
//
//   - Transport carries whole messages and knows only the two framings of
//     RFC 6242 (frame.go; framein.go and chunked.go receive, frameout.go sends);
//   - Open exchanges the hellos and agrees on capabilities (hello.go, caps.go);
//   - Session sends requests and hands each reply to its own request
//     (session.go; call.go is one request, send.go its way out, read.go a
//     reply's way in, silence.go how long to wait).
//
// Beside them: scan.go and rpcerror.go find the errors in a reply that passes
// by, token.go reads small pieces of XML leniently, wellformed.go strictly, and
// classify.go judges what a person typed.
//
// The package never decodes a reply: it reads the head of each message to find
// its owner, scans what follows for rpc-errors, and passes the bytes on as
// they came. It needs nothing but the standard library.
package netconf

// Namespaces that requests and replies use.
const (
	BaseNS         = "urn:ietf:params:xml:ns:netconf:base:1.0"
	NotificationNS = "urn:ietf:params:xml:ns:netconf:notification:1.0"
	MonitoringNS   = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"
	JunosNS        = "http://xml.juniper.net/netconf/junos/1.0"
)

// Datastore is the name of a configuration datastore as it is written inside
// <source> and <target>.
type Datastore string

// The datastores of RFC 6241 section 5.1.
const (
	Running   Datastore = "running"
	Candidate Datastore = "candidate"
	Startup   Datastore = "startup"
)

// Quirks are the departures from the standard that a person switches on for
// one device.
type Quirks struct {
	Force10       bool     // offer base:1.0 only
	WaitHello     bool     // send our hello after the device's
	StripNUL      bool     // drop NUL bytes around and inside messages
	LenientChunks bool     // accept CR and missing or extra LF around chunk headers
	Capabilities  []string // offered in our hello beside the base ones
}
