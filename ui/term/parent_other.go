//go:build unix && !linux

package term

// parent is not known here: a program that a script started does not stop.
func parent(int) (ppid int, ok bool) { return 0, false }
