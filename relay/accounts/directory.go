package accounts

import (
	"context"

	"quicnprotochat/rpc"
)

// ResolveUser implements rpc.Directory. Only who proved a key is found.
func (s *Service) ResolveUser(ctx context.Context, c rpc.Caller, username string) (id rpc.Identity, found bool, err error) {
	leave, err := s.cfg.Enter(c)
	if err != nil {
		return id, false, err
	}
	defer leave()
	defer leveled(ctx)()
	name, err := ParseName(username)
	if err != nil {
		return id, false, nil // nobody has such a name
	}
	a, found, err := s.account(ctx, name)
	if err != nil || !found || !a.Bound {
		return id, false, err
	}
	return a.Identity, true, nil
}

// ResolveIdentity implements rpc.Directory. A name is shown as it is compared.
func (s *Service) ResolveIdentity(ctx context.Context, c rpc.Caller, id rpc.Identity) (username string, err error) {
	leave, err := s.cfg.Enter(c)
	if err != nil {
		return "", err
	}
	defer leave()
	defer leveled(ctx)()
	a, found, err := s.cfg.Storage.AccountOf(ctx, id)
	if err != nil || !found {
		return "", s.cfg.WireError(err)
	}
	return a.Folded, nil
}
