package store

import (
	"time"

	"quicnprotochat/node/store/database"
	"quicnprotochat/rpc"
)

// EndpointRecord returns the newest endpoint record of a peer as it was put,
// and its sequence number, or ErrNotFound.
func (t *Tx) EndpointRecord(id rpc.Identity) (record []byte, seq uint64, err error) {
	type endpoint struct {
		record []byte
		seq    uint64
	}
	e, err := database.First(t.db, func(r *database.Row) endpoint { return endpoint{r.Bytes(), r.Uint64()} },
		"SELECT record, seq FROM endpoints WHERE identity = ?", id[:])
	return e.record, e.seq, err
}

// PutEndpoint stores a record that replaces an older one, or one that has expired. It
// returns ErrConflict, and keeps what it has, if that is newer or is another record of
// the same sequence number.
func (t *Tx) PutEndpoint(id rpc.Identity, record []byte, seq uint64, expiry time.Time) error {
	n, err := t.db.Exec(`INSERT INTO endpoints (identity, record, seq, expiry) VALUES (?, ?, ?, ?)
		ON CONFLICT (identity) DO UPDATE SET record = excluded.record, seq = excluded.seq, expiry = excluded.expiry
		WHERE excluded.seq > seq OR (excluded.seq = seq AND excluded.record = record) OR expiry <= ?`,
		id[:], record, seq, expiry, t.Now())
	if err == nil && n == 0 {
		return ErrConflict
	}
	return err
}
