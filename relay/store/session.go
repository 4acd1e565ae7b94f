package store

import (
	"context"
	"encoding/binary"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/crypto/cryptobyte"

	"quicnprotochat/relay/store/ledger"
)

// Session is one session of an account. Its token is not stored, only the hash.
type Session struct {
	// ID is the SHA-256 of the token.
	ID             [32]byte
	Begun, Expires time.Time
}

// BeginSession adds a session to an account whose registration record is still
// that one, and ends the oldest beyond 16. ErrNotFound if it is not, ErrBanned if
// the account is banned.
func (s *Store) BeginSession(ctx context.Context, key AccountKey, record []byte, session Session) error {
	return s.submit(ctx, 0, func(b *batch) error {
		a, found := b.cfg.account(b.Tx, key)
		if !found || !slices.Equal(a.Record, record) {
			return ErrNotFound
		}
		if a.Banned {
			return ErrBanned
		}
		return b.beginSession(a, session)
	})
}

// Session returns a session that has not expired, with its account.
func (s *Store) Session(ctx context.Context, id [32]byte) (session Session, a Account, found bool, err error) {
	err = s.view(ctx, func(tx *bolt.Tx) error {
		var key AccountKey
		if session, key, found = s.cfg.session(tx, id); found {
			a, found = s.cfg.account(tx, key)
		}
		return nil
	})
	return session, a, found, err
}

// ExtendSession moves the end of a session, if it is still there.
func (s *Store) ExtendSession(ctx context.Context, id [32]byte, expires time.Time) error {
	return s.submit(ctx, 0, func(b *batch) error {
		session, key, found := b.cfg.session(b.Tx, id)
		if !found {
			return nil
		}
		session.Expires = expires
		return b.Replace(bucketSessions, id[:], session.bytesOf(key))
	})
}

// EndSession removes a session, if it is there.
func (s *Store) EndSession(ctx context.Context, id [32]byte) error {
	return s.submit(ctx, 0, func(b *batch) error { return b.Delete(bucketSessions, id[:]) })
}

// beginSession adds a session to a, and writes both.
func (b *batch) beginSession(a Account, session Session) error {
	live := b.Tx.Bucket(bucketSessions)
	a.sessions = slices.DeleteFunc(a.sessions, func(id [32]byte) bool { return live.Get(id[:]) == nil })
	body := session.bytesOf(a.Key)
	if !b.Room(2 * ledger.RecordSize(len(body)+ledger.SumSize)) {
		return ErrBusy
	}
	if n := len(a.sessions) + 1 - maxSessions; n > 0 {
		for _, id := range a.sessions[:n] {
			if err := b.Delete(bucketSessions, id[:]); err != nil {
				return err
			}
		}
		a.sessions = a.sessions[n:]
	}
	a.sessions = append(a.sessions, session.ID)
	if err := b.Replace(bucketSessions, session.ID[:], body); err != nil {
		return err
	}
	return b.Replace(bucketAccounts, a.Key[:], a.bytesOf())
}

// endSessions removes the sessions of a.
func (b *batch) endSessions(a Account) error {
	for _, id := range a.sessions {
		if err := b.Delete(bucketSessions, id[:]); err != nil {
			return err
		}
	}
	return nil
}

// session reads a session that has not expired, and the key of its account.
func (c *Config) session(tx *bolt.Tx, id [32]byte) (session Session, key AccountKey, found bool) {
	s := cryptobyte.String(c.record(tx, bucketSessions, id[:]))
	var expires, begun uint64
	if !s.ReadUint64(&expires) || !s.ReadUint64(&begun) || !s.CopyBytes(key[:]) || !s.Empty() {
		return session, key, false
	}
	session = Session{ID: id, Begun: time.UnixMilli(int64(begun)), Expires: time.UnixMilli(int64(expires))}
	return session, key, c.Now().Before(session.Expires)
}

func (s Session) bytesOf(account AccountKey) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 16+len(account)+ledger.SumSize), uint64(s.Expires.UnixMilli()))
	b = binary.BigEndian.AppendUint64(b, uint64(s.Begun.UnixMilli()))
	return append(b, account[:]...)
}
