package home

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Names of the files of a home.
const (
	LockFile     = "lock"
	KeyFile      = "node.key"
	DBFile       = "node.db"
	NewFile      = "node.db.new"
	NextFile     = "node.db.next"
	NextKeyFile  = "node.key.next"
	SnapshotFile = "node.db.snapshot"
	UncleanFile  = "unclean"
	RelayFile    = "relay.db" // of package relay
)

// MakeDir makes dir with mode 0700. A directory that is there is tightened to
// that mode if it is empty or a home of ours; another's is left as it is, what
// we put there has mode 0600 anyway.
func MakeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	ours, err := Present(filepath.Join(dir, KeyFile))
	if err != nil {
		return err
	}
	if len(entries) == 0 || ours {
		return os.Chmod(dir, 0o700)
	}
	return nil
}

// Present reports whether there is a file of that name.
func Present(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// CheckFile refuses what is no file, as a directory or a pipe, of which a reader would
// wait for ever: ErrNoFile.
func CheckFile(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%w: %s is %w", ErrDamaged, filepath.Base(path), ErrNoFile)
	}
	return err
}

// WriteFile writes a file of mode 0600: after a crash it has all of b or is as it was, and
// when WriteFile has returned without an error it has b. Meanwhile b is in path.tmp.
func WriteFile(path string, b []byte) error {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return SyncDir(filepath.Dir(path))
}

// Touch makes sure that path is a file, of mode 0600 if it is new.
func Touch(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// Remove removes a file that may be absent.
func Remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
