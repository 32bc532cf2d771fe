package commit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"dialtone/conn"
	"dialtone/netconf"
	"dialtone/netconf/simdev"
)

// runs is how many random lives are tried: 300, or what DIALTONE_FAULTS says.
func runs(t *testing.T) int {
	t.Helper()
	if n, err := strconv.Atoi(os.Getenv("DIALTONE_FAULTS")); err == nil && n > 0 {
		return n
	}
	if testing.Short() {
		return 50
	}
	return 300
}

// TestRandomFaults lets confirmed commits meet random faults and compares what
// is said with what the simulated device really did.
func TestRandomFaults(t *testing.T) {
	t.Parallel()
	for seed := range runs(t) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(uint64(seed), 7))
			g := &game{t: t, rnd: rnd, persist: rnd.IntN(2) == 0, odd: simdev.Faults{}}
			switch rnd.IntN(8) {
			case 0:
				g.odd.KeepOnLoss = true
			case 1:
				g.odd.NoTimeout = true
			case 2:
				g.odd.PlainConfirms = true
			}
			dialect := simdev.RFC
			if seed%3 == 2 {
				dialect, g.persist = simdev.Junos, false
			}
			g.l = newLab(t, simdev.Options{Dialect: dialect, Faults: g.odd})
			g.play()
		})
	}
}

// game is one life of a confirmed commit.
type game struct {
	t       *testing.T
	rnd     *rand.Rand
	l       *lab
	persist bool
	odd     simdev.Faults // the device's own, for good
	wait    time.Duration
	asked   int // commits, confirmations and cancellations that the person wanted
	tale    []string
}

func (g *game) note(format string, args ...any) {
	g.tale = append(g.tale, fmt.Sprintf(format, args...))
}

func (g *game) fail(format string, args ...any) {
	g.t.Helper()
	g.t.Errorf("%s\nafter %s", fmt.Sprintf(format, args...), strings.Join(g.tale, ", "))
}

func (g *game) play() {
	l := g.l
	l.edit()
	g.wait = time.Duration(1+g.rnd.IntN(20)) * time.Minute
	g.send(Order{Do: DoCommit, Confirmed: true, Persist: g.persist, Timeout: g.wait}, true)
	for range 1 + g.rnd.IntN(4) {
		g.disturb()
		g.check()
	}
	switch g.rnd.IntN(4) {
	case 0:
		g.send(Order{Do: DoConfirm}, false)
	case 1:
		g.send(Order{Do: DoCancel}, false)
	}
	g.disturb()
	g.check()
	if g.rnd.IntN(2) == 0 {
		g.note("the time is over")
		l.pass(g.wait + 2*time.Minute)
	}
	g.check()
	l.stop()
	l.start()
	g.note("restart")
	g.check()
	if n := strings.Count(l.text(), "<commit") + strings.Count(l.text(), "<cancel-commit"); n > g.asked {
		g.fail("%d commits and the like were sent, the person wanted %d", n, g.asked)
	}
}

// alive connects again when the link is gone.
func (g *game) alive() {
	d, _ := g.l.m.Device(g.l.id)
	if d.State != conn.Open {
		g.l.until("an end", func(d conn.Device) bool { return d.State == conn.Lost || d.State == conn.Closed })
		g.l.gone()
		g.l.again()
		g.note("reconnected")
	}
}

// send runs an order with a fault, or without.
func (g *game) send(o Order, always bool) {
	g.alive()
	p, err := g.l.c.Plan(g.l.id, o)
	if err != nil {
		if always {
			g.fail("%s: %v", o.Do, err)
		}
		return
	}
	g.asked++
	name := p.Steps[len(p.Steps)-1].Request.Name
	f := g.odd
	ctx, cancel := context.WithCancel(g.l.ctx)
	defer cancel()
	kind := g.rnd.IntN(5)
	switch kind {
	case 0:
		f.LoseReply, f.Only = true, []string{name}
	case 1:
		f.Silent, f.Only = true, []string{name}
	case 2:
		f.CommitError = true
	}
	g.note("%s fault %d", o.Do, kind)
	g.l.dev.SetFaults(f)
	if kind == 1 {
		before, _, _ := g.l.dev.Pending()
		go func() { // ends when the device has done it, or soon after
			limit := time.Now().Add(2 * time.Second)
			for time.Now().Before(limit) && ctx.Err() == nil {
				if now, _, ok := g.l.dev.Pending(); ok != (!before.IsZero()) || !now.Equal(before) {
					break
				}
				time.Sleep(100 * time.Microsecond) // the device gives no event
			}
			cancel()
		}()
	}
	r := g.l.c.Run(ctx, p, nil)
	g.note("-> %d", r.Verdict)
	g.l.dev.SetFaults(g.odd)
	if kind <= 1 && r.Verdict != OutcomeUnknown {
		g.fail("%s without an answer is %d: %s", o.Do, r.Verdict, r.Words)
	}
	if kind == 0 {
		g.l.until("lost", func(d conn.Device) bool { return d.State == conn.Lost })
		g.l.gone()
	}
}

// disturb lets something happen.
func (g *game) disturb() {
	l := g.l
	switch g.rnd.IntN(7) {
	case 0:
		g.note("link cut")
		g.alive()
		l.lose()
	case 1:
		g.note("killed")
		l.stop()
		l.clock.advance(time.Duration(g.rnd.Int64N(int64(g.wait / 2))))
		l.dev.Tick()
		l.start()
	case 2:
		d := time.Duration(g.rnd.IntN(7200)-3600) * time.Second
		g.note("clock set by %v", d)
		l.clock.set(d)
	case 3, 4:
		d := time.Duration(g.rnd.Int64N(int64(g.wait)))
		g.note("%v pass", d)
		l.pass(d)
	case 5:
		g.note("reads")
		g.alive()
		l.send(`<get-config><source><running/></source></get-config>`)
	}
}

// check compares what is said with what is.
func (g *game) check() {
	g.alive()
	l := g.l
	deadline, token, waits := l.dev.Pending()
	st := l.c.State(l.id)
	if waits {
		if st.Pending == nil || st.Pending.PersistID != token || len(l.c.Pendings()) == 0 {
			g.fail("a commit waits and is not listed: %+v", st.Pending)
			return
		}
		if left := deadline.Sub(l.clock.real()); st.Left > left || left-st.Left > time.Second {
			g.fail("left %v is said, %v is true", st.Left, left)
		}
	}
	listed, unknown := st.Pending != nil, st.Unknown != ""
	f, err := l.c.Verify(l.ctx, l.id)
	if err != nil {
		g.fail("verify: %v", err)
		return
	}
	g.note("found %d", f.Verdict)
	applied := contains(l.dev.Config(netconf.Running), "VALUE")
	switch f.Verdict {
	case RolledBack:
		if applied || waits {
			g.fail("rolled back is said, applied %v, waits %v", applied, waits)
		}
	case StillApplied:
		if !applied {
			g.fail("still applied is said, and it is not")
		}
		if f.Over && waits {
			g.fail("over is said, and a roll-back waits")
		}
	case NothingToTell:
		if listed || unknown || waits {
			g.fail("nothing to tell is said: listed %v, unknown %v, waits %v", listed, unknown, waits)
		}
	default:
		g.fail("%d is said: %s", f.Verdict, f.Words)
	}
	if waits && !f.Over && len(l.files()) == 0 {
		g.fail("a commit waits and its note is gone")
	}
}
