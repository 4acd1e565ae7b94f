package store_test

import (
	"bytes"
	"testing"
	"time"

	"quicnprotochat/mls/seal"
	"quicnprotochat/node/identity"
	"quicnprotochat/node/keys"
	"quicnprotochat/node/store"
)

// TestPrivateHalvesAreGone lets a hybrid key be replaced week after week and looks
// for the private halves in the file: those of the present key and of the ones
// replaced in the last 14 days are there, older ones nowhere.
func TestPrivateHalvesAreGone(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	id, err := identity.Generate()
	if err != nil {
		t.Fatal(err)
	}
	k := keys.New(keys.Config{Store: s, Identity: id})
	const week = 7 * 24 * time.Hour
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var seeds [][]byte // by the week that the key was made in
	for n := range 6 {
		now := start.Add(time.Duration(n) * (week + time.Minute))
		blob, err := k.Hybrid(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, seedOf(t, s, blob))
		file := store.ReadDecrypted(t, dir)
		for made, seed := range seeds {
			// It was replaced a week after it was made.
			if got, want := bytes.Contains(file, seed), made > n-3; got != want {
				t.Errorf("week %d: private half of week %d is in the file: %v, want %v", n, made, got, want)
			}
		}
	}
}

// seedOf returns the private half that belongs to a blob, as it is stored.
func seedOf(t *testing.T, s *store.Store, blob []byte) (seed []byte) {
	t.Helper()
	err := s.View(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.HybridKeys()
		for _, row := range rows {
			if bytes.Equal(row.Blob, blob) {
				seed = bytes.TrimSuffix(row.Private, blob)[1:]
			}
		}
		return err
	})
	if err != nil || len(seed) != 32 {
		t.Fatalf("got a private half of %d bytes, %v", len(seed), err)
	}
	if _, err := seal.ParsePrivateKey(append(append([]byte{1}, seed...), blob...)); err != nil {
		t.Fatal(err)
	}
	return seed
}
