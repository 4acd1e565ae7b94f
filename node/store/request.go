package store

import (
	"log/slog"
	"time"

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

func scanRequest(r *row) Request {
	return Request{
		Identity: r.array32(), Name: r.text(), Via: r.text(), Card: r.bytes(), At: r.time(), Welcomed: r.bool(), Refused: r.time(),
	}
}

// Request returns the request of somebody, or ErrNotFound.
func (t *Tx) Request(id rpc.Identity) (Request, error) {
	return first(t, scanRequest, "SELECT "+requestColumns+" FROM requests WHERE identity = ?", id[:])
}

// Requests returns the requests that wait for an answer, oldest first.
func (t *Tx) Requests() ([]Request, error) {
	return list(t, scanRequest, "SELECT "+requestColumns+" FROM requests WHERE refused = 0 ORDER BY at, identity")
}

// PutRequest adds or replaces the request of somebody.
func (t *Tx) PutRequest(r Request) error {
	return t.do("INSERT OR REPLACE INTO requests (identity, name, via, card, at, welcomed, refused) VALUES (?, ?, ?, ?, ?, ?, ?)",
		r.Identity[:], r.Name, r.Via, r.Card, r.At, r.Welcomed, r.Refused)
}

// DeleteRequest removes the request of somebody; it is no error if there is none.
func (t *Tx) DeleteRequest(id rpc.Identity) error {
	return t.do("DELETE FROM requests WHERE identity = ?", id[:])
}

// ForgetRefused removes the requests that were refused before that time.
func (t *Tx) ForgetRefused(before time.Time) error {
	return t.do("DELETE FROM requests WHERE refused <> 0 AND refused < ?", before)
}
