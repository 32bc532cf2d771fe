package cli

import (
	"github.com/spf13/cobra"

	"dialtone/conn/commit"
)

func (a *app) confirmCommand() *cobra.Command {
	var f targetFlags
	var comment string
	c := a.changeCommand(&cobra.Command{
		Use:   "confirm TARGET",
		Short: "Confirm a confirmed commit, so that it stays",
		Long: `Confirms the confirmed commit that "dialtone commit --confirmed" or the interface
made on a device and that still waits. Its persist token is taken from the note
in the state directory.

Exit codes: those of "dialtone commit"; 2 when none is known to wait.`,
		Args: cobra.MaximumNArgs(1),
	}, &f, func(c *cobra.Command, args []string) error {
		return a.changing(c, &f, args, true, func(ch *change) error {
			_, err := ch.order(commit.Order{Do: commit.DoConfirm, Comment: comment})
			return err
		})
	})
	c.Flags().StringVar(&comment, "comment", "", "comment for the device's history of commits (Junos)")
	return c
}
