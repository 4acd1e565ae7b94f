package database

import (
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"

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

// classify makes damage recognizable as home.ErrDamaged, and want of room as
// ErrDiskFull.
func classify(err error) error {
	if errors.Is(err, sqlite3.FULL) && !errors.Is(err, ErrDiskFull) {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	if err != nil && damaged(err) && !errors.Is(err, home.ErrDamaged) {
		return fmt.Errorf("%w: %w", home.ErrDamaged, err)
	}
	return err
}
