package cli

import (
	"github.com/spf13/cobra"

	"dialtone/conn/commit"
	"dialtone/netconf"
	"dialtone/netconf/xmldiff"
)

// cancel rolls back now. What that changes is printed where it can be read.
func (ch *change) cancel() error {
	o := commit.Order{Do: commit.DoCancel}
	if _, err := ch.control.Plan(ch.d.ID, o); err != nil {
		return with(ExitUsage, err)
	}
	if to, why := ch.control.Undo(ch.d.ID); why == "" {
		cmp, err := ch.control.Compare(ch.ctx, ch.d.ID, commit.Source{Store: netconf.Running}, to, xmldiff.Options{})
		switch {
		case ch.ctx.Err() != nil:
			return ch.ctx.Err()
		case err != nil: // the roll-back is wanted all the same
			ch.a.note("What it changes could not be read: %s", errorLine(err))
		default:
			ch.a.note("%s.", capital(cmp.Words()))
			if err := ch.a.printDiff(cmp); err != nil {
				return err
			}
		}
	}
	_, err := ch.order(o)
	return err
}

func (a *app) cancelCommand() *cobra.Command {
	var f targetFlags
	return a.changeCommand(&cobra.Command{
		Use:   "cancel TARGET",
		Short: "Roll back a confirmed commit now",
		Long: `Undoes at once the confirmed commit that waits on a device: with cancel-commit, or
on Junos by loading and committing rollback 1. On Junos it prints before what
that changes in running.

Exit codes: those of "dialtone commit"; 2 when none is known to wait.`,
		Args: cobra.MaximumNArgs(1),
	}, &f, func(c *cobra.Command, args []string) error {
		return a.changing(c, &f, args, true, func(ch *change) error {
			return ch.cancel()
		})
	})
}
