package store

import "quicnprotochat/rpc"

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

func scanReceiptDue(r *row) ReceiptDue {
	return ReceiptDue{Seq: r.int64(), Conversation: r.array16(), Author: r.array32(), Counter: r.uint64(), Read: r.bool()}
}

// AddReceiptDue notes that a receipt is due; d.Seq is not looked at. A receipt
// that is due already gets a new Seq: one that is on its way with the old Seq
// may have come too early for this one.
func (t *Tx) AddReceiptDue(d ReceiptDue) error {
	return t.do("INSERT OR REPLACE INTO receipts_due (conversation, author, counter, read) VALUES (?, ?, ?, ?)",
		d.Conversation[:], d.Author[:], d.Counter, d.Read)
}

// ReceiptsDue returns what is due to an author, by conversation, and in it
// deliveries before what was read, by counter.
func (t *Tx) ReceiptsDue(author rpc.Identity) ([]ReceiptDue, error) {
	return list(t, scanReceiptDue, `SELECT id, conversation, author, counter, read FROM receipts_due
		WHERE author = ? ORDER BY conversation, read, counter`, author[:])
}

// AuthorsDue returns everybody to whom a receipt is due.
func (t *Tx) AuthorsDue() ([]rpc.Identity, error) {
	return list(t, func(r *row) rpc.Identity { return r.array32() }, "SELECT DISTINCT author FROM receipts_due ORDER BY author")
}

// DeleteReceiptsDue removes exactly the rows that ReceiptsDue returned: one
// that was added again since then stays.
func (t *Tx) DeleteReceiptsDue(sent []ReceiptDue) error {
	for _, d := range sent {
		if err := t.do("DELETE FROM receipts_due WHERE id = ?", d.Seq); err != nil {
			return err
		}
	}
	return nil
}
