package store

import "testing"

// TestSuiteOfOldGroup opens a store of the first version: its groups are of the
// only suite that there was.
func TestSuiteOfOldGroup(t *testing.T) {
	all := migrations
	defer func() { migrations = all }()
	migrations = all[:1]
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	update(t, s, func(tx *Tx) error {
		return tx.db.Do(`INSERT INTO groups (id, conversation, creator, counter, epoch, retire) VALUES (?, ?, ?, ?, ?, ?)`,
			[]byte("old"), make([]byte, 16), make([]byte, 32), uint64(1), make([]byte, 16), at(0))
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	migrations = all
	err := open(t, Config{Dir: dir}).View(t.Context(), func(tx *Tx) error {
		g, err := tx.Group([]byte("old"))
		if g.Suite != 0x0001 || g.Counter != 1 {
			t.Errorf("got %+v, want the group, of suite 0x0001", g)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
