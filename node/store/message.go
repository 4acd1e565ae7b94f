package store

import (
	"crypto/sha256"
	"fmt"
	"math"
	"time"

	"quicnprotochat/node/store/database"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// Message is one message of a conversation, of ours or of another author. Its
// key is (Conversation, Author, ID).
type Message struct {
	Conversation [16]byte
	Author       rpc.Identity
	ID           [16]byte
	// Type and Body are the application message, encoded (package message). Body is
	// empty once the message is erased.
	Type byte
	Body []byte
	// Ref is the id of the message that it is about; zero for none.
	Ref [16]byte
	// Hidden: it has no entry of its own. It is about another message, or gone.
	Hidden bool
	// Lamport, Author and Counter make the order shown.
	Lamport, Counter uint64
	Sent, Stored     time.Time
	// State, Path, Relay and Why tell how delivery of a message of ours stands.
	State, Path string
	Relay       transport.Key
	Why         string
	// Tries is what was tried to deliver it to a contact (package tries).
	Tries []byte
	// Read is when it was shown to the user, Expires when it is to be erased, and
	// Erased when that was done; zero: not (yet).
	Read, Expires, Erased time.Time
}

const messageColumns = `conversation, author, id, type, body, lamport, counter,
	sent, stored, state, path, relay, why, tries, ref, hidden, read, expires, erased`

func scanMessage(r *database.Row) Message {
	return Message{
		Conversation: r.Array16(), Author: r.Array32(), ID: r.Array16(),
		Type: byte(r.Int()), Body: r.Bytes(), Lamport: r.Uint64(), Counter: r.Uint64(),
		Sent: r.Time(), Stored: r.Time(), State: r.Text(), Path: r.Text(), Relay: r.Array32(), Why: r.Text(), Tries: r.Bytes(),
		Ref: r.Array16(), Hidden: r.Bool(), Read: r.Time(), Expires: r.Time(), Erased: r.Time(),
	}
}

// digest is what tells two messages of one key apart.
func (m Message) digest() []byte {
	h := sha256.New()
	h.Write([]byte{m.Type})
	h.Write(m.Body)
	return h.Sum(nil)
}

// InsertMessage adds a message. It returns ErrExists if the conversation has it
// already, and ErrConflict if it has one of the same author and id with another
// type or body (as first inserted); of an erased one nothing is left to compare.
// In both cases nothing changes.
func (t *Tx) InsertMessage(m Message) error {
	digest := m.digest()
	if !m.Erased.IsZero() {
		digest = nil
	}
	n, err := t.db.Exec(`INSERT INTO messages (conversation, author, id, type, body, digest, lamport, counter,
			sent, stored, state, path, relay, why, tries, ref, hidden, read, expires, erased)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		m.Conversation[:], m.Author[:], m.ID[:], m.Type, m.Body, digest, m.Lamport, m.Counter,
		m.Sent, m.Stored, m.State, m.Path, m.Relay[:], m.Why, m.Tries, m.Ref[:], m.Hidden, m.Read, m.Expires, m.Erased)
	if err != nil || n == 1 {
		return err
	}
	same, err := t.db.Count("SELECT digest = ? OR erased <> 0 FROM messages WHERE conversation = ? AND author = ? AND id = ?",
		digest, m.Conversation[:], m.Author[:], m.ID[:])
	if err != nil {
		return err
	}
	if same == 0 {
		return fmt.Errorf("message: %w", ErrConflict)
	}
	return fmt.Errorf("message: %w", ErrExists)
}

// Message returns one message, or ErrNotFound.
func (t *Tx) Message(conversation [16]byte, author rpc.Identity, id [16]byte) (Message, error) {
	return database.First(t.db, scanMessage, "SELECT "+messageColumns+` FROM messages
		WHERE conversation = ? AND author = ? AND id = ?`, conversation[:], author[:], id[:])
}

// MessageByID returns all messages of that id: normally one, more if an author
// used an id that another has used.
func (t *Tx) MessageByID(id [16]byte) ([]Message, error) {
	return database.List(t.db, scanMessage, "SELECT "+messageColumns+` FROM messages
		WHERE id = ? ORDER BY conversation, author`, id[:])
}

// SetMessageState records how the delivery of m stands: its State, Path, Relay, Why
// and Tries. It returns ErrNotFound if there is no such message.
func (t *Tx) SetMessageState(m Message) error {
	return t.db.Must(`UPDATE messages SET state = ?, path = ?, relay = ?, why = ?, tries = ?
		WHERE conversation = ? AND author = ? AND id = ?`,
		m.State, m.Path, m.Relay[:], m.Why, m.Tries, m.Conversation[:], m.Author[:], m.ID[:])
}

// Position is a place in the order of a conversation: by Lamport, then Author,
// then Counter, then ID.
type Position struct {
	Lamport uint64
	Author  rpc.Identity
	Counter uint64
	ID      [16]byte
}

// Position returns the place of a message in its conversation.
func (m Message) Position() Position { return Position{m.Lamport, m.Author, m.Counter, m.ID} }

// History returns the entries of a conversation in the order shown, oldest first:
// the newest limit of them, or with after the first limit of those after that
// message. A limit of 0 means all. It returns ErrNotFound if the conversation
// has no message of the id after; if several authors used that id, the last in
// order is meant.
func (t *Tx) History(conversation [16]byte, after *[16]byte, limit int) ([]Message, error) {
	if after == nil {
		return database.List(t.db, scanMessage, "SELECT "+messageColumns+` FROM (
			SELECT * FROM messages WHERE conversation = ? AND hidden = 0
			ORDER BY lamport DESC, author DESC, counter DESC, id DESC LIMIT ?)
			ORDER BY lamport, author, counter, id`, conversation[:], limitRows(limit))
	}
	m, err := database.First(t.db, scanMessage, "SELECT "+messageColumns+` FROM messages WHERE conversation = ? AND id = ?
		ORDER BY lamport DESC, author DESC, counter DESC LIMIT 1`, conversation[:], after[:])
	if err != nil {
		return nil, err
	}
	return t.HistoryAfter(conversation, m.Position(), limit)
}

// HistoryAfter returns the first limit messages after a position, in the order
// shown. A limit of 0 means all.
func (t *Tx) HistoryAfter(conversation [16]byte, after Position, limit int) ([]Message, error) {
	return database.List(t.db, scanMessage, "SELECT "+messageColumns+` FROM messages
		WHERE conversation = ? AND hidden = 0 AND (lamport, author, counter, id) > (?, ?, ?, ?)
		ORDER BY lamport, author, counter, id LIMIT ?`,
		conversation[:], after.Lamport, after.Author[:], after.Counter, after.ID[:], limitRows(limit))
}

// Unreceipted returns the messages of an author, who is ourselves, that are queued,
// direct or stored and not erased, by counter: those whose delivery no receipt has
// confirmed yet.
func (t *Tx) Unreceipted(conversation [16]byte, author rpc.Identity) ([]Message, error) {
	return database.List(t.db, scanMessage, "SELECT "+messageColumns+` FROM messages
		WHERE conversation = ? AND author = ? AND erased = 0 AND state IN ('queued', 'direct', 'stored')
		ORDER BY counter, id`, conversation[:], author[:])
}

// CountUnreceipted returns how many messages Unreceipted would.
func (t *Tx) CountUnreceipted(conversation [16]byte, author rpc.Identity) (int, error) {
	return t.db.Count(`SELECT count(*) FROM messages
		WHERE conversation = ? AND author = ? AND erased = 0 AND state IN ('queued', 'direct', 'stored')`,
		conversation[:], author[:])
}

// MessagesByCounter returns at most limit messages of an author with counters
// from lo to hi, both included, by counter. A limit of 0 means all.
func (t *Tx) MessagesByCounter(conversation [16]byte, author rpc.Identity, lo, hi uint64, limit int) ([]Message, error) {
	return database.List(t.db, scanMessage, "SELECT "+messageColumns+` FROM messages
		WHERE conversation = ? AND author = ? AND counter BETWEEN ? AND ?
		ORDER BY counter, id LIMIT ?`, conversation[:], author[:], lo, hi, limitRows(limit))
}

// limitRows turns a limit of 0 or less, which means no limit, into a number.
func limitRows(n int) int {
	if n <= 0 {
		return math.MaxInt32
	}
	return n
}
