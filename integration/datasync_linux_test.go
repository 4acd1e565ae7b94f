package integration

import (
	"os"
	"syscall"
)

// datasync is what the store does after each commit.
func datasync(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }
