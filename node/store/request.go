package store

import (
	"log/slog"
	"time"

	"quicnprotochat/node/store/database"
	"quicnprotochat/rpc"
)

// Request is somebody who asks to be a contact.
type Request struct {
	Identity rpc.Identity
	// Name is what the person is called by itself, "" if it has not said so.
	Name string
	// Via says how the person came, as in a Contact.
	Via string
	// Card is the person's contact card, encoded; empty if it sent none.
	Card []byte
	At   time.Time
	// Welcomed: the person has begun a conversation.
	Welcomed bool
	// Refused is when the user said no; zero: not yet.
	Refused time.Time
}

// LogValue keeps who asks out of logs.
func (Request) LogValue() slog.Value { return slog.StringValue("[redacted]") }

const requestColumns = "identity, name, via, card, at, welcomed, refused"

func scanRequest(r *database.Row) Request {
	return Request{
		Identity: r.Array32(), Name: r.Text(), Via: r.Text(), Card: r.Bytes(), At: r.Time(), Welcomed: r.Bool(), Refused: r.Time(),
	}
}

// Request returns the request of somebody, or ErrNotFound.
func (t *Tx) Request(id rpc.Identity) (Request, error) {
	return database.First(t.db, scanRequest, "SELECT "+requestColumns+" FROM requests WHERE identity = ?", id[:])
}

// Requests returns the requests that wait for an answer, oldest first.
func (t *Tx) Requests() ([]Request, error) {
	return database.List(t.db, scanRequest, "SELECT "+requestColumns+" FROM requests WHERE refused = 0 ORDER BY at, identity")
}

// PutRequest adds or replaces the request of somebody.
func (t *Tx) PutRequest(r Request) error {
	return t.db.Do("INSERT OR REPLACE INTO requests (identity, name, via, card, at, welcomed, refused) VALUES (?, ?, ?, ?, ?, ?, ?)",
		r.Identity[:], r.Name, r.Via, r.Card, r.At, r.Welcomed, r.Refused)
}

// DeleteRequest removes the request of somebody; it is no error if there is none.
func (t *Tx) DeleteRequest(id rpc.Identity) error {
	return t.db.Do("DELETE FROM requests WHERE identity = ?", id[:])
}

// ForgetRefused removes the requests that were refused before that time.
func (t *Tx) ForgetRefused(before time.Time) error {
	return t.db.Do("DELETE FROM requests WHERE refused <> 0 AND refused < ?", before)
}
