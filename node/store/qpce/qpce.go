package qpce

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	magic     = "QPCE"
	saltSize  = 16
	header    = len(magic) + saltSize + chacha20poly1305.NonceSize
	passes    = 2
	memoryKiB = 19456
)

// Overhead is by how many bytes a sealed secret is longer than the secret.
const Overhead = header + chacha20poly1305.Overhead

var (
	// ErrFormat: the bytes are no secret that was sealed here.
	ErrFormat = errors.New("not a sealed key")
	// ErrPassword: the password is wrong, or the bytes were changed; which of the
	// two cannot be told.
	ErrPassword = errors.New("wrong password")
)

// Is reports whether b begins as a sealed secret does.
func Is(b []byte) bool { return bytes.HasPrefix(b, []byte(magic)) }

// Seal returns secret sealed under a password.
func Seal(password, secret []byte) ([]byte, error) {
	b := make([]byte, header, header+len(secret)+chacha20poly1305.Overhead)
	copy(b, magic)
	rand.Read(b[len(magic):]) // never fails
	return seal(b, password, secret)
}

func seal(head, password, secret []byte) ([]byte, error) {
	aead, err := chacha20poly1305.New(key(password, head))
	if err != nil {
		return nil, fmt.Errorf("seal key: %w", err)
	}
	return aead.Seal(head, head[header-aead.NonceSize():], secret, nil), nil
}

// Open returns what Seal was given: ErrFormat or ErrPassword if it cannot.
func Open(password, sealed []byte) ([]byte, error) {
	if !Is(sealed) || len(sealed) < Overhead {
		return nil, ErrFormat
	}
	aead, err := chacha20poly1305.New(key(password, sealed))
	if err != nil {
		return nil, fmt.Errorf("open key: %w", err)
	}
	secret, err := aead.Open(nil, sealed[header-aead.NonceSize():header], sealed[header:], nil)
	if err != nil {
		return nil, ErrPassword
	}
	return secret, nil
}

func key(password, head []byte) []byte {
	return stretch(password, head[len(magic):len(magic)+saltSize], passes, memoryKiB, chacha20poly1305.KeySize)
}
