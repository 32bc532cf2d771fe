package commit

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/netconf"
	"dialtone/netconf/simdev"
)

// crowd is many devices, one of which misbehaves.
type crowd struct {
	devs map[string]*simdev.Device
	ctx  context.Context
	wg   sync.WaitGroup
}

func (c *crowd) Dial(_ context.Context, t link.Target, _ link.Asker, _ func(link.Stage)) (*link.Link, error) {
	ours, theirs := net.Pipe()
	c.wg.Add(1)
	go func() { // ends with the pipe or the crowd
		defer c.wg.Done()
		_ = c.devs[t.Name].Serve(c.ctx, theirs, "admin")
	}()
	return &link.Link{ReadWriteCloser: ours, Peer: link.Peer{Via: link.SSH, HostKey: t.Name}}, nil
}

// Of 50 sessions one misbehaves in each of the ways in which a device can.
// The commits of the other 49 all succeed, and hardly slower.
func TestOneOfFiftyMisbehavesAndTheOthersCommit(t *testing.T) {
	t.Parallel()
	const good = 49
	ctx, cancel := context.WithCancel(context.Background())
	c := &crowd{devs: map[string]*simdev.Device{"bad": simdev.New(simdev.Options{Name: "bad"})}, ctx: ctx}
	for i := range good {
		name := fmt.Sprint("r", i)
		c.devs[name] = simdev.New(simdev.Options{Name: name, Dialect: []simdev.Dialect{simdev.RFC, simdev.Junos}[i%2]})
	}
	control, _ := New(Options{Dir: t.TempDir()})
	m := conn.NewManager(conn.Options{Dialer: c, Watch: control})
	control.Bind(m)
	t.Cleanup(func() {
		m.Close(ctx)
		cancel()
		c.wg.Wait()
	})
	ids := map[string]conn.SessionID{}
	for name := range c.devs {
		ids[name] = m.Connect(link.Target{Name: name, Via: link.SSH, Host: name, User: "admin"})
	}
	open := func(name string) {
		t.Helper()
		for limit := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			d, _ := m.Device(ids[name])
			if d.State == conn.Lost {
				_ = m.Reconnect(d.ID)
			}
			if d.State == conn.Open {
				return
			}
			if time.Now().After(limit) {
				t.Fatalf("%s is %v: %v", name, d.State, d.Err)
			}
		}
	}
	for name := range ids {
		open(name)
	}
	round := func(n int) (worst time.Duration) {
		t.Helper()
		took := make([]time.Duration, good)
		var wg sync.WaitGroup
		for i := range good {
			wg.Add(1)
			go func() { // ends with its commits
				defer wg.Done()
				start := time.Now()
				if err := lifeOf(control, m, ids[fmt.Sprint("r", i)], i%2 == 1, n); err != nil {
					t.Errorf("r%d: %v", i, err)
				}
				took[i] = time.Since(start)
			}()
		}
		wg.Wait()
		slices.Sort(took)
		return took[good*99/100]
	}
	var calm time.Duration // the worst of as many rounds
	for n := range 10 {
		calm = max(calm, round(-n))
	}
	var worst time.Duration
	for n, f := range []simdev.Faults{
		{LoseReply: true}, {Silent: true}, {CutAfter: 50}, {BytesPerSec: 1}, {WrongID: true}, {Errors: 1},
		{CommitError: true}, {KeepOnLoss: true, LoseReply: true}, {Frame10After: true}, {Unclosed: true},
	} {
		open("bad")
		c.devs["bad"].SetFaults(f)
		r, err := netconf.Classify([]byte(`<commit><confirmed/><persist>b</persist></commit>`), netconf.Caps{})
		if err != nil {
			t.Fatal(err)
		}
		x, err := m.Send(ids["bad"], r)
		if err != nil {
			t.Fatal(err)
		}
		worst = max(worst, round(n+1))
		m.Stop(x.ID)
		<-x.Done()
		c.devs["bad"].SetFaults(simdev.Faults{})
		m.Disconnect(ids["bad"])
		ids["bad"] = m.Connect(link.Target{Name: "bad", Via: link.SSH, Host: "bad", User: "admin"})
	}
	t.Logf("p99 of a life: %v alone, %v beside a device that misbehaves", calm, worst)
	if worst > 2*calm+5*time.Second { // on a machine that does other things too
		t.Errorf("%v alone, %v beside a device that misbehaves", calm, worst)
	}
}

// lifeOf edits, commits with a time limit and confirms.
func lifeOf(c *Control, m *conn.Manager, id conn.SessionID, junos bool, n int) error {
	body := rfcEdit
	if junos {
		body = junosEdit
	}
	r, err := netconf.Classify([]byte(fmt.Sprintf("%s<!-- %d -->", body, n)), netconf.Caps{})
	if err != nil {
		return err
	}
	x, err := m.Send(id, r)
	if err != nil {
		return err
	}
	<-x.Done()
	for _, o := range []Order{{Do: DoCommit, Confirmed: true, Timeout: time.Minute}, {Do: DoConfirm}} {
		p, err := c.Plan(id, o)
		if err != nil {
			return err
		}
		if rep := c.Run(context.Background(), p, nil); rep.Verdict != Done {
			return fmt.Errorf("%s: %s", o.Do, rep.Words)
		}
	}
	return nil
}
