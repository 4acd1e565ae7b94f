package store

import (
	"fmt"
	"strings"
	"time"

	"quicnprotochat/node/store/database"
	"quicnprotochat/rpc"
)

// Contact is a person that the user or an introduction has added.
type Contact struct {
	Identity rpc.Identity
	// Name is what the user calls the contact. No two names differ only in case.
	Name string
	// Via says how the contact came: link, introduction, lan, group or name.
	Via string
	// Verified: the user has compared the identities.
	Verified bool
	// Card is the encoded contact card. One that came by name has none until it
	// sends its own.
	Card []byte
	// Claim is NAME@URL if a relay said who has that user name; "" otherwise.
	Claim string
	// Changed is whom that relay names for the user name now, if that is somebody else
	// and the user has not chosen yet; else zero.
	Changed rpc.Identity
	// Introduced: our own card has reached the contact.
	Introduced bool
	Added      time.Time
}

const contactColumns = "identity, name, via, verified, card, introduced, added, claim, changed"

func scanContact(r *database.Row) Contact {
	return Contact{
		Identity: r.Array32(), Name: r.Text(), Via: r.Text(), Verified: r.Bool(),
		Card: r.Bytes(), Introduced: r.Bool(), Added: r.Time(), Claim: r.Text(), Changed: r.Array32(),
	}
}

// Contact returns the contact of that identity, or ErrNotFound.
func (t *Tx) Contact(id rpc.Identity) (Contact, error) {
	return database.First(t.db, scanContact, "SELECT "+contactColumns+" FROM contacts WHERE identity = ?", id[:])
}

// Contacts returns all contacts by name.
func (t *Tx) Contacts() ([]Contact, error) {
	return database.List(t.db, scanContact, "SELECT "+contactColumns+" FROM contacts ORDER BY folded")
}

// PutContact adds or replaces the contact of that identity. It returns
// ErrExists if another contact has the name.
func (t *Tx) PutContact(c Contact) error {
	err := t.db.Do(`INSERT INTO contacts (identity, name, folded, via, verified, card, introduced, added, claim, changed)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (identity) DO UPDATE SET name = excluded.name, folded = excluded.folded, via = excluded.via,
			verified = excluded.verified, card = excluded.card, introduced = excluded.introduced, added = excluded.added,
			claim = excluded.claim, changed = excluded.changed`,
		c.Identity[:], c.Name, fold(c.Name), c.Via, c.Verified, c.Card, c.Introduced, c.Added, c.Claim, c.Changed[:])
	if database.Taken(err) {
		return fmt.Errorf("contact name: %w", ErrExists)
	}
	return err
}

// FreeName returns want, or want-2, want-3, …: the first that no contact has.
func (t *Tx) FreeName(want string) (string, error) {
	name := want
	for i := 2; ; i++ {
		n, err := t.db.Count("SELECT count(*) FROM contacts WHERE folded = ?", fold(name))
		if err != nil {
			return "", err
		}
		if n == 0 {
			return name, nil
		}
		name = fmt.Sprintf("%s-%d", want, i)
	}
}

// fold makes names that differ only in case equal.
func fold(name string) string { return strings.ToLower(name) }
