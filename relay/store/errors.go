package store

import (
	"errors"
	"fmt"

	"quicnprotochat/relay/store/ledger"
)

// The errors that a caller branches on.
var (
	// ErrInUse is that of package ledger: another process holds the file.
	ErrInUse = ledger.ErrInUse
	// ErrDamaged is that of package ledger: the file is not what was written to it.
	ErrDamaged = ledger.ErrDamaged
	// ErrNewer is that of package ledger: a newer program wrote the file.
	ErrNewer = ledger.ErrNewer
	// ErrBusy is that of package ledger: no room for what is to be written.
	ErrBusy = ledger.ErrBusy
	// ErrTooLarge is that of package ledger: one call writes too much.
	ErrTooLarge = ledger.ErrTooLarge
	// ErrClosed is that of package ledger: the store no longer takes calls.
	ErrClosed = ledger.ErrClosed
	// ErrFull means that an inbox is at its depth or its byte bound.
	ErrFull = errors.New("inbox full")
	// ErrShare is the ErrFull of a depositor who left as much in an inbox as one
	// may; others still find room there.
	ErrShare = fmt.Errorf("%w: depositor's share of it is used up", ErrFull)
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
)
