package contact

import "errors"

// The errors that callers branch on.
var (
	// ErrMalformed: the bytes or the text are no card, link or pass, or, from an
	// encoder, a value that has no encoding.
	ErrMalformed = errors.New("malformed")
	// ErrSignature: the card or pass is not signed by the one that it names.
	ErrSignature = errors.New("signature wrong")
	// ErrPassExpired: the time of a pass is over, or further ahead than allowed.
	ErrPassExpired = errors.New("pass expired")
	// ErrPassCancelled: the recipient has raised the generation since.
	ErrPassCancelled = errors.New("pass cancelled")
	// ErrPassOther: the pass is for another recipient or another relay.
	ErrPassOther = errors.New("pass for another")
)
