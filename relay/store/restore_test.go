package store

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"quicnprotochat/rpc"
)

// A backup that is put back gives no sequence and hands out no key package that
// was given since it was made, also if it is put back twice or the clock went
// back.
func TestMarkRestored(t *testing.T) {
	clk := newClock()
	dir := t.TempDir()
	cfg := Config{Path: filepath.Join(dir, "relay.db"), Now: clk.now}
	backup := filepath.Join(dir, "backup.db")
	owner := rpc.Identity{1}
	s := start(t, cfg)
	add := func(p KeyPackage) {
		t.Helper()
		if err := s.AddKeyPackage(t.Context(), owner, p); err != nil {
			t.Fatal(err)
		}
	}
	take := func() string {
		t.Helper()
		h, err := s.TakeKeyPackage(t.Context(), owner, true)
		if err != nil {
			t.Fatal(err)
		}
		return string(h.Data)
	}
	later := clk.now().Add(1000 * time.Hour)
	add(kp("one", later, false))
	add(kp("two", later, false))
	add(kp("last", later, true))
	put(t, s, box(1), "before")
	s.stop()
	copyFile(t, cfg.Path, backup)
	given := map[Inbox]uint64{}
	for _, step := range []time.Duration{0, time.Minute, -time.Hour, 2 * time.Hour} {
		s = start(t, cfg)
		for i := range 20 {
			in := box(byte(1 + i%3))
			seq := put(t, s, in, "after")
			if seq <= given[in] || seq >= 1<<53 {
				t.Errorf("step %v: sequence %d of an inbox after %d", step, seq, given[in])
			}
			given[in] = seq
		}
		if got := take(); given[box(1)] > 1<<20 && got != "last" {
			t.Errorf("step %v: handed out %q", step, got)
		}
		audit(t, s.Store)
		s.stop()
		if step >= 0 {
			copyFile(t, backup, cfg.Path)
		}
		clk.add(step)
		if err := MarkRestored(cfg.Path, clk.now()); err != nil {
			t.Fatal(err)
		}
	}
	s = start(t, cfg)
	add(kp("two", later, false)) // its owner did not hear that it was taken
	if got := take(); got != "last" {
		t.Errorf("handed out %q", got)
	}
	add(kp("three", later, false))
	if got := take(); got != "three" {
		t.Errorf("handed out %q", got)
	}
	got, err := s.Peek(t.Context(), box(1), 0, 1, 1000)
	if err != nil || len(got) != 1 || got[0].Seq != 1 {
		t.Errorf("what the backup held: %v, %v", got, err)
	}
	sweepAll(t, s)
	audit(t, s.Store)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
