package admin

import "errors"

// The errors that a caller branches on.
var (
	// ErrExists means that a backup would replace a file.
	ErrExists = errors.New("file exists")
	// ErrBackup means that a file is no backup, or not all of one, or changed.
	ErrBackup = errors.New("not a whole backup of a relay")
	// ErrNotEmpty means that a restore would change what is there.
	ErrNotEmpty = errors.New("home is not empty")
)
