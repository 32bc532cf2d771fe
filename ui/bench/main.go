// Command bench measures dialtone beside the raw limit of what it is built on,
// and prints one table: go run ./ui/bench
//
// Each figure is a ratio. Ours (A) and the yardstick (B) run in turn, A B A B,
// and the medians are compared, so a busy machine hurts both. The fake device
// is a process of its own, and so is every measured client of a large reply, whose peak
// memory then is that of one fetch.
package main

import (
	"flag"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"
)

// row is one line of the table: a ratio, and the most it may be.
type row struct {
	name  string
	ours  string
	base  string
	ratio float64
	limit float64
}

func main() {
	role := flag.String("role", "", "what a child process does; not for people")
	addr := flag.String("addr", "", "")
	pin := flag.String("pin", "", "")
	how := flag.String("how", "", "")
	framing := flag.String("framing", "1.1", "")
	size := flag.Int("size", 0, "")
	rounds := flag.Int("n", 5, "rounds of A and B")
	profile := flag.String("profile", "", "")
	only := flag.String("only", "", "measure only rows whose name holds this")
	parked := flag.Int("parked", 5000, "devices that are parked over outbound HTTPS")
	sessions := flag.Int("sessions", 5000, "idle sessions of devices that call")
	flood := flag.Duration("flood", 5*time.Second, "length of the flood on the listener")
	flag.Parse()
	var err error
	switch *role {
	case "":
		err = table(*rounds, *only, *sessions, *parked, *flood)
	case "server":
		err = serve()
	case "fetch":
		err = fetchChild(&server{addr: *addr, pin: *pin}, *how, *framing == "1.1", *size, *profile)
	case "call-taker":
		err = callTaker(*how, *size)
	case "callers":
		err = fakeCallers(*addr, *size, *how)
	case "strangers":
		err = strangers(*addr, *how, *size)
	case "https-taker":
		err = httpsTaker(*how, *pin, *size)
	case "https-devices":
		err = httpsDevices(*addr, *how, *pin, *size)
	case "minimal":
		err = minimalProgram()
	default:
		err = fmt.Errorf("no role %q", *role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func table(rounds int, only string, sessions, parked int, flood time.Duration) error {
	srv, err := startServer()
	if err != nil {
		return err
	}
	defer srv.stop()
	groups := []struct {
		name string
		run  func() ([]row, error)
	}{
		{"rpc", func() ([]row, error) { return rpcRows(srv, rounds) }},
		{"set-up", func() ([]row, error) { return setupRows(srv, rounds) }},
		{"reply", func() ([]row, error) { return replyRows(srv, rounds) }},
		{"start", func() ([]row, error) { return startRows(rounds) }},
		{"editor", func() ([]row, error) { return editorRows(rounds) }},
		{"https", func() ([]row, error) { return httpsRows(rounds, parked, flood) }},
		{"callers-memory", func() ([]row, error) { return weighRow(rounds, sessions) }},
		{"callers-arrive", func() ([]row, error) { return arriveRows(rounds) }},
		{"callers-flood", func() ([]row, error) { return floodRows(flood) }},
		{"callers-drip", func() ([]row, error) {
			r, err := dripRow("callers: %d dripping sockets, longest held", "ssh", 5000, 11*time.Second, "-role", "call-taker", "-how", "ours", "-size", "1")
			return []row{r}, err
		}},
		{"callers-keys", func() ([]row, error) { return keyRows(sessions) }},
	}
	fmt.Printf("%-52s %14s %14s %8s %8s\n", "medians of A B A B, "+fmt.Sprint(rounds)+" rounds", "ours", "yardstick", "ratio", "at most")
	over := 0
	for _, g := range groups {
		if only != "" && !strings.Contains(g.name, only) {
			continue
		}
		rows, err := g.run()
		if err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
		for _, r := range rows {
			mark := ""
			limit := "-"
			if r.limit > 0 {
				limit = fmt.Sprintf("%.2f", r.limit)
				if r.ratio > r.limit {
					mark, over = "  over", over+1
				}
			}
			fmt.Printf("%-52s %14s %14s %8.2f %8s%s\n", r.name, r.ours, r.base, r.ratio, limit, mark)
		}
	}
	fmt.Printf("%d over their limit\n", over)
	return nil
}

// median sorts ds.
func median(ds []time.Duration) time.Duration {
	sort.Slice(ds, func(i, j int) bool { return ds[i] < ds[j] })
	return ds[len(ds)/2]
}

// alternate runs a and b in turn and returns the median of each.
func alternate(rounds int, a, b func() (time.Duration, error)) (ma, mb time.Duration, err error) {
	var as, bs []time.Duration
	for range rounds {
		da, err := a()
		if err != nil {
			return 0, 0, fmt.Errorf("ours: %w", err)
		}
		db, err := b()
		if err != nil {
			return 0, 0, fmt.Errorf("yardstick: %w", err)
		}
		as, bs = append(as, da), append(bs, db)
	}
	return median(as), median(bs), nil
}

func ratioRow(name string, a, b time.Duration, limit float64) row {
	return row{name, show(a), show(b), float64(a) / float64(b), limit}
}

func show(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f µs", float64(d.Nanoseconds())/1e3)
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f ms", float64(d.Nanoseconds())/1e6)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
