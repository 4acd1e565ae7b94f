package transport

import (
	"errors"

	"quicnprotochat/transport/tried"
)

var (
	// ErrListen means that an address to listen on is in use or cannot be had.
	ErrListen = errors.New("cannot listen")
	// ErrWrongKey means that the machine at an address proved another key than
	// the one asked for.
	ErrWrongKey = tried.ErrWrongKey
	// ErrNoAddress means that no address of a peer is known.
	ErrNoAddress = errors.New("no address is known")
	// ErrClosed means that the host was closed.
	ErrClosed = errors.New("host is closed")
)
