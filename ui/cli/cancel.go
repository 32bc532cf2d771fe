package cli

import (
	"github.com/spf13/cobra"

	"dialtone/conn/commit"
)

func (a *app) cancelCommand() *cobra.Command {
	var f targetFlags
	return a.changeCommand(&cobra.Command{
		Use:   "cancel TARGET",
		Short: "Roll back a confirmed commit now",
		Long: `Undoes at once the confirmed commit that waits on a device: with cancel-commit, or
on Junos by loading and committing rollback 1.

Exit codes: those of "dialtone commit"; 2 when none is known to wait.`,
		Args: cobra.MaximumNArgs(1),
	}, &f, func(c *cobra.Command, args []string) error {
		return a.changing(c, &f, args, true, func(ch *change) error {
			_, err := ch.order(commit.Order{Do: commit.DoCancel})
			return err
		})
	})
}
