package contact

import "errors"

// The errors that callers branch on.
var (
	// ErrMalformed: the bytes or the text are no card or link, or, from an
	// encoder, a value that has no encoding.
	ErrMalformed = errors.New("malformed")
	// ErrSignature: the card, or a part of it, is not signed by the one that it names.
	ErrSignature = errors.New("signature wrong")
)
