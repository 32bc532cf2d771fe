package main

import (
	"fmt"
	"sort"
	"time"
)

// The rows about devices that call. The fake devices are one process, the
// program that takes their calls is another: ours is the desk with its manager,
// the yardstick accepts and makes plain x/crypto/ssh clients.

// calledIn starts a process that takes the calls of n devices, and those, and
// returns when all have a session.
func calledIn(how string, n, abreast int) (taker *child, stop func(), err error) {
	if taker, err = startChild("-role", "call-taker", "-how", how, "-size", fmt.Sprint(n)); err != nil {
		return nil, nil, err
	}
	stop = taker.stop
	if taker.addr, err = taker.hear(); err == nil {
		var devices *child
		if devices, err = startChild("-role", "callers", "-addr", taker.addr, "-size", fmt.Sprint(n), "-how", calls{abreast: abreast}.String()); err == nil {
			stop = func() { taker.stop(); devices.stop() }
			if _, err = devices.hear(); err == nil {
				_, err = devices.say("call")
			}
		}
	}
	if err == nil {
		_, err = taker.say("all")
	}
	if err != nil {
		stop()
		return nil, nil, err
	}
	return taker, stop, nil
}

// gathering is what one run of taking n calls showed.
type gathering struct {
	took     time.Duration // from the first call to the last hello
	kb       float64       // of memory for each idle session, when it was asked for
	placed   int           // calls that the devices made
	p50, p99 time.Duration // what one device waited from its call to our hello
}

// calls is how devices call: each at its time within spread, at most abreast at
// once, over a path with far of round trip time.
type calls struct {
	abreast     int
	spread, far time.Duration
}

func (c calls) String() string { return fmt.Sprint(c.abreast, int64(c.spread), int64(c.far)) }

// gather has n devices call and waits until all have a session. Only with weigh
// it takes the time to read what they hold of memory.
func gather(how string, n int, c calls, weigh bool) (g gathering, err error) {
	taker, err := startChild("-role", "call-taker", "-how", how, "-size", fmt.Sprint(n))
	if err != nil {
		return g, err
	}
	defer taker.stop()
	addr, err := taker.hear()
	if err != nil {
		return g, err
	}
	devices, err := startChild("-role", "callers", "-addr", addr, "-size", fmt.Sprint(n), "-how", c.String())
	if err != nil {
		return g, err
	}
	defer devices.stop()
	if _, err := devices.hear(); err != nil {
		return g, err
	}
	var before, after float64
	if weigh {
		if before, err = taker.number("memory"); err != nil {
			return g, err
		}
	}
	start := time.Now()
	if _, err := devices.say("call"); err != nil {
		return g, err
	}
	if _, err := taker.say("all"); err != nil {
		return g, err
	}
	g.took = time.Since(start)
	if weigh {
		if after, err = taker.number("memory"); err != nil {
			return g, err
		}
		g.kb = (after - before) / float64(n)
	}
	said, err := devices.say("placed")
	if err != nil {
		return g, err
	}
	_, err = fmt.Sscan(said, &g.placed, &g.p50, &g.p99)
	return g, err
}

func medianOf(fs []float64) float64 {
	sort.Float64s(fs)
	return fs[len(fs)/2]
}

// weighRow measures the memory of idle sessions of devices that call.
func weighRow(rounds, sessions int) ([]row, error) {
	var ours, bare []float64
	for range rounds {
		a, err := gather("ours", sessions, calls{abreast: 16}, true)
		if err != nil {
			return nil, fmt.Errorf("ours: %w", err)
		}
		b, err := gather("bare", sessions, calls{abreast: 16}, true)
		if err != nil {
			return nil, fmt.Errorf("yardstick: %w", err)
		}
		ours, bare = append(ours, a.kb), append(bare, b.kb)
	}
	a, b := medianOf(ours), medianOf(bare)
	return []row{{fmt.Sprintf("callers: memory of one of %d idle sessions", sessions), fmt.Sprintf("%.1f KB", a), fmt.Sprintf("%.1f KB", b), a / b, 0.9}}, nil
}

// arriveRows measures how fast devices that call have a session: one after the
// other, and all at once.
func arriveRows(rounds int) ([]row, error) {
	atOnce := calls{abreast: 500}
	var again int
	var storms []gathering
	run := func(how string, n int, c calls) func() (time.Duration, error) {
		return func() (time.Duration, error) {
			g, err := gather(how, n, c, false)
			if how == "ours" {
				again += g.placed - n
				if c == atOnce {
					storms = append(storms, g)
				}
			}
			return g.took, err
		}
	}
	var rows []row
	for _, m := range []struct {
		what  string
		n     int
		how   calls
		limit float64
	}{
		{"2000 set up to hello done, 8 at once", 2000, calls{abreast: 8}, 1 / 0.9},
		{"500 within a second", 500, calls{abreast: 500, spread: time.Second}, 1.25},
		{"500 within a second, 50 ms away", 500, calls{abreast: 500, spread: time.Second, far: 50 * time.Millisecond}, 1.25},
		{"500 at once", 500, atOnce, 1.25},
	} {
		a, b, err := alternate(rounds, run("ours", m.n, m.how), run("bare", m.n, m.how))
		if err != nil {
			return nil, err
		}
		rows = append(rows, ratioRow("callers: "+m.what, a, b, m.limit))
	}
	if again > 0 {
		return nil, fmt.Errorf("%d devices had to call again", again)
	}
	sort.Slice(storms, func(i, j int) bool { return storms[i].p99*storms[j].p50 < storms[j].p99*storms[i].p50 })
	w := storms[len(storms)/2]
	return append(rows, ratioRow("callers: the same, p99 of a set-up beside its p50", w.p99, w.p50, 5)), nil
}

// floodRows has strangers connect 10,000 times a second while 20 devices work.
func floodRows(length time.Duration) ([]row, error) {
	const working = 20
	taker, stop, err := calledIn("ours", working, 8)
	if err != nil {
		return nil, err
	}
	defer stop()
	before, err := taker.number("resident")
	if err != nil {
		return nil, err
	}
	calm, err := taker.number("work 2s")
	if err != nil {
		return nil, err
	}
	strangers, err := startChild("-role", "strangers", "-addr", taker.addr, "-how", length.String())
	if err != nil {
		return nil, err
	}
	defer strangers.stop()
	busy, err := taker.number("work " + length.String())
	if err != nil {
		return nil, err
	}
	made, err := strangers.number("made")
	if err != nil {
		return nil, err
	}
	peak, err := taker.number("peak")
	if err != nil {
		return nil, err
	}
	lost, err := taker.number("lost")
	if err != nil {
		return nil, err
	}
	if lost > 0 {
		return nil, fmt.Errorf("the flood cost %v sessions", lost)
	}
	grown := (peak - before) / 1024
	return []row{
		{fmt.Sprintf("callers: flood of %.0f connects a second, memory", made/length.Seconds()), fmt.Sprintf("+%.1f MiB", grown), "64 MiB", grown / 64, 1},
		{"callers: p99 of the answers of 20 sessions, added", fmt.Sprintf("%.1f ms", busy-calm), "100 ms", (busy - calm) / 100, 1},
	}, nil
}

// dripRow has n strangers drip as how says on what the arguments of taker start.
func dripRow(name, how string, n int, limit time.Duration, taker ...string) (row, error) {
	t, err := startChild(taker...)
	if err != nil {
		return row{}, err
	}
	defer t.stop()
	addr, err := t.hear()
	if err != nil {
		return row{}, err
	}
	strangers, err := startChild("-role", "strangers", "-addr", addr, "-how", "drip-"+how, "-size", fmt.Sprint(n))
	if err != nil {
		return row{}, err
	}
	defer strangers.stop()
	s, err := strangers.say("longest")
	if err != nil {
		return row{}, err
	}
	longest, err := time.ParseDuration(s)
	return ratioRow(fmt.Sprintf(name, n), longest, limit, 1), err
}
