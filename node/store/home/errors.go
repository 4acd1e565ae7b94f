package home

import "errors"

// Errors that callers tell apart.
var (
	// ErrInUse: another process has this home open.
	ErrInUse = errors.New("home is in use by another process")
	// ErrNotEmpty: there is a home already.
	ErrNotEmpty = errors.New("there is a home already")
	// ErrDamaged: the database or its key is missing, wrong or damaged. The
	// text says which.
	ErrDamaged = errors.New("store is damaged")
	// ErrNoFile: what is to be read is a directory, a pipe, or a device. It comes with
	// ErrDamaged.
	ErrNoFile = errors.New("no file")
	// ErrKind: the home belongs to a relay.
	ErrKind = errors.New("home belongs to a relay")
	// ErrLocked: the home has a password, and none was given.
	ErrLocked = errors.New("home is locked with a password")
	// ErrPassword: the password of the home is another one.
	ErrPassword = errors.New("home has another password")
	// ErrNoPassword: a password was given and the home has none.
	ErrNoPassword = errors.New("home has no password")
)
