package conn

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"dialtone/netconf"
	"dialtone/netconf/simdev"
)

// BenchmarkSend is one small request on an open session, with its events.
func BenchmarkSend(b *testing.B) {
	m, ids := openMany(b, 1)
	r := netconf.Request{Name: "get-config", Body: []byte(`<get-config><source><running/></source><filter><nothing/></filter></get-config>`)}
	events := m.Events()
	b.ReportAllocs()
	for b.Loop() {
		x, err := m.Send(ids[0], r)
		if err != nil {
			b.Fatal(err)
		}
		for {
			if _, done, _ := x.Snapshot(); done {
				break
			}
			<-events
		}
	}
}

// BenchmarkIdleSession reports what an idle session costs on our side and, over
// a pipe, on that of the simulated device too.
func BenchmarkIdleSession(b *testing.B) {
	const n = 1000
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		goroutines := runtime.NumGoroutine()
		m, _ := openMany(b, n)
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapInuse+after.StackInuse-before.HeapInuse-before.StackInuse)/n/1024, "KiB/session")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/n, "goroutines/session")
		start := time.Now()
		m.Devices()
		b.ReportMetric(float64(time.Since(start).Microseconds()), "µs/Devices")
	}
}

func openMany(b *testing.B, n int) (*Manager, []SessionID) {
	b.Helper()
	l := newLab(b, map[string]*simdev.Device{"r": rfc(simdev.Faults{})})
	m := NewManager(Options{Dialer: l})
	b.Cleanup(func() { m.Close(context.Background()) })
	ids := make([]SessionID, n)
	for i := range ids {
		t := target("r")
		t.Name = fmt.Sprint("r", i)
		ids[i] = m.Connect(t)
	}
	for _, id := range ids {
		for {
			if d, _ := m.Device(id); d.State == Open {
				break
			}
			<-m.Events()
		}
	}
	return m, ids
}
