package store

import (
	"errors"

	"quicnprotochat/node/store/database"
	"quicnprotochat/node/store/home"
)

// Errors that callers tell apart, beside those of package home, which Open returns.
var (
	// ErrDamaged: the database or its key is missing, wrong or damaged. The text
	// says which. Those who read a row return it for one that nobody can have put.
	ErrDamaged = home.ErrDamaged
	// ErrNewer: the database was written by a newer program.
	ErrNewer = database.ErrNewer
	// ErrDiskFull: there was no room to write. Nothing of the transaction is there.
	ErrDiskFull = database.ErrDiskFull
	// ErrReadOnly: the disk, or this user, may not write.
	ErrReadOnly = database.ErrReadOnly
	// ErrNotFound: no such row.
	ErrNotFound = database.ErrNotFound
	// ErrExists: the row is there already.
	ErrExists = errors.New("exists already")
	// ErrConflict: a row is there already and says something else, or newer.
	ErrConflict = errors.New("conflicts with what is stored")
)

// Full reports whether an error says that there is no room on the disk.
func Full(err error) bool { return database.Full(err) }

// IsNotFound reports whether an error says that there is no such row.
func IsNotFound(err error) bool { return errors.Is(err, ErrNotFound) }
