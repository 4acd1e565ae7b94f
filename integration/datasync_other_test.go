//go:build !linux

package integration

import "os"

// datasync is what the store does after each commit.
func datasync(f *os.File) error { return f.Sync() }
