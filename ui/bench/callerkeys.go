package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/creack/pty"

	"dialtone/ui"
	"dialtone/ui/screen"
)

// The row about the interface above many sessions: the process that takes the
// calls shows them, on a terminal of its own.

// keyRows measures what a key costs with so many idle sessions.
func keyRows(sessions int) ([]row, error) {
	few, err := keysWith(20)
	if err != nil {
		return nil, err
	}
	many, err := keysWith(sessions)
	if err != nil {
		return nil, err
	}
	return []row{
		{fmt.Sprintf("callers: key to frame, %d sessions shown, p99", sessions), fmt.Sprintf("%.1f ms", many.p99), "30 ms", many.p99 / 30, 1},
		{fmt.Sprintf("callers: the same, p50, beside %d", 20), fmt.Sprintf("%.1f ms", many.p50), fmt.Sprintf("%.1f ms", few.p50), many.p50 / few.p50, 1.5},
		{fmt.Sprintf("callers: CPU of a key, beside %d", 20), fmt.Sprintf("%.2f ms", many.cpu), fmt.Sprintf("%.2f ms", few.cpu), many.cpu / few.cpu, 1.5},
	}, nil
}

// pressed is what keys took, in milliseconds.
type pressed struct{ p50, p99, cpu float64 }

func keysWith(n int) (p pressed, err error) {
	taker, stop, err := calledIn("shown", n, 16)
	if err != nil {
		return p, err
	}
	defer stop()
	for _, ask := range []struct {
		what string
		into *float64
	}{{"keys", nil}, {"p50", &p.p50}, {"p99", &p.p99}, {"cpu", &p.cpu}} {
		v, err := taker.number(ask.what)
		if err != nil {
			return p, err
		}
		if ask.into != nil {
			*ask.into = v
		}
	}
	return p, nil
}

// takeShown is takeOurs with the interface on it. It answers keys, and then p50,
// p99 and cpu of them.
func takeShown(n int, open func()) (string, func(string) float64, error) {
	t, err := newTaker(n, open)
	if err != nil {
		return "", nil, err
	}
	master, slave, err := pty.Open()
	if err != nil {
		return "", nil, err
	}
	if err := pty.Setsize(master, &pty.Winsize{Rows: 60, Cols: 200}); err != nil {
		return "", nil, err
	}
	drawn := make(chan time.Time, 1)
	go func() { // ends with the process
		buf := make([]byte, 64<<10)
		for {
			if _, err := master.Read(buf); err != nil {
				return
			}
			select {
			case drawn <- time.Now():
			default:
			}
		}
	}()
	go func() { // ends with the process
		err := ui.Run(context.Background(), ui.Deps{Deps: screen.Deps{Backend: t.m, Desk: t.desk, Profiles: t.profiles}, Input: slave, Output: slave})
		fmt.Fprintln(os.Stderr, "the interface ended:", err)
		os.Exit(1)
	}()
	var p pressed
	return t.bound, func(what string) float64 {
		switch strings.TrimSpace(what) {
		case "keys":
			p = press(master, drawn)
		case "p50":
			return p.p50
		case "p99":
			return p.p99
		case "cpu":
			return p.cpu
		}
		return 0
	}, nil
}

// press has the selection go down and up, and waits for each frame. What the
// process does meanwhile for its sessions is not the keys'.
func press(keys *os.File, drawn <-chan time.Time) (p pressed) {
	const n, pause, calm = 400, 25 * time.Millisecond, 5 * time.Second
	time.Sleep(calm) // the bustle of the arrivals is over
	before := cpu()
	time.Sleep(n * pause)
	idle := cpu() - before
	var all []time.Duration
	before = cpu()
	started := time.Now()
	for i := range n {
		// At another point of the frames' beat each time.
		beat := time.Duration(i*7%17) * time.Millisecond
		time.Sleep(time.Until(started.Add(time.Duration(i)*pause + beat)))
		select {
		case <-drawn: // the clock
		default:
		}
		start := time.Now()
		keys.WriteString("jk"[i%2 : i%2+1])
		all = append(all, (<-drawn).Sub(start))
	}
	share := float64(time.Since(started)) / float64(n*pause)
	p.cpu = (ms(cpu()-before) - ms(idle)*share) / n
	slices.Sort(all)
	p.p50, p.p99 = ms(all[n/2]), ms(all[n*99/100])
	return p
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
