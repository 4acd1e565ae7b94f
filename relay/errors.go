package relay

import (
	"errors"

	"quicnprotochat/relay/store"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// The errors of New that a caller branches on.
var (
	// ErrConfig means that a field of Config is none of what it may be.
	ErrConfig = errors.New("not a setting for a relay")
	// ErrListen means that an address to listen on is in use or cannot be had.
	ErrListen = transport.ErrListen
	// ErrKind means that the home belongs to a node.
	ErrKind = errors.New("home belongs to a node")
	// ErrHome means that there is no relay in a directory.
	ErrHome = errors.New("no home of a relay")
	// ErrRestoring means that a restore of the home did not come to its end.
	ErrRestoring = errors.New("home is half restored")
	// ErrInUse means that another relay runs on the home.
	ErrInUse = store.ErrInUse
	// ErrDamaged means that the store or the key of the relay is damaged.
	ErrDamaged = store.ErrDamaged
	// ErrNewer means that the store was written by a newer program.
	ErrNewer = store.ErrNewer
)

// wireError gives the refusals of the store their code. The rest is nobody's
// business but the operator's: rpc logs it and answers ErrInternal.
func wireError(err error) error {
	switch {
	case errors.Is(err, store.ErrShare):
		return rpc.ErrQueueFull.With("what one may leave in that inbox is there")
	case errors.Is(err, store.ErrFull):
		return rpc.ErrQueueFull
	case errors.Is(err, store.ErrBusy):
		return rpc.ErrBusy
	case errors.Is(err, store.ErrTooLarge):
		return rpc.ErrTooLarge.With("too much for one call, send to fewer at once")
	case errors.Is(err, store.ErrStale):
		return rpc.ErrEndpoint.With("not newer than the endpoint that is known")
	case errors.Is(err, store.ErrBanned):
		return rpc.ErrBanned
	case errors.Is(err, store.ErrClosed):
		return rpc.ErrShutdown
	}
	return err
}
