package store

import (
	"quicnprotochat/node/store/database"
	"quicnprotochat/rpc"
)

// ReceiptDue is a message that came in and whose author waits for a receipt.
type ReceiptDue struct {
	// Seq is given when the row is added, and again when it is added again.
	Seq          int64
	Conversation [16]byte
	Author       rpc.Identity
	Counter      uint64
	// Read: the receipt is to say that the user has seen it.
	Read bool
}

func scanReceiptDue(r *database.Row) ReceiptDue {
	return ReceiptDue{Seq: r.Int64(), Conversation: r.Array16(), Author: r.Array32(), Counter: r.Uint64(), Read: r.Bool()}
}

// AddReceiptDue notes that a receipt is due; d.Seq is not looked at. A receipt
// that is due already gets a new Seq: one that is on its way with the old Seq
// may have come too early for this one.
func (t *Tx) AddReceiptDue(d ReceiptDue) error {
	return t.db.Do("INSERT OR REPLACE INTO receipts_due (conversation, author, counter, read) VALUES (?, ?, ?, ?)",
		d.Conversation[:], d.Author[:], d.Counter, d.Read)
}

// ReceiptsDue returns what is due to an author, by conversation, and in it
// deliveries before what was read, by counter.
func (t *Tx) ReceiptsDue(author rpc.Identity) ([]ReceiptDue, error) {
	return database.List(t.db, scanReceiptDue, `SELECT id, conversation, author, counter, read FROM receipts_due
		WHERE author = ? ORDER BY conversation, read, counter`, author[:])
}

// AuthorsDue returns everybody to whom a receipt is due.
func (t *Tx) AuthorsDue() ([]rpc.Identity, error) {
	return database.List(t.db, func(r *database.Row) rpc.Identity { return r.Array32() }, "SELECT DISTINCT author FROM receipts_due ORDER BY author")
}

// DeleteReceiptsDue removes exactly the rows that ReceiptsDue returned: one
// that was added again since then stays.
func (t *Tx) DeleteReceiptsDue(sent []ReceiptDue) error {
	for _, d := range sent {
		if err := t.db.Do("DELETE FROM receipts_due WHERE id = ?", d.Seq); err != nil {
			return err
		}
	}
	return nil
}
