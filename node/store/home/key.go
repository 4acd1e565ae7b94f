package home

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

// KeySize is the length of a Key in bytes.
const KeySize = 32

// Key is the key of the database of a home.
type Key [KeySize]byte

// LogValue keeps the key out of logs.
func (Key) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// String keeps the key out of formatted text.
func (Key) String() string { return "[redacted]" }

// GoString keeps the key out of formatted text.
func (Key) GoString() string { return "[redacted]" }

// HasPassword reports whether the home in dir opens with a password only. A home
// that is not there has none.
func HasPassword(dir string) (bool, error) {
	// The key that is next was decided on, whatever happened then.
	for _, name := range []string{NextKeyFile, KeyFile} {
		b, err := readKeyFile(filepath.Join(dir, name))
		if !errors.Is(err, os.ErrNotExist) {
			return qpce.Is(b), err
		}
	}
	return false, nil
}

// readKeyFile reads a file of a key, and no more of it than a key has.
func readKeyFile(path string) ([]byte, error) {
	if err := CheckFile(path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const longest = len(Key{}) + qpce.Overhead
	b, err := io.ReadAll(io.LimitReader(f, int64(longest)+1))
	if err == nil && len(b) > longest {
		err = fmt.Errorf("%w: %s is too long", ErrDamaged, KeyFile)
	}
	return b, err
}

// ReadKey returns the key in path; password is empty for one that has none.
func ReadKey(path string, password []byte) (Key, error) {
	b, err := readKeyFile(path)
	if err != nil {
		return Key{}, err
	}
	sealed := qpce.Is(b)
	switch {
	case sealed && len(password) == 0:
		return Key{}, ErrLocked
	case sealed:
		if b, err = qpce.Open(password, b); err != nil {
			return Key{}, fmt.Errorf("%w: %w", ErrPassword, err)
		}
	}
	if len(b) != len(Key{}) {
		return Key{}, fmt.Errorf("%w: %s has %d bytes, not 32", ErrDamaged, KeyFile, len(b))
	}
	if !sealed && len(password) > 0 {
		return Key{}, ErrNoPassword
	}
	return Key(b), nil
}

// NewKey returns a random key.
func NewKey() (k Key) {
	rand.Read(k[:]) // never fails
	return k
}

// MakeKey writes a new random key to path, durable before it returns, sealed under
// the password unless that is empty.
func MakeKey(path string, password []byte) (Key, error) {
	k := NewKey()
	b := k[:]
	if len(password) > 0 {
		var err error
		if b, err = qpce.Seal(password, b); err != nil {
			return Key{}, err
		}
	}
	if err := WriteFile(path, b); err != nil {
		return Key{}, fmt.Errorf("write %s: %w", KeyFile, err)
	}
	return k, nil
}
