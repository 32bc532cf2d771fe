package xmldoc

import (
	"math/bits"
	"os"
	"syscall"
	"unsafe"
)

// Address ranges asked for: 4 GiB, 16 GiB when so much is expected, 512 MiB where
// an address has 32 bits. They cost no memory until they are written to.
const (
	reserveUsual = int(uint64(512<<20) << (uint(bits.UintSize/64) * 3))
	reserveMax   = int(uint64(512<<20) << (uint(bits.UintSize/64) * 5))
)

// Values of the Windows memory interface.
const (
	memCommit     = 0x1000
	memReserve    = 0x2000
	memRelease    = 0x8000
	pageNoAccess  = 0x01
	pageReadWrite = 0x04
)

// region is a range of addresses of which a growing front part may be used.
type region struct {
	all  []byte
	base unsafe.Pointer
	warmer
}

func reserve(size int) (*region, error) {
	base, err := virtual("VirtualAlloc", 0, uintptr(size), memReserve, pageNoAccess)
	if err != nil {
		return nil, err
	}
	return &region{all: unsafe.Slice((*byte)(base), size), base: base}, nil
}

// commit makes bytes from..to usable; both are multiples of a page.
func (r *region) commit(from, to int) error {
	at := uintptr(unsafe.Pointer(&r.all[from]))
	_, err := virtual("VirtualAlloc", at, uintptr(to-from), memCommit, pageReadWrite)
	return err
}

// spill is commit here: everything stays in memory.
func (r *region) spill(_ string, from, to int) error { return r.commit(from, to) }

func (r *region) forget(int, int) {}

func (r *region) release() error {
	_, err := virtual("VirtualFree", uintptr(r.base), 0, memRelease)
	return err
}

// virtual calls one of the two functions for address ranges; both return 0 when
// they fail. The addresses are not those of Go objects.
func virtual(name string, args ...uintptr) (unsafe.Pointer, error) {
	p, _, err := syscall.NewLazyDLL("kernel32.dll").NewProc(name).Call(args...)
	if p == 0 {
		return nil, os.NewSyscallError(name, err)
	}
	return *(*unsafe.Pointer)(unsafe.Pointer(&p)), nil
}
