package backup

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	chunkSize = 64 << 10
	chunkInfo = "quicnprotochat backup chunks v1"
)

// nonce is that of chunk n.
func nonce(n uint64, last bool) []byte {
	b := make([]byte, chacha20poly1305.NonceSize)
	binary.BigEndian.PutUint64(b[3:11], n)
	if last {
		b[11] = 1
	}
	return b
}

func chunkCipher(key []byte) (cipher.AEAD, error) {
	derived, err := hkdf.Key(sha256.New, key, nil, chunkInfo, chacha20poly1305.KeySize)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	return chacha20poly1305.New(derived)
}

// sealStream writes all of r in chunks; the last one is shorter than others, or empty.
func sealStream(w io.Writer, r io.Reader, key []byte) error {
	aead, err := chunkCipher(key)
	if err != nil {
		return err
	}
	plain := make([]byte, chunkSize)
	for n := uint64(0); ; n++ {
		size, err := io.ReadFull(r, plain)
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return err
		}
		if _, err := w.Write(aead.Seal(nil, nonce(n, last), plain[:size], nil)); err != nil || last {
			return err
		}
	}
}

// openStream is the inverse of sealStream: ErrDamaged for anything else than what that
// wrote.
func openStream(w io.Writer, r io.Reader, key []byte) error {
	aead, err := chunkCipher(key)
	if err != nil {
		return err
	}
	sealed := make([]byte, chunkSize+chacha20poly1305.Overhead)
	for n := uint64(0); ; n++ {
		size, err := io.ReadFull(r, sealed)
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return err
		}
		plain, err := aead.Open(sealed[:0], nonce(n, last), sealed[:size], nil)
		if err != nil {
			return fmt.Errorf("%w: part %d", ErrDamaged, n+1)
		}
		if _, err := w.Write(plain); err != nil || last {
			return err
		}
		sealed = sealed[:cap(sealed)]
	}
}
