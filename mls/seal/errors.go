package seal

import "errors"

// The errors that callers branch on.
var (
	// ErrMalformed: the bytes are not what they should be, however keyed.
	ErrMalformed = errors.New("malformed")
	// ErrSignature: a hybrid key blob is not signed by its owner.
	ErrSignature = errors.New("signature wrong")
	// ErrExpired: a hybrid key is not valid at the time given.
	ErrExpired = errors.New("hybrid key not valid at this time")
	// ErrKind: the payload is of an unknown or refused kind.
	ErrKind = errors.New("payload kind refused")
	// ErrTooLarge: the frame or payload is over its bound.
	ErrTooLarge = errors.New("payload too large")
	// ErrOpen: the key does not open the payload: it is for another key or
	// recipient, or was changed.
	ErrOpen = errors.New("payload does not open")
)
