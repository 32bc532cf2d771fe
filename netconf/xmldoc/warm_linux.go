package xmldoc

import (
	"sync"
	"sync/atomic"
	"syscall"
)

// warmer has the kernel prepare memory before it is written to.
type warmer struct {
	busy    atomic.Bool
	refused atomic.Bool // this kernel cannot do it
	running sync.WaitGroup
}

// warm starts preparing b, which must be in use as memory, and reports whether
// it did: it does one piece at a time. The goroutine ends with that piece, which
// is a matter of milliseconds, and release waits for it.
func (w *warmer) warm(b []byte) bool {
	if w.refused.Load() || !w.busy.CompareAndSwap(false, true) {
		return false
	}
	w.running.Add(1)
	go func() {
		const populateWrite = 23 // MADV_POPULATE_WRITE
		if syscall.Madvise(b, populateWrite) != nil {
			w.refused.Store(true)
		}
		w.busy.Store(false)
		w.running.Done()
	}()
	return true
}

// cool waits until no memory is being prepared.
func (w *warmer) cool() { w.running.Wait() }
