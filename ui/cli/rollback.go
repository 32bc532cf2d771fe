package cli

import (
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"dialtone/conn/commit"
	"dialtone/netconf"
	"dialtone/netconf/xmldiff"
)

func (a *app) rollbackCommand() *cobra.Command {
	var f targetFlags
	var confirmed time.Duration
	var comment string
	var check bool
	c := a.changeCommand(&cobra.Command{
		Use:   "rollback N TARGET",
		Short: "Go back to an earlier configuration (Junos)",
		Long: `Locks the candidate of a Junos device, loads its rollback N (0 to 49; 0 is the
newest commit), prints what that changes, commits it and unlocks. With --check
nothing is committed: the candidate is made the same as running again.

Exit codes: those of "dialtone commit".`,
		Args: cobra.RangeArgs(1, 2),
	}, &f, func(c *cobra.Command, args []string) error {
		n, err := strconv.Atoi(args[0])
		switch {
		case err != nil || n < 0 || n > 49:
			return usagef(c, "N must be a number from 0 to 49, not %q", args[0])
		case c.Flags().Changed("confirmed") && confirmed <= 0:
			return usagef(c, "--confirmed must be a time such as 5m")
		}
		o := commit.Order{Do: commit.DoCommit, Confirmed: confirmed > 0, Timeout: confirmed, Comment: comment, Unlock: true}
		return a.changing(c, &f, args[1:], true, func(ch *change) error { return ch.rollback(n, check, o) })
	})
	c.ValidArgsFunction = nil
	c.Flags().BoolVar(&check, "check", false, "show and check what would change, and commit nothing")
	c.Flags().DurationVar(&confirmed, "confirmed", 0, "roll back unless confirmed within this time, such as 5m")
	c.Flags().StringVar(&comment, "comment", "", "comment for the device's history of commits")
	return c
}

// rollback does it under a lock: what goes wrong is undone by the end of the
// session, which gives the lock back with what was staged under it.
func (ch *change) rollback(n int, check bool, o commit.Order) error {
	if why := ch.control.State(ch.d.ID).Why(commit.DoRollback); why != "" {
		return with(ExitUsage, fault("COMMIT-NOT", why, "Nothing was sent", ""))
	}
	if _, err := ch.order(commit.Order{Do: commit.DoLock}); err != nil {
		return err
	}
	if _, err := ch.order(commit.Order{Do: commit.DoRollback, Revision: n}); err != nil {
		return err
	}
	cmp, err := ch.control.Compare(ch.ctx, ch.d.ID, commit.Source{Store: netconf.Running}, commit.Source{Store: netconf.Candidate}, xmldiff.Options{})
	if err != nil {
		return with(ExitRPCError, err)
	}
	ch.a.note("%s.", capital(cmp.Words()))
	if err := ch.a.printDiff(cmp); err != nil {
		return err
	}
	if !check {
		if _, err = ch.order(o); err == nil && o.Confirmed {
			ch.a.confirmHint(ch.d.Target.Name)
		}
		return err
	}
	_, err = ch.order(commit.Order{Do: commit.DoValidate})
	if _, derr := ch.order(commit.Order{Do: commit.DoDiscard}); err == nil {
		err = derr
	}
	if _, uerr := ch.order(commit.Order{Do: commit.DoUnlock}); err == nil {
		err = uerr
	}
	return err
}
