package store

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quicnprotochat/relay/store/file"
	"quicnprotochat/relay/store/ledger"

	bolt "go.etcd.io/bbolt"
)

// reports verifies a file, and the store in it when it is open, and wants the
// same of both.
func reports(t *testing.T, path string) ledger.Report {
	t.Helper()
	r, err := ledger.VerifyFile(t.Context(), path, Layout)
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, Config{Path: path})
	defer s.stop()
	open, err := s.Verify(t.Context())
	if err != nil || open.Records != r.Records || open.Bytes != r.Bytes || open.Damaged != r.Damaged {
		t.Errorf("open: got %+v, %v; closed: %+v", open, err, r)
	}
	return r
}

func TestVerify(t *testing.T) {
	path := filepath.Join(t.TempDir(), "relay.db")
	if err := os.WriteFile(path, populate(t), 0o600); err != nil {
		t.Fatal(err)
	}
	clean := reports(t, path)
	if clean.Damaged != 0 || clean.Records < 1500 || clean.Bytes < 400_000 {
		t.Errorf("clean: got %+v", clean)
	}
	for _, table := range [][]byte{bucketHybridKeys, bucketStocks, bucketInboxes} {
		key := damageOne(t, path, table)
		r := reports(t, path)
		found := false
		for _, d := range r.Damages {
			found = found || d.Table == string(table) && d.Key == key
		}
		if !found || r.Records != clean.Records {
			t.Errorf("%s %s: got %+v", table, key, r)
		}
	}
}

// damageOne flips a bit in the value of some record of a table, past what bbolt
// looks at, and returns its name.
func damageOne(t *testing.T, path string, table []byte) (name string) {
	t.Helper()
	db, err := file.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket(table)
		k, v := b.Cursor().Seek([]byte{9})
		name = hex.EncodeToString(k)
		if v == nil {
			b = b.Bucket(k)
			k, v = b.Cursor().First()
			name += "/" + hex.EncodeToString(k)
		}
		changed := bytes.Clone(v)
		changed[len(changed)/2] ^= 4
		return b.Put(bytes.Clone(k), changed)
	})
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func TestVerifyStructure(t *testing.T) {
	file := populate(t)
	path := filepath.Join(t.TempDir(), "relay.db")
	for i := 3 * 4096; i+4096 <= len(file); i += 4096 {
		if bytes.Count(file[i:i+4096], []byte{0}) < 4096 {
			clear(file[i+2 : i+4096])
		}
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := ledger.VerifyFile(t.Context(), path, Layout)
	if err != nil || r.Damaged != 1 || r.Damages[0].Table != "file" || !strings.Contains(r.Damages[0].What, "page") {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := ledger.VerifyFile(t.Context(), path+".absent", Layout); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent: got %v", err)
	}
	s := start(t, Config{})
	if _, err := ledger.VerifyFile(t.Context(), s.cfg.Path, Layout); !errors.Is(err, ErrInUse) {
		t.Errorf("in use: got %v, want %v", err, ErrInUse)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Verify(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

// slowWriter is the place of a snapshot; each first write calls meanwhile.
type slowWriter struct {
	file      bytes.Buffer
	meanwhile func()
}

func (w *slowWriter) Write(p []byte) (int, error) {
	if w.meanwhile != nil {
		w.meanwhile()
		w.meanwhile = nil
	}
	return w.file.Write(p)
}

// A snapshot is the store at one moment, and while it is written, slowly, others
// write more than the file had room for.
func TestSnapshot(t *testing.T) {
	s := start(t, Config{})
	for i := range 50 {
		put(t, s, box(byte(i)), "before")
	}
	large := strings.Repeat("x", 1<<20)
	w := &slowWriter{meanwhile: func() {
		for i := range 40 {
			put(t, s, box(byte(i)), large)
		}
	}}
	var size int64
	err := s.Snapshot(t.Context(), func(n int64) (io.Writer, error) { size = n; return w, nil })
	if err != nil || size != int64(w.file.Len()) || size > 8<<20 {
		t.Fatalf("got %d bytes of %d, %v", w.file.Len(), size, err)
	}
	if err := ledger.CheckStructure(bytes.NewReader(w.file.Bytes()), size); err != nil {
		t.Error(err)
	}
	copied := startImage(t, w.file.Bytes())
	for i := range 50 {
		wantPeek(t, copied, box(byte(i)), 0, "before")
	}
	copied.stop()
	s.stop()
	var offline bytes.Buffer
	if err := ledger.SnapshotFile(t.Context(), s.cfg.Path, func(int64) (io.Writer, error) { return &offline, nil }); err != nil {
		t.Fatal(err)
	}
	wantPeek(t, startImage(t, offline.Bytes()), box(3), 1, large)
}

func TestSnapshotEnds(t *testing.T) {
	s := start(t, Config{})
	put(t, s, box(1), strings.Repeat("x", 1<<20))
	ctx, cancel := context.WithCancel(t.Context())
	w := &slowWriter{meanwhile: cancel}
	if err := s.Snapshot(ctx, func(int64) (io.Writer, error) { return w, nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
	full := errors.New("no room")
	if err := s.Snapshot(t.Context(), func(int64) (io.Writer, error) { return nil, full }); !errors.Is(err, full) {
		t.Errorf("no writer: got %v", err)
	}
	put(t, s, box(1), "after")
}

func TestCompact(t *testing.T) {
	s := start(t, Config{})
	large := strings.Repeat("x", 200_000)
	var last uint64
	for i := range 40 {
		last = put(t, s, box(1), fmt.Sprint(i, large))
	}
	put(t, s, box(2), "kept")
	if err := s.Ack(t.Context(), box(1), last); err != nil {
		t.Fatal(err)
	}
	path := s.cfg.Path
	if _, _, err := ledger.CompactFile(t.Context(), path, Layout, nil); !errors.Is(err, ErrInUse) {
		t.Errorf("open: got %v, want %v", err, ErrInUse)
	}
	s.stop()
	// What a crash left is no hindrance, and goes when the store is opened.
	if err := os.WriteFile(path+".compact", []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	told := int64(0)
	before, after, err := ledger.CompactFile(t.Context(), path, Layout, func(n int64) { told = n })
	if err != nil || before < 8_000_000 || after > 2<<20 || told == 0 {
		t.Errorf("got %d to %d bytes, %v; told of %d", before, after, err, told)
	}
	if err := os.WriteFile(path+".compact", []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := start(t, Config{Path: path})
	wantPeek(t, again, box(2), 0, "kept")
	if seq := put(t, again, box(1), "new"); seq != last+1 {
		t.Errorf("seq %d after %d", seq, last)
	}
	if _, err := os.Stat(path + ".compact"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half a copy is still there: %v", err)
	}
}

// CompactFile keeps all of a store with records of every sort.
func TestCompactKeepsAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "relay.db")
	if err := os.WriteFile(path, populate(t), 0o600); err != nil {
		t.Fatal(err)
	}
	before := reports(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	if _, _, err := ledger.CompactFile(ctx, path, Layout, func(int64) { cancel() }); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
	if _, _, err := ledger.CompactFile(t.Context(), path, Layout, nil); err != nil {
		t.Fatal(err)
	}
	if after := reports(t, path); after.Records != before.Records || after.Bytes != before.Bytes {
		t.Errorf("got %+v, want %+v", after, before)
	}
}
