package store

import (
	"fmt"
	"time"

	"quicnprotochat/node/store/database"
	"quicnprotochat/rpc"
)

// Conversation is one chat.
type Conversation struct {
	ID [16]byte
	// Peer is the other person of a one-to-one conversation, else zero.
	Peer rpc.Identity
	// Group is the id of the MLS group that we send in; empty: none yet.
	Group []byte
	// Counter is our own last message counter, Lamport the highest seen.
	Counter, Lamport uint64
	Created          time.Time
	// Name is that of a group, and Status how we stand in it, as the caller writes
	// it; both are empty for a one-to-one conversation.
	Name, Status string
	// NoReadReceipts: others are not told what the user has read.
	NoReadReceipts bool
	// Muted: the user is not called for what comes in.
	Muted bool
	// Archived: the user has put it away, until something is said in it.
	Archived bool
}

const conversationColumns = "id, peer, grp, counter, lamport, created, name, status, no_read_receipts, muted, archived"

func scanConversation(r *database.Row) Conversation {
	return Conversation{
		ID: r.Array16(), Peer: r.Array32(), Group: r.Bytes(),
		Counter: r.Uint64(), Lamport: r.Uint64(), Created: r.Time(),
		Name: r.Text(), Status: r.Text(), NoReadReceipts: r.Bool(), Muted: r.Bool(), Archived: r.Bool(),
	}
}

// Conversation returns the conversation of that id, or ErrNotFound.
func (t *Tx) Conversation(id [16]byte) (Conversation, error) {
	return database.First(t.db, scanConversation, "SELECT "+conversationColumns+" FROM conversations WHERE id = ?", id[:])
}

// ConversationOf returns the one-to-one conversation with peer, or ErrNotFound.
func (t *Tx) ConversationOf(peer rpc.Identity) (Conversation, error) {
	if peer == (rpc.Identity{}) {
		return Conversation{}, ErrNotFound
	}
	return database.First(t.db, scanConversation, "SELECT "+conversationColumns+` FROM conversations
		WHERE peer = ? AND peer <> zeroblob(32)`, peer[:])
}

// Conversations returns all conversations, oldest first.
func (t *Tx) Conversations() ([]Conversation, error) {
	return database.List(t.db, scanConversation, "SELECT "+conversationColumns+" FROM conversations ORDER BY created, id")
}

// GroupConversations returns those that are not one-to-one, oldest first.
func (t *Tx) GroupConversations() ([]Conversation, error) {
	return database.List(t.db, scanConversation, "SELECT "+conversationColumns+" FROM conversations WHERE peer = zeroblob(32) ORDER BY created, id")
}

// PutConversation adds or replaces the conversation of that id. It returns
// ErrConflict if another conversation has the peer.
func (t *Tx) PutConversation(c Conversation) error {
	err := t.db.Do(`INSERT INTO conversations (id, peer, grp, counter, lamport, created, name, status, no_read_receipts, muted, archived)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET peer = excluded.peer, grp = excluded.grp, counter = excluded.counter,
			lamport = excluded.lamport, created = excluded.created, name = excluded.name, status = excluded.status,
			no_read_receipts = excluded.no_read_receipts, muted = excluded.muted, archived = excluded.archived`,
		c.ID[:], c.Peer[:], c.Group, c.Counter, c.Lamport, c.Created, c.Name, c.Status, c.NoReadReceipts, c.Muted, c.Archived)
	if database.Taken(err) {
		return fmt.Errorf("conversation with this peer: %w", ErrConflict)
	}
	return err
}
