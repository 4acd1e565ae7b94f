package store

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"

	"quicnprotochat/relay/store/ledger"
	"quicnprotochat/rpc"
)

var errBroken = errors.New("broken")

// A store that fails at a commit tells nobody that it succeeded, whether it did
// or not, and goes on from what is on the disk when it is opened again.
func TestFault(t *testing.T) {
	ctx := context.Background()
	add := func(s *Store) error {
		_, err := s.Append(ctx, Depositor{}, []Inbox{box(1)}, []byte("two"))
		return err
	}
	ack := func(s *Store) error { return s.Ack(ctx, box(1), 1) }
	for _, c := range []struct {
		name, step string
		call       func(*Store) error
		want       int // payloads; there was one
	}{
		{"append, before", ledger.FaultBeforeCommit, add, 1},
		{"append, after", ledger.FaultAfterCommit, add, 2},
		{"ack, before", ledger.FaultBeforeCommit, ack, 1},
		{"ack, after", ledger.FaultAfterCommit, ack, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "relay.db")
			s := start(t, Config{Path: path})
			put(t, s, box(1), "one")
			s.stop()
			failAt(t, path, c.step, c.call)
			s = start(t, Config{Path: path})
			defer s.stop()
			if got, err := s.Peek(ctx, box(1), 0, 0, 1<<20); err != nil || len(got) != c.want {
				t.Errorf("got %d payloads, %v, want %d", len(got), err, c.want)
			}
		})
	}
}

// failAt opens a store that fails at its first commit, in which call is.
func failAt(t *testing.T, path, step string, call func(*Store) error) {
	t.Helper()
	s, err := Open(Config{Path: path, Fault: func(at string) error {
		if at == step {
			return errBroken
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(context.Background()) }()
	if err := call(s); !errors.Is(err, errBroken) {
		t.Errorf("call: got %v, want the fault", err)
	}
	if err := <-done; !errors.Is(err, errBroken) {
		t.Errorf("Run: got %v, want the fault", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestRefusedCommitsNothing: who is refused costs the disk no commit, and those beside
// it have theirs.
func TestRefusedCommitsNothing(t *testing.T) {
	var commits atomic.Int64
	s := start(t, Config{MaxShare: 1, Fault: func(step string) error {
		if step == ledger.FaultBeforeCommit {
			commits.Add(1)
		}
		return nil
	}})
	a, b := rpc.Identity{1}, rpc.Identity{2}
	left := func(from rpc.Identity, want error) {
		t.Helper()
		if _, err := s.Append(t.Context(), Depositor{Who: from}, []Inbox{box(1)}, []byte("hello")); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	left(a, nil)
	for range 100 {
		left(a, ErrShare)
	}
	if n := commits.Load(); n != 1 {
		t.Errorf("%d commits for one payload", n)
	}
	left(b, nil)
	if got, err := s.Peek(t.Context(), box(1), 0, 0, 1<<20); err != nil || len(got) != 2 || got[1].Seq != 2 {
		t.Errorf("got %v, %v", got, err)
	}
	audit(t, s.Store)
}
