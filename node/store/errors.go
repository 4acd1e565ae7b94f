package store

import (
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"
)

// Errors that callers tell apart.
var (
	// ErrInUse: another process has this home open.
	ErrInUse = errors.New("home is in use by another process")
	// ErrDamaged: the database or its key is missing, wrong or damaged. The
	// text says which.
	ErrDamaged = errors.New("store is damaged")
	// ErrKind: the home belongs to a relay.
	ErrKind = errors.New("home belongs to a relay")
	// ErrNewer: the database was written by a newer program.
	ErrNewer = errors.New("store was written by a newer program")
	// ErrLocked: the home has a password, and none was given.
	ErrLocked = errors.New("home is locked with a password")
	// ErrPassword: the password of the home is another one.
	ErrPassword = errors.New("home has another password")
	// ErrNoPassword: a password was given and the home has none.
	ErrNoPassword = errors.New("home has no password")
	// ErrClosed: the store is closed, or a Tx is used after its function
	// returned.
	ErrClosed = errors.New("store is closed")

	// ErrNotFound: no such row.
	ErrNotFound = errors.New("not found")
	// ErrExists: the row is there already.
	ErrExists = errors.New("exists already")
	// ErrConflict: a row is there already and says something else, or newer.
	ErrConflict = errors.New("conflicts with what is stored")
)

// damaged reports whether SQLite met bytes that it did not write.
func damaged(err error) bool {
	return errors.Is(err, sqlite3.CORRUPT) ||
		errors.Is(err, sqlite3.NOTADB) ||
		errors.Is(err, sqlite3.IOERR_DATA) ||
		errors.Is(err, sqlite3.IOERR_CORRUPTFS)
}

// unique reports whether a row was refused because its key is taken.
func unique(err error) bool {
	return errors.Is(err, sqlite3.CONSTRAINT_UNIQUE) ||
		errors.Is(err, sqlite3.CONSTRAINT_PRIMARYKEY) ||
		errors.Is(err, sqlite3.CONSTRAINT_ROWID)
}

// classify makes damage recognizable as ErrDamaged.
func classify(err error) error {
	if err != nil && damaged(err) && !errors.Is(err, ErrDamaged) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}
