package database

import (
	"crypto/aes"
	"testing"

	"quicnprotochat/node/store/home"

	"golang.org/x/crypto/xts"
)

// decryptFile decrypts a database file with the standard's own words:
// AES-256-XTS, sectors of 512 bytes.
func decryptFile(t *testing.T, key home.Key, b []byte) []byte {
	t.Helper()
	raw, err := cipherKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := xts.NewCipher(aes.NewCipher, raw)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, len(b))
	for n := 0; n+512 <= len(b); n += 512 {
		c.Decrypt(out[n:n+512], b[n:n+512], uint64(n/512))
	}
	return out
}
