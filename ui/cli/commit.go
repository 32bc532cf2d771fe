package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dialtone/conn"
	"dialtone/conn/commit"
	"dialtone/netconf"
	"dialtone/ui/safe"
)

// commitFlags are those of commit alone.
type commitFlags struct {
	targetFlags
	check     bool
	confirmed time.Duration
	comment   string
	at        string
	sync      bool
	wait      bool
}

func (a *app) commitCommand() *cobra.Command {
	var f commitFlags
	c := a.changeCommand(&cobra.Command{
		Use:   "commit TARGET",
		Short: "Make the candidate the running configuration",
		Long: `Commits the candidate configuration of a device.

With --confirmed the device goes back by itself unless the commit is confirmed in
time: by "dialtone confirm TARGET", from any shell. This needs a device that
keeps a confirmed commit when the session ends (persist-id, or Junos). On another
one --wait keeps the session open and asks.

A confirmed commit is noted in the state directory before it is sent and stays
noted until it is known to be over. Nothing is ever confirmed by itself, or sent
a second time.

Exit codes: 0 done. 1 the device refused it. 2 wrong usage, or refused before
anything was sent. 3 no connection, trust or login. 5 outcome unknown: it was sent
and not answered; "dialtone confirm TARGET --verify" reads running and says.`,
		Example: `  dialtone commit core-r1 --check
  dialtone commit core-r1 --confirmed 5m --comment "new uplink"
  dialtone confirm core-r1`,
		Args: cobra.MaximumNArgs(1),
	}, &f.targetFlags, func(c *cobra.Command, args []string) error { return a.commit(c, &f, args) })
	c.Flags().BoolVar(&f.check, "check", false, "let the device check the candidate and commit nothing")
	c.Flags().DurationVar(&f.confirmed, "confirmed", 0, "roll back unless confirmed within this time, such as 5m")
	c.Flags().StringVar(&f.comment, "comment", "", "comment for the device's history of commits (Junos)")
	c.Flags().StringVar(&f.at, "at", "", "let the device commit at this time, such as 20:00 or \"2031-01-31 02:00\", or at the next reboot (Junos)")
	c.Flags().BoolVar(&f.sync, "synchronize", false, "commit on all routing engines (Junos)")
	c.Flags().BoolVar(&f.wait, "wait", false, "keep the session open and ask whether to confirm")
	return c
}

func (a *app) commit(c *cobra.Command, f *commitFlags, args []string) error {
	confirmed := c.Flags().Changed("confirmed")
	switch {
	case confirmed && f.confirmed <= 0:
		return usagef(c, "--confirmed must be a time such as 5m")
	case f.wait && !confirmed:
		return usagef(c, "--wait needs --confirmed")
	case f.check && (confirmed || f.comment != "" || f.at != "" || f.sync):
		return usagef(c, "--check commits nothing: leave out --confirmed, --comment, --at and --synchronize")
	case f.at != "" && confirmed:
		return usagef(c, "--at and --confirmed exclude each other")
	}
	return a.changing(c, &f.targetFlags, args, !f.check, func(ch *change) error {
		o := commit.Order{Do: commit.DoCommit, Check: f.check, Comment: f.comment, Confirmed: confirmed, Timeout: f.confirmed, At: f.at, Sync: f.sync}
		if confirmed {
			switch {
			case f.wait:
				if err := ch.askable(); err != nil {
					return err
				}
			case commit.ModeOf(ch.d.Caps) == commit.Junos:
			case ch.d.Caps.Has("confirmed-commit:1.1"):
				o.Persist = true
			case ch.d.Caps.Has("confirmed-commit"):
				return with(ExitUsage, fault("COMMIT-PERSIST", "this device rolls a confirmed commit back when the session ends, and the session of this command ends at once",
					"Nothing was sent", "Use --wait, which keeps the session open and asks"))
			}
		}
		if _, err := ch.order(o); err != nil {
			return err
		}
		switch {
		case f.wait:
			return ch.ask()
		case confirmed:
			a.confirmHint(ch.d.Target.Name)
		}
		return nil
	})
}

// confirmHint names the commands that settle a confirmed commit.
func (a *app) confirmHint(target string) {
	a.note("Confirm with: dialtone confirm %s. Roll back with: dialtone cancel %s.", safe.Text(target), safe.Text(target))
}

// askable fails when there is nobody to ask, before anything is sent.
func (ch *change) askable() error {
	ch.person.mu.Lock()
	defer ch.person.mu.Unlock()
	if ch.person.open("the confirmation", "Leave --wait out where the device keeps a confirmed commit") == nil {
		return with(ExitUsage, fault("TTY-NONE", "--wait needs a terminal to ask on", "Nothing was sent", ""))
	}
	return nil
}

// ask waits for the person's word while the device counts.
func (ch *change) ask() error {
	st := ch.control.State(ch.d.ID)
	if st.Pending == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ch.ctx, st.Left)
	defer cancel()
	defer ch.m.Watch(func(d conn.Device) { // a question that nobody can act on is taken back
		if d.ID == ch.d.ID && d.State != conn.Open {
			cancel()
		}
	})()
	for {
		answer, err := ch.question(ctx, fmt.Sprintf("Rolls back in %s. confirm, or cancel to roll back now: ", commit.Countdown(ch.control.State(ch.d.ID).Left)))
		if err != nil {
			break
		}
		switch strings.ToLower(strings.TrimSpace(answer)) {
		case "confirm":
			_, err := ch.order(commit.Order{Do: commit.DoConfirm})
			return err
		case "cancel":
			return ch.cancel()
		}
	}
	if ch.ctx.Err() != nil {
		return ch.ctx.Err()
	}
	if d, _ := ch.m.Device(ch.d.ID); d.State != conn.Open {
		return with(ExitUnknown, fault("COMMIT-LOST", "the session was lost before the commit was confirmed. "+strings.TrimSuffix(ch.control.State(ch.d.ID).Note, "."), "It stays noted", "Look with: dialtone confirm "+ch.d.Target.Name+" --verify"))
	}
	return with(ExitRPCError, fault("COMMIT-EXPIRED", "the time is over and the commit was not confirmed: the device should have rolled back", "It stays noted", "Look with: dialtone confirm "+ch.d.Target.Name+" --verify"))
}

func (ch *change) question(ctx context.Context, prompt string) (string, error) {
	ch.person.mu.Lock()
	defer ch.person.mu.Unlock()
	t := ch.person.open("the confirmation", "")
	if t == nil {
		return "", context.Canceled
	}
	b, err := ch.person.line(ctx, t, prompt, true)
	return string(b), err
}

// source reads the name of a configuration: running, candidate, startup or
// rollback:N.
func source(s string) (commit.Source, bool) {
	switch ds := netconf.Datastore(s); ds {
	case netconf.Running, netconf.Candidate, netconf.Startup:
		return commit.Source{Store: ds}, true
	}
	var n int
	rest, ok := strings.CutPrefix(s, "rollback:")
	if !ok {
		return commit.Source{}, false
	}
	if _, err := fmt.Sscanf(rest, "%d", &n); err != nil || fmt.Sprint(n) != rest {
		return commit.Source{}, false
	}
	return commit.Source{Rollback: n}, true
}
