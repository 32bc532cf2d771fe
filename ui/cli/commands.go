package cli

import "github.com/spf13/cobra"

// commands lists the commands in the order of the help text.
func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		a.demoCommand(),
		a.rpcCommand(),
		a.diffCommand(),
		a.commitCommand(),
		a.confirmCommand(),
		a.cancelCommand(),
		a.rollbackCommand(),
		a.listenCommand(),
		a.simulateCommand(),
		a.profileCommand(),
		a.secretCommand(),
		a.devconfCommand(),
		a.certCommand(),
		a.versionCommand(),
		a.completionCommand(),
		a.manCommand(),
	}
}
