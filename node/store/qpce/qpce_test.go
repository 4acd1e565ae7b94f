package qpce

import (
	"bytes"
	"crypto/rand"
	"errors"
	"slices"
	"testing"

	"golang.org/x/crypto/argon2"
)

func TestSeal(t *testing.T) {
	secret := bytes.Repeat([]byte{7}, 32)
	one, err := Seal([]byte("correct"), secret)
	if err != nil || len(one) != len(secret)+Overhead {
		t.Fatalf("got %d bytes, %v, want %d", len(one), err, len(secret)+Overhead)
	}
	two, err := Seal([]byte("correct"), secret)
	if err != nil || bytes.Equal(one[:header], two[:header]) {
		t.Fatalf("salt and nonce were taken twice, %v", err)
	}
	if got, err := Open([]byte("correct"), one); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("got %x, %v, want %x", got, err, secret)
	}
	if got, err := Open([]byte("corrects"), one); !errors.Is(err, ErrPassword) {
		t.Errorf("wrong password: got %x, %v, want ErrPassword", got, err)
	}
	for i := range one {
		changed := slices.Clone(one)
		changed[i] ^= 1
		want := ErrPassword
		if i < len(magic) {
			want = ErrFormat
		}
		if i > len(magic)+2 && i%9 != 0 {
			continue // each costs an Argon2id
		}
		if _, err := Open([]byte("correct"), changed); !errors.Is(err, want) {
			t.Errorf("byte %d changed: got %v, want %v", i, err, want)
		}
	}
	for _, n := range []int{0, 3, 4, header, Overhead - 1} {
		if _, err := Open([]byte("correct"), one[:n]); !errors.Is(err, ErrFormat) {
			t.Errorf("%d bytes: got %v, want ErrFormat", n, err)
		}
	}
}

// TestStretch holds the way round the library against the library.
func TestStretch(t *testing.T) {
	salt := make([]byte, saltSize)
	for _, size := range []int{1, 18, 71, 72, 73, 128, 129, 1024} {
		password := make([]byte, size)
		rand.Read(password)
		rand.Read(salt)
		got, want := stretch(password, salt, 2, 67, 32), argon2.IDKey(password, salt, 2, 67, 1, 32)
		if !bytes.Equal(got, want) {
			t.Errorf("password of %d bytes: got %x, want %x", size, got, want)
		}
	}
}

// FuzzOpen gives what may stand in the file of a key.
func FuzzOpen(f *testing.F) {
	good, err := Seal([]byte("password"), []byte("secret"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := Open([]byte("password"), b); err != nil && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrPassword) {
			t.Errorf("got %v", err)
		}
	})
}
