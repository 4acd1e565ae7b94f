package accounts

import (
	"context"
	"errors"

	"quicnprotochat/relay/store"
	"quicnprotochat/rpc"
	"quicnprotochat/rpc/account"
)

// RegisterStart implements rpc.Accounts. It answers for a taken name as for a free
// one, and it is the beginning of a change of password too.
func (s *Service) RegisterStart(_ context.Context, c rpc.Caller, username string, request []byte) ([]byte, error) {
	name, leave, err := s.enter(c, username)
	if err != nil {
		return nil, err
	}
	defer leave()
	if !s.begun.take(network(c.Remote)) {
		return nil, rpc.ErrBusy
	}
	response, err := s.cfg.Server.Register(name.Folded, request)
	return response, opaqueError(err)
}

// RegisterFinish implements rpc.Accounts. The identity is bound to the account if
// it is proved; over plain QUIC it may also be just named.
func (s *Service) RegisterFinish(ctx context.Context, c rpc.Caller, username string, upload []byte, id rpc.Identity, invite string) (bool, error) {
	name, leave, err := s.enter(c, username)
	if err != nil {
		return false, err
	}
	defer leave()
	u, err := account.ParseUpload(upload)
	if err == nil {
		err = s.cfg.Server.CheckRecord(u.Record)
	}
	if err != nil {
		return false, opaqueError(err)
	}
	bound, err := s.binds(c, u, username, id)
	if err != nil {
		return false, err
	}
	code, err := s.invite(invite)
	if err != nil {
		return false, err
	}
	address := network(c.Remote)
	if !s.made.take(address) {
		return false, rpc.ErrBusy
	}
	err = s.cfg.Storage.AddAccount(ctx, store.Account{
		Key: name.Key, Name: name.Text, Folded: name.Folded, Record: u.Record,
		Stretch: account.DefaultStretch().Encode(), Identity: id, Bound: bound, Created: s.cfg.Now(),
	}, code)
	switch {
	case errors.Is(err, store.ErrTaken):
		s.made.giveBack(address)
		return false, rpc.ErrUsername.With("that name, or one that looks like it, is taken")
	case errors.Is(err, store.ErrBound):
		return false, rpc.ErrUsername.With("this key has an account here already")
	case errors.Is(err, store.ErrNotFound):
		return false, rpc.ErrInvite
	}
	return err == nil, s.cfg.WireError(err)
}

// binds reports whether the caller proves id. A proof that fails, and the name of
// a key other than the one that TLS proved, are refused.
func (s *Service) binds(c rpc.Caller, u account.Upload, username string, id rpc.Identity) (bool, error) {
	switch {
	case c.Proven && c.Identity != id:
		return false, rpc.ErrForbidden
	case len(u.Signature) > 0 && !u.Binds(id, s.cfg.Relay, username):
		return false, rpc.ErrForbidden.With("the binding signature is wrong")
	}
	return c.Proven || len(u.Signature) > 0, nil
}

// invite returns the invite to spend, nil if none is needed.
func (s *Service) invite(code string) (*store.InviteID, error) {
	if !s.cfg.Invite {
		return nil, nil
	}
	id, ok := parseInvite(code)
	if !ok {
		return nil, rpc.ErrInvite
	}
	return &id, nil
}
