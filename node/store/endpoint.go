package store

import (
	"time"

	"quicnprotochat/rpc"
)

// EndpointRecord returns the newest endpoint record of a peer as it was put,
// and its sequence number, or ErrNotFound.
func (t *Tx) EndpointRecord(id rpc.Identity) (record []byte, seq uint64, err error) {
	type endpoint struct {
		record []byte
		seq    uint64
	}
	e, err := first(t, func(r *row) endpoint { return endpoint{r.bytes(), r.uint64()} },
		"SELECT record, seq FROM endpoints WHERE identity = ?", id[:])
	return e.record, e.seq, err
}

// PutEndpoint stores a record that replaces an older one. It returns
// ErrConflict, and keeps what it has, if that is newer or is another record of
// the same sequence number.
func (t *Tx) PutEndpoint(id rpc.Identity, record []byte, seq uint64, expiry time.Time) error {
	n, err := t.exec(`INSERT INTO endpoints (identity, record, seq, expiry) VALUES (?, ?, ?, ?)
		ON CONFLICT (identity) DO UPDATE SET record = excluded.record, seq = excluded.seq, expiry = excluded.expiry
		WHERE excluded.seq > seq OR (excluded.seq = seq AND excluded.record = record)`,
		id[:], record, seq, expiry)
	if err == nil && n == 0 {
		return ErrConflict
	}
	return err
}

// DropEndpoints removes the records that expired before that time.
func (t *Tx) DropEndpoints(before time.Time) error {
	return t.do("DELETE FROM endpoints WHERE expiry < ?", before)
}
