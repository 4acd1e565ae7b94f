package mls

import "errors"

// What a caller may branch on. No error of this package carries a secret or
// bytes of a message.
var (
	// ErrUnsupported is something that this package does not know or not do.
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
	// ErrUnknownProposal is a commit by reference of a proposal that has not been
	// received in this epoch.
	ErrUnknownProposal = errors.New("commit of a proposal that is not here")
	// ErrPSK is a pre-shared key that the caller does not have.
	ErrPSK = errors.New("pre-shared key not here")
	// ErrRemoved is an epoch that we are not in.
	ErrRemoved = errors.New("removed from the group")
	// ErrClosed is a group that a ReInit has ended.
	ErrClosed = errors.New("group ended by reinit")
	// ErrTooMany is a proposal beyond MaxProposals.
	ErrTooMany = errors.New("too many proposals in the epoch")
	// ErrSaved is a second Save of one epoch: its secret tree has been handed
	// over and must exist once.
	ErrSaved = errors.New("epoch already saved")
	// ErrRecords is a record that is missing or damaged.
	ErrRecords = errors.New("missing or damaged record")
)

var errPrivateKey = errors.New("private key does not fit the cipher suite")
