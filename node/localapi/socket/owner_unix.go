//go:build unix

package socket

import (
	"io/fs"
	"os"
	"syscall"
)

// ours reports whether a file belongs to this user and is closed to all others.
func ours(info fs.FileInfo) bool {
	owner, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(owner.Uid) == os.Geteuid() && info.Mode().Perm()&0o077 == 0
}
