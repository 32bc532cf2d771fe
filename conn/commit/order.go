package commit

import (
	"time"

	"dialtone/conn"
	"dialtone/netconf"
)

// Kind is what an Order asks for.
type Kind uint8

// The kinds of orders, each with the fields of Order that it takes.
const (
	DoLock        Kind = iota // Store
	DoUnlock                  // Store
	DoValidate                // the candidate
	DoCommit                  // Confirmed, Timeout, Persist, Token, Comment, Check, Sync, At, Validate, Unlock, Blind
	DoConfirm                 // Token, Comment
	DoCancel                  // Token: roll back now
	DoExtend                  // Timeout, Token
	DoDiscard                 //
	DoRollback                // Revision: stages an earlier configuration in the candidate (Junos)
	DoRescueSave              // Junos
	DoRescueLoad              // Junos: stages the rescue configuration
	DoCopyStartup             //
	DoKill                    // Holder: ends the session that holds a lock
	DoTyped                   // see Typed: a commit that a person wrote
	kinds
)

// String is the name of the kind, as in "roll back now".
func (k Kind) String() string {
	names := [...]string{"lock", "unlock", "validate", "commit", "confirm", "roll back now", "extend", "discard",
		"load a rollback", "save the rescue configuration", "load the rescue configuration", "save to startup", "kill session", "commit"}
	if int(k) < len(names) {
		return names[k]
	}
	return "?"
}

// Order is what a person wants done.
type Order struct {
	Do        Kind
	Store     netconf.Datastore // "": the candidate, or running where there is none
	Confirmed bool
	Timeout   time.Duration // until the device rolls back; 0: ten minutes
	Persist   bool          // survive the loss of the session (confirmed-commit:1.1)
	Token     string        // persist token; "": made, or that of the pending commit
	Comment   string
	Check     bool   // commit check: nothing is committed
	Validate  bool   // before the commit
	Unlock    bool   // after it
	Sync      bool   // Junos: on all routing engines
	At        string // Junos: "20:00", "2031-01-31 02:00", "reboot"
	Revision  int    // 0..49
	Holder    uint32
	Blind     bool // do not read running and candidate around a commit: Verify cannot tell then
}

// Step is one request of a plan.
type Step struct {
	Title   string // "commit, to be confirmed within 10 min"
	Request netconf.Request
	// Unit says how the device counts a time in Request, "" when there is none:
	// "300 s", "5 min (Junos counts minutes)".
	Unit string
}

// Plan is exactly what will be sent, to be shown before. Run sends it.
type Plan struct {
	Session  conn.SessionID
	Netconf  uint32 // session-id it was made for: it holds for no other session
	Device   string
	Order    Order
	Steps    []Step
	Warnings []string // what to know before, one sentence each
	Wait     time.Duration
	Token    string // persist token that will be in force

	confirms bool // of DoTyped: a commit waited when it was made
}

// Text is the bytes of all steps as they are sent, within the <rpc> that the
// session puts around each.
func (p Plan) Text() string {
	s := ""
	for i, st := range p.Steps {
		if i > 0 {
			s += "\n"
		}
		s += string(st.Request.Body)
	}
	return s
}

// Verdict says how much is known of what Run did.
type Verdict uint8

// Done: the device says that all is done. Refused: it says that a step was not.
// NotSent: nothing of the step left us. OutcomeUnknown: the step was sent and
// its answer is not known; Verify tells.
const (
	Done Verdict = iota
	Refused
	NotSent
	OutcomeUnknown
)

// Report is what Run did, step by step. Steps after one that was not Done were
// not sent.
type Report struct {
	Plan      Plan
	Verdict   Verdict
	Words     string // what is known now, and what to do
	Exchanges []*conn.Exchange
	Err       error // of the step that was not Done
}

// Finding is what a look at the device says of an uncertain commit.
type Finding struct {
	Verdict Found
	Words   string
	Over    bool // nothing is pending any more as far as can be seen
	At      time.Time
}

// Found is the verdict of a Finding.
type Found uint8

// CannotTell: running was not read before the commit, or cannot be read now.
// NothingToTell: no commit is in doubt. RolledBack: running is what it was
// before. StillApplied: it is what the commit made. Differs: it is neither.
const (
	CannotTell Found = iota
	NothingToTell
	RolledBack
	StillApplied
	Differs
)

// Entry is one commit in the history of a Junos device.
type Entry struct {
	Revision                int
	User, Client, When, Log string // device text
	At                      time.Time
}
