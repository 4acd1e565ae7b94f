package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"time"

	bolt "go.etcd.io/bbolt"

	"quicnprotochat/relay/store/ledger"
)

// InviteID is the SHA-256 of an invite code; the code itself is not stored.
type InviteID [32]byte

// Invite is one code that was given out and not used.
type Invite struct {
	ID               InviteID
	Created, Expires time.Time
	// Note is what the operator wrote to it, at most 255 bytes.
	Note string
}

// maxInvites bounds the open invites.
const maxInvites = 10_000

// AddInvite keeps an invite. ErrBusy if too many are open.
func (s *Store) AddInvite(ctx context.Context, i Invite) error {
	return s.submit(ctx, len(i.Note), func(b *batch) error {
		// There are few, and it is rare.
		n := 0
		c := b.Tx.Bucket(bucketInvites).Cursor()
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			n++
		}
		if n >= maxInvites {
			return ErrBusy
		}
		body := binary.BigEndian.AppendUint64(nil, uint64(i.Expires.UnixMilli()))
		body = binary.BigEndian.AppendUint64(body, uint64(i.Created.UnixMilli()))
		return b.Put(bucketInvites, i.ID[:], append(body, i.Note...))
	})
}

// Invites returns the open invites.
func (s *Store) Invites(ctx context.Context) (list []Invite, err error) {
	err = s.view(ctx, func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketInvites).Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			if i, ok := s.cfg.invite(k, v); ok {
				list = append(list, i)
			}
		}
		return nil
	})
	return list, err
}

// DeleteInvite revokes the open invite whose id begins so, and reports whether
// there was exactly one.
func (s *Store) DeleteInvite(ctx context.Context, prefix []byte) (found bool, err error) {
	err = s.submit(ctx, 0, func(b *batch) error {
		found = false
		c := b.Tx.Bucket(bucketInvites).Cursor()
		k, _ := c.Seek(prefix)
		if len(prefix) == 0 || !bytes.HasPrefix(k, prefix) {
			return nil
		}
		k = bytes.Clone(k)
		if next, _ := c.Next(); bytes.HasPrefix(next, prefix) {
			return nil
		}
		found = true
		return b.Delete(bucketInvites, k)
	})
	return found && err == nil, err
}

func (b *batch) hasInvite(id InviteID) bool {
	_, ok := b.cfg.invite(id[:], b.Tx.Bucket(bucketInvites).Get(id[:]))
	return ok
}

// invite reads an invite that has not expired.
func (c *Config) invite(k, v []byte) (i Invite, ok bool) {
	body, err := ledger.Unseal(bucketInvites, k, v)
	if err != nil || len(body) < 16 || len(k) != len(i.ID) {
		return i, false
	}
	i = Invite{
		ID:      InviteID(k),
		Expires: time.UnixMilli(int64(binary.BigEndian.Uint64(body))),
		Created: time.UnixMilli(int64(binary.BigEndian.Uint64(body[8:]))),
		Note:    string(body[16:]),
	}
	return i, c.Now().Before(i.Expires)
}
