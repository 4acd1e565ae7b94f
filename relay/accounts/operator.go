package accounts

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"quicnprotochat/relay/store"
	"quicnprotochat/rpc"
)

// Operator is what the host of a relay does about its users, with a store that a
// relay runs on or that is open for this alone.
type Operator struct {
	// Storage is a *store.Store whose Run is running. Required.
	Storage OperatorStorage
	// Now is the clock. Required.
	Now func() time.Time
}

// OperatorStorage is what Operator needs of a store.
type OperatorStorage interface {
	removals
	Account(ctx context.Context, key store.AccountKey) (store.Account, bool, error)
	Accounts(ctx context.Context, after store.AccountKey, limit int) ([]store.Account, error)
	Ban(ctx context.Context, key store.AccountKey, ban bool) error
	AddInvite(ctx context.Context, i store.Invite) error
	Invites(ctx context.Context) ([]store.Invite, error)
	DeleteInvite(ctx context.Context, prefix []byte) (bool, error)
}

// User is one account.
type User struct {
	// Name is as it was registered.
	Name string
	// Identity is the key that the owner named; it is proved if Bound is true.
	Identity rpc.Identity
	Bound    bool
	// Banned keeps the account from logging in, and its identity from all calls.
	Banned  bool
	Created time.Time
}

// Invite is an open invite, without its code.
type Invite struct {
	// ID names it; any beginning that no other has will do for Revoke.
	ID               string
	Note             string
	Created, Expires time.Time
}

// Errors that an operator branches on.
var (
	// ErrNoUser means that no account has that name.
	ErrNoUser = errors.New("no account has that name")
	// ErrInvite means that there is no such invite, or more than one.
	ErrInvite = errors.New("no such invite")
	// ErrBounds means an invite that is over MaxInviteLife or MaxNote.
	ErrBounds = fmt.Errorf("an invite is good for at most %v, and its note has at most %d bytes", MaxInviteLife, MaxNote)
)

// usersPage is how many accounts one read transaction is for.
const usersPage = 500

// Users gives all accounts to each, in no order that means something.
func (o Operator) Users(ctx context.Context, each func(User) error) error {
	var after store.AccountKey
	for {
		page, err := o.Storage.Accounts(ctx, after, usersPage)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, a := range page {
			if err := each(User{a.Name, a.Identity, a.Bound, a.Banned, a.Created}); err != nil {
				return err
			}
			after = a.Key
		}
	}
}

// find returns the account of a name.
func (o Operator) find(ctx context.Context, text string) (a store.Account, err error) {
	name, err := ParseName(text)
	if err != nil {
		return a, ErrNoUser
	}
	a, found, err := o.Storage.Account(ctx, name.Key)
	if err == nil && (!found || a.Folded != name.Folded) {
		err = ErrNoUser
	}
	return a, err
}

// Ban keeps the account of a name out, or lets it in again. Its mail is kept as
// long as any, and others may go on leaving some.
func (o Operator) Ban(ctx context.Context, name string, ban bool) error {
	a, err := o.find(ctx, name)
	if err != nil {
		return err
	}
	err = o.Storage.Ban(ctx, a.Key, ban)
	if errors.Is(err, store.ErrNotFound) {
		return ErrNoUser // deleted meanwhile
	}
	return err
}

// Remove removes the account of a name, and all that is kept for its identity. A
// ban goes with it.
func (o Operator) Remove(ctx context.Context, name string) error {
	a, err := o.find(ctx, name)
	if err != nil {
		return err
	}
	if a.Bound {
		if err := o.Storage.Forget(ctx, a.Identity); err != nil {
			return err
		}
	}
	return o.Storage.DeleteAccount(ctx, a.Key)
}

// The bounds of an invite.
const (
	// DefaultInviteLife is how long an invite is good by default, MaxInviteLife how
	// long at most.
	DefaultInviteLife = 7 * 24 * time.Hour
	MaxInviteLife     = 365 * 24 * time.Hour
	// MaxNote bounds the note of an invite, in bytes.
	MaxNote = 255
)

// Invite makes an invite for one account. The code is shown once: the store keeps
// its hash. A lasts of 0 means DefaultInviteLife. The error is ErrBounds, or that of
// the store.
func (o Operator) Invite(ctx context.Context, lasts time.Duration, note string) (code string, i Invite, err error) {
	if lasts == 0 {
		lasts = DefaultInviteLife
	}
	if lasts < 0 || lasts > MaxInviteLife || len(note) > MaxNote || !utf8.ValidString(note) {
		return "", i, ErrBounds
	}
	code, stored := NewInvite(o.Now(), lasts, note)
	return code, invite(stored), o.Storage.AddInvite(ctx, stored)
}

// Invites returns the open invites.
func (o Operator) Invites(ctx context.Context) (list []Invite, err error) {
	all, err := o.Storage.Invites(ctx)
	for _, i := range all {
		list = append(list, invite(i))
	}
	return list, err
}

func invite(i store.Invite) Invite {
	return Invite{hex.EncodeToString(i.ID[:8]), i.Note, i.Created, i.Expires}
}

// Revoke removes an open invite, by its code or the beginning of its ID. ErrInvite
// if there is none, or more than one.
func (o Operator) Revoke(ctx context.Context, which string) error {
	prefix, err := hex.DecodeString(strings.ToLower(which))
	if id, ok := parseInvite(which); ok {
		prefix, err = id[:], nil
	}
	if err != nil || len(prefix) == 0 {
		return ErrInvite
	}
	found, err := o.Storage.DeleteInvite(ctx, prefix)
	if err == nil && !found {
		return ErrInvite
	}
	return err
}
