package store

// DropSecrets erases what must not be used by two homes: the keys of all epochs, the
// messages that wait in the outbox encrypted with them, and key packages. Which groups
// are to be entered anew is up to the caller.
func (t *Tx) DropSecrets() error {
	for _, sql := range []string{
		"DELETE FROM mls_records",
		"DELETE FROM epochs",
		"DELETE FROM key_packages",
		"DELETE FROM outbox WHERE recipient IN (SELECT DISTINCT recipient FROM outbox) AND kind = 1", // KindMessage
	} {
		if err := t.db.Do(sql); err != nil {
			return err
		}
	}
	return nil
}

// Sizes is how much is in a store.
type Sizes struct{ Contacts, Conversations, Messages int }

// Sizes counts what is in the store.
func (t *Tx) Sizes() (n Sizes, err error) {
	for _, c := range []struct {
		n   *int
		sql string
	}{
		{&n.Contacts, "SELECT count(*) FROM contacts"},
		{&n.Conversations, "SELECT count(*) FROM conversations"},
		{&n.Messages, "SELECT count(*) FROM messages"},
	} {
		if *c.n, err = t.db.Count(c.sql); err != nil {
			return n, err
		}
	}
	return n, nil
}
