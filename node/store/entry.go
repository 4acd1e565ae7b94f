package store

import (
	"time"

	"quicnprotochat/node/store/database"
	"quicnprotochat/rpc"
)

// Referring returns the hidden messages about the message of that id, erased ones
// too, by author and counter.
func (t *Tx) Referring(conversation, ref [16]byte) ([]Message, error) {
	return database.List(t.db, scanMessage, "SELECT "+messageColumns+` FROM messages INDEXED BY messages_ref
		WHERE conversation = ? AND ref = ? AND hidden = 1 ORDER BY author, counter, id`, conversation[:], ref[:])
}

// MessagesOf returns the messages of that id in one conversation: normally one.
func (t *Tx) MessagesOf(conversation, id [16]byte) ([]Message, error) {
	return database.List(t.db, scanMessage, "SELECT "+messageColumns+` FROM messages
		WHERE id = ? AND conversation = ? ORDER BY author`, id[:], conversation[:])
}

// EntriesBetween returns at most limit entries of a conversation with ids from lo to hi,
// both included.
func (t *Tx) EntriesBetween(conversation, lo, hi [16]byte, limit int) ([]Message, error) {
	return database.List(t.db, scanMessage, "SELECT "+messageColumns+` FROM messages
		WHERE id BETWEEN ? AND ? AND conversation = ? AND hidden = 0 ORDER BY id, author LIMIT ?`,
		lo[:], hi[:], conversation[:], limitRows(limit))
}

// EraseMessage overwrites what a message says and keeps its place, so that it is
// known if it comes again. It returns ErrNotFound if there is no such message.
func (t *Tx) EraseMessage(conversation [16]byte, author rpc.Identity, id [16]byte, at time.Time, hidden bool) error {
	if err := t.Unindex(conversation, author, id); err != nil {
		return err
	}
	return t.db.Must(`UPDATE messages SET body = zeroblob(0), digest = zeroblob(0), erased = ?, hidden = ?, expires = 0
		WHERE conversation = ? AND author = ? AND id = ?`, at, hidden, conversation[:], author[:], id[:])
}

// DeleteMessage removes a message; it is no error if there is none.
func (t *Tx) DeleteMessage(conversation [16]byte, author rpc.Identity, id [16]byte) error {
	if err := t.Unindex(conversation, author, id); err != nil {
		return err
	}
	return t.db.Do("DELETE FROM messages WHERE conversation = ? AND author = ? AND id = ?", conversation[:], author[:], id[:])
}

// DropErased removes the hidden messages stored before that time that say nothing
// any more: erased ones, those of type 7, and those whose State is early.
func (t *Tx) DropErased(before time.Time) error {
	return t.db.Do(`DELETE FROM messages WHERE hidden = 1 AND stored < ? AND (erased <> 0 OR type = 7 OR state = 'early')`, before)
}

// CountEarly returns how many messages of an author have the State early.
func (t *Tx) CountEarly(conversation [16]byte, author rpc.Identity) (int, error) {
	return t.db.Count("SELECT count(*) FROM messages WHERE conversation = ? AND author = ? AND state = 'early'",
		conversation[:], author[:])
}

// DropEarly removes the first n of them by counter, none if n is negative.
func (t *Tx) DropEarly(conversation [16]byte, author rpc.Identity, n int) error {
	return t.db.Do(`DELETE FROM messages WHERE (id, conversation, author) IN (SELECT id, conversation, author FROM messages
		WHERE conversation = ? AND author = ? AND state = 'early' ORDER BY counter LIMIT ?)`,
		conversation[:], author[:], max(n, 0))
}

// SetRead records when the user saw a message and when it is to be erased. It
// returns ErrNotFound if there is no such message.
func (t *Tx) SetRead(conversation [16]byte, author rpc.Identity, id [16]byte, read, expires time.Time) error {
	return t.db.Must("UPDATE messages SET read = ?, expires = ? WHERE conversation = ? AND author = ? AND id = ?",
		read, expires, conversation[:], author[:], id[:])
}

// Unread returns the first limit entries that the user has not seen, up to a
// position. A limit of 0 means all.
func (t *Tx) Unread(conversation [16]byte, last Position, limit int) ([]Message, error) {
	return database.List(t.db, scanMessage, "SELECT "+messageColumns+` FROM messages INDEXED BY messages_unread
		WHERE conversation = ? AND read = 0 AND hidden = 0 AND (lamport, author, counter, id) <= (?, ?, ?, ?)
		ORDER BY lamport, author, counter, id LIMIT ?`,
		conversation[:], last.Lamport, last.Author[:], last.Counter, last.ID[:], limitRows(limit))
}

// CountUnread returns how many entries of a conversation the user has not seen.
func (t *Tx) CountUnread(conversation [16]byte) (int, error) {
	return t.db.Count("SELECT count(*) FROM messages WHERE conversation = ? AND read = 0 AND hidden = 0", conversation[:])
}

// UnreadCount is how many entries of a conversation the user has not seen.
type UnreadCount struct {
	Conversation [16]byte
	Entries      int
}

// UnreadCounts returns the conversations in which there are some.
func (t *Tx) UnreadCounts() ([]UnreadCount, error) {
	scan := func(r *database.Row) UnreadCount { return UnreadCount{r.Array16(), r.Int()} }
	return database.List(t.db, scan, `SELECT conversation, count(*) FROM messages INDEXED BY messages_unread
		WHERE read = 0 AND hidden = 0 GROUP BY conversation ORDER BY conversation`)
}

// TimerBefore returns the last message of type 17 before a position, or
// ErrNotFound.
func (t *Tx) TimerBefore(conversation [16]byte, p Position) (Message, error) {
	return database.First(t.db, scanMessage, "SELECT "+messageColumns+` FROM messages INDEXED BY messages_timer
		WHERE conversation = ? AND type = 17 AND (lamport, author, counter, id) < (?, ?, ?, ?)
		ORDER BY lamport DESC, author DESC, counter DESC, id DESC LIMIT 1`,
		conversation[:], p.Lamport, p.Author[:], p.Counter, p.ID[:])
}

// Expired returns the first limit messages that were to be erased before that
// time, soonest first.
func (t *Tx) Expired(before time.Time, limit int) ([]Message, error) {
	return database.List(t.db, scanMessage, "SELECT "+messageColumns+` FROM messages INDEXED BY messages_expires
		WHERE expires > 0 AND expires <= ? ORDER BY expires LIMIT ?`, before, limitRows(limit))
}

// NextExpiry returns when the next message is to be erased; zero: none is.
func (t *Tx) NextExpiry() (time.Time, error) {
	return database.First(t.db, (*database.Row).Time, "SELECT coalesce(min(expires), 0) FROM messages INDEXED BY messages_expires WHERE expires > 0")
}
