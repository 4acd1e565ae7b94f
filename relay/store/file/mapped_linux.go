package file

import "syscall"

// unmap tells the system that the pages of a mapped file are not needed at the
// moment. The next use of one maps it again, so an error changes nothing.
func unmap(addr, size uintptr) {
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, addr, size, syscall.MADV_DONTNEED)
}
