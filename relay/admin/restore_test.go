package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"quicnprotochat/relay"
	"quicnprotochat/relay/store"
)

// inStore does something with the store of a home.
func inStore(t *testing.T, dir string, do func(s *store.Store)) {
	t.Helper()
	s, err := store.Open(store.Config{Path: filepath.Join(dir, relay.StoreFile)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	do(s)
	cancel()
	if err := errors.Join(<-done, s.Close()); err != nil {
		t.Fatal(err)
	}
}

func deposit(t *testing.T, dir, text string) (seq uint64) {
	t.Helper()
	inStore(t, dir, func(s *store.Store) {
		seqs, err := s.Append(t.Context(), store.Depositor{Who: [32]byte{1}}, []store.Inbox{{Owner: [32]byte{7}}}, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		seq = seqs[0]
	})
	return seq
}

// A restored relay is the same one, has what it had when the backup was made, and
// gives no sequence twice.
func TestRestore(t *testing.T) {
	dir := newHome(t)
	first := deposit(t, dir, "in the backup")
	path := filepath.Join(t.TempDir(), "backup")
	if _, err := openHome(t, dir).Backup(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	var last uint64
	for range 5 {
		last = deposit(t, dir, "after the backup")
	}
	to := filepath.Join(t.TempDir(), "new", "home")
	r, err := Restore(t.Context(), path, to)
	was, _ := relay.Identity(dir)
	if err != nil || r.Identity != was.String() || !r.Check.OK || r.Check.Records < 3 {
		t.Fatalf("got %+v, %v", r, err)
	}
	inStore(t, to, func(s *store.Store) {
		got, err := s.Peek(t.Context(), store.Inbox{Owner: [32]byte{7}}, 0, 0, 1<<20)
		if err != nil || len(got) != 1 || got[0].Seq != first || !bytes.Equal(got[0].Data, []byte("in the backup")) {
			t.Errorf("got %v, %v", got, err)
		}
	})
	if seq := deposit(t, to, "after the restore"); seq <= last {
		t.Errorf("sequence %d was given before the restore: %d was the last", seq, last)
	}
	info, err := os.Stat(filepath.Join(to, relay.KeyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key: got %v, %v", info, err)
	}
	if _, err := Restore(t.Context(), path, to); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("a home that has a relay: got %v, want %v", err, ErrNotEmpty)
	}
}

// What is no backup makes nothing.
func TestRestoreRefuses(t *testing.T) {
	to := filepath.Join(t.TempDir(), "home")
	path := filepath.Join(t.TempDir(), "backup")
	if err := os.WriteFile(path, []byte("no backup"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), path, to); !errors.Is(err, ErrBackup) {
		t.Errorf("got %v, want %v", err, ErrBackup)
	}
	if _, err := Restore(t.Context(), path+".absent", to); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
		t.Error("a home was made")
	}
}

// A restore that was cut off anywhere leaves no home that a relay would run on,
// and the next one does all of it.
func TestRestoreCutOff(t *testing.T) {
	dir := newHome(t)
	deposit(t, dir, "kept")
	path := filepath.Join(t.TempDir(), "backup")
	if _, err := openHome(t, dir).Backup(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	for name, leave := range map[string]map[string]string{
		"at the beginning":    {},
		"with a key alone":    {relay.KeyFile: "half a key"},
		"with half the store": {relay.KeyFile: "x", relay.StoreFile: "half a store"},
	} {
		to := t.TempDir()
		if err := os.WriteFile(filepath.Join(to, relay.RestoreFile), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for file, text := range leave {
			if err := os.WriteFile(filepath.Join(to, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := relay.Init(to); !errors.Is(err, relay.ErrRestoring) {
			t.Errorf("%s: got %v, want %v", name, err, relay.ErrRestoring)
		}
		if r, err := Restore(t.Context(), path, to); err != nil || !r.Check.OK {
			t.Errorf("%s: got %+v, %v", name, r, err)
		}
		if _, err := relay.Init(to); err != nil {
			t.Errorf("%s: afterwards: %v", name, err)
		}
	}
}

// TestSparseBackup reads a backup of 3 KiB that claims a store of 4 EiB.
func TestSparseBackup(t *testing.T) {
	var b bytes.Buffer
	entry := func(kind byte, name string, data string) {
		head := make([]byte, 512)
		copy(head, name)
		copy(head[124:], fmt.Sprintf("%011o", len(data)))
		copy(head[148:], "        ")
		head[156] = kind
		copy(head[257:], "ustar\x0000")
		sum := 0
		for _, c := range head {
			sum += int(c)
		}
		copy(head[148:], fmt.Sprintf("%06o\x00 ", sum))
		b.Write(head)
		b.WriteString(data)
		b.Write(make([]byte, (512-len(data)%512)%512))
	}
	records := ""
	for _, r := range []string{"GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=" + relay.StoreFile, "GNU.sparse.realsize=4611686018427387904"} {
		records += fmt.Sprintf("%d %s\n", len(r)+4, r)
	}
	entry('x', "PaxHeaders/x", records)
	entry('0', "x", "1\n4611686018427387904\n0\n"+strings.Repeat("\x00", 488))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := readBackup(ctx, bytes.NewReader(b.Bytes())); !errors.Is(err, ErrBackup) || !strings.Contains(err.Error(), "longer") {
		t.Errorf("got %v, want that it is longer than the backup", err)
	}
}
