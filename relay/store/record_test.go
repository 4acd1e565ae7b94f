package store

import (
	"context"
	"errors"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"quicnprotochat/relay/store/file"
	"quicnprotochat/relay/store/ledger"
	"quicnprotochat/rpc"
)

func wantGeneration(t *testing.T, s *running, owner rpc.Identity, want uint32, found bool) {
	t.Helper()
	got, ok, err := s.Generation(context.Background(), owner)
	if err != nil || got != want || ok != found {
		t.Errorf("got generation %d, %v, %v, want %d, %v", got, ok, err, want, found)
	}
}

// TestGeneration: what a recipient told once holds after its endpoint is over, after
// a restart, and does not go back.
func TestGeneration(t *testing.T) {
	ctx := context.Background()
	clk := newClock()
	s := start(t, Config{Now: clk.now})
	a, b := rpc.Identity{1}, rpc.Identity{2}
	wantGeneration(t, s, a, 0, false)
	for seq, step := range []struct{ told, want uint32 }{{3, 3}, {2, 3}, {3, 3}, {9, 9}, {0, 9}} {
		if err := s.SetEndpoint(ctx, a, uint64(seq+1), clk.now().Add(time.Hour), step.told, []byte("record")); err != nil {
			t.Fatal(err)
		}
		wantGeneration(t, s, a, step.want, true)
	}
	if err := s.SetEndpoint(ctx, a, 1, clk.now().Add(time.Hour), 20, []byte("older")); !errors.Is(err, ErrStale) {
		t.Errorf("older endpoint: got %v", err)
	}
	wantGeneration(t, s, a, 9, true)
	wantGeneration(t, s, b, 0, false)
	clk.add(40 * 24 * time.Hour)
	sweepAll(t, s)
	wantGeneration(t, s, a, 9, true)
	// Told again, if only a lower one, it is kept for as long again.
	if err := s.SetEndpoint(ctx, a, 10, clk.now().Add(time.Hour), 4, []byte("record")); err != nil {
		t.Fatal(err)
	}
	clk.add(40 * 24 * time.Hour)
	sweepAll(t, s)
	wantGeneration(t, s, a, 9, true)
	clk.add(30 * 24 * time.Hour)
	sweepAll(t, s)
	wantGeneration(t, s, a, 0, false)
	if n, err := s.Bytes(); err != nil || n != 0 {
		t.Errorf("got %v bytes, %v, want 0", n, err)
	}
}

// TestLateBuckets opens a store that was made before there were generations.
func TestLateBuckets(t *testing.T) {
	s := start(t, Config{})
	path := s.cfg.Path
	s.stop()
	db, err := file.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error { return tx.DeleteBucket(bucketGenerations) })
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if r, err := ledger.VerifyFile(context.Background(), path, Layout); err != nil || r.Damaged != 0 {
		t.Errorf("verify: got %+v, %v", r, err)
	}
	s = start(t, Config{Path: path})
	if err := s.SetEndpoint(context.Background(), rpc.Identity{1}, 1, time.Now().Add(time.Hour), 7, []byte("record")); err != nil {
		t.Fatal(err)
	}
	wantGeneration(t, s, rpc.Identity{1}, 7, true)
}
