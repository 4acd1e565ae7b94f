package store

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	_ "github.com/ncruces/go-sqlite3/vfs/xts" // registers cipherVFS
)

// The cipher of all files of the database is AES-256-XTS over sectors of 512
// bytes. It is named here and nowhere else.
const (
	cipherVFS  = "xts"
	cipherInfo = "quicnprotochat store xts v1"
	cipherKey  = 64  // bytes: two AES-256 keys
	cipherUnit = 512 // bytes that are encrypted as one
)

// hex derives the key of the cipher, as text for the VFS.
func (k fileKey) hex() (string, error) {
	b, err := hkdf.Key(sha256.New, k[:], nil, cipherInfo, cipherKey)
	if err != nil {
		return "", fmt.Errorf("derive database key: %w", err)
	}
	return hex.EncodeToString(b), nil
}
