package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"dialtone/conn/commit"
	"dialtone/ui/safe"
)

func (a *app) confirmCommand() *cobra.Command {
	var f targetFlags
	var comment string
	var forget, verify bool
	c := a.changeCommand(&cobra.Command{
		Use:   "confirm TARGET",
		Short: "Confirm a confirmed commit, so that it stays",
		Long: `Confirms the confirmed commit that "dialtone commit --confirmed" or the interface
made on a device and that still waits. Its persist token is taken from the note
in the state directory.

With --verify nothing is confirmed: running is read and compared with what it was
before the commit and with what the commit made of it. This tells what became of a
commit whose answer was lost, or whose time is over.

With --forget nothing is sent and nobody is dialled: the note of a commit whose
time is over is removed. Look first at what the device has: dialtone diff TARGET.

Exit codes: those of "dialtone commit"; 2 when none is known to wait. With
--verify: 0 when it is known what became of it, 5 when it cannot be told.`,
		Args: cobra.MaximumNArgs(1),
	}, &f, func(c *cobra.Command, args []string) error {
		switch {
		case forget && verify, comment != "" && (forget || verify):
			return usagef(c, "--verify, --forget and --comment exclude each other")
		case forget:
			return a.forget(c, &f, args)
		case verify:
			return a.changing(c, &f, args, false, (*change).verify)
		}
		return a.changing(c, &f, args, true, func(ch *change) error {
			_, err := ch.order(commit.Order{Do: commit.DoConfirm, Comment: comment})
			return err
		})
	})
	c.Flags().StringVar(&comment, "comment", "", "comment for the device's history of commits (Junos)")
	c.Flags().BoolVar(&verify, "verify", false, "confirm nothing: read running and say what became of the commit")
	c.Flags().BoolVar(&forget, "forget", false, "send nothing: remove the note of a commit whose time is over")
	return c
}

// verify reads running and says what became of the commit.
func (ch *change) verify() error {
	f, err := ch.control.Verify(ch.ctx, ch.d.ID)
	switch {
	case ch.ctx.Err() != nil:
		return ch.ctx.Err()
	case f.Verdict == commit.CannotTell, f.Verdict == commit.Differs, err != nil:
		return with(ExitUnknown, fault("COMMIT-UNKNOWN", strings.TrimSuffix(f.Words, "."), "Nothing was sent but reads", ""))
	}
	ch.a.note("%s", safe.Text(f.Words))
	return nil
}

// forget removes the notes on a target whose time is over. It says what of.
func (a *app) forget(c *cobra.Command, f *targetFlags, args []string) error {
	name := f.profile
	if len(args) > 0 {
		name = args[0]
	}
	control := a.commits()
	found := false
	for _, p := range control.Pendings() {
		if p.Device != name {
			continue
		}
		if left, _ := control.Left(p); left > 0 {
			return with(ExitUsage, fault("COMMIT-WAITS", fmt.Sprintf("the confirmed commit on %s still waits, for %s", p.Device, commit.Countdown(left)), "Its note is kept", "Confirm or cancel it"))
		}
		if err := control.Dismiss(p.Key); err != nil {
			return with(ExitUsage, err)
		}
		found = true
		a.note("Forgotten: the confirmed commit on %s, sent %s.", safe.Text(p.Device), p.Sent.Local().Format("2006-01-02 15:04:05"))
	}
	if !found {
		return with(ExitUsage, fault("COMMIT-NONE", fmt.Sprintf("no confirmed commit on %q is noted", name), "", ""))
	}
	return nil
}
