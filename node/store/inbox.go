package store

import (
	"fmt"
	"time"

	"quicnprotochat/node/store/database"
	"quicnprotochat/rpc"
)

// Incoming is a sealed payload that came in and is not processed yet.
type Incoming struct {
	// ID is given by AddIncoming; ids grow and are never used again.
	ID      int64
	Hash    [32]byte // SHA-256 of Payload
	Payload []byte
	// Depositor is who brought it as far as that was proved, else zero.
	Depositor rpc.Identity
	// Via is the path of a direct delivery, or "mailbox".
	Via      string
	Received time.Time
	// Waiting: no key has opened it so far.
	Waiting bool
}

const incomingColumns = "id, hash, payload, depositor, via, received, waiting"

func scanIncoming(r *database.Row) Incoming {
	return Incoming{
		ID: r.Int64(), Hash: r.Array32(), Payload: r.Bytes(), Depositor: r.Array32(),
		Via: r.Text(), Received: r.Time(), Waiting: r.Bool(),
	}
}

// AddIncoming adds a payload and returns its id; in.ID is not looked at. If the
// hash is in the inbox or was processed before, it adds nothing and returns dup
// true, with the id of the row if it is still there, else 0.
func (t *Tx) AddIncoming(in Incoming) (id int64, dup bool, err error) {
	n, err := t.db.Exec(`INSERT INTO inbox (hash, payload, size, depositor, via, received, waiting)
		SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE NOT EXISTS (SELECT 1 FROM seen WHERE hash = ?1)
		ON CONFLICT (hash) DO NOTHING`,
		in.Hash[:], in.Payload, len(in.Payload), in.Depositor[:], in.Via, in.Received, in.Waiting)
	if err != nil {
		return 0, false, err
	}
	if n == 1 {
		return t.db.LastID(), false, nil
	}
	ids, err := database.List(t.db, (*database.Row).Int64, "SELECT id FROM inbox WHERE hash = ?", in.Hash[:])
	if err != nil || len(ids) == 0 {
		return 0, true, err
	}
	return ids[0], true, nil
}

// Incoming returns the first limit rows with an id above after, oldest first:
// those that wait for a key, or those that are new. A limit of 0 means all.
func (t *Tx) Incoming(after int64, limit int, waiting bool) ([]Incoming, error) {
	return database.List(t.db, scanIncoming, "SELECT "+incomingColumns+` FROM inbox INDEXED BY inbox_order
		WHERE waiting = ? AND id > ? ORDER BY id LIMIT ?`, waiting, after, limitRows(limit))
}

// IncomingNew returns the first limit new rows with an id above after, oldest first: of
// mail, which a relay kept, or of what its depositor brought. A limit of 0 means all.
func (t *Tx) IncomingNew(after int64, limit int, mail bool) ([]Incoming, error) {
	return database.List(t.db, scanIncoming, "SELECT "+incomingColumns+` FROM inbox INDEXED BY inbox_order
		WHERE waiting = 0 AND id > ? AND (depositor = zeroblob(32)) = ? ORDER BY id LIMIT ?`, after, mail, limitRows(limit))
}

// CountMail returns how many new rows of mail there are, and the bytes of their payloads.
func (t *Tx) CountMail() (rows int, bytes int64, err error) {
	type sum struct {
		rows  int
		bytes int64
	}
	s, err := database.First(t.db, func(r *database.Row) sum { return sum{r.Int(), r.Int64()} },
		`SELECT count(*), coalesce(sum(size), 0) FROM inbox INDEXED BY inbox_order
		WHERE waiting = 0 AND depositor = zeroblob(32)`)
	return s.rows, s.bytes, err
}

// SetWaiting notes that no key opens a row. It returns ErrNotFound if there is
// no such row.
func (t *Tx) SetWaiting(id int64) error {
	return t.db.Must("UPDATE inbox SET waiting = 1 WHERE id = ?", id)
}

// DoneIncoming removes a row and remembers its hash until ForgetSeen. It
// returns ErrNotFound if there is no such row.
func (t *Tx) DoneIncoming(id int64) error {
	err := t.db.Must("INSERT OR REPLACE INTO seen (hash, at) SELECT hash, ? FROM inbox WHERE id = ?", t.now(), id)
	if err != nil {
		return fmt.Errorf("incoming %d: %w", id, err)
	}
	return t.db.Do("DELETE FROM inbox WHERE id = ?", id)
}

// DropIncoming removes a row and forgets it; it is no error if there is none.
func (t *Tx) DropIncoming(id int64) error { return t.db.Do("DELETE FROM inbox WHERE id = ?", id) }

// CountIncoming returns how many rows are new, how many wait for a key, and the
// bytes of the payloads of both together.
func (t *Tx) CountIncoming() (fresh, waiting int, bytes int64, err error) {
	type sum struct {
		waiting bool
		rows    int
		bytes   int64
	}
	sums, err := database.List(t.db, func(r *database.Row) sum { return sum{r.Bool(), r.Int(), r.Int64()} },
		"SELECT waiting, count(*), sum(size) FROM inbox GROUP BY waiting")
	for _, s := range sums {
		bytes += s.bytes
		if s.waiting {
			waiting += s.rows
		} else {
			fresh += s.rows
		}
	}
	return fresh, waiting, bytes, err
}

// DropWaiting removes the rows that wait for a key and were received before
// that time. Their hashes are not remembered: a sender may try again.
func (t *Tx) DropWaiting(before time.Time) error {
	return t.db.Do("DELETE FROM inbox WHERE waiting = 1 AND received < ?", before)
}

// DropOldestWaiting removes the n oldest rows that wait for a key, none if n is
// negative.
func (t *Tx) DropOldestWaiting(n int) error {
	return t.db.Do(`DELETE FROM inbox WHERE id IN
		(SELECT id FROM inbox INDEXED BY inbox_order WHERE waiting = 1 ORDER BY id LIMIT ?)`, max(n, 0))
}

// KeepNewestWaiting removes the rows of a depositor that wait for a key, but for
// the n newest.
func (t *Tx) KeepNewestWaiting(depositor rpc.Identity, n int) error {
	return t.db.Do(`DELETE FROM inbox WHERE id IN (SELECT id FROM inbox
		WHERE waiting = 1 AND depositor = ? ORDER BY id DESC LIMIT -1 OFFSET ?)`, depositor[:], max(n, 0))
}

// ForgetSeen forgets the hashes of rows that were done before that time.
func (t *Tx) ForgetSeen(before time.Time) error {
	return t.db.Do("DELETE FROM seen WHERE at < ?", before)
}
