package desk

import (
	"testing"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/conn/outbound/outboundsim"
)

// TestAdmissionIsToldBeforeTheSession: who follows the log learns of a session by
// its admission, so nothing of the session may stand before that.
func TestAdmissionIsToldBeforeTheSession(t *testing.T) {
	t.Parallel()
	s, call := secureStand(t, Options{}, secureProfile("ask"))
	call(outboundsim.Options{DeviceID: "r1.lab", Secret: "juniper123"})
	const sessions = 30
	for n := 1; n <= sessions; n++ {
		s.until("a call that waits", func() string {
			for _, c := range s.front.Callers() {
				if c.Note == "" && s.front.Accept(c.ID, link.Target{}, false) == nil {
					return "yes"
				}
			}
			return ""
		})
		s.until("a session", func() string {
			open := 0
			for _, d := range s.m.Devices() {
				if d.State == conn.Open {
					open++
				}
			}
			if open < n {
				return ""
			}
			return "yes"
		})
	}
	s.until("the log", func() string {
		open := 0
		admitted := map[conn.SessionID]bool{}
		for _, l := range s.front.Log(1000) {
			switch {
			case l.Event == "admitted":
				admitted[l.Session] = true
			case l.Session != 0 && !admitted[l.Session]:
				t.Fatalf("%s of session %d stands before its admission", l.Event, l.Session)
			case l.Event == "open":
				open++
			}
		}
		if open < sessions {
			return ""
		}
		return "yes"
	})
}
