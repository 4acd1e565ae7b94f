//go:build !linux

package file

// unmap leaves the pages of a mapped file to the system, which takes them back
// when it is short of memory.
func unmap(_, _ uintptr) {}
