package relay

import (
	"context"
	"errors"
	"time"

	"quicnprotochat/rpc"
	"quicnprotochat/transport"
	"quicnprotochat/transport/endpoint"
)

// PublishEndpoint implements rpc.Endpoints. A record is refused if another key
// signed it, if it has expired or lives too long, if it is too large, and if it
// is not newer than the one that is known; the same one again is taken.
func (s *service) PublishEndpoint(ctx context.Context, c rpc.Caller, owner rpc.Identity, record []byte) error {
	leave, err := s.enterOwner(c, owner)
	if err != nil {
		return err
	}
	defer leave()
	now := s.cfg.Now()
	e, err := endpoint.Parse(record, transport.Key(owner), now)
	if errors.Is(err, endpoint.ErrExpired) {
		return rpc.ErrEndpoint.With("one of the two clocks is wrong, at this relay it is " + now.UTC().Format(time.RFC3339) + ": " + err.Error())
	}
	if err != nil {
		return rpc.ErrEndpoint.With(err.Error())
	}
	return wireError(s.store.SetEndpoint(ctx, owner, e.Seq, e.Expiry, e.Generation, record))
}

// ResolveEndpoint implements rpc.Endpoints. The owner gets its own also when it has
// expired: so it learns whether its home is an older copy.
func (s *service) ResolveEndpoint(ctx context.Context, c rpc.Caller, owner rpc.Identity) ([]byte, error) {
	_, leave, err := s.enterAbout(ctx, c, owner)
	if err != nil {
		return nil, err
	}
	defer leave()
	look := s.store.Endpoint
	if c.Proven && c.Identity == owner {
		look = s.store.LastEndpoint
	}
	record, err := look(ctx, owner)
	return record, wireError(err)
}
