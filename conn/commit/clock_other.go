//go:build !linux

package commit

import "time"

func sinceBoot() (time.Duration, bool) { return 0, false }

func bootID() string { return "" }
