package uitest

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
)

// initLimit is what the initialisation of one package may take, in ms. Some
// versions of libraries build tables for tens of milliseconds at every start.
const initLimit = 2

var initLine = regexp.MustCompile(`(?m)^init (\S+) @[0-9.]+ ms, ([0-9.]+) ms clock`)

// TestNoPackageInitIsSlow takes the best of several starts for each package, for
// a busy machine can hold up any of them.
func TestNoPackageInitIsSlow(t *testing.T) {
	t.Parallel()
	bin := program.Path(t)
	best := map[string]float64{}
	for range 7 {
		cmd := exec.Command(bin, "version")
		cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, m := range initLine.FindAllSubmatch(out, -1) {
			ms, err := strconv.ParseFloat(string(m[2]), 64)
			if err != nil {
				t.Fatal(err)
			}
			if old, seen := best[string(m[1])]; !seen || ms < old {
				best[string(m[1])] = ms
			}
		}
	}
	if len(best) < 10 {
		t.Fatalf("only %d packages told their time", len(best))
	}
	for name, ms := range best {
		if ms > initLimit {
			t.Errorf("%s takes %.1f ms to initialise, at most %d are allowed", name, ms, initLimit)
		}
	}
}
