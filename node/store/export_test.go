package store

import (
	"os"
	"testing"
)

// ReadDecrypted writes the log back and returns the database file, decrypted.
func ReadDecrypted(t *testing.T, s *Store) []byte {
	t.Helper()
	c := <-s.writer
	defer func() { s.writer <- c }()
	if _, err := c.pragma("wal_checkpoint(truncate)"); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(s.path(dbFile))
	if err != nil {
		t.Fatal(err)
	}
	return decryptFile(t, s.key, b)
}
