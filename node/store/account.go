package store

import (
	"time"

	"quicnprotochat/node/store/database"
	"quicnprotochat/transport"
)

// Account is our account at a relay.
type Account struct {
	Relay transport.Key
	URL   string
	// Name is the user name, as it was registered or typed.
	Name string
	// Stretch is what its password costs to try, see package rpc/account.
	Stretch []byte
	// Session is the token of our session there, empty if we are logged out.
	Session []byte
	Added   time.Time
}

func scanAccount(r *database.Row) Account {
	return Account{Relay: r.Array32(), URL: r.Text(), Name: r.Text(), Stretch: r.Bytes(), Session: r.Bytes(), Added: r.Time()}
}

// Accounts returns our accounts in the order in which they were added.
func (t *Tx) Accounts() ([]Account, error) {
	return database.List(t.db, scanAccount, "SELECT relay, url, name, stretch, session, added FROM accounts ORDER BY added, relay")
}

// PutAccount adds or replaces the account at a relay.
func (t *Tx) PutAccount(a Account) error {
	return t.db.Do(`INSERT INTO accounts (relay, url, name, stretch, session, added) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (relay) DO UPDATE SET url = excluded.url, name = excluded.name,
		stretch = excluded.stretch, session = excluded.session, added = excluded.added`,
		a.Relay[:], a.URL, a.Name, a.Stretch, a.Session, a.Added)
}

// EndSession forgets the session at a relay if it is still that one.
func (t *Tx) EndSession(relay transport.Key, session []byte) error {
	return t.db.Do("UPDATE accounts SET session = zeroblob(0) WHERE relay = ? AND session = ?", relay[:], session)
}

// EndSessions forgets the sessions at all relays.
func (t *Tx) EndSessions() error { return t.db.Do("UPDATE accounts SET session = zeroblob(0)") }

// DeleteAccount removes an account; it is no error if there is none.
func (t *Tx) DeleteAccount(relay transport.Key) error {
	return t.db.Do("DELETE FROM accounts WHERE relay = ?", relay[:])
}
