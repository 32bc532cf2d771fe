package docview

import (
	"fmt"
	"strconv"
	"time"
)

// Number writes n with blanks between thousands: 61 204.
func Number(n int64) string {
	s := strconv.FormatInt(n, 10)
	if n < 0 {
		return s
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}

// Size writes a number of bytes for people: 612 B, 2.1 MB (10^6 bytes).
func Size(n int64) string {
	units := []string{"kB", "MB", "GB", "TB"}
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	x, u := float64(n)/1000, 0
	for x >= 999.95 && u < len(units)-1 {
		x, u = x/1000, u+1
	}
	if x >= 99.95 {
		return fmt.Sprintf("%.0f %s", x, units[u])
	}
	return fmt.Sprintf("%.1f %s", x, units[u])
}

// Took writes a duration for people: 0.2 s, 31 s, 2 min 05 s.
func Took(d time.Duration) string {
	switch {
	case d < 0:
		d = 0
	case d >= time.Minute:
		s := int(d / time.Second)
		return fmt.Sprintf("%d min %02d s", s/60, s%60)
	case d >= 10*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
