package message

import "errors"

// The errors that callers branch on.
var (
	// ErrMalformed: bytes that no encoder of this package makes, or, from an
	// encoder, a value that has no encoding.
	ErrMalformed = errors.New("malformed")
	// ErrSignature: a control is not signed by the sender it names.
	ErrSignature = errors.New("signature wrong")
	// ErrControlType: the type of a control is not known. It may be ignored.
	ErrControlType = errors.New("unknown type of control")
	// ErrRefused: what somebody sent is wrong and will never be right.
	ErrRefused = errors.New("payload refused")
)
