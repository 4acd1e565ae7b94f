package store

import (
	"context"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/crypto/cryptobyte"

	"quicnprotochat/relay/store/ledger"
	"quicnprotochat/rpc"
)

// AccountKey is what an account is kept under; whoever makes it sees to it that
// names too alike have the same one.
type AccountKey [32]byte

// Account is one registration.
type Account struct {
	Key AccountKey
	// Name is as its owner wrote it, Folded as it is compared. Both are at most
	// 255 bytes.
	Name, Folded string
	// Record is the registration record of RFC 9807, Stretch what a password
	// costs; see package rpc/account.
	Record, Stretch []byte
	// Identity is the key that the owner named. It is proved, and at most one
	// account has it, if Bound is true.
	Identity rpc.Identity
	Bound    bool
	// Banned keeps it from beginning sessions, see Ban.
	Banned  bool
	Created time.Time

	sessions [][32]byte // oldest first; some may be gone
}

// maxSessions bounds the sessions of one account: a new one ends the oldest.
const maxSessions = 16

// AddAccount keeps a new account, and spends the invite of that id if it is not
// nil, in one step. ErrTaken if the key is taken, ErrBound if another account has
// the identity, ErrNotFound if the invite is unknown, expired or spent.
func (s *Store) AddAccount(ctx context.Context, a Account, invite *InviteID) error {
	return s.submit(ctx, len(a.Record), func(b *batch) error {
		if invite != nil && !b.hasInvite(*invite) {
			return ErrNotFound
		}
		// Not record: one that is damaged must not be given to somebody else.
		if b.Tx.Bucket(bucketAccounts).Get(a.Key[:]) != nil {
			return ErrTaken
		}
		if a.Bound && b.Tx.Bucket(bucketBindings).Get(a.Identity[:]) != nil {
			return ErrBound
		}
		body := a.bytesOf()
		if !b.Room(ledger.RecordSize(len(body)+ledger.SumSize) + ledger.RecordSize(len(a.Key)+ledger.SumSize)) {
			return ErrBusy
		}
		if err := b.Replace(bucketAccounts, a.Key[:], body); err != nil {
			return err
		}
		if a.Bound {
			if err := b.Replace(bucketBindings, a.Identity[:], slices.Clone(a.Key[:])); err != nil {
				return err
			}
		}
		if invite != nil {
			return b.Delete(bucketInvites, invite[:])
		}
		return nil
	})
}

// Account returns the account of a key.
func (s *Store) Account(ctx context.Context, key AccountKey) (a Account, found bool, err error) {
	err = s.view(ctx, func(tx *bolt.Tx) error {
		a, found = s.cfg.account(tx, key)
		return nil
	})
	return a, found, err
}

// AccountOf returns the account that an identity is bound to.
func (s *Store) AccountOf(ctx context.Context, id rpc.Identity) (a Account, found bool, err error) {
	err = s.view(ctx, func(tx *bolt.Tx) error {
		if key := s.cfg.record(tx, bucketBindings, id[:]); len(key) == len(a.Key) {
			a, found = s.cfg.account(tx, AccountKey(key))
		}
		return nil
	})
	return a, found, err
}

// Members returns those of ids that are bound to an account, in their order.
func (s *Store) Members(ctx context.Context, ids []rpc.Identity) (members []rpc.Identity, err error) {
	err = s.view(ctx, func(tx *bolt.Tx) error {
		bound := tx.Bucket(bucketBindings)
		for _, id := range ids {
			if bound.Get(id[:]) != nil {
				members = append(members, id)
			}
		}
		return nil
	})
	return members, err
}

// Accounts returns up to limit accounts with keys behind after, in the order of
// their keys. The zero key begins; what is damaged is left out.
func (s *Store) Accounts(ctx context.Context, after AccountKey, limit int) (list []Account, err error) {
	err = s.view(ctx, func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketAccounts).Cursor()
		for k, _ := c.Seek(after[:]); k != nil && len(list) < limit; k, _ = c.Next() {
			if len(k) != len(after) || AccountKey(k) == after {
				continue
			}
			if a, found := s.cfg.account(tx, AccountKey(k)); found {
				list = append(list, a)
			}
		}
		return nil
	})
	return list, err
}

// ChangeRecord replaces the registration record of an account, ends its sessions
// and begins another one. ErrNotFound if there is no such account.
func (s *Store) ChangeRecord(ctx context.Context, key AccountKey, record, stretch []byte, session Session) error {
	return s.submit(ctx, len(record), func(b *batch) error {
		a, found := b.cfg.account(b.Tx, key)
		if !found {
			return ErrNotFound
		}
		if err := b.endSessions(a); err != nil {
			return err
		}
		a.Record, a.Stretch, a.sessions = record, stretch, nil
		return b.beginSession(a, session)
	})
}

// DeleteAccount removes an account with its sessions. What is kept for its
// identity is removed by Forget.
func (s *Store) DeleteAccount(ctx context.Context, key AccountKey) error {
	return s.submit(ctx, 0, func(b *batch) error {
		a, found := b.cfg.account(b.Tx, key)
		if !found {
			return ErrNotFound
		}
		if err := b.endSessions(a); err != nil {
			return err
		}
		if a.Bound {
			b.bans[a.Identity] = false
			if err := b.Delete(bucketBindings, a.Identity[:]); err != nil {
				return err
			}
		}
		return b.Delete(bucketAccounts, key[:])
	})
}

// account reads an account; found is false if it is damaged.
func (c *Config) account(tx *bolt.Tx, key AccountKey) (a Account, found bool) {
	body := c.record(tx, bucketAccounts, key[:])
	if body == nil {
		return a, false
	}
	a, err := parseAccount(body)
	if err != nil {
		c.Log.Error("account damaged", "err", err)
		return a, false
	}
	a.Key = key
	return a, true
}

// The flags of an account.
const (
	flagBound  = 1 << 0
	flagBanned = 1 << 1
)

func (a Account) bytesOf() []byte {
	var b cryptobyte.Builder
	b.AddUint64(uint64(a.Created.UnixMilli()))
	flags := uint8(0)
	if a.Bound {
		flags |= flagBound
	}
	if a.Banned {
		flags |= flagBanned
	}
	b.AddUint8(flags)
	b.AddBytes(a.Identity[:])
	for _, field := range [][]byte{[]byte(a.Name), []byte(a.Folded), a.Stretch, a.Record} {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(field) })
	}
	for _, id := range a.sessions {
		b.AddBytes(id[:])
	}
	return b.BytesOrPanic() // no field is longer than rpc lets it be
}

func parseAccount(body []byte) (a Account, err error) {
	s := cryptobyte.String(body)
	var created uint64
	var flags uint8
	if !s.ReadUint64(&created) || !s.ReadUint8(&flags) || !s.CopyBytes(a.Identity[:]) {
		return a, ErrDamaged
	}
	a.Created, a.Bound, a.Banned = time.UnixMilli(int64(created)), flags&flagBound != 0, flags&flagBanned != 0
	var fields [4][]byte
	for i := range fields {
		var field cryptobyte.String
		if !s.ReadUint16LengthPrefixed(&field) {
			return a, ErrDamaged
		}
		fields[i] = slices.Clone([]byte(field))
	}
	a.Name, a.Folded, a.Stretch, a.Record = string(fields[0]), string(fields[1]), fields[2], fields[3]
	for !s.Empty() {
		var id [32]byte
		if !s.CopyBytes(id[:]) {
			return a, ErrDamaged
		}
		a.sessions = append(a.sessions, id)
	}
	return a, nil
}

// Forget removes all that is kept for an identity: payloads, key packages, its
// hybrid key and its endpoint. The sequences of its inboxes do not go back.
func (s *Store) Forget(ctx context.Context, owner rpc.Identity) error {
	for {
		left := false
		err := s.submit(ctx, 0, func(b *batch) (err error) {
			left, err = b.forgetOwner(owner)
			return err
		})
		if err != nil || !left {
			return err
		}
	}
}

// forgetOwner removes a part of what is kept for an identity and reports whether
// some is left.
func (b *batch) forgetOwner(owner rpc.Identity) (left bool, err error) {
	c := b.Tx.Bucket(bucketInboxes).Cursor()
	for k, _ := c.Seek(owner[:]); len(k) == inboxKeySize && rpc.Identity(k[:ownerSize]) == owner; k, _ = c.Seek(owner[:]) {
		id, _ := parseInboxKey(slices.Clone(k))
		q, err := b.inbox(id)
		if err != nil || q.b == nil {
			return false, err
		}
		if err := b.remove(q, ^uint64(0), expireBudget); err != nil {
			return false, err
		}
		if first, _ := q.b.Cursor().First(); len(first) == 8 {
			return true, nil
		}
		if err := b.forget(q); err != nil {
			return false, err
		}
	}
	for _, number := range b.cfg.stock(b.Tx, owner).Numbers() {
		if err := b.Delete(bucketKeyPackages, packageKey(owner, number)); err != nil {
			return false, err
		}
	}
	for _, bucket := range [][]byte{bucketStocks, bucketHybridKeys, bucketEndpoints, bucketGenerations} {
		if err := b.Delete(bucket, owner[:]); err != nil {
			return false, err
		}
	}
	return false, nil
}
