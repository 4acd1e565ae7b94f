package socket

import "errors"

// What is wrong with a socket. The text of an error that wraps one of them is for
// people.
var (
	// ErrNobody is that nobody answers there.
	ErrNobody = errors.New("no daemon is running for this home")
	// ErrTaken is that somebody else answers there.
	ErrTaken = errors.New("another daemon answers")
	// ErrInTheWay is something else of that name.
	ErrInTheWay = errors.New("is in the way and no socket")
	// ErrNotPrivate is a directory that others could have put there or could change.
	ErrNotPrivate = errors.New("is not a private directory of this user")
	// ErrPermission is a socket of another user.
	ErrPermission = errors.New("no permission")
)
