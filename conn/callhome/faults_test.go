package callhome

import (
	"strings"
	"testing"
)

// TestATurnedAwayCallerIsToldWhyAndForHowLong: one word is no reason for the
// person who waits for a device.
func TestATurnedAwayCallerIsToldWhyAndForHowLong(t *testing.T) {
	t.Parallel()
	for refusal, want := range map[string][]string{
		penalised: {"penalised for what its address did before", "within ten minutes"},
		blocked:   {"blocked by a person", "ends with the program"},
		"full":    {"caller turned away: full"},
	} {
		for _, w := range want {
			if got := Busy(refusal).Error(); !strings.Contains(got, w) {
				t.Errorf("%s: %s", refusal, got)
			}
		}
	}
	head := "MSG-ID: DEVICE-CONN-INFO\r\nMSG-VER: V1\r\nDEVICE-ID: a\r\n"
	_, _, err := greet(t, head+strings.Repeat("X: y\r\n", 40), 100)
	if codeOf(err) != "PRE-BIG" || !strings.Contains(err.Error(), "32 headers") {
		t.Errorf("too many headers: %v", err)
	}
}
