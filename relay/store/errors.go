package store

import (
	"errors"
	"fmt"

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
	// ErrFull means that an inbox is at its depth or its byte bound.
	ErrFull = errors.New("inbox full")
	// ErrShare is the ErrFull of a depositor who left as much in an inbox as one
	// may; others still find room there.
	ErrShare = fmt.Errorf("%w: depositor's share of it is used up", ErrFull)
	// ErrBusy means that the store is at its byte bound, that the disk is full,
	// or that too many writes wait.
	ErrBusy = errors.New("store over its limit")
	// ErrTooLarge means that one call writes more than a commit may hold.
	ErrTooLarge = errors.New("write too large")
	// ErrStale means that an endpoint is not newer than the one stored.
	ErrStale = errors.New("endpoint not newer than the stored one")
	// ErrTaken means that an account of that name, or of one too alike, exists.
	ErrTaken = errors.New("name taken")
	// ErrBound means that the identity is bound to another account.
	ErrBound = errors.New("identity bound to another account")
	// ErrBanned means that an account may not be used.
	ErrBanned = errors.New("account banned")
	// ErrNotFound means that an account, a session or an invite is not there.
	ErrNotFound = errors.New("not found")
	// ErrClosed means that the store no longer takes calls.
	ErrClosed = errors.New("store closed")
)
