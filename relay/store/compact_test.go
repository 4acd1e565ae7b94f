package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"quicnprotochat/relay/store/file"
)

// TestCompactOpen makes the file of a store small while some write to it and some
// read: nobody misses anything, and nobody else gets the file.
func TestCompactOpen(t *testing.T) {
	s := start(t, Config{})
	large := strings.Repeat("x", 200_000)
	var last uint64
	for i := range 40 {
		last = put(t, s, box(1), fmt.Sprint(i, large))
	}
	if err := s.Ack(t.Context(), box(1), last); err != nil {
		t.Fatal(err)
	}
	path := s.cfg.Path
	const writers = 8
	ctx, stop := context.WithCancel(t.Context())
	var acked [writers]int
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			in := box(byte(10 + w))
			for ctx.Err() == nil && acked[w] < 900 {
				seqs, err := s.Append(t.Context(), Depositor{}, []Inbox{in}, fmt.Append(nil, w, " ", acked[w]))
				if err != nil || seqs[0] != uint64(acked[w]+1) {
					t.Errorf("writer %d, payload %d: got %v, %v", w, acked[w], seqs, err)
					return
				}
				acked[w]++
			}
		})
		wg.Go(func() {
			for seen := 0; ctx.Err() == nil; {
				got, err := s.Peek(t.Context(), box(byte(10+w)), 0, 0, 1<<30)
				if err != nil || len(got) < seen {
					t.Errorf("reader %d: %d after %d, %v", w, len(got), seen, err)
					return
				}
				seen = len(got)
			}
		})
	}
	for i := range 4 {
		before, after, err := s.Compact(t.Context())
		if err != nil || i == 0 && (before < 8_000_000 || after > before/2) {
			t.Errorf("compact: got %d to %d bytes, %v", before, after, err)
		}
	}
	stop()
	wg.Wait()
	if _, err := file.Open(path); !errors.Is(err, ErrInUse) {
		t.Errorf("another one gets the file: %v", err)
	}
	if _, _, err := s.Compact(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
	if err := s.Snapshot(t.Context(), func(int64) (io.Writer, error) { return io.Discard, nil }); err != nil {
		t.Errorf("snapshot of the new file: %v", err)
	}
	s.stop()
	if _, _, err := s.Compact(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: got %v", err)
	}
	if _, err := os.Stat(path + ".compact"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a copy is left: %v", err)
	}

	again := start(t, Config{Path: path})
	for w, n := range acked {
		got, err := again.Peek(t.Context(), box(byte(10+w)), 0, 0, 1<<30)
		if err != nil || len(got) != n {
			t.Errorf("writer %d: %d of %d are there, %v", w, len(got), n, err)
		}
	}
	if seq := put(t, again, box(1), "new"); seq != last+1 {
		t.Errorf("seq %d after %d", seq, last)
	}
}
