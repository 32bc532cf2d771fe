//go:build linux && (amd64 || arm64 || loong64 || ppc64le || riscv64)

package xmldoc

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// spillFile is the file behind the rear part of a region. It has no name, so
// that nothing is left of it whatever happens to this process.
type spillFile struct {
	file  *os.File
	start int // offset in the region of the file's first byte
}

// spill makes bytes from..to usable like commit, with a file in dir behind them
// instead of memory. The room on disk is taken at once: a full disk is an error
// here and not a fault later.
func (r *region) spill(dir string, from, to int) error {
	s := &r.spilled
	if s.file == nil {
		f, err := os.CreateTemp(dir, "reply-*")
		if err != nil {
			return fmt.Errorf("keep a large reply on disk: %w", err)
		}
		if err := os.Remove(f.Name()); err != nil {
			return errors.Join(err, f.Close())
		}
		s.file, s.start = f, from
	}
	fd := int(s.file.Fd())
	if err := syscall.Fallocate(fd, 0, int64(from-s.start), int64(to-from)); err != nil {
		return fmt.Errorf("keep a large reply on disk: %w", os.NewSyscallError("fallocate", err))
	}
	at := uintptr(unsafe.Pointer(&r.all[from]))
	_, _, errno := syscall.Syscall6(syscall.SYS_MMAP, at, uintptr(to-from),
		syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED|syscall.MAP_FIXED,
		uintptr(fd), uintptr(from-s.start))
	if errno != 0 {
		return os.NewSyscallError("mmap", errno)
	}
	r.forget(s.start, from)
	return nil
}

// forget lets go of memory in which bytes from..to of the file are held. They
// are read again when somebody looks at them.
func (r *region) forget(from, to int) {
	if to &^= os.Getpagesize() - 1; to > from {
		_ = syscall.Madvise(r.all[from:to], syscall.MADV_DONTNEED)
	}
}

func (s *spillFile) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
