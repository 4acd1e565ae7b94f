package store

import (
	"time"

	"quicnprotochat/node/store/database"
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

func scanGroup(r *database.Row) Group {
	return Group{
		ID: r.Bytes(), Conversation: r.Array16(), Creator: r.Array32(),
		Counter: r.Uint64(), Epoch: r.Array16(), Suite: uint16(r.Int()), Retire: r.Time(),
	}
}

// Group returns the group of that id, or ErrNotFound.
func (t *Tx) Group(id []byte) (Group, error) {
	return database.First(t.db, scanGroup, "SELECT "+groupColumns+" FROM groups WHERE id = ?", id)
}

// GroupsOf returns the groups of a conversation by id.
func (t *Tx) GroupsOf(conversation [16]byte) ([]Group, error) {
	return database.List(t.db, scanGroup, "SELECT "+groupColumns+" FROM groups WHERE conversation = ? ORDER BY id", conversation[:])
}

// CountGroups returns how many groups a conversation has.
func (t *Tx) CountGroups(conversation [16]byte) (int, error) {
	return t.db.Count("SELECT count(*) FROM groups WHERE conversation = ?", conversation[:])
}

// PutGroup adds or replaces the group of that id.
func (t *Tx) PutGroup(g Group) error {
	return t.db.Do(`INSERT INTO groups (id, conversation, creator, counter, epoch, suite, retire) VALUES (?, ?, ?, ?, ?, ?, ?)
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
		if err := t.db.Do(sql, id); err != nil {
			return err
		}
	}
	return nil
}
