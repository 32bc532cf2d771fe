package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dialtone/netconf"
)

// TestTornLineIsKeptApart is security row P11: what a killed program left of its
// last line stays in the file, on a line of its own, and is in nobody's way.
func TestTornLineIsKeptApart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "2026-03-01.jsonl")
	j := Open(dir, at(noon))
	j.Append(exchange("get", "<get/>"), answered(), nil)
	j.Close()
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	torn := `{"seq":2,"time":"2026-03-01T12:00:00Z","device":"core-r1","op":"comm`
	if err := os.WriteFile(path, append(bytes.Clone(good), torn...), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		j := Open(dir, at(noon))
		j.Append(exchange("lock", fmt.Sprintf("<lock n='%d'/>", i)), answered(), nil)
		j.Close()
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(lines) != 4 || lines[0]+"\n" != string(good) || lines[1] != torn {
		t.Fatalf("%d lines: %q", len(lines), lines)
	}
	for _, l := range []string{lines[0], lines[2], lines[3]} {
		if !json.Valid([]byte(l)) {
			t.Errorf("no JSON: %q", l)
		}
	}
}

// TestOrderIsThatOfTheNumbers has entries whose clock ran backwards, doubled,
// and out of order in the file.
func TestOrderIsThatOfTheNumbers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	line := func(seq int, when string) string {
		return fmt.Sprintf(`{"seq":%d,"time":"%s","device":"r","op":"op%d","request":"<x/>","result":"ok"}`+"\n", seq, when, seq)
	}
	if err := os.WriteFile(filepath.Join(dir, "2026-03-01.jsonl"), []byte(
		line(1, "2026-03-01T12:00:00Z")+line(3, "2026-03-01T11:00:00Z")+line(2, "2026-03-01T13:00:00Z")+line(3, "2026-03-01T11:00:00Z")), 0o600); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range Open(dir, at(noon)).Recent("", 10) {
		got = append(got, e.Operation)
	}
	if want := "[op3 op3 op2 op1]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

// TestResultsAreThoseOfTheOutcome keeps the record honest: nothing that was not
// answered is called ok.
func TestResultsAreThoseOfTheOutcome(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]netconf.Outcome{
		OK:      {Result: netconf.Answered, OK: true},
		Warning: {Result: netconf.Answered, OK: true, ErrorCount: 1, Errors: []*netconf.RPCError{{Severity: "warning"}}},
		Error:   {Result: netconf.Answered},
		NotSent: {Result: netconf.NotSent, OK: true},
		Stopped: {Result: netconf.Stopped, OK: true},
		Unknown: {Result: netconf.Unknown, OK: true},
	} {
		j := Memory()
		j.Append(exchange("commit", "<commit/>"), o, nil)
		if got := j.Recent("", 1)[0].Result; got != want {
			t.Errorf("%+v is %q, want %q", o, got, want)
		}
	}
}
