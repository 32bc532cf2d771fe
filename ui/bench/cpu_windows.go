package main

import (
	"time"

	"golang.org/x/sys/windows"
)

// cpu is the processor time of this process so far.
func cpu() time.Duration {
	var born, ended, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(windows.CurrentProcess(), &born, &ended, &kernel, &user); err != nil {
		return 0
	}
	hundreds := func(t windows.Filetime) int64 { return int64(t.HighDateTime)<<32 | int64(t.LowDateTime) }
	return time.Duration(100 * (hundreds(kernel) + hundreds(user)))
}
