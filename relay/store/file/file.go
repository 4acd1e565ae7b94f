package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// The errors that a caller branches on.
var (
	// ErrInUse means that another process holds the file.
	ErrInUse = errors.New("store in use by another process")
	// ErrDamaged means that the file is not what was written to it.
	ErrDamaged = errors.New("store damaged")
	// ErrNoFile means that a directory, a pipe or a device is where a file should be.
	ErrNoFile = errors.New("no file")
)

// Open opens the file at path for writing, and locks it. The errors are ErrInUse,
// ErrDamaged, or those of the file system.
func Open(path string) (*bolt.DB, error) { return open(path, options(false)) }

// OpenReadOnly is Open for reading, beside others who do.
func OpenReadOnly(path string) (*bolt.DB, error) { return open(path, options(true)) }

func options(readOnly bool) *bolt.Options {
	return &bolt.Options{
		Timeout:  250 * time.Millisecond,
		ReadOnly: readOnly,
		// Without the free list on disk a commit costs the same whether the
		// store is full or drained; opening walks the pages instead.
		NoFreelistSync: true,
		FreelistType:   bolt.FreelistMapType,
		NoStatistics:   true,
	}
}

func openError(err error) error {
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return ErrInUse
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// Create makes a file, unless there is one, and what fill puts in it. It has another
// name until it is whole, so that a crash on the way leaves no half of one.
func Create(path string, fill func(*bolt.Tx) error) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := f.Close(); err != nil {
		return err
	}
	db, err := bolt.Open(f.Name(), 0o600, options(false))
	if err != nil {
		return err
	}
	err = errors.Join(db.Update(fill), db.Close())
	if err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir puts the names in a directory on the disk.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Guard turns a panic or a fault in the mapped file into ErrDamaged.
func Guard(do func() error) (err error) {
	was := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(was)
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, r)
		}
	}()
	return do()
}

// Size is the size of a file in bytes.
func Size(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// CheckRegular refuses what is no file, as a directory or a pipe, of which a reader would
// wait for ever: ErrNoFile. It returns the file's size in bytes.
func CheckRegular(path string) (size int64, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, fmt.Errorf("%s is %w", filepath.Base(path), ErrNoFile)
	}
	return info.Size(), nil
}

// Remove removes a file that may be absent.
func Remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// open opens and locks the file at path. Another one may have been put there between
// the opening and the lock; then that one is opened.
func open(path string, opts *bolt.Options) (*bolt.DB, error) {
	if _, err := CheckRegular(path); errors.Is(err, ErrNoFile) {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	for {
		var opened *os.File
		opts.OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
			f, err := os.OpenFile(name, flag, mode)
			opened = f
			return f, err
		}
		db, err := bolt.Open(path, 0o600, opts)
		if err != nil {
			return nil, openError(err)
		}
		ours, err := opened.Stat()
		if err != nil {
			return nil, errors.Join(err, db.Close())
		}
		there, err := os.Stat(path)
		if err != nil {
			return nil, errors.Join(err, db.Close())
		}
		if os.SameFile(ours, there) {
			return db, nil
		}
		if err := db.Close(); err != nil {
			return nil, err
		}
	}
}
