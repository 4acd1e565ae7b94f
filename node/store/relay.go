package store

import (
	"time"

	"quicnprotochat/node/store/database"
	"quicnprotochat/transport"
)

// Relay is one of our own home relays.
type Relay struct {
	URL   string
	Key   transport.Key
	Added time.Time
	// Sealed: it takes deposits by pass, from those who do not say who they are. Unsealed:
	// it is known to take none. PutRelay leaves both as they are.
	Sealed, Unsealed bool
}

// What the column sealed says of a relay; 0 is that it is not known yet.
const (
	relaySealed   = 1
	relayUnsealed = 2
)

func scanRelay(r *database.Row) Relay {
	relay := Relay{URL: r.Text(), Key: r.Array32(), Added: r.Time()}
	sealed := r.Int()
	relay.Sealed, relay.Unsealed = sealed == relaySealed, sealed == relayUnsealed
	return relay
}

// Relays returns our home relays in the order in which they were added.
func (t *Tx) Relays() ([]Relay, error) {
	return database.List(t.db, scanRelay, "SELECT url, key, added, sealed FROM relays ORDER BY added, url")
}

// PutRelay adds or replaces the relay of that URL.
func (t *Tx) PutRelay(r Relay) error {
	return t.db.Do(`INSERT INTO relays (url, key, added) VALUES (?, ?, ?)
		ON CONFLICT (url) DO UPDATE SET key = excluded.key, added = excluded.added`,
		r.URL, r.Key[:], r.Added)
}

// DeleteRelay removes a relay; it is no error if there is none.
func (t *Tx) DeleteRelay(url string) error { return t.db.Do("DELETE FROM relays WHERE url = ?", url) }

// SetRelaySealed notes whether a relay of ours takes deposits by pass, and reports
// whether that is new.
func (t *Tx) SetRelaySealed(key transport.Key, sealed bool) (changed bool, err error) {
	value := relayUnsealed
	if sealed {
		value = relaySealed
	}
	n, err := t.db.Exec("UPDATE relays SET sealed = ? WHERE key = ? AND sealed <> ?", value, key[:], value)
	return n > 0, err
}
