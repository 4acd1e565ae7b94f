package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"quicnprotochat/node/store/home"
)

// scratchName begins the names of the directories that are made beside a backup.
const scratchName = ".qpc-backup-"

// scratch is a directory of our own while a backup is made or verified. It is locked as
// a home is: so the next one can tell what a process that was killed has left.
type scratch struct {
	dir  string
	lock *os.File
}

// openScratch makes one in a directory, and removes there what dead processes left.
func openScratch(in string) (*scratch, error) {
	clearDead(in)
	for range 100 {
		dir, err := os.MkdirTemp(in, scratchName)
		if err != nil {
			return nil, err
		}
		s := &scratch{dir: dir}
		s.lock, err = home.Lock(s.path(home.LockFile))
		if err == nil && s.isOurs() {
			return s, nil
		}
		if err == nil {
			err = s.lock.Close()
		}
		if err != nil && !errors.Is(err, home.ErrInUse) && !errors.Is(err, fs.ErrNotExist) {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
	}
	return nil, fmt.Errorf("make a directory in %s: others remove it", in)
}

// isOurs reports whether the lock is that of the directory: who clears may have taken
// it for dead between its making and its locking.
func (s *scratch) isOurs() bool {
	there, err1 := os.Lstat(s.path(home.LockFile))
	held, err2 := s.lock.Stat()
	return err1 == nil && err2 == nil && os.SameFile(there, held)
}

// path names a file in it.
func (s *scratch) path(name string) string { return filepath.Join(s.dir, name) }

// close removes it.
func (s *scratch) close() error {
	_ = os.RemoveAll(s.dir) // as long as it is there it is locked, where that can be
	return errors.Join(s.lock.Close(), os.RemoveAll(s.dir))
}

// clearDead removes what killed processes left in a directory. What is locked is
// somebody's, and what others may write to is not ours.
func clearDead(in string) {
	all, _ := os.ReadDir(in) // what cannot be read stays
	for _, e := range all {
		if !strings.HasPrefix(e.Name(), scratchName) {
			continue
		}
		dir := filepath.Join(in, e.Name())
		if info, err := os.Lstat(dir); err != nil || !info.IsDir() || info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
			continue
		}
		path := filepath.Join(dir, home.LockFile)
		if info, err := os.Lstat(path); err != nil {
			_ = os.Remove(dir) // killed at once it has nothing in it
		} else if info.Mode().IsRegular() {
			clearUnlocked(dir, path)
		}
	}
}

// clearUnlocked removes a directory whose lock nobody holds.
func clearUnlocked(dir, path string) {
	lock, err := home.Lock(path)
	if err != nil {
		return
	}
	_ = os.RemoveAll(dir)
	_ = lock.Close()
	// Where what is open cannot be removed. If somebody has the lock by now, that fails.
	_ = errors.Join(os.Remove(path), os.Remove(dir))
}
