package rpc

import (
	"context"
	"crypto/sha256"

	"quicnprotochat/rpc/budget"
	"quicnprotochat/schema"
)

// Peer is the other side of a connection, as far as the transport knows it.
type Peer struct {
	// Identity is the key that TLS proved, if Proven is true.
	Identity Identity
	Proven   bool
	// Remote is the host part of its address, for limits; "" if unknown.
	Remote string
}

// share says whose share of a Budget the messages take: that of the proven key,
// else that of the address, so that strangers do not share one.
func (p Peer) share() budget.Peer {
	if p.Proven {
		return budget.Peer(p.Identity)
	}
	return sha256.Sum256([]byte(p.Remote))
}

// maxPass bounds a deposit pass, in bytes.
const maxPass = 1 << 10

// stranger is the caller of a method without Auth: what TLS proved, if it did.
func (s *server) stranger() Caller {
	return Caller{Kind: TokenNone, Identity: s.peer.Identity, Proven: s.peer.Proven, Remote: s.peer.Remote}
}

// caller checks Auth, which all methods take but health and the OPAQUE calls.
// passes says whether a deposit pass is good for this method: who shows one is
// nobody, whatever TLS proved.
func (s *server) caller(ctx context.Context, read func() (schema.Auth, error), passes bool) (c Caller, err error) {
	defer func() {
		if err == nil {
			noteCaller(ctx, c)
		}
	}()
	auth, err := read()
	if err != nil {
		return Caller{}, ErrBadRequest
	}
	token, err := auth.AccessToken()
	if err != nil {
		return Caller{}, ErrBadRequest
	}
	if len(token) == 0 {
		return Caller{}, ErrUnauthenticated
	}
	if auth.Version() != 1 {
		return Caller{}, ErrVersion
	}
	c = s.stranger()
	device, err := auth.DeviceId()
	if err != nil || len(device) != 0 && len(device) != len(c.Device) {
		return Caller{}, ErrBadRequest.With("device id must be empty or 16 bytes")
	}
	copy(c.Device[:], device)

	c.Kind, token = TokenKind(token[0]), token[1:]
	switch c.Kind {
	case TokenTLS:
		if !s.peer.Proven || len(token) != 0 {
			return Caller{}, ErrUnauthenticated
		}
		return c, nil
	case TokenSession:
		return s.session(ctx, c, token)
	case TokenPass:
		c = Caller{Kind: TokenPass, Pass: token, Remote: c.Remote}
		if !passes || len(token) == 0 || len(token) > maxPass {
			noteCaller(ctx, c) // and nothing of who else it is
			return Caller{}, ErrUnauthenticated
		}
		return c, nil
	default:
		return Caller{}, ErrUnauthenticated
	}
}

// session resolves a session token. Whose key TLS proved can't use the session
// of another key; an account without a key proves no identity, whatever TLS
// proved.
func (s *server) session(ctx context.Context, c Caller, token []byte) (Caller, error) {
	if s.svc.Sessions == nil || len(token) != 32 {
		return Caller{}, ErrUnauthenticated
	}
	found, err := s.svc.Sessions.Session(ctx, [32]byte(token))
	if err != nil {
		return Caller{}, err
	}
	if s.peer.Proven && found.Bound && found.Identity != s.peer.Identity {
		return Caller{}, ErrUnauthenticated
	}
	if !found.Bound {
		found.Identity = Identity{}
	}
	c.Session, c.Identity, c.Proven = &found, found.Identity, found.Bound
	return c, nil
}
