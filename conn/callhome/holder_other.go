//go:build !linux

package callhome

func holder(string) string { return "another program" }
