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
)

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	go func() { // ends with the process
		cancel(cli.SignalOf(<-signals))
		os.Exit(cli.SignalOf(<-signals).Code) // whoever asks twice means it
	}()
	os.Exit(cli.Run(ctx, cli.Env{Dialer: dialer, Interface: app.Run}))
}

// dialer is how this program dials: over SSH.
func dialer(s cli.DialerSpec) link.Dialer {
	return dial.New(dial.Options{Hosts: s.Hosts, Vault: s.Vault, Lookup: s.Lookup, SSHConfig: s.SSHConfig, Waiting: s.Waiting})
}
