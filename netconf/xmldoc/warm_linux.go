package xmldoc

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// hugePage is the size of a large page.
const hugePage = 2 << 20

// slowPage is the processor time of a large page from which on small ones are
// better. Clearing a large page takes about 100 µs, and getting the same memory
// in small ones 800 µs. But in a virtual machine whose host has taken unused
// memory back, a large page takes 2 to 5 ms.
const slowPage = time.Millisecond

// warmer has the kernel prepare memory before it is written to.
type warmer struct {
	busy    atomic.Bool
	refused atomic.Bool // this kernel cannot do it
	running sync.WaitGroup
	small   bool // large pages were slow; belongs to the goroutine while busy
}

// warm starts preparing all[from:to], which must be in use as memory, and
// reports whether it did: it does one piece at a time. The goroutine ends with
// that piece, which is a matter of milliseconds, and release waits for it.
func (w *warmer) warm(all []byte, from, to int) bool {
	if w.refused.Load() || !w.busy.CompareAndSwap(false, true) {
		return false
	}
	w.running.Add(1)
	go func() {
		if !w.populate(all, from, to) {
			w.refused.Store(true)
		}
		w.busy.Store(false)
		w.running.Done()
	}()
	return true
}

// populate prepares one large page after the other, until one of them is slow:
// from there on all gets small ones.
func (w *warmer) populate(all []byte, from, to int) bool {
	const (
		populateWrite = 23 // MADV_POPULATE_WRITE
		noHugePages   = 15 // MADV_NOHUGEPAGE
	)
	for from < to && !w.small {
		next := min(to, (from/hugePage+1)*hugePage)
		var err error
		took := processorTime(func() { err = syscall.Madvise(all[from:next], populateWrite) })
		if err != nil {
			return false
		}
		from = next
		if took >= slowPage {
			w.small = true
			_ = syscall.Madvise(all[(next+hugePage-1)/hugePage*hugePage:], noHugePages) // slow, then
		}
	}
	return from >= to || syscall.Madvise(all[from:to], populateWrite) == nil
}

// processorTime is what f takes of a processor. Waiting for one does not count.
func processorTime(f func()) time.Duration {
	const thread = 1 // RUSAGE_THREAD
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, after syscall.Rusage
	if syscall.Getrusage(thread, &before) != nil {
		f()
		return 0
	}
	f()
	if syscall.Getrusage(thread, &after) != nil {
		return 0
	}
	return time.Duration(after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano())
}

// cool waits until no memory is being prepared.
func (w *warmer) cool() { w.running.Wait() }
