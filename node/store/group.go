package store

import (
	"errors"
	"log/slog"
	"time"

	"quicnprotochat/rpc"
)

// Group is one MLS group of a conversation.
type Group struct {
	ID           []byte
	Conversation [16]byte
	Creator      rpc.Identity
	// Counter ranks the groups of a conversation with their creators.
	Counter uint64
	// Epoch is the id of the head, the epoch that we are in.
	Epoch [16]byte
	// Suite is the number of its cipher suite (RFC 9420, section 17.1).
	Suite uint16
	// Retire is zero for a live group, else until when it still receives.
	Retire time.Time
}

const groupColumns = "id, conversation, creator, counter, epoch, suite, retire"

func scanGroup(r *row) Group {
	return Group{
		ID: r.bytes(), Conversation: r.array16(), Creator: r.array32(),
		Counter: r.uint64(), Epoch: r.array16(), Suite: uint16(r.int()), Retire: r.time(),
	}
}

// Group returns the group of that id, or ErrNotFound.
func (t *Tx) Group(id []byte) (Group, error) {
	return first(t, scanGroup, "SELECT "+groupColumns+" FROM groups WHERE id = ?", id)
}

// GroupsOf returns the groups of a conversation by id.
func (t *Tx) GroupsOf(conversation [16]byte) ([]Group, error) {
	return list(t, scanGroup, "SELECT "+groupColumns+" FROM groups WHERE conversation = ? ORDER BY id", conversation[:])
}

// CountGroups returns how many groups a conversation has.
func (t *Tx) CountGroups(conversation [16]byte) (int, error) {
	return t.count("SELECT count(*) FROM groups WHERE conversation = ?", conversation[:])
}

// PutGroup adds or replaces the group of that id.
func (t *Tx) PutGroup(g Group) error {
	return t.do(`INSERT INTO groups (id, conversation, creator, counter, epoch, suite, retire) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET conversation = excluded.conversation, creator = excluded.creator,
			counter = excluded.counter, epoch = excluded.epoch,
			suite = excluded.suite, retire = excluded.retire`,
		g.ID, g.Conversation[:], g.Creator[:], g.Counter, g.Epoch[:], int(g.Suite), g.Retire)
}

// DeleteGroup erases a group with all that belongs to it: epochs and their
// records, commits, seats and intents. It is no error if there is none.
func (t *Tx) DeleteGroup(id []byte) error {
	for _, sql := range []string{
		"DELETE FROM mls_records WHERE epoch IN (SELECT id FROM epochs WHERE grp = ?)",
		"DELETE FROM epochs WHERE grp = ?",
		"DELETE FROM commits WHERE grp = ?",
		"DELETE FROM seats WHERE grp = ?",
		"DELETE FROM intents WHERE grp = ?",
		"DELETE FROM groups WHERE id = ?",
	} {
		if err := t.do(sql, id); err != nil {
			return err
		}
	}
	return nil
}

// Epoch is one epoch of a group of which we hold keys.
type Epoch struct {
	ID      [16]byte
	Group   []byte
	Number  uint64
	SealKey [32]byte // opens sealed payloads of this epoch (package mls/seal)
	Created time.Time
}

// LogValue keeps the key out of logs.
func (Epoch) LogValue() slog.Value { return slog.StringValue("[redacted]") }

const epochColumns = "id, grp, number, seal_key, created"

func scanEpoch(r *row) Epoch {
	return Epoch{ID: r.array16(), Group: r.bytes(), Number: r.uint64(), SealKey: r.array32(), Created: r.time()}
}

// Epoch returns the epoch of that id, or ErrNotFound.
func (t *Tx) Epoch(id [16]byte) (Epoch, error) {
	return first(t, scanEpoch, "SELECT "+epochColumns+" FROM epochs WHERE id = ?", id[:])
}

// Epochs returns all epochs, newest first: those whose keys may open a payload.
func (t *Tx) Epochs() ([]Epoch, error) {
	return list(t, scanEpoch, "SELECT "+epochColumns+" FROM epochs ORDER BY created DESC, number DESC, id")
}

// PutEpoch adds or replaces the epoch of that id.
func (t *Tx) PutEpoch(e Epoch) error {
	return t.do(`INSERT INTO epochs (id, grp, number, seal_key, created) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET grp = excluded.grp, number = excluded.number,
			seal_key = excluded.seal_key, created = excluded.created`,
		e.ID[:], e.Group, e.Number, e.SealKey[:], e.Created)
}

// Records holds the MLS state of one epoch as named values. It lives as long
// as its Tx.
type Records struct {
	t     *Tx
	epoch [16]byte
}

// Records returns the records of an epoch, which need not exist yet.
func (t *Tx) Records(epoch [16]byte) Records { return Records{t, epoch} }

// Get returns the value of key, nil if there is none. A value that was put
// empty is returned empty and not nil.
func (r Records) Get(key string) ([]byte, error) {
	v, err := first(r.t, (*row).value, "SELECT value FROM mls_records WHERE epoch = ? AND key = ?", r.epoch[:], key)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return v, err
}

// Put stores a value under key.
func (r Records) Put(key string, value []byte) error {
	return r.t.do(`INSERT INTO mls_records (epoch, key, value) VALUES (?, ?, ?)
		ON CONFLICT (epoch, key) DO UPDATE SET value = excluded.value`, r.epoch[:], key, value)
}

// Delete erases the value of key; it is no error if there is none.
func (r Records) Delete(key string) error {
	return r.t.do("DELETE FROM mls_records WHERE epoch = ? AND key = ?", r.epoch[:], key)
}
