package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"time"

	"dialtone/keys/cert"
)

// The rows about outbound HTTPS, where devices are gRPC clients. The yardstick is
// grpc-go with nothing on top. As with other devices that call, the devices are one
// process and the program that takes them is another.

const (
	pieceSize = 1024
	httpsBulk = 60 << 20
)

// papers are a certificate for loopback in files.
type papers struct{ dir string }

func newPapers() (papers, error) {
	p := papers{}
	var err error
	if p.dir, err = os.MkdirTemp("", "dialtone-bench"); err != nil {
		return p, err
	}
	c, k, err := cert.Make([]string{"127.0.0.1"}, cert.P256, time.Now())
	if err != nil {
		return p, err
	}
	return p, errors.Join(os.WriteFile(p.cert(), c, 0o644), os.WriteFile(p.key(), k, 0o600))
}

func (p papers) cert() string { return p.dir + "/server.crt" }
func (p papers) key() string  { return p.dir + "/server.key" }

func (p papers) load() (tls.Certificate, error) { return tls.LoadX509KeyPair(p.cert(), p.key()) }

// theatre is a program that takes devices, and its devices.
type theatre struct {
	taker, devices *child
	addr           string
	before         float64 // memory of the taker before the first device, in KB
}

// stage starts a taker and n devices that have not dialled yet.
func (p papers) stage(how, what string, n int) (t theatre, err error) {
	if t.taker, err = startChild("-role", "https-taker", "-how", how, "-pin", p.dir, "-size", fmt.Sprint(n)); err != nil {
		return t, err
	}
	if t.addr, err = t.taker.hear(); err != nil {
		return t, err
	}
	if t.devices, err = startChild("-role", "https-devices", "-how", what, "-addr", t.addr, "-pin", p.dir, "-size", fmt.Sprint(n)); err != nil {
		return t, err
	}
	if _, err = t.devices.hear(); err != nil {
		return t, err
	}
	t.before, err = t.taker.number("memory")
	return t, err
}

// all has every device dial, and waits until the taker has them.
func (t theatre) all() error {
	if _, err := t.devices.say("call"); err != nil {
		return err
	}
	_, err := t.taker.say("all")
	return err
}

func (t theatre) end() {
	if t.devices != nil {
		t.devices.stop()
	}
	if t.taker != nil {
		t.taker.stop()
	}
}

// httpsRows measures sessions over outbound HTTPS: a large reply, parked devices,
// a flood and dripping strangers.
func httpsRows(rounds, parked int, flood time.Duration) ([]row, error) {
	p, err := newPapers()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(p.dir)
	rows, err := p.replyRows(rounds)
	if err != nil {
		return nil, fmt.Errorf("reply: %w", err)
	}
	for _, more := range []func() ([]row, error){
		func() ([]row, error) { return p.parkedRows(rounds, parked) },
		func() ([]row, error) { return p.crowdRow(500) },
		func() ([]row, error) { return p.floodRows(flood) },
		func() ([]row, error) { return p.dripRows(5000) },
	} {
		r, err := more()
		if err != nil {
			return nil, err
		}
		rows = append(rows, r...)
	}
	return rows, nil
}

// replyRows compares a session that reads a large reply in small pieces with a
// stream that throws the same bytes away.
func (p papers) replyRows(rounds int) ([]row, error) {
	var wall, cpu [2][]time.Duration
	for range rounds {
		for i, how := range []string{"ours", "bare"} {
			w, c, err := p.reply(how)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", how, err)
			}
			wall[i], cpu[i] = append(wall[i], w), append(cpu[i], c)
		}
	}
	name := fmt.Sprintf("https: reply of 60 MB in pieces of %d B", pieceSize)
	return []row{
		ratioRow(name, median(wall[0]), median(wall[1]), 1.15),
		ratioRow("https: the same, processor time of both ends", median(cpu[0]), median(cpu[1]), 1.15),
	}, nil
}

// reply fetches one and returns how long it took, by the clock and by the
// processors of taker and device.
func (p papers) reply(how string) (wall, cpu time.Duration, err error) {
	t, err := p.stage(how+" reply", "reply", 1)
	defer t.end()
	if err != nil {
		return 0, 0, err
	}
	if err := t.all(); err != nil {
		return 0, 0, err
	}
	if _, err := t.taker.say("fetch"); err != nil { // to warm up
		return 0, 0, err
	}
	used := func() (d time.Duration) {
		for _, c := range []*child{t.taker, t.devices} {
			us, err2 := c.number("cpu")
			err = errors.Join(err, err2)
			d += time.Duration(us) * time.Microsecond
		}
		return d
	}
	before := used()
	us, err2 := t.taker.number("fetch")
	cpu = used() - before
	return time.Duration(us) * time.Microsecond, cpu, errors.Join(err, err2)
}

// parkedRows compares the memory of devices that wait, and times the opening of
// some of them.
func (p papers) parkedRows(rounds, n int) ([]row, error) {
	var kb [2][]float64
	var slowest []time.Duration
	for range rounds {
		for i, how := range []string{"ours park", "bare park"} {
			t, err := p.stage(how, "park", n)
			if err == nil {
				err = t.all()
			}
			var after, ms float64
			if err == nil {
				after, err = t.taker.number("memory")
			}
			if err == nil && i == 0 {
				ms, err = t.taker.number("open 100")
				slowest = append(slowest, time.Duration(ms*float64(time.Millisecond)))
			}
			t.end()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", how, err)
			}
			kb[i] = append(kb[i], (after-t.before)/float64(n))
		}
	}
	a, b := medianOf(kb[0]), medianOf(kb[1])
	return []row{
		{fmt.Sprintf("https: memory of one of %d parked devices", n), fmt.Sprintf("%.1f KB", a), fmt.Sprintf("%.1f KB", b), a / b, 1.1},
		ratioRow(fmt.Sprintf("https: slowest of 100 openings at %d parked", n), median(slowest), 50*time.Millisecond, 1),
	}, nil
}

// crowdRow has n known devices call at once, as after an outage.
func (p papers) crowdRow(n int) ([]row, error) {
	t, err := p.stage("ours park", "crowd", n)
	defer t.end()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if err := t.all(); err != nil {
		return nil, err
	}
	took := time.Since(start)
	again, err := t.devices.number("again")
	return []row{ratioRow(fmt.Sprintf("https: %d call at once, all parked (%.0f called again)", n, again), took, time.Minute, 1)}, err
}

// floodRows has strangers connect 10,000 times a second while 20 devices work and
// one more device comes.
func (p papers) floodRows(length time.Duration) ([]row, error) {
	const working = 20
	t, err := p.stage("ours work", "work", working)
	defer t.end()
	if err != nil {
		return nil, err
	}
	if err := t.all(); err != nil {
		return nil, err
	}
	calm, err := t.taker.number("work 2s")
	if err != nil {
		return nil, err
	}
	before, err := t.taker.number("memory")
	if err != nil {
		return nil, err
	}
	strangers, err := startChild("-role", "strangers", "-addr", t.addr, "-how", length.String())
	if err != nil {
		return nil, err
	}
	defer strangers.stop()
	if _, err := t.devices.say("late " + (length / 3).String()); err != nil { // while the flood runs
		return nil, err
	}
	busy, err := t.taker.number("work " + length.String())
	if err != nil {
		return nil, err
	}
	var figures [5]float64
	for i, ask := range []struct {
		who  *child
		what string
	}{{strangers, "made"}, {t.taker, "peak"}, {t.taker, "lost"}, {t.taker, "goroutines"}, {t.devices, "took"}} {
		if figures[i], err = ask.who.number(ask.what); err != nil {
			return nil, err
		}
	}
	if figures[2] > 0 {
		return nil, fmt.Errorf("the flood cost %v sessions", figures[2])
	}
	grown := (figures[1] - before) / 1024
	late := time.Duration(figures[4] * float64(time.Millisecond))
	return []row{
		{fmt.Sprintf("https: flood of %.0f connects a second, memory", figures[0]/length.Seconds()), fmt.Sprintf("+%.1f MiB", grown), "64 MiB", grown / 64, 1},
		{"https: p99 of the answers of 20 sessions, added", fmt.Sprintf("%.1f ms", busy-calm), "100 ms", (busy - calm) / 100, 1},
		{"https: goroutines at most during the flood", fmt.Sprintf("%.0f", figures[3]), "1586", figures[3] / (512*3 + 50), 1},
		ratioRow("https: a known device comes during the flood", late, 5*time.Second, 1),
	}, nil
}

// dripRows has n strangers say one byte of TLS a second, and some finish TLS first
// and drip HTTP/2.
func (p papers) dripRows(n int) ([]row, error) {
	taker := []string{"-role", "https-taker", "-how", "ours park", "-pin", p.dir, "-size", "1"}
	outside, err := dripRow("https: %d dripping sockets, longest held", "tls", n, 11*time.Second, taker...)
	if err != nil {
		return nil, err
	}
	behind, err := dripRow("https: %d that drip behind TLS, longest held", "http2", n/10, 16*time.Second, taker...)
	return []row{outside, behind}, err
}
