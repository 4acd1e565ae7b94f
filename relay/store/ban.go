package store

import (
	"context"
	"sync"

	bolt "go.etcd.io/bbolt"

	"quicnprotochat/rpc"
)

// bans are the identities of banned accounts, for who asks at each call. The
// accounts say it on the disk.
type bans struct {
	// mu guards set.
	mu  sync.RWMutex
	set map[rpc.Identity]bool
}

// Ban keeps an account from beginning sessions and ends those that it has, or lets
// it again. Nothing else about it changes. ErrNotFound if there is no such account.
func (s *Store) Ban(ctx context.Context, key AccountKey, ban bool) error {
	return s.submit(ctx, 0, func(b *batch) error {
		a, found := b.cfg.account(b.Tx, key)
		if !found {
			return ErrNotFound
		}
		if ban {
			if err := b.endSessions(a); err != nil {
				return err
			}
			a.sessions = nil
		}
		if a.Banned = ban; a.Bound {
			b.bans[a.Identity] = ban
		}
		return b.Replace(bucketAccounts, a.Key[:], a.bytesOf())
	})
}

// Banned reports whether an identity is bound to a banned account.
func (s *Store) Banned(id rpc.Identity) bool {
	s.bans.mu.RLock()
	defer s.bans.mu.RUnlock()
	return s.bans.set[id]
}

// change puts what a transaction has changed into the set.
func (n *bans) change(by map[rpc.Identity]bool) {
	if len(by) == 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, banned := range by {
		if banned {
			n.set[id] = true
		} else {
			delete(n.set, id)
		}
	}
}

// readBans finds the banned accounts when the store is opened.
func (s *Store) readBans() error {
	s.bans.set = make(map[rpc.Identity]bool)
	return s.View(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketAccounts).ForEach(func(k, _ []byte) error {
			if len(k) != len(AccountKey{}) {
				return nil
			}
			if a, found := s.cfg.account(tx, AccountKey(k)); found && a.Bound && a.Banned {
				s.bans.set[a.Identity] = true
			}
			return nil
		})
	})
}
