package keyring

import (
	"context"
	"errors"
	"fmt"

	gokeyring "github.com/zalando/go-keyring"

	"dialtone/keys"
)

const elsewhere = "use store:NAME"

// tell puts an error of a call into words. The end of a context stays what it is
// where nothing has to be said of what is kept.
func (v *Vault) tell(name string, err error, kept string) error {
	f := &keys.Fault{Kept: kept, Err: err}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		if kept == "" {
			return err
		}
		f.Code, f.What = "KEYRING-TIME", "waiting for the keyring was interrupted"
	case errors.Is(err, errNoBus):
		f.Code, f.What, f.Do = "KEYRING-NONE", "there is no keyring here: DBUS_SESSION_BUS_ADDRESS is not set", "Start in a desktop session, or "+elsewhere
	case errors.Is(err, errLate):
		f.Code, f.What = "KEYRING-TIME", fmt.Sprintf("the keyring did not answer in %d s: it hangs, or waits to be unlocked", int(v.o.Limit.Seconds()))
		f.Do = "Unlock it and try again, or " + elsewhere
	case errors.Is(err, errBusy):
		f.Code, f.What = "KEYRING-TIME", "the keyring has not answered an earlier call yet: it hangs, or waits to be unlocked"
		f.Do = "Unlock it and try again, or " + elsewhere
	case errors.Is(err, gokeyring.ErrNotFound):
		f.Code, f.What = "KEYRING-MISSING", fmt.Sprintf("the keyring has no entry %q of dialtone", name)
		f.Do = "Add it with: dialtone secret set --keyring " + name
	case errors.Is(err, gokeyring.ErrSetDataTooBig):
		f.Code, f.What, f.Do = "KEYRING-BIG", "the secret is too big for the keyring of this system", "Use a shorter one, or "+elsewhere
	case errors.Is(err, gokeyring.ErrUnsupportedPlatform), absent(err):
		f.Code, f.What, f.Do = "KEYRING-NONE", fmt.Sprintf("there is no keyring here: %s", quoted(err)), "Start one, or "+elsewhere
	case locked(err):
		f.Code, f.What, f.Do = "KEYRING-LOCKED", "the keyring is locked and was not unlocked", "Unlock it and try again, or "+elsewhere
	default:
		f.Code, f.What, f.Do = "KEYRING", "the keyring failed: "+quoted(err), "Try again, or "+elsewhere
	}
	return f
}

// quoted is the text of an error that another program may have written.
func quoted(err error) string { return fmt.Sprintf("%.200q", err.Error()) }
