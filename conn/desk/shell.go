package desk

import (
	"context"
	"fmt"

	"dialtone/conn/link"
	"dialtone/conn/outbound"
	"dialtone/keys"
)

// NoShell says why no command shell can be opened on a caller; "" when one can:
// a device of the enhanced form of outbound HTTPS whose device-id belongs to a
// profile.
func NoShell(c Caller) string {
	switch {
	case c.Via != link.HTTPS:
		return "only Junos devices by outbound HTTPS of 20.3 and later have one"
	case c.Matches == "":
		return "the device belongs to no profile yet; accept it first"
	}
	return ""
}

// Shell opens a command shell on a parked device and returns it with the name of
// the device's profile. It waits for the device until ctx is done, so it belongs
// into a command. The shell is the caller's to close.
func (f *Front) Shell(ctx context.Context, id CallerID) (*outbound.Shell, string, error) {
	for _, c := range f.Callers() {
		if c.ID == id && NoShell(c) != "" {
			return nil, "", &keys.Fault{Code: "CALL-SHELL", What: "no shell on this device: " + NoShell(c)}
		}
	}
	s, d, err := f.https.find(id)
	if err != nil {
		return nil, "", err
	}
	sh, err := s.Shell(ctx, d.ID)
	line := f.https.line("admitted", d, "a command shell was opened on "+d.Profile)
	if err != nil {
		line.Event, line.Text, line.Err = "refused", what(err), err
		f.write(line)
		return nil, "", fmt.Errorf("open a shell: %w", err)
	}
	f.write(line)
	return sh, d.Profile, nil
}
