package store

import (
	"time"

	"quicnprotochat/node/store/database"
)

// Commit is one epoch of a group that we know of: how it came to be, and whether
// we are in it.
type Commit struct {
	Group []byte
	// Name is that of the epoch that the commit leads to, Parent that of the epoch
	// that it was made in; zero for the oldest epoch known.
	Name, Parent [16]byte
	// Card is the commit card, or what the oldest epoch is described by.
	Card []byte
	// Message is the commit itself, empty if only the card is known.
	Message []byte
	// Size is that of Message in bytes. Commits tells it in place of the Message.
	Size int
	// State is the caller's.
	State byte
	// Seen is when it became known.
	Seen time.Time
}

const commitColumns = "grp, name, parent, card, message, length(message), state, seen"

func scanCommit(r *database.Row) Commit {
	return Commit{
		Group: r.Bytes(), Name: r.Array16(), Parent: r.Array16(), Card: r.Bytes(), Message: r.Bytes(),
		Size: r.Int(), State: byte(r.Int()), Seen: r.Time(),
	}
}

// Commit returns the commit that leads to an epoch of a group, or ErrNotFound.
func (t *Tx) Commit(group []byte, name [16]byte) (Commit, error) {
	return database.First(t.db, scanCommit, "SELECT "+commitColumns+" FROM commits WHERE grp = ? AND name = ?", group, name[:])
}

// Commits returns the commits of a group without their Messages.
func (t *Tx) Commits(group []byte) ([]Commit, error) {
	return database.List(t.db, scanCommit, `SELECT grp, name, parent, card, zeroblob(0), length(message), state, seen FROM commits
		WHERE grp = ? ORDER BY seen, name`, group)
}

// PutCommit adds or replaces a commit.
func (t *Tx) PutCommit(c Commit) error {
	return t.db.Do(`INSERT OR REPLACE INTO commits (grp, name, parent, card, message, state, seen) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		c.Group, c.Name[:], c.Parent[:], c.Card, c.Message, c.State, c.Seen)
}

// SetCommitState changes the State of a commit. It returns ErrNotFound if there
// is no such commit.
func (t *Tx) SetCommitState(group []byte, name [16]byte, state byte) error {
	return t.db.Must("UPDATE commits SET state = ? WHERE grp = ? AND name = ?", state, group, name[:])
}

// DeleteCommit removes a commit; it is no error if there is none.
func (t *Tx) DeleteCommit(group []byte, name [16]byte) error {
	return t.db.Do("DELETE FROM commits WHERE grp = ? AND name = ?", group, name[:])
}
