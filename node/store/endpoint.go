package store

import (
	"time"

	"quicnprotochat/node/store/database"
	"quicnprotochat/rpc"
	"quicnprotochat/transport"
)

// EndpointRecord returns the newest endpoint record of a peer as it was put, and the relay
// that handed it out, zero if the peer did so itself, or ErrNotFound.
func (t *Tx) EndpointRecord(id rpc.Identity) (record []byte, relay transport.Key, err error) {
	type endpoint struct {
		record []byte
		relay  transport.Key
	}
	e, err := database.First(t.db, func(r *database.Row) endpoint { return endpoint{r.Bytes(), r.Array32()} },
		"SELECT record, relay FROM endpoints WHERE identity = ?", id[:])
	return e.record, e.relay, err
}

// PutEndpoint stores a record that replaces an older one, or one that has expired. It
// returns ErrConflict, and keeps what it has, if that is newer or is another record of
// the same sequence number.
func (t *Tx) PutEndpoint(id rpc.Identity, record []byte, relay transport.Key, seq uint64, expiry time.Time) error {
	n, err := t.db.Exec(`INSERT INTO endpoints (identity, record, relay, seq, expiry) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (identity) DO UPDATE SET record = excluded.record, relay = excluded.relay, seq = excluded.seq, expiry = excluded.expiry
		WHERE excluded.seq > seq OR (excluded.seq = seq AND excluded.record = record) OR expiry <= ?`,
		id[:], record, relay[:], seq, expiry, t.Now())
	if err == nil && n == 0 {
		return ErrConflict
	}
	return err
}
