package database

import (
	"errors"
	"fmt"
	"os"

	"github.com/ncruces/go-sqlite3"

	"quicnprotochat/node/store/database/crypt"
	"quicnprotochat/node/store/home"
)

// Errors that callers tell apart, beside those of package home.
var (
	// ErrNewer: the database was written by a newer program.
	ErrNewer = errors.New("store was written by a newer program")
	// ErrClosed: the database is closed, or a Tx is used after its function
	// returned.
	ErrClosed = errors.New("store is closed")
	// ErrDiskFull: there was no room to write. Nothing of the transaction is there,
	// and the database goes on when there is room again.
	ErrDiskFull = errors.New("the disk is full")
	// ErrReadOnly: the disk, or a file on it, may be read only.
	ErrReadOnly = errors.New("the database can be read only")
	// ErrNotFound: no such row.
	ErrNotFound = errors.New("not found")
)

// damaged reports whether SQLite met bytes that it did not write.
func damaged(err error) bool {
	return errors.Is(err, sqlite3.CORRUPT) ||
		errors.Is(err, sqlite3.NOTADB) ||
		errors.Is(err, sqlite3.IOERR_DATA) ||
		errors.Is(err, sqlite3.IOERR_CORRUPTFS)
}

// Taken reports whether a row was refused because its key is taken.
func Taken(err error) bool {
	return errors.Is(err, sqlite3.CONSTRAINT_UNIQUE) ||
		errors.Is(err, sqlite3.CONSTRAINT_PRIMARYKEY) ||
		errors.Is(err, sqlite3.CONSTRAINT_ROWID)
}

// Full reports whether an error, of whatever file of a home, says that there is no room.
func Full(err error) bool { return errors.Is(err, ErrDiskFull) || crypt.Full(err) }

// probeSize is what is written to find out whether a disk is full, in bytes: the least that
// SQLite asks for at once is half of it.
const probeSize = 64 << 10

// lookForRoom is classify of what failed in a folder. When a write fails for want of room,
// SQLite does not always say more than that it failed: then it is tried.
func lookForRoom(dir string, err error) error {
	err = classify(err)
	if !errors.Is(err, sqlite3.IOERR) || Full(err) {
		return err
	}
	f, why := os.CreateTemp(dir, ".qpc-room-")
	if why == nil {
		_, why = f.Write(make([]byte, probeSize))
		why = errors.Join(why, f.Sync(), f.Close(), os.Remove(f.Name()))
	}
	if crypt.Full(why) {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return err
}

// classify makes damage recognizable as home.ErrDamaged, want of room as ErrDiskFull, and
// what may not be written as ErrReadOnly.
func classify(err error) error {
	if errors.Is(err, sqlite3.FULL) && !errors.Is(err, ErrDiskFull) {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	if errors.Is(err, sqlite3.READONLY) && !errors.Is(err, ErrReadOnly) {
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	if err != nil && damaged(err) && !errors.Is(err, home.ErrDamaged) {
		return fmt.Errorf("%w: %w", home.ErrDamaged, err)
	}
	return err
}
