package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"quicnprotochat/node/store/qpce"
)

// fileKey is the key of the database.
type fileKey [32]byte

// LogValue keeps the key out of logs.
func (fileKey) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// String keeps the key out of formatted text.
func (fileKey) String() string { return "[redacted]" }

// GoString keeps the key out of formatted text.
func (fileKey) GoString() string { return "[redacted]" }

// HasPassword reports whether the home in dir opens with a password only. A home
// that is not there has none.
func HasPassword(dir string) (bool, error) {
	// The key that is next was decided on, whatever happened then.
	for _, name := range []string{nextKeyFile, keyFile} {
		b, err := readKeyFile(filepath.Join(dir, name))
		if !errors.Is(err, os.ErrNotExist) {
			return qpce.Is(b), err
		}
	}
	return false, nil
}

// Exists reports whether there is a home in dir, whole or not.
func Exists(dir string) (bool, error) {
	key, err1 := exists(filepath.Join(dir, keyFile))
	db, err2 := exists(filepath.Join(dir, dbFile))
	return key || db, errors.Join(err1, err2)
}

// readKeyFile reads a file of a key, and no more of it than a key has.
func readKeyFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const longest = len(fileKey{}) + qpce.Overhead
	b, err := io.ReadAll(io.LimitReader(f, int64(longest)+1))
	if err == nil && len(b) > longest {
		err = fmt.Errorf("%w: %s is too long", ErrDamaged, keyFile)
	}
	return b, err
}

// readKey returns the key in path; password is empty for one that has none.
func readKey(path string, password []byte) (fileKey, error) {
	b, err := readKeyFile(path)
	if err != nil {
		return fileKey{}, err
	}
	sealed := qpce.Is(b)
	switch {
	case sealed && len(password) == 0:
		return fileKey{}, ErrLocked
	case sealed:
		if b, err = qpce.Open(password, b); err != nil {
			return fileKey{}, fmt.Errorf("%w: %w", ErrPassword, err)
		}
	}
	if len(b) != len(fileKey{}) {
		return fileKey{}, fmt.Errorf("%w: %s has %d bytes, not 32", ErrDamaged, keyFile, len(b))
	}
	if !sealed && len(password) > 0 {
		return fileKey{}, ErrNoPassword
	}
	return fileKey(b), nil
}

func newKey() (k fileKey) {
	rand.Read(k[:]) // never fails
	return k
}

// makeKey writes a new random key to path, durable before it returns, sealed under
// the password unless that is empty.
func makeKey(path string, password []byte) (fileKey, error) {
	k := newKey()
	b := k[:]
	if len(password) > 0 {
		var err error
		if b, err = qpce.Seal(password, b); err != nil {
			return fileKey{}, err
		}
	}
	if err := writeDurable(path, b); err != nil {
		return fileKey{}, fmt.Errorf("write %s: %w", keyFile, err)
	}
	return k, nil
}
