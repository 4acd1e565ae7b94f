package crypt

import (
	"crypto/aes"
	"fmt"

	"golang.org/x/crypto/xts"
)

const (
	// KeySize is the length of a key in bytes: two AES-256 keys.
	KeySize = 64
	// Unit is how many bytes are encrypted as one.
	Unit = 512
)

// newCipher returns AES-256-XTS (IEEE 1619, §5) under a key.
func newCipher(key []byte) (*xts.Cipher, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("key of %d bytes", len(key))
	}
	return xts.NewCipher(aes.NewCipher, key)
}

// encrypt encrypts whole units in place. The first is that of a number in its file.
func (d *Disk) encrypt(b []byte, number uint64) {
	for ; len(b) >= Unit; number++ {
		d.cipher.Encrypt(b[:Unit], b[:Unit], number)
		b = b[Unit:]
	}
}

// decrypt undoes encrypt.
func (d *Disk) decrypt(b []byte, number uint64) {
	for ; len(b) >= Unit; number++ {
		d.cipher.Decrypt(b[:Unit], b[:Unit], number)
		b = b[Unit:]
	}
}
