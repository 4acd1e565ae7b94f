package store_test

import (
	"bytes"
	"crypto/rand"
	"testing"
	"time"

	"quicnprotochat/node/store"
)

// TestErasedSecretsAreGone looks in the file for what RFC 9420, §9.2, has deleted: the
// secrets of records that were replaced or erased, of an epoch, and of key packages.
func TestErasedSecretsAreGone(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	secrets := make(map[string][]byte)
	secret := func(name string) []byte {
		secrets[name] = make([]byte, 32)
		rand.Read(secrets[name])
		return secrets[name]
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	past, present := [16]byte{1}, [16]byte{2}
	steps := []func(tx *store.Tx) error{
		func(tx *store.Tx) error {
			return tx.PutEpoch(store.Epoch{ID: past, Group: []byte("g"), SealKey: [32]byte(secret("seal key")), Created: now})
		},
		func(tx *store.Tx) error { return tx.Records(past).Put("epoch", secret("record of a past epoch")) },
		func(tx *store.Tx) error { return tx.Records(past).Put("h/1/2", secret("another of a past epoch")) },
		func(tx *store.Tx) error { return tx.Records(present).Put("a/1", secret("ratchet before")) },
		func(tx *store.Tx) error { return tx.Records(present).Put("a/1", secret("ratchet")) },
		func(tx *store.Tx) error { return tx.Records(present).Put("a/1/7", secret("key that was skipped")) },
		func(tx *store.Tx) error {
			return tx.PutKeyPackage(store.KeyPackage{Ref: []byte("used"), Secrets: secret("key package"), Created: now, Expires: now})
		},
		func(tx *store.Tx) error {
			return tx.PutKeyPackage(store.KeyPackage{Ref: []byte("old"), Secrets: secret("old key package"), Created: now, Expires: now})
		},
		func(tx *store.Tx) error { return tx.Records(present).Delete("a/1/7") },
		func(tx *store.Tx) error { return tx.DeleteKeyPackage([]byte("used")) },
		func(tx *store.Tx) error { return tx.DeleteExpiredKeyPackages(now.Add(time.Second)) },
		func(tx *store.Tx) error { return tx.DeleteEpoch(past) },
	}
	for _, step := range steps {
		if err := s.Update(t.Context(), step); err != nil {
			t.Fatal(err)
		}
	}
	file := store.ReadDecrypted(t, dir)
	for name, secret := range secrets {
		if got, want := bytes.Contains(file, secret), name == "ratchet"; got != want {
			t.Errorf("%s: found %v, want %v", name, got, want)
		}
	}
}
