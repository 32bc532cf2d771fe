package netconf

// Effect is what sending a request does to the device. It drives
// confirmations and read-only mode.
type Effect uint8

// Reads changes nothing. Stages changes the candidate or a lock, which ends
// with the session. Commits changes running or startup, or what will become of
// them. Destroys deletes a datastore, ends somebody's session or restarts
// something.
const (
	Reads Effect = iota
	Stages
	Commits
	Destroys
)

// Alters reports whether the effect outlives a read.
func (e Effect) Alters() bool { return e != Reads }

// Request is one RPC to send.
type Request struct {
	Name   string // local name of the operation: "get-config"
	Target string // datastore that it reads or writes, "" when none
	Body   []byte // the operation element, or a whole <rpc>; sent byte for byte
	Effect Effect
}
