//go:build linux || darwin

package xmldoc

import (
	"errors"
	"math/bits"
	"os"
	"syscall"
)

// Address ranges asked for: 4 GiB, 16 GiB when so much is expected, 512 MiB where
// an address has 32 bits. They cost no memory until they are written to, but
// there are only 128 TiB of addresses for all documents.
const (
	reserveUsual = int(uint64(512<<20) << (uint(bits.UintSize/64) * 3))
	reserveMax   = int(uint64(512<<20) << (uint(bits.UintSize/64) * 5))
)

// hugeFrom is where large pages are asked for: they make filling a large text
// several times faster, and leave up to 2 MiB unused at its end.
const hugeFrom = 4 << 20

// region is a range of addresses of which a growing front part may be used.
type region struct {
	all     []byte
	spilled spillFile
	warmer
}

func reserve(size int) (*region, error) {
	b, err := syscall.Mmap(-1, 0, size, syscall.PROT_NONE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	advise(b[min(size, hugeFrom):])
	return &region{all: b}, nil
}

// commit makes bytes from..to usable; both are multiples of a page.
func (r *region) commit(from, to int) error {
	err := syscall.Mprotect(r.all[from:to], syscall.PROT_READ|syscall.PROT_WRITE)
	return os.NewSyscallError("mprotect", err)
}

func (r *region) release() error {
	r.cool()
	return errors.Join(os.NewSyscallError("munmap", syscall.Munmap(r.all)), r.spilled.close())
}
