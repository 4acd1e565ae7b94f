package store

import (
	"time"

	"quicnprotochat/rpc"
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

func scanCommit(r *row) Commit {
	return Commit{
		Group: r.bytes(), Name: r.array16(), Parent: r.array16(), Card: r.bytes(), Message: r.bytes(),
		Size: r.int(), State: byte(r.int()), Seen: r.time(),
	}
}

// Commit returns the commit that leads to an epoch of a group, or ErrNotFound.
func (t *Tx) Commit(group []byte, name [16]byte) (Commit, error) {
	return first(t, scanCommit, "SELECT "+commitColumns+" FROM commits WHERE grp = ? AND name = ?", group, name[:])
}

// Commits returns the commits of a group without their Messages.
func (t *Tx) Commits(group []byte) ([]Commit, error) {
	return list(t, scanCommit, `SELECT grp, name, parent, card, zeroblob(0), length(message), state, seen FROM commits
		WHERE grp = ? ORDER BY seen, name`, group)
}

// PutCommit adds or replaces a commit.
func (t *Tx) PutCommit(c Commit) error {
	return t.do(`INSERT OR REPLACE INTO commits (grp, name, parent, card, message, state, seen) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		c.Group, c.Name[:], c.Parent[:], c.Card, c.Message, c.State, c.Seen)
}

// SetCommitState changes the State of a commit. It returns ErrNotFound if there
// is no such commit.
func (t *Tx) SetCommitState(group []byte, name [16]byte, state byte) error {
	return t.must("UPDATE commits SET state = ? WHERE grp = ? AND name = ?", state, group, name[:])
}

// DeleteCommit removes a commit; it is no error if there is none.
func (t *Tx) DeleteCommit(group []byte, name [16]byte) error {
	return t.do("DELETE FROM commits WHERE grp = ? AND name = ?", group, name[:])
}

// DeleteEpoch erases an epoch and its records; it is no error if there is none.
func (t *Tx) DeleteEpoch(id [16]byte) error {
	if err := t.do("DELETE FROM mls_records WHERE epoch = ?", id[:]); err != nil {
		return err
	}
	return t.do("DELETE FROM epochs WHERE id = ?", id[:])
}

// Seat is what we know of another member of a group.
type Seat struct {
	Group  []byte
	Member rpc.Identity
	// Head is the epoch that the member said last that it is in, At when.
	Head [16]byte
	At   time.Time
}

func scanSeat(r *row) Seat {
	return Seat{Group: r.bytes(), Member: r.array32(), Head: r.array16(), At: r.time()}
}

// Seats returns what is known of the members of a group.
func (t *Tx) Seats(group []byte) ([]Seat, error) {
	return list(t, scanSeat, "SELECT grp, member, head, at FROM seats WHERE grp = ? ORDER BY member", group)
}

// PutSeat adds or replaces a seat.
func (t *Tx) PutSeat(s Seat) error {
	return t.do("INSERT OR REPLACE INTO seats (grp, member, head, at) VALUES (?, ?, ?, ?)",
		s.Group, s.Member[:], s.Head[:], s.At)
}
