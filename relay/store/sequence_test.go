package store

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"quicnprotochat/relay/store/file"
	"quicnprotochat/relay/store/ledger"
)

// change does something to the file of a store that is closed.
func change(t *testing.T, path string, do func(*bolt.Tx) error) {
	t.Helper()
	db, err := file.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(do); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestDamagedSequence: bbolt keeps sequences without a checksum. One that has
// changed is named, gives no number again, and replaces no payload.
func TestDamagedSequence(t *testing.T) {
	ctx := context.Background()
	cfg := Config{Path: filepath.Join(t.TempDir(), "relay.db")}
	s := start(t, cfg)
	many := func() []Inbox { return []Inbox{box(1), box(2)} }
	put(t, s, box(1), "one")
	put(t, s, box(3), "gone")
	for _, payload := range []string{"first", "second"} {
		if _, err := s.Append(ctx, Depositor{}, many(), []byte(payload)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Ack(ctx, box(3), 1); err != nil {
		t.Fatal(err)
	}
	s.stop()

	set := func(to uint64, header bool) func(*bolt.Tx) error {
		return func(tx *bolt.Tx) error {
			if err := tx.Bucket(bucketPayloads).SetSequence(to); err != nil {
				return err
			}
			for n := range byte(3) {
				key := box(n + 1).key()
				b := tx.Bucket(bucketInboxes).Bucket(key)
				if err := b.SetSequence(to); err != nil {
					return err
				}
				if header {
					if err := b.Put(keyHeader, []byte("damaged")); err != nil {
						return err
					}
				}
			}
			return nil
		}
	}
	change(t, cfg.Path, set(0, false))
	r, err := ledger.VerifyFile(ctx, cfg.Path, Layout)
	if err != nil || r.Damaged != 3 || !strings.Contains(r.Damages[0].What, "sequence") {
		t.Errorf("check: got %+v, %v", r, err)
	}
	s = start(t, cfg)
	if seq := put(t, s, box(3), "new"); seq != 2 {
		t.Errorf("in an inbox that was emptied: got %d, want 2", seq)
	}
	if seq := put(t, s, box(1), "new"); seq != 4 {
		t.Errorf("in one that was not: got %d, want 4", seq)
	}
	if _, err := s.Append(ctx, Depositor{}, many(), []byte("third")); err != nil {
		t.Fatal(err)
	}
	wantPeek(t, s, box(1), 0, "one", "first", "second", "new", "third")
	wantPeek(t, s, box(2), 0, "first", "second", "third")
	s.stop()

	// With the header damaged as well nothing that is there is replaced.
	change(t, cfg.Path, set(1, true))
	s = start(t, cfg)
	put(t, s, box(1), "last")
	put(t, s, box(2), "last")
	wantPeek(t, s, box(1), 0, "one", "first", "second", "new", "third", "last")
	wantPeek(t, s, box(2), 0, "first", "second", "third", "last")
	s.stop()
	if err := MarkRestored(cfg.Path, newClock().now()); err != nil {
		t.Fatal(err)
	}
}

// TestHeaderWithoutSequence: a store of before the header had it goes on.
func TestHeaderWithoutSequence(t *testing.T) {
	cfg := Config{Path: filepath.Join(t.TempDir(), "relay.db")}
	s := start(t, cfg)
	for range 3 {
		put(t, s, box(1), "x")
	}
	s.stop()
	change(t, cfg.Path, func(tx *bolt.Tx) error {
		key := box(1).key()
		b := tx.Bucket(bucketInboxes).Bucket(key)
		h, err := headerOf(key, b)
		if err != nil {
			return err
		}
		return b.Put(keyHeader, ledger.Seal(key, keyHeader, h.bytesOf()[:24]))
	})
	if r, err := ledger.VerifyFile(t.Context(), cfg.Path, Layout); err != nil || r.Damaged != 0 {
		t.Errorf("check: got %+v, %v", r, err)
	}
	s = start(t, cfg)
	for want := uint64(4); want < 7; want++ {
		if seq := put(t, s, box(1), "x"); seq != want {
			t.Errorf("got %d, want %d", seq, want)
		}
	}
}
