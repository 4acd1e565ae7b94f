package accounts

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"quicnprotochat/relay/store"
	"quicnprotochat/rpc"
	"quicnprotochat/rpc/account"
)

// Session implements rpc.Sessions. A session that is used lives on: once a day its
// end is moved.
func (s *Service) Session(ctx context.Context, token [32]byte) (rpc.Session, error) {
	session, a, found, err := s.cfg.Storage.Session(ctx, sha256.Sum256(token[:]))
	if err != nil {
		return rpc.Session{}, s.cfg.WireError(err)
	}
	if !found {
		return rpc.Session{}, rpc.ErrUnauthenticated
	}
	end := s.cfg.Now().Add(sessionLife)
	if end.Sub(session.Expires) > 24*time.Hour {
		if err := s.cfg.Storage.ExtendSession(ctx, session.ID, end); err != nil && ctx.Err() == nil {
			s.cfg.Log.Warn("extend session", "err", err) // it still holds
		}
	}
	return rpc.Session{ID: session.ID, Account: a.Key, Identity: a.Identity, Bound: a.Bound, Begun: session.Begun}, nil
}

// EndSession implements rpc.AccountOwners.
func (s *Service) EndSession(ctx context.Context, c rpc.Caller) error {
	leave, err := s.enterAccount(c)
	if err != nil {
		return err
	}
	defer leave()
	return s.cfg.WireError(s.cfg.Storage.EndSession(ctx, c.Session.ID))
}

// ChangePassword implements rpc.AccountOwners. Who stole a token can not change the
// password with it: that takes a login a moment ago.
func (s *Service) ChangePassword(ctx context.Context, c rpc.Caller, upload []byte) ([]byte, error) {
	leave, err := s.enterAccount(c)
	if err != nil {
		return nil, err
	}
	defer leave()
	if !s.fresh(c) {
		return nil, rpc.ErrLogin.With("log in again before the password is changed")
	}
	if err := s.cfg.Server.CheckRecord(upload); err != nil {
		return nil, opaqueError(err)
	}
	token, session := s.newSession()
	err = s.cfg.Storage.ChangeRecord(ctx, c.Session.Account, upload, account.DefaultStretch().Encode(), session)
	if errors.Is(err, store.ErrNotFound) {
		return nil, rpc.ErrUnauthenticated
	}
	if err != nil {
		return nil, s.cfg.WireError(err)
	}
	return token, nil
}

// DeleteAccount implements rpc.AccountOwners. With the account goes all that is
// kept for the identity bound to it.
func (s *Service) DeleteAccount(ctx context.Context, c rpc.Caller) error {
	leave, err := s.enterAccount(c)
	if err != nil {
		return err
	}
	defer leave()
	if !s.fresh(c) {
		return rpc.ErrDeletion
	}
	if c.Session.Bound {
		// First: when it fails half way, the account is there to try again.
		if err := s.cfg.Storage.Forget(ctx, c.Session.Identity); err != nil {
			return s.cfg.WireError(err)
		}
	}
	err = s.cfg.Storage.DeleteAccount(ctx, c.Session.Account)
	if errors.Is(err, store.ErrNotFound) {
		return rpc.ErrUnauthenticated
	}
	return s.cfg.WireError(err)
}

func (s *Service) enterAccount(c rpc.Caller) (leave func(), err error) {
	if c.Session == nil {
		return nil, rpc.ErrUnauthenticated
	}
	return s.cfg.Enter(c)
}

// fresh reports whether the caller's session began a moment ago.
func (s *Service) fresh(c rpc.Caller) bool {
	age := s.cfg.Now().Sub(c.Session.Begun)
	return age >= 0 && age < freshLogin
}
