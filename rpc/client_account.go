package rpc

import (
	"context"

	"capnproto.org/go/capnp/v3"

	"quicnprotochat/schema"
)

// RegisterStart is the first half of an OPAQUE registration (RFC 9807).
func (c *Client) RegisterStart(ctx context.Context, username string, message []byte) (response []byte, err error) {
	err = c.do(ctx, request{
		size: len(username) + len(message),
		send: func(ctx context.Context, s schema.NodeService) (*capnp.Future, capnp.ReleaseFunc) {
			f, release := s.OpaqueRegisterStart(ctx, func(p schema.NodeService_opaqueRegisterStart_Params) error {
				return firstError(p.SetUsername(username), p.SetRequest(message))
			})
			return f.Future, release
		},
		read: func(st capnp.Struct) error {
			return readBlob(&response)(schema.NodeService_opaqueRegisterStart_Results(st).Response())
		},
	})
	return response, err
}

// RegisterFinish is the second half of an OPAQUE registration. invite is the code
// that the relay asks for, or "".
func (c *Client) RegisterFinish(ctx context.Context, username string, upload []byte, id Identity, invite string) (ok bool, err error) {
	err = c.do(ctx, request{
		size: len(username) + len(upload) + len(invite),
		send: func(ctx context.Context, s schema.NodeService) (*capnp.Future, capnp.ReleaseFunc) {
			f, release := s.OpaqueRegisterFinish(ctx, func(p schema.NodeService_opaqueRegisterFinish_Params) error {
				err := firstError(p.SetUsername(username), p.SetUpload(upload), p.SetIdentityKey(id[:]))
				if err == nil && invite != "" {
					err = p.SetInviteCode(invite)
				}
				return err
			})
			return f.Future, release
		},
		read: func(st capnp.Struct) error {
			ok = schema.NodeService_opaqueRegisterFinish_Results(st).Success()
			return nil
		},
	})
	return ok, err
}

// LoginStart is the first half of an OPAQUE login (RFC 9807).
func (c *Client) LoginStart(ctx context.Context, username string, message []byte) (response []byte, err error) {
	err = c.do(ctx, request{
		size: len(username) + len(message),
		send: func(ctx context.Context, s schema.NodeService) (*capnp.Future, capnp.ReleaseFunc) {
			f, release := s.OpaqueLoginStart(ctx, func(p schema.NodeService_opaqueLoginStart_Params) error {
				return firstError(p.SetUsername(username), p.SetRequest(message))
			})
			return f.Future, release
		},
		read: func(st capnp.Struct) error {
			return readBlob(&response)(schema.NodeService_opaqueLoginStart_Results(st).Response())
		},
	})
	return response, err
}

// LoginFinish is the second half of an OPAQUE login. The session token is
// returned as it goes into an access token, without its kind.
func (c *Client) LoginFinish(ctx context.Context, username string, finalization []byte, id Identity) (sessionToken []byte, err error) {
	err = c.do(ctx, request{
		size: len(username) + len(finalization),
		send: func(ctx context.Context, s schema.NodeService) (*capnp.Future, capnp.ReleaseFunc) {
			f, release := s.OpaqueLoginFinish(ctx, func(p schema.NodeService_opaqueLoginFinish_Params) error {
				return firstError(p.SetUsername(username), p.SetFinalization(finalization), p.SetIdentityKey(id[:]))
			})
			return f.Future, release
		},
		read: func(st capnp.Struct) error {
			return readBlob(&sessionToken)(schema.NodeService_opaqueLoginFinish_Results(st).SessionToken())
		},
	})
	return sessionToken, err
}

// EndSession ends the session that token stands for. It and the calls that follow
// take the session token, as LoginFinish gives it, and not that of the connection.
func (c *Client) EndSession(ctx context.Context, token []byte) error {
	return c.do(ctx, request{
		send: func(ctx context.Context, s schema.NodeService) (*capnp.Future, capnp.ReleaseFunc) {
			f, release := s.EndSession(ctx, func(p schema.NodeService_endSession_Params) error {
				return signSession(p.NewAuth, token)
			})
			return f.Future, release
		},
	})
}

// ChangePassword replaces the registration record of the account, ends all its
// sessions and returns a new one. The session must be of a login a moment ago.
func (c *Client) ChangePassword(ctx context.Context, token, upload []byte) (sessionToken []byte, err error) {
	err = c.do(ctx, request{
		size: len(upload),
		send: func(ctx context.Context, s schema.NodeService) (*capnp.Future, capnp.ReleaseFunc) {
			f, release := s.ChangePassword(ctx, func(p schema.NodeService_changePassword_Params) error {
				return firstError(p.SetUpload(upload), signSession(p.NewAuth, token))
			})
			return f.Future, release
		},
		read: func(st capnp.Struct) error {
			return readBlob(&sessionToken)(schema.NodeService_changePassword_Results(st).SessionToken())
		},
	})
	return sessionToken, err
}

// DeleteAccount removes the account and all that the relay keeps for it. The
// session must be of a login a moment ago.
func (c *Client) DeleteAccount(ctx context.Context, token []byte) error {
	return c.do(ctx, request{
		send: func(ctx context.Context, s schema.NodeService) (*capnp.Future, capnp.ReleaseFunc) {
			f, release := s.DeleteAccount(ctx, func(p schema.NodeService_deleteAccount_Params) error {
				return signSession(p.NewAuth, token)
			})
			return f.Future, release
		},
	})
}

// signSession puts a session token into a call.
func signSession(newAuth func() (schema.Auth, error), token []byte) error {
	auth, err := newAuth()
	if err != nil {
		return err
	}
	auth.SetVersion(1)
	return auth.SetAccessToken(SessionToken(token))
}

// CreateChannel returns the channel of the caller and peer, made if need be.
func (c *Client) CreateChannel(ctx context.Context, peer Identity) (ch Channel, err error) {
	err = c.do(ctx, request{
		send: func(ctx context.Context, s schema.NodeService) (*capnp.Future, capnp.ReleaseFunc) {
			f, release := s.CreateChannel(ctx, func(p schema.NodeService_createChannel_Params) error {
				return firstError(p.SetPeerKey(peer[:]), c.sign(p.NewAuth))
			})
			return f.Future, release
		},
		read: func(st capnp.Struct) error {
			return readArray(ch[:])(schema.NodeService_createChannel_Results(st).ChannelId())
		},
	})
	return ch, err
}

// ResolveUser looks up a user name.
func (c *Client) ResolveUser(ctx context.Context, username string) (id Identity, found bool, err error) {
	err = c.do(ctx, request{
		size: len(username),
		send: func(ctx context.Context, s schema.NodeService) (*capnp.Future, capnp.ReleaseFunc) {
			f, release := s.ResolveUser(ctx, func(p schema.NodeService_resolveUser_Params) error {
				return firstError(p.SetUsername(username), c.sign(p.NewAuth))
			})
			return f.Future, release
		},
		read: func(st capnp.Struct) error {
			b, err := schema.NodeService_resolveUser_Results(st).IdentityKey()
			if err != nil || len(b) == 0 {
				return err
			}
			if id, found = parseIdentity(b); !found {
				return ErrBadAnswer
			}
			return nil
		},
	})
	return id, found, err
}

// ResolveIdentity returns the user name of an identity, "" if it has none.
func (c *Client) ResolveIdentity(ctx context.Context, id Identity) (username string, err error) {
	err = c.do(ctx, request{
		send: func(ctx context.Context, s schema.NodeService) (*capnp.Future, capnp.ReleaseFunc) {
			f, release := s.ResolveIdentity(ctx, func(p schema.NodeService_resolveIdentity_Params) error {
				return firstError(p.SetIdentityKey(id[:]), c.sign(p.NewAuth))
			})
			return f.Future, release
		},
		read: func(st capnp.Struct) error {
			username, err = schema.NodeService_resolveIdentity_Results(st).Username()
			return err
		},
	})
	return username, err
}
