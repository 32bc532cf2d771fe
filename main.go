// Dialtone opens NETCONF sessions with routers, in the terminal.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"dialtone/conn/dial"
	"dialtone/conn/link"
	"dialtone/ui/app"
	"dialtone/ui/cli"
	"dialtone/ui/term"
)

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	rescue := term.Rescue(os.Stdin, os.Stdout)
	go func() { // ends with the process
		cancel(cli.SignalOf(<-signals))
		second := cli.SignalOf(<-signals) // whoever asks twice means it
		rescue()
		os.Exit(second.Code)
	}()
	os.Exit(cli.Run(ctx, cli.Env{Dialer: dialer, Interface: app.Run}))
}

// dialer is how this program dials: over SSH.
func dialer(s cli.DialerSpec) link.Dialer {
	return dial.New(dial.Options{Hosts: s.Hosts, Vault: s.Vault, Lookup: s.Lookup, SSHConfig: s.SSHConfig, Waiting: s.Waiting})
}
