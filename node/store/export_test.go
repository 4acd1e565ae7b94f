package store

import (
	"crypto/aes"
	"crypto/hkdf"
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/xts"
)

// ReadDecrypted returns the database file of an open home with its log written back,
// decrypted with the standard's own words: AES-256-XTS, sectors of 512 bytes.
func ReadDecrypted(t *testing.T, dir string) []byte {
	t.Helper()
	to := t.TempDir()
	copyFiles(t, dir, to)
	s, err := Open(Config{Dir: to})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil { // which writes the log back
		t.Fatal(err)
	}
	key, err1 := os.ReadFile(filepath.Join(to, "node.key"))
	b, err2 := os.ReadFile(filepath.Join(to, "node.db"))
	raw, err3 := hkdf.Key(sha256.New, key, nil, "quicnprotochat store xts v1", 64)
	c, err4 := xts.NewCipher(aes.NewCipher, raw)
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			t.Fatal(err)
		}
	}
	out := make([]byte, len(b))
	for n := 0; n+512 <= len(b); n += 512 {
		c.Decrypt(out[n:n+512], b[n:n+512], uint64(n/512))
	}
	return out
}
