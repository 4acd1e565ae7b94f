package endpoint

import "errors"

var (
	// ErrFormat means that an endpoint record is malformed or oversize.
	ErrFormat = errors.New("endpoint is malformed")
	// ErrOwner means that an endpoint record is of another identity.
	ErrOwner = errors.New("endpoint belongs to another identity")
	// ErrSignature means that the identity did not sign the record.
	ErrSignature = errors.New("endpoint has a wrong signature")
	// ErrExpired means that an endpoint record has expired or claims to
	// live for longer than MaxLife.
	ErrExpired = errors.New("endpoint is expired or lives too long")
	// ErrKey means that the addresses in an endpoint record are sealed
	// under another address key.
	ErrKey = errors.New("endpoint addresses are sealed under another key")
)
