package mls

import "errors"

// What a caller may branch on. No error of this package carries a secret or
// bytes of a message.
var (
	// ErrUnsupported is something that RFC 9420 defines and this package does
	// not do yet, or that it does not know.
	ErrUnsupported = errors.New("not supported")
	// ErrSignature is a signature that does not verify.
	ErrSignature = errors.New("bad signature")
	// ErrDecrypt is a ciphertext that does not open, or whose contents are
	// malformed.
	ErrDecrypt = errors.New("does not decrypt")
	// ErrReused is a message whose key was used before, or was forgotten
	// because too many later ones came first.
	ErrReused = errors.New("message key already used or forgotten")
	// ErrTooFarAhead is a message whose generation is more than MaxForward
	// ahead of its sender's ratchet.
	ErrTooFarAhead = errors.New("generation too far ahead")
	// ErrExhausted is an own ratchet at its last generation: commit first.
	ErrExhausted = errors.New("ratchet exhausted")
	// ErrWrongGroup is a message of another group.
	ErrWrongGroup = errors.New("message of another group")
	// ErrWrongEpoch is a message of another epoch of the group.
	ErrWrongEpoch = errors.New("message of another epoch")
	// ErrWrongKind is a message of another kind than the call is for.
	ErrWrongKind = errors.New("message of another kind")
	// ErrOwnMessage is a message that this member sent itself.
	ErrOwnMessage = errors.New("own message")
	// ErrLifetime is a key package outside its lifetime, or with one longer
	// than MaxLifetime.
	ErrLifetime = errors.New("outside its lifetime")
	// ErrInvalid is something well-formed that RFC 9420 forbids.
	ErrInvalid = errors.New("invalid")
	// ErrNotForUs is a Welcome without an entry for the key package.
	ErrNotForUs = errors.New("welcome for another key package")
	// ErrSaved is a second Save of one epoch: its secret tree has been handed
	// over and must exist once.
	ErrSaved = errors.New("epoch already saved")
	// ErrRecords is a record that is missing or damaged.
	ErrRecords = errors.New("missing or damaged record")
)

var errPrivateKey = errors.New("private key does not fit the cipher suite")
