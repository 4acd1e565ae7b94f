package rpc

import (
	"context"

	"capnproto.org/go/capnp/v3"

	"quicnprotochat/schema"
)

func (s *server) registerStart(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_opaqueRegisterStart_Params(args)
	var r argReader
	name, request := r.username(p.Username()), r.opaque(p.Request())
	if r.err != nil {
		return answer{}, r.err
	}
	response, err := s.svc.Accounts.RegisterStart(ctx, s.stranger(), name, request)
	return answer{sizePointer, func(st capnp.Struct) error {
		return schema.NodeService_opaqueRegisterStart_Results(st).SetResponse(response)
	}}, err
}

func (s *server) registerFinish(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_opaqueRegisterFinish_Params(args)
	var r argReader
	name, upload, id := r.username(p.Username()), r.opaque(p.Upload()), r.identity(p.IdentityKey())
	invite := r.invite(p.InviteCode())
	if r.err != nil {
		return answer{}, r.err
	}
	ok, err := s.svc.Accounts.RegisterFinish(ctx, s.stranger(), name, upload, id, invite)
	return answer{sizeWord, func(st capnp.Struct) error {
		schema.NodeService_opaqueRegisterFinish_Results(st).SetSuccess(ok)
		return nil
	}}, err
}

func (s *server) loginStart(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_opaqueLoginStart_Params(args)
	var r argReader
	name, request := r.username(p.Username()), r.opaque(p.Request())
	if r.err != nil {
		return answer{}, r.err
	}
	response, err := s.svc.Accounts.LoginStart(ctx, s.stranger(), name, request)
	return answer{sizePointer, func(st capnp.Struct) error {
		return schema.NodeService_opaqueLoginStart_Results(st).SetResponse(response)
	}}, err
}

func (s *server) loginFinish(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_opaqueLoginFinish_Params(args)
	var r argReader
	name, finalization, id := r.username(p.Username()), r.opaque(p.Finalization()), r.identity(p.IdentityKey())
	if r.err != nil {
		return answer{}, r.err
	}
	token, err := s.svc.Accounts.LoginFinish(ctx, s.stranger(), name, finalization, id)
	return answer{sizePointer, func(st capnp.Struct) error {
		return schema.NodeService_opaqueLoginFinish_Results(st).SetSessionToken(token)
	}}, err
}

// opaque checks a message of RFC 9807 for its size only.
func (r *argReader) opaque(b []byte, err error) []byte {
	return r.blob(ErrBadRequest, maxOpaque)(b, err)
}

// invite checks an invite code, which may be empty, for its size only.
func (r *argReader) invite(code string, err error) string {
	if err != nil || len(code) > maxInvite {
		r.fail(ErrInvite)
		return ""
	}
	return code
}

func (s *server) endSession(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_endSession_Params(args)
	c, err := s.account(ctx, p.Auth)
	if err != nil {
		return answer{}, err
	}
	return answer{}, s.svc.Owners.EndSession(ctx, c)
}

func (s *server) changePassword(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_changePassword_Params(args)
	c, err := s.account(ctx, p.Auth)
	if err != nil {
		return answer{}, err
	}
	var r argReader
	upload := r.opaque(p.Upload())
	if r.err != nil {
		return answer{}, r.err
	}
	token, err := s.svc.Owners.ChangePassword(ctx, c, upload)
	return answer{sizePointer, func(st capnp.Struct) error {
		return schema.NodeService_changePassword_Results(st).SetSessionToken(token)
	}}, err
}

func (s *server) deleteAccount(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_deleteAccount_Params(args)
	c, err := s.account(ctx, p.Auth)
	if err != nil {
		return answer{}, err
	}
	return answer{}, s.svc.Owners.DeleteAccount(ctx, c)
}

// account is caller for what takes a session and nothing else.
func (s *server) account(ctx context.Context, auth func() (schema.Auth, error)) (Caller, error) {
	c, err := s.caller(ctx, auth, false)
	if err == nil && c.Session == nil {
		return Caller{}, ErrUnauthenticated
	}
	return c, err
}

func (s *server) createChannel(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_createChannel_Params(args)
	c, err := s.caller(ctx, p.Auth, false)
	if err != nil {
		return answer{}, err
	}
	var r argReader
	peer := r.identity(p.PeerKey())
	if r.err != nil {
		return answer{}, r.err
	}
	ch, err := s.svc.Channels.CreateChannel(ctx, c, peer)
	return answer{sizePointer, func(st capnp.Struct) error {
		return schema.NodeService_createChannel_Results(st).SetChannelId(ch[:])
	}}, err
}

func (s *server) resolveUser(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_resolveUser_Params(args)
	c, err := s.caller(ctx, p.Auth, false)
	if err != nil {
		return answer{}, err
	}
	var r argReader
	name := r.username(p.Username())
	if r.err != nil {
		return answer{}, r.err
	}
	id, found, err := s.svc.Directory.ResolveUser(ctx, c, name)
	return answer{sizePointer, func(st capnp.Struct) error {
		if !found {
			return nil
		}
		return schema.NodeService_resolveUser_Results(st).SetIdentityKey(id[:])
	}}, err
}

func (s *server) resolveIdentity(ctx context.Context, args capnp.Struct) (answer, error) {
	p := schema.NodeService_resolveIdentity_Params(args)
	c, id, err := s.about(ctx, p, false)
	if err != nil {
		return answer{}, err
	}
	name, err := s.svc.Directory.ResolveIdentity(ctx, c, id)
	return answer{sizePointer, func(st capnp.Struct) error {
		return schema.NodeService_resolveIdentity_Results(st).SetUsername(name)
	}}, err
}
