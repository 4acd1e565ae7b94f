package ledger

import (
	"errors"

	"quicnprotochat/relay/store/file"
)

// The errors that a caller branches on.
var (
	// ErrInUse means that another process holds the file.
	ErrInUse = file.ErrInUse
	// ErrDamaged means that the file is not what was written to it. Nothing is
	// served from a damaged file.
	ErrDamaged = file.ErrDamaged
	// ErrNewer means that a newer program wrote the file.
	ErrNewer = errors.New("store written by a newer program")
	// ErrBusy means that the store is at its byte bound, that the disk is full,
	// or that too many writes wait.
	ErrBusy = errors.New("store over its limit")
	// ErrTooLarge means that one call writes more than a commit may hold.
	ErrTooLarge = errors.New("write too large")
	// ErrClosed means that the store no longer takes calls.
	ErrClosed = errors.New("store closed")
)
