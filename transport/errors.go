package transport

import "errors"

var (
	// ErrListen means that an address to listen on is in use or cannot be had.
	ErrListen = errors.New("cannot listen")
	// ErrWrongKey means that the machine at an address proved another key than
	// the one asked for.
	ErrWrongKey = errors.New("address proved another key")
	// ErrNoAddress means that no address of a peer is known.
	ErrNoAddress = errors.New("no address is known")
	// ErrClosed means that the host was closed.
	ErrClosed = errors.New("host is closed")

	// ErrEndpointFormat means that an endpoint record is malformed or oversize.
	ErrEndpointFormat = errors.New("endpoint is malformed")
	// ErrEndpointOwner means that an endpoint record is of another identity.
	ErrEndpointOwner = errors.New("endpoint belongs to another identity")
	// ErrEndpointSignature means that the identity did not sign the record.
	ErrEndpointSignature = errors.New("endpoint has a wrong signature")
	// ErrEndpointExpired means that an endpoint record has expired or claims to
	// live for longer than MaxEndpointLife.
	ErrEndpointExpired = errors.New("endpoint is expired or lives too long")
	// ErrEndpointKey means that the addresses in an endpoint record are sealed
	// under another address key.
	ErrEndpointKey = errors.New("endpoint addresses are sealed under another key")
)
