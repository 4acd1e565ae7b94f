package home

import (
	"errors"
	"os"
	"path/filepath"
)

// Exists reports whether there is a home in dir, whole or not.
func Exists(dir string) (bool, error) {
	key, err1 := Present(filepath.Join(dir, KeyFile))
	db, err2 := Present(filepath.Join(dir, DBFile))
	return key || db, errors.Join(err1, err2)
}

// InUse reports whether somebody has a home open, in whatever process. It
// creates nothing.
func InUse(dir string) bool {
	path := filepath.Join(dir, LockFile)
	if _, err := os.Stat(path); err != nil {
		return false
	}
	f, err := Lock(path)
	if err == nil {
		err = f.Close()
	}
	return errors.Is(err, ErrInUse)
}
