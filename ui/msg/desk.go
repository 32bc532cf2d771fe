package msg

import (
	"net/netip"

	"dialtone/conn/desk"
)

// Desk is what stands at the desk of callers now: a copy that nobody changes,
// taken outside Update and given to all screens and dialogs.
type Desk struct {
	Callers   []desk.Caller
	Listeners []desk.Listener
	Log       []desk.Line // oldest first
}

// DeskLines is how much of the listener log the interface keeps in sight.
const DeskLines = 500

// ReadDesk takes a copy of d's state. It belongs into a command.
func ReadDesk(d desk.Desk) Desk {
	return Desk{Callers: d.Callers(), Listeners: d.Listeners(), Log: d.Log(DeskLines)}
}

// Waiting counts the callers that somebody should decide on; a parked device
// that is known waits for nobody.
func (d Desk) Waiting() int {
	n := 0
	for _, c := range d.Callers {
		if !c.Parked || c.Matches == "" {
			n++
		}
	}
	return n
}

// ShowInbox shows the devices that have called.
type ShowInbox struct{}

// ShowListeners opens the dialog of the addresses that we listen on.
type ShowListeners struct{}

// Awaited tells that the person let a device in, whose session is to be shown
// once it is there. Off takes that back.
type Awaited struct {
	Name string         // of the target
	From netip.AddrPort // of the call
	Off  bool
}
