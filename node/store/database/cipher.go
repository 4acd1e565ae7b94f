package database

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"

	"quicnprotochat/node/store/database/crypt"
	"quicnprotochat/node/store/home"
)

const (
	cipherInfo = "quicnprotochat store xts v1"
	plainVFS   = "os" // of files that are not encrypted
)

// cipherKey derives the key of the files.
func cipherKey(k home.Key) ([]byte, error) {
	b, err := hkdf.Key(sha256.New, k[:], nil, cipherInfo, crypt.KeySize)
	if err != nil {
		return nil, fmt.Errorf("derive database key: %w", err)
	}
	return b, nil
}

// newDisk returns what reads and writes files under a key, to be closed.
func newDisk(k home.Key) (*crypt.Disk, error) {
	key, err := cipherKey(k)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	return crypt.New(key)
}
