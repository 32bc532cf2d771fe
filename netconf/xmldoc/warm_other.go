//go:build !linux

package xmldoc

// warmer does nothing: memory cannot be prepared here.
type warmer struct{}

func (*warmer) warm([]byte, int, int) bool { return false }

func (*warmer) cool() {}
