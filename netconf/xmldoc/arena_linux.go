package xmldoc

import "syscall"

// advise asks for large pages. A kernel without them refuses, which is no error.
func advise(b []byte) {
	const hugePages = 14 // MADV_HUGEPAGE
	_ = syscall.Madvise(b, hugePages)
}
