package store

import (
	"time"

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

func scanAccount(r *row) Account {
	return Account{Relay: r.array32(), URL: r.text(), Name: r.text(), Stretch: r.bytes(), Session: r.bytes(), Added: r.time()}
}

// Accounts returns our accounts in the order in which they were added.
func (t *Tx) Accounts() ([]Account, error) {
	return list(t, scanAccount, "SELECT relay, url, name, stretch, session, added FROM accounts ORDER BY added, relay")
}

// PutAccount adds or replaces the account at a relay.
func (t *Tx) PutAccount(a Account) error {
	return t.do(`INSERT INTO accounts (relay, url, name, stretch, session, added) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (relay) DO UPDATE SET url = excluded.url, name = excluded.name,
		stretch = excluded.stretch, session = excluded.session, added = excluded.added`,
		a.Relay[:], a.URL, a.Name, a.Stretch, a.Session, a.Added)
}

// EndSession forgets the session at a relay if it is still that one.
func (t *Tx) EndSession(relay transport.Key, session []byte) error {
	return t.do("UPDATE accounts SET session = zeroblob(0) WHERE relay = ? AND session = ?", relay[:], session)
}

// DeleteAccount removes an account; it is no error if there is none.
func (t *Tx) DeleteAccount(relay transport.Key) error {
	return t.do("DELETE FROM accounts WHERE relay = ?", relay[:])
}
